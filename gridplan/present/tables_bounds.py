"""Borders in words: a row for each community and zone, and, where asked for, each cell."""

from __future__ import annotations

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.tables_zones import system_label
from gridplan.present.words import same

CELL = "cell"

_LEVELS = {
    "community": Message(en="community", zh="社区"),
    CELL: Message(en="cell", zh="单元网格"),
}
_ZONE = Message(en="zone", zh="责任区")

HEADINGS = {
    "of_level": Message(en="unit", zh="类别"),
    "bounded": Message(en="name or code", zh="名称或编码"),
    "east": Message(en="east to", zh="东至"),
    "south": Message(en="south to", zh="南至"),
    "west": Message(en="west to", zh="西至"),
    "north": Message(en="north to", zh="北至"),
    "named_share": Message(en="along named lines", zh="有名界线比例"),
}
"""Headings of both tables."""


def bounds_table(plan: Plan) -> pd.DataFrame:
    """Return the borders of communities and zones in words; empty for an older plan."""
    return _table(plan, cells=False)


def cell_bounds_table(plan: Plan) -> pd.DataFrame:
    """Return the borders of cells in words, where the plan has them, in the order of codes."""
    table = _table(plan, cells=True)
    if not len(table):
        return table
    codes = [one.en for one in table["bounded"]]
    order = sorted(range(len(codes)), key=codes.__getitem__)
    return table.iloc[order].reset_index(drop=True)


def _table(plan: Plan, *, cells: bool) -> pd.DataFrame:
    found = plan.layers.get("bounds_words")
    if found is None:
        return pd.DataFrame()
    names, systems = _names(plan), _systems(plan)
    rows = []
    wanted = found[(found["level"] == CELL) == cells]
    for (level, unit), own in wanted.groupby(["level", "unit_id"], sort=False):
        told = {
            side: Message(en=str(en), zh=str(zh))
            for side, zh, en in zip(own["side"], own["text_zh"], own["text_en"], strict=True)
        }
        named = (own["named_share"].fillna(0.0) * own["length_m"]).sum() / own["length_m"].sum()
        rows.append(
            {
                "of_level": systems.get(str(unit), _ZONE)
                if level == "zone"
                else _LEVELS.get(str(level), same(str(level))),
                "bounded": same(names.get((str(level), str(unit)), str(unit))),
                **told,
                "named_share": float(named),
            }
        )
    return pd.DataFrame(rows, columns=list(HEADINGS) if rows else None)


def _names(plan: Plan) -> dict[tuple[str, str], str]:
    keys = (("community", "community_id", "name"), ("zone", "zone_id", "name"),
            (CELL, "cell_uid", "cell_id"))  # fmt: skip
    return {
        (level, str(unit)): str(name)
        for (level, key, called), layer in zip(keys, ("communities", "zones", "cells"), strict=True)
        for unit, name in zip(plan.layer(layer)[key], plan.layer(layer)[called], strict=True)
        if not pd.isna(name)
    }


def _systems(plan: Plan) -> dict[str, Message]:
    """Return what the system of each zone is called."""
    zones = plan.layer("zones")
    return {
        str(zone): system_label(str(system))
        for zone, system in zip(zones["zone_id"], zones["zone_system"], strict=True)
    }
