"""What a planner should know of a zone system, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.errors import Message, Note, agreed, amount, counted, first_ids, ids_zh
from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.estates import EstateGroups
from gridplan.zones.land import zone_sums

_ROUNDING = 1e-9
_PROVEN = 1e-5


@dataclass(frozen=True, slots=True)
class Fewest:
    """
    Land (a community; "": all) with so many zones, of which so many must be beyond at least.

    By one of the weights, by its number; ``normed``: only with as many zones on each piece of
    land as the norm has.
    """

    name: str
    zones: int
    beyond: int
    weight: int = 0
    normed: bool = False


ParcelReason = Literal["water", "gap", "given", "kept"]
"""What parts land from the rest of its community."""

_UNDIVIDED = Message(
    en=", which no number of zones divides within what is allowed",
    zh="，分为任何个数均超出允许范围",
)
_PARTED: Mapping[ParcelReason, Message] = {
    "water": Message(
        en="{load} on land that joins the rest at most by water that other zones cross"
        + _UNDIVIDED.en,
        zh="所在用地合计 {load}，至多经由其他分区所跨越的水面与其余用地相连" + _UNDIVIDED.zh,
    ),
    "gap": Message(
        en="{load} on land that has no border with other cells of its community (a gap of the "
        "grid, or the boundary, parts it off)" + _UNDIVIDED.en,
        zh="所在用地合计 {load}，与本社区其他网格无公共边（被网格空隙或辖区边界隔开）"
        + _UNDIVIDED.zh,
    ),
    "kept": Message(
        en="{load} on land that kept zones part from the rest" + _UNDIVIDED.en,
        zh="所在用地合计 {load}，被保留的给定分区与其余用地隔开" + _UNDIVIDED.zh,
    ),
    "given": Message(
        en="{load} in a zone that was given and is kept as it is",
        zh="合计 {load}，为给定且保持不变的分区",
    ),
}


@dataclass(frozen=True, slots=True)
class CutOff:
    """
    Zones that have land to themselves which no number of zones divides evenly, and its load.

    By one of the weights, by its number; ``why``: what parts it from other land of its
    community.
    """

    zones: tuple[str, ...]
    load: float
    why: ParcelReason = "water"
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """
    What is proven of zones that miss a tolerance.

    Attributes
    ----------
    evenest : float
        A bound on how even zones can be, in tolerances; above 1: none are within.
    fewest : tuple of Fewest
        Land of which some zones must be beyond.
    cut_off : tuple of CutOff
    held : dict of weight, by its number, to dict of zone to text
        The one thing that keeps a zone beyond what is allowed, of zones not on such land.
    """

    evenest: float = 0.0
    fewest: tuple[Fewest, ...] = ()
    cut_off: tuple[CutOff, ...] = ()
    held: dict[int, dict[str, str]] = field(default_factory=dict)


_NO_PROOF = Proof()


def weight_notes(weights: pd.DataFrame) -> tuple[Note, ...]:
    """Return a note on weights that are 0 in all cells, which nothing can be balanced on."""
    empty = [str(name) for name in weights if not weights[name].any()]
    if not empty:
        return ()
    instead = len(empty) == weights.shape[1]
    message = Message(
        en=f"All cells have 0 of {first_ids(empty)}; it is not balanced."
        + (" The zones are balanced on area instead." if instead else ""),
        zh=f"全部单元网格的 {ids_zh(empty)} 均为 0，不参与均衡。"
        + ("改按面积均衡划分责任区。" if instead else ""),
    )
    return (Note("zones_weight_empty", len(empty), message, tuple(empty)),)


def estate_notes(
    own: gpd.GeoDataFrame, column: str, loads: pd.DataFrame, found: EstateGroups, most: Floats
) -> Iterator[Note]:
    """Yield notes on estates that alone are more than a zone may have: split, or indivisible."""
    names = sorted({str(one) for one in own[column].dropna()})
    split = tuple(names[code] for code in found.divided)
    if split:
        message = Message(
            en=f"{counted(len(split), 'estate', 'estates')} with more than a zone may have: "
            f"split along the inner roads, and where these do not suffice along borders of cells, "
            f"into groups of whole buildings: {first_ids(split)}.",
            zh=f"{len(split)} 个小区超过单个责任区的上限，沿小区内部道路（不足时沿网格边界）"
            f"分为若干整栋组团：{ids_zh(split)}。",
        )
        yield Note("zones_estate_divided", len(split), message, split)
    if not found.heavy:
        return
    told_en, told_zh, ids = [], [], []
    for cell in found.heavy:
        estate, uid = own[column].iloc[cell], str(own["cell_uid"].iloc[cell])
        value = loads.iloc[cell].to_numpy(dtype=np.float64)
        at = int((value / most[cell]).argmax())
        told_en.append(f"{estate} (cell {uid}: {amount(value[at])} {loads.columns[at]}, "
                       f"at most {amount(most[cell, at])})")  # fmt: skip
        told_zh.append(f"{estate}（网格 {uid}：{loads.columns[at]} {amount(value[at])}，"
                       f"上限 {amount(most[cell, at])}）")  # fmt: skip
        ids.append(str(estate))
    estates = tuple(dict.fromkeys(ids))
    message = Message(
        en=f"{counted(len(ids), 'cell', 'cells')} of estates alone with more than a zone may "
        f"have, and nothing divides these: {first_ids(told_en)}. Their zones are indivisible "
        f"estates beyond the tolerance.",
        zh=f"{len(ids)} 个小区网格单独即超过责任区上限且无法再分：{ids_zh(told_zh)}。"
        f"其所在责任区属容差之外的不可分小区。",
    )
    yield Note("zones_estate_indivisible", len(estates), message, estates)


def given_note(divided: tuple[str, ...]) -> tuple[Note, ...]:
    """Return a note on estates with cells that are locked to several zones."""
    if not divided:
        return ()
    message = Message(
        en=f"{counted(len(divided), 'estate lies', 'estates lie')} across zones that are "
        f"given, and divided there, for the cells of given zones stay with them: "
        f"{first_ids(divided)}.",
        zh=f"{len(divided)} 个小区跨越给定分区，网格以给定分区为准，小区在该处分开："
        f"{ids_zh(divided)}。",
    )
    return (Note("zones_estate_given", len(divided), message, divided),)


def attached_note(
    own: gpd.GeoDataFrame, unit: Ints, joints: list[tuple[int, int]]
) -> tuple[Note, ...]:
    """Return a note on islands that were attached to land they do not touch."""
    if not joints:
        return ()
    first = own["cell_uid"].to_numpy(dtype=str)[np.unique(unit, return_index=True)[1]]
    pairs = tuple(f"{first[a]}/{first[b]}" for a, b in joints)
    message = Message(
        en=f"{counted(len(pairs), 'island goes', 'islands go')} with the nearest cell: "
        f"{first_ids(pairs)}. Nothing borders on them, and their zones are connected only so.",
        zh=f"{len(pairs)} 处孤岛与其余用地不相邻，并入最近的网格：{ids_zh(pairs)}。"
        f"其责任区仅以此相连。",
    )
    return (Note("zones_island_attached", len(pairs), message, pairs),)


def missed_tolerances(
    own: gpd.GeoDataFrame,
    loads: pd.DataFrame,
    zone: Ints,
    unit: Ints,
    *,
    names: list[str],
    bounds: tuple[Floats, Floats],
    proof: Proof = _NO_PROOF,
) -> tuple[Note, ...]:
    """
    Return a note per weight of the zones beyond what is allowed, the worst first.

    Parameters
    ----------
    own : GeoDataFrame
        Cells with ``cell_uid``.
    loads : DataFrame, shape (n, w)
    zone, unit : array of int, shape (n,)
        Of each cell.
    names : list of str, length k
    bounds : two arrays of float, shape (k, w)
        Least and most of each zone and weight.
    proof : Proof
    """
    notes: list[Note] = []
    least, most = bounds
    for at, name in enumerate(loads):
        value = loads[name].to_numpy(dtype=np.float64)
        load = zone_sums(value, zone, len(names))
        mean = math.fsum(value) / len(names)
        beyond = np.maximum(load - most[:, at], least[:, at] - load)
        off = np.flatnonzero(beyond > _ROUNDING * mean)
        if not len(off):
            continue
        order = sorted(off.tolist(), key=lambda one: (-beyond[one], names[one]))
        worst = order[0]
        en, zh = _cause(own, value, unit, zone == worst, float(most[worst, at]))
        proof_en, proof_zh = _fewest([one for one in proof.fewest if one.weight == at], len(off))
        if not notes:
            # It is of all weights together, and told once.
            all_en, all_zh = _evenest(len(names), proof.evenest, several=loads.shape[1] > 1)
            proof_en, proof_zh = all_en + proof_en, all_zh + proof_zh
        cut_en, cut_zh = _cut_off([one for one in proof.cut_off if one.weight == at])
        held_en, held_zh = _held([names[one] for one in order], proof.held.get(at, {}))
        proof_en, proof_zh = cut_en + held_en + proof_en, cut_zh + held_zh + proof_zh
        ids = tuple(names[one] for one in order)
        message = Message(
            en=f"{name}: {len(ids)} of {len(names)} zones "
            f"{agreed(len(ids), 'is', 'are')} beyond what is allowed: "
            f"{first_ids(ids)}. {ids[0]} binds: {amount(load[worst])}, allowed "
            f"{amount(least[worst, at])} to {amount(most[worst, at])}, the best that was "
            f"reached{en}.{proof_en}",
            zh=f"{name}：{len(names)} 个责任区中有 {len(ids)} 个超出允许范围：{ids_zh(ids)}。"
            f"偏差最大的是 {ids[0]}：{amount(load[worst])}，允许 {amount(least[worst, at])} 至 "
            f"{amount(most[worst, at])}，为所得最优{zh}。{proof_zh}",
        )
        notes.append(Note("zone_balance", len(ids), message, ids))
    return tuple(notes)


def _cut_off(lands: Sequence[CutOff]) -> tuple[str, str]:
    """Return which zones have land of their own that no number of zones divides evenly."""
    en = "".join(f" {', '.join(one.zones)}: {_PARTED[one.why].en.format(load=amount(one.load))}."
                 for one in lands)  # fmt: skip
    zh = "".join(f"{'、'.join(one.zones)}：{_PARTED[one.why].zh.format(load=amount(one.load))}。"
                 for one in lands)  # fmt: skip
    return en, zh


def _held(order: Sequence[str], held: Mapping[str, str]) -> tuple[str, str]:
    """Return which indivisible things keep zones beyond what is allowed, the worst zone first."""
    told = [f"{one} {held[one]}" for one in order if one in held]
    if not told:
        return "", ""
    en = (
        f" Single estates or cells keep {len(told)} of them so, too large by themselves, or too "
        f"much to give or to take: {first_ids(told)}."
    )
    zh = (
        f"其中 {len(told)} 个受单个不可分小区或网格所限（本身超限，或再并入、再让出即越限）："
        f"{ids_zh(told)}。"
    )
    return en, zh


def _fewest(told: Sequence[Fewest], beyond: int) -> tuple[str, str]:
    """Return how many of the zones beyond must be, if it is proven."""
    if not told:
        return "", ""
    least = sum(one.beyond for one in told)
    must_en = "all of them" if least == beyond else f"at least {least} of them"
    must_zh = "其全部" if least == beyond else f"其中至少 {least} 个"
    by_en, by_zh = (
        " (with as many zones on each piece of land as the norm has)",
        "（各块用地的分区数按规范值）",
    )
    en = ", ".join(f"{one.name or 'all land'} {one.beyond} of {one.zones}{by_en * one.normed}"
                   for one in told)  # fmt: skip
    zh = "、".join(f"{one.name or '全部用地'} {one.zones} 个中 {one.beyond} 个{by_zh * one.normed}"
                   for one in told)  # fmt: skip
    said = (
        f" It is proven that {must_en} must be, for nothing divides estates and cells further: "
        f"{en}."
    )
    return said, f"已证明{must_zh}必然超出（小区与网格不可再分）：{zh}。"


def _evenest(k: int, evenest: float, *, several: bool) -> tuple[str, str]:
    """Return that no zones are within what is allowed of all weights, if it is proven."""
    if evenest <= 1 + _PROVEN:
        return "", ""
    if not math.isfinite(evenest):
        return (
            f" It is proven that no {k} connected zones keep the rules at all.",
            f"已证明不存在遵守各项规则的 {k} 个连片责任区。",
        )
    all_en = " of all these loads at once" if several else ""
    all_zh = "（各项工作量同时计）" if several else ""
    en = (
        f" It is proven that no {k} connected zones are within what is allowed{all_en}; the "
        f"evenest miss their middle by {evenest:.2f} tolerances."
    )
    zh = (
        f"已证明 {k} 个连片责任区无法全部在允许范围内{all_zh}：最均衡者仍偏离中值 "
        f"{evenest:.2f} 倍容差。"
    )
    return en, zh


def _cause(
    own: gpd.GeoDataFrame, value: Floats, unit: Ints, inside: Flags, most: float
) -> tuple[str, str]:
    """Return that one unit alone is above the bound, where it is so."""
    sums = np.bincount(unit[inside], weights=value[inside])
    heaviest = int(sums.argmax())
    if sums[heaviest] <= most * (1 + _ROUNDING):
        return "", ""
    members = np.flatnonzero(unit == heaviest)
    uid = own["cell_uid"].iloc[int(members[0])]
    load = amount(sums[heaviest])
    if len(members) == 1:
        return f"; {load} are in cell {uid} alone", f"；其中单元网格 {uid} 独占 {load}"
    return (
        f"; {load} are in {len(members)} cells that stay together, {uid} among them",
        f"；其中 {len(members)} 个须保持完整的网格（含 {uid}）占 {load}",
    )
