"""A verification in the words of the dictionary: zone systems, and what zones share evenly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from gridplan.errors import Message, first_ids, ids_zh
from gridplan.present.zone_limits import range_text
from gridplan.present.zone_weights import weight_word
from gridplan.terms import known, term
from gridplan.verify import Finding, Report
from gridplan.zone_words import held_words

_ZONE = re.compile(r"(?P<system>[^\s/]+)/(?P<zone>[^\s/]+)(?P<rest>.*)", re.DOTALL)
_LOADED = re.compile(r" \((?P<weight>\w+) (?P<load>[\d.,]+)(?:; (?P<held>.+))?\)")
_WEIGHT = re.compile(r" (?P<weight>\w+)")
_DECIMALS = 6
_COLUMNS = ("zone_system", "zone_id", "load_kind", "least", "most")
_SPAN = re.compile(r"(?<=[(（])[\d.,]+–[\d.,]+")
Limits = Mapping[tuple[str, str, str], tuple[float, float]]
"""Least and most by system, zone and load."""


def in_words(report: Report, layers: Mapping[str, pd.DataFrame]) -> Report:
    """
    Return a verification whose sentences name zone systems and loads as the dictionary does.

    Each zone beyond what is allowed is told with its own range, from the table `zone_loads`,
    which the verification has compared with what it counts itself. Ids stay as they are.
    """
    limits, cells = _limits(layers), _cells(layers)
    told = tuple(_worded(one, limits, cells) for one in report.findings)
    return replace(report, findings=told)


def _worded(one: Finding, limits: Limits, cells: frozenset[str]) -> Finding:
    words = [_id_words(name, limits, cells) for name in one.ids]
    en, zh = first_ids([word.en for word in words]), ids_zh([word.zh for word in words])
    message = Message(
        en=one.message.en.replace(first_ids(one.ids), en, 1),
        zh=one.message.zh.replace(ids_zh(one.ids), zh, 1),
    )
    if one.rule == "zone_unbalanced":
        message = _with_span(message, one.ids[0], limits)
    return replace(one, message=message)


def _with_span(message: Message, name: str, limits: Limits) -> Message:
    """Return a sentence with the range of all zones of a system, as the report has it."""
    found = _ZONE.fullmatch(name)
    loaded = None if found is None else _LOADED.fullmatch(found["rest"])
    if found is None or loaded is None:
        return message
    own = {span for (system, _, weight), span in limits.items()
           if (system, weight) == (found["system"], loaded["weight"])}  # fmt: skip
    if not own:
        return message
    whole = range_text(min(one for one, _ in own), max(one for _, one in own))
    parts = len({(round(least, _DECIMALS), round(most, _DECIMALS)) for least, most in own}) > 1
    en, zh = (f"{whole} by community", f"{whole}，按社区") if parts else (whole, whole)
    return Message(en=_SPAN.sub(en, message.en, count=1), zh=_SPAN.sub(zh, message.zh, count=1))


def _id_words(name: str, limits: Limits, cells: frozenset[str]) -> Message:
    """Return one id of a finding in words; what is no zone of a system stays as it is."""
    found = _ZONE.fullmatch(name)
    if found is None or not (known(found["system"], "kind") or _names_a_load(found["rest"])):
        return Message(en=name, zh=name)
    system = _system(found["system"])
    rest = _rest_words(found["rest"], (found["system"], found["zone"]), limits, cells)
    return Message(
        en=f"{system.en} {found['zone']}{rest.en}", zh=f"{system.zh} {found['zone']}{rest.zh}"
    )


def _names_a_load(rest: str) -> bool:
    return _LOADED.fullmatch(rest) is not None


def _system(name: str) -> Message:
    return term(name, "kind").message if known(name, "kind") else Message(en=name, zh=name)


def _rest_words(rest: str, key: tuple[str, str], limits: Limits, cells: frozenset[str]) -> Message:
    """Return what is told of a zone, after its id."""
    if plain := _WEIGHT.fullmatch(rest):
        word = weight_word(plain["weight"])
        return Message(en=f" {word.en}", zh=f" {word.zh}")
    found = _LOADED.fullmatch(rest)
    if found is None:
        return Message(en=rest, zh=rest)
    word, load = weight_word(found["weight"]), found["load"]
    en, zh = f"{load} {word.en}", f"{word.zh} {load}"
    if bounds := limits.get((*key, found["weight"])):
        span = range_text(*bounds)
        en, zh = f"{en}, allowed {span}", f"{zh}，允许 {span}"
    if found["held"]:
        held = held_words(found["held"], word, cells=cells)
        en, zh = f"{en}; beyond {held.en}", f"{zh}；{held.zh}即越限"
    return Message(en=f" ({en})", zh=f"（{zh}）")


def _limits(layers: Mapping[str, pd.DataFrame]) -> Limits:
    table: Any = layers.get("zone_loads")
    if table is None or not set(_COLUMNS) <= set(table):
        return {}
    bounds = table[["least", "most"]].apply(pd.to_numeric, errors="coerce")
    sound = bounds.notna().all(axis=1)
    rows = zip(
        *(table.loc[sound, one].astype(str) for one in _COLUMNS[:3]),
        *(bounds.loc[sound, one] for one in _COLUMNS[3:]),
        strict=True,
    )
    return {(a, b, c): (least, most) for a, b, c, least, most in rows}


def _cells(layers: Mapping[str, pd.DataFrame]) -> frozenset[str]:
    cells = layers.get("cells")
    if cells is None or "cell_uid" not in cells:
        return frozenset()
    return frozenset(cells["cell_uid"].dropna().astype(str))
