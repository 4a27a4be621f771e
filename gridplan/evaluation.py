"""Figures of a plan: walks, cells, zones, the siting, what was missed, what to be careful of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gridplan.access import (
    NO_COMMITTEE,
    AccessOptions,
    Basis,
    access_figures,
    equity_figures,
    minutes_figures,
)
from gridplan.errors import Message, Note, counted
from gridplan.geometry import Floats

_LOW, _MIDDLE, _HIGH = 0.05, 0.5, 0.95
_NOBODY_REACHED = Message(
    en="No resident reaches any committee, room or candidate site on foot, so that no room can be "
    "placed. See the reasons in `demand`, and check the streets, gates and [network].max_leg_m.",
    zh="没有居民能步行到达任何居委会、活动室或候选点，无法选址。"
    "请查看 demand 图层中的原因，并检查道路、出入口与 [network].max_leg_m。",
)


def cell_figures(cells: pd.DataFrame) -> dict[str, Any]:
    """Return count, 5th percentile, median and 95th percentile of area, exceptions by kind."""
    area_m2 = cells["area_m2"].to_numpy(dtype=float)
    low, middle, high = np.quantile(area_m2, [_LOW, _MIDDLE, _HIGH])
    kinds = cells["exception"].dropna().value_counts().sort_index()
    return {
        "count": len(cells),
        "area_p5_m2": float(low),
        "area_median_m2": float(middle),
        "area_p95_m2": float(high),
        "exceptions": {str(kind): int(count) for kind, count in kinds.items()},
    }


def walk_figures(
    demand: pd.DataFrame,
    *,
    norms_m: Sequence[float],
    bases: Mapping[str, Basis],
    step_free_m: Floats,
    options: AccessOptions,
    unknown_walls: Collection[str] = (),
    kappa_per_m: float | None = None,
) -> dict[str, dict[str, Any]]:
    """
    Return the blocks ``access`` and ``access_after`` of the summary, and ``access_assigned``.

    The last one, of the walks to the places that residents are given, only where floor area is a
    hard limit.

    Parameters
    ----------
    demand : DataFrame
        The layer `demand` of a plan.
    bases : mapping
        ``committee`` and ``room``: the walks with their straight lines; ``assigned`` where
        residents are given a room.
    step_free_m : float array
        Walks to the own committee without stairs.
    options : AccessOptions
    unknown_walls : ids of estates of which nobody knows whether they are walled
        Where the walk has been measured both ways, ``access`` has ``walls_unknown``: how many
        estates and residents, and the figures of all residents with those walls ``open``
        (as everywhere else) and ``walled``.
    kappa_per_m : float, optional
        The aversion per metre of the equivalent walks, so that those of one run are compared;
        not given: each block has that of its own walks (`kolm_pollak_ede`).
    """
    residents = demand["population"].fillna(0).astype("int64")

    def figures(metres: pd.Series[float], reasons: pd.Series[str]) -> dict[str, Any]:
        return access_figures(metres, reasons, residents, norms_m=norms_m)

    def equity(basis: Basis) -> dict[str, Any]:
        return equity_figures(
            basis,
            residents,
            norms_m=norms_m,
            aversion=options.aversion,
            kappa_per_m=kappa_per_m,
        )

    nearest = figures(demand["nearest_committee_m"], demand["nearest_committee_reason"])
    access = {
        "basis": "committee_m",
        **figures(demand["committee_m"], demand["committee_reason"]),
        **equity(bases["committee"]),
        "minutes": minutes_figures(
            bases["committee"].metres, step_free_m, residents, speeds=options.speeds
        ),
        "nearest": nearest,
        "before": figures(demand["room_before_m"], demand["room_before_reason"]),
    }
    if "committee_walled_m" in demand:
        own = demand["estate_id"].isin(unknown_walls)
        access["walls_unknown"] = {
            "estates": len(unknown_walls),
            "residents": int(residents[own].sum()),
            "open": figures(demand["committee_open_m"], demand["committee_reason"]),
            "walled": figures(demand["committee_walled_m"], demand["committee_walled_reason"]),
        }
    with_plan = {"access_after": "room", "access_assigned": "assigned"}
    return {
        "access": access,
        **{
            block: {**figures(demand[f"{walk}_m"], demand[f"{walk}_reason"]), **equity(bases[walk])}
            for block, walk in with_plan.items()
            if walk in bases
        },
    }


def resident_figures(demand: pd.DataFrame, groups: Sequence[str]) -> dict[str, Any]:
    """Return all residents, how many were placed in a home, and the groups."""
    population = demand["population"].fillna(0).astype("int64")
    placed = demand["reason"].isna()
    register = demand["population_register"]
    return {
        "residents": int(population.sum()),
        "residents_placed": int(population[placed].sum()),
        "residents_unplaced": int(population[~placed].sum()),
        "residents_register": None if register.isna().all() else int(register.sum()),
        "groups": {group: int(demand[group].fillna(0).sum()) for group in groups},
    }


def targets_missed(
    summary: Mapping[str, Any], *, notes: Sequence[Note] = ()
) -> list[dict[str, str]]:
    """
    Return the soft targets that the plan does not meet, as sentences.

    Parameters
    ----------
    notes : sequence of Note
        What zones say of their balance, with the cell that binds, and a budget that buys
        nothing.
    """
    missed = [_entry(note.code, note.message) for note in notes]
    if summary["siting"]["status"] == "infeasible":
        missed.append(_entry("siting", _NOBODY_REACHED))
    return missed


def caveats(summary: Mapping[str, Any], notes: Sequence[Message]) -> list[dict[str, str]]:
    """Return what a reader must know before trusting the figures, then the notes on the data."""
    found: list[Message] = []
    proofs, siting, place = summary["proofs"], summary["siting"], summary["place"]
    if proofs["buildings_cut"] and summary["cells"]["method"] == "square":
        found.append(
            Message(
                en=f"Square cells cut {counted(proofs['buildings_cut'], 'building', 'buildings')}.",
                zh=f"方格网切割了 {proofs['buildings_cut']:,} 栋建筑。",
            )
        )
    if summary["residents_unplaced"]:
        found.append(
            Message(
                en=f"{_residents(summary['residents_unplaced'])} of communities without "
                f"homes in the data: they have no distance.",
                zh=f"{summary['residents_unplaced']:,} 名居民所在社区没有住房数据，无法计算距离。",
            )
        )
    found += _without_own_committee(summary["access"])
    found += _between_walls(summary["access"])
    after = summary["access_after"]["unreachable_residents"]
    if after > 0:
        found.append(
            Message(
                en=f"No committee or room can be reached on foot by {_residents(after)}.",
                zh=f"{after:,} 名居民步行无法到达任何居委会或活动室。",
            )
        )
    assumed = siting.get("assumed_candidates")
    if assumed:
        found.append(
            Message(
                en=f"Assumed (the largest building of each estate), and by nobody checked on the "
                f"ground: {counted(assumed, 'candidate site', 'candidate sites')}.",
                zh=f"{assumed} 个候选点为假定（各小区最大建筑），未经实地核实。",
            )
        )
    if not place["codes_official"]:
        found.append(
            Message(
                en="Community codes are invented or place-holders, not official; so are the cell "
                "codes.",
                zh="社区编码为虚构码或占位码，并非正式编码；单元网格编码亦然。",
            )
        )
    return [
        *(_entry(f"caveat_{i}", message) for i, message in enumerate(found)),
        *(_entry(f"note_{i}", message) for i, message in enumerate(notes)),
    ]


def _without_own_committee(access: Mapping[str, Any]) -> list[Message]:
    """Say how many residents the mean walk to the own committee leaves out, by reason."""
    found = []
    none = access["missing"].get(NO_COMMITTEE, 0)
    if none:
        found.append(
            Message(
                en=f"No committee of their own: {_residents(none)}; the walk to the own "
                f"committee is that of the others.",
                zh=f"{none:,} 名居民所在社区没有居委会；到本社区居委会的距离不含这些居民。",
            )
        )
    lost = access["unreachable_residents"]
    if lost:
        found.append(
            Message(
                en=f"The own committee cannot be reached on foot by {_residents(lost)}.",
                zh=f"{lost:,} 名居民步行无法到达本社区居委会。",
            )
        )
    return found


def _between_walls(access: Mapping[str, Any]) -> list[Message]:
    """Give the mean walk as a range where walls are unknown."""
    walls = access.get("walls_unknown")
    if not walls:
        return []
    opened, walled = (_mean(walls[one]["mean_m"]) for one in ("open", "walled"))
    cut = walls["walled"]["unreachable_residents"] - walls["open"]["unreachable_residents"]
    cut_en = f", and {_residents(cut)} then have no walk" if cut > 0 else ""
    cut_zh = f"，另有 {cut:,} 名居民将无路可走" if cut > 0 else ""
    count = counted(walls["estates"], "estate is", "estates are")
    return [
        Message(
            en=f"Whether walls enclose them is not known: {count} concerned, with "
            f"{_residents(walls['residents'])}. The mean walk to the own committee is {opened.en} "
            f"if they are open, as the figures take them, and {walled.en} if they are walled, with "
            f"gates where streets enter{cut_en}. `gridplan fieldcheck` lists which to look at "
            f"first.",
            zh=f"{walls['estates']} 个小区（居民 {walls['residents']:,} 名）有无围墙不明：到本社区"
            f"居委会的平均步行，按开放计（本方案口径）为 {opened.zh}，按有围墙、仅在道路进入处"
            f"设出入口计为 {walled.zh}{cut_zh}。`gridplan fieldcheck` 列出应先核实的小区。",
        )
    ]


def _mean(metres: float | None) -> Message:
    if metres is None:
        return Message(en="unknown (nobody has a walk)", zh="无（无人有步行路线）")
    return Message(en=f"{metres:,.0f} m", zh=f"{metres:,.0f} 米")


def _residents(count: int) -> str:
    return counted(count, "resident", "residents")


def _entry(key: str, message: Message) -> dict[str, str]:
    return {"key": key, "en": message.en, "zh": message.zh}
