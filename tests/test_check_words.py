"""A verification speaks of zone systems and loads as the dictionary does."""

import pandas as pd
import pytest

from gridplan.errors import Message
from gridplan.present.check_words import in_words
from gridplan.verify import Report
from gridplan.verify.rules import finding
from gridplan.zone_words import held_words, with_held

HOUSEHOLDS = Message(en="households", zh="户数")
LAYERS = {
    "zone_loads": pd.DataFrame(
        {
            "zone_system": "social_grid",
            "zone_id": ["G05", "G12", "G13"],
            "load_kind": "households",
            "least": [411.12, 299.4, 299.4],
            "most": [502.48, 365.2, 365.2],
        }
    ),
    "cells": pd.DataFrame({"cell_uid": ["c40bb64274b2f"]}),
}


def worded(rule, ids, layers=LAYERS, **options):
    found = finding(rule, ids, layer="zones", **options)
    report = Report(tuple(found), {}, {}, ("zone_systems",), {})
    (one,) = in_words(report, layers).findings
    assert one.ids == tuple(ids)
    return one.message


def test_zones_beyond_have_their_system_their_load_and_their_own_range():
    told = worded(
        "zone_unbalanced",
        [
            "social_grid/G05 (households 628; − c40bb64274b2f 288)",
            "social_grid/G12 (households 288; + E031 340)",
        ],
        detail="299.4–502.48; 2 of them",
    )
    assert "G05 (628 households, allowed 411–502; beyond with cell c40bb64274b2f" in told.en
    assert (
        "社会治理网格 G12（户数 288，允许 299–365；再并入小区 E031（户数 340）即越限）" in told.zh
    )
    assert "(299–502 by community; 2 of them)" in told.en
    assert "households" not in told.zh
    assert "social_grid" not in told.zh


def test_other_findings_about_zones_are_in_words_too():
    told = worded("zone_load_differs", ["patrol/P03 households", "patrol/P04 effort"])
    assert "巡查网格 P03 户数、巡查网格 P04 巡查工作量（‰）" in told.zh
    assert "patrol grids P03 households" in told.en


def test_ids_that_are_no_zones_of_a_system_stay_as_they_are():
    for rule, ids in (("zone_empty", ["mine/7", "G05"]), ("zone_unknown", ["a b/c (d)"])):
        assert "、".join(ids) in worded(rule, ids).zh
    # Layers drawn by hand may have no table of loads, or one with other columns.
    for layers in ({}, {"zone_loads": pd.DataFrame({"zone_id": ["G05"]})}):
        told = worded("zone_unbalanced", ["mine/G05 (population 12.5)"], layers, detail="1–2")
        assert "mine G05 (12.5 residents)" in told.en


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        (
            "− c12 1,288.5",
            "with cell c12 (1,288.5 households) given away",
            "让出网格 c12（户数 1,288.5）",
        ),
        (
            "E003/c12 405",
            "for cell c12 of estate E003 alone (405 households)",
            "小区 E003 的网格 c12",
        ),
        ("c12 405", "for cell c12 alone (405 households)", "网格 c12 独占（户数 405）"),
        ("+ –", "with nothing that it could take", "无可并入者"),
        ("+ 幸福里 12", "with estate 幸福里 (12 households) added", "再并入小区 幸福里（户数 12）"),
    ],
)
def test_each_part_of_what_keeps_a_zone_beyond_is_named(text, en, zh):
    told = held_words(text, HOUSEHOLDS, cells={"c12"})
    assert told.en == en
    assert zh in told.zh


def test_the_sentence_of_a_run_names_the_parts_and_nothing_else_changes():
    note = Message(
        en="households: 3 of 9 zones are beyond: G12, G05, G1 …. G12 binds: 628, allowed 411 to "
        "502. So: G12 + E031 340, G05 E003/c12 1,405, G1 + –, G2 + E1 5 ….",
        zh="超出：G12, G05。G12：628。：G12 + E031 340, G05 E003/c12 1,405。",
    )
    told = with_held(note, ["G12", "G05", "G1"], HOUSEHOLDS, cells={"c12"})
    assert told.en.startswith(
        "households: 3 of 9 zones are beyond: G12, G05, G1 …. G12 binds: 628,"
    )
    assert told.en.endswith(
        "So: G12 with estate E031 (340 households) added, G05 for cell c12 of estate E003 alone "
        "(1,405 households), G1 with nothing that it could take, G2 + E1 5 …."
    )
    assert told.zh.endswith(
        "G12 再并入小区 E031（户数 340）, G05 小区 E003 的网格 c12 独占（户数 1,405）。"
    )
    assert with_held(note, [], HOUSEHOLDS) == note
