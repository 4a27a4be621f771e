"""One zone system: cells into connected zones, several loads, communities, anchors, locks."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.errors import InfeasibleError, Message, Note, counted
from gridplan.siting.options import Limits
from gridplan.siting.search import Effort
from gridplan.zones.contiguity import Ints
from gridplan.zones.overland import zones_across
from gridplan.zones.overland_notes import across_note
from gridplan.zones.system_asked import Asked, asked_of, even_number
from gridplan.zones.system_exact import Evenest, evenest, imbalance_of
from gridplan.zones.system_fewest import fewest_beyond, kept_beyond
from gridplan.zones.system_mend import mended
from gridplan.zones.system_notes import Fewest, Proof, missed_tolerances
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_report import system_balance, system_exceptions, system_names
from gridplan.zones.system_rules import SystemPlan, SystemRules
from gridplan.zones.system_seeds import room_for_zones
from gridplan.zones.system_settle import cut_off
from gridplan.zones.system_solve import Run, SystemProgress, solved

DEFAULT = SystemOptions()
_NO_RULES = SystemRules()
_NO_PROOF = Proof()
_FEW = 12
"""So few units are decided by a model where the search misses a tolerance."""
_PROOF = Limits(work=400)
_NUMBERING = Limits(work=3_000)
"""Work for each number of zones of whole communities."""
_FEWEST, _MOST = 4, 11
"""Numbers of zones that offices have in practice."""
_ROUNDING = 1e-6


_ONE_BRIDGE = " by one bridge over each cell of a canal", "在每个河道网格只用一座桥的前提下，"
"""What numbers of zones that can be hold for, where bridges are left out."""


def zone_system(
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    *,
    rules: SystemRules = _NO_RULES,
    options: SystemOptions = DEFAULT,
    progress: SystemProgress | None = None,
) -> SystemPlan:
    """
    Partition cells into connected zones of even loads, under the rules of a system.

    Cells that stay together (estates, communities) become units; pieces of land between
    which there is no way get zones of their own. Several starts, by bisection or grown
    from anchors and locked cells, are improved by annealing of border moves; the best is
    kept: first the least excess beyond what is allowed, then the least sum of uneven
    loads and ragged shapes.

    Parameters
    ----------
    cells : GeoDataFrame
        ``cell_uid`` (text, unique), polygons with matching vertices, ``community_id``
        where zones nest in communities, and the column of estates. Not changed.
    weights : DataFrame, indexed by ``cell_uid`` in any order
        One column per load, 0 or more; the first one decides on `k` and `band`.
    rules : SystemRules, optional
    options : SystemOptions, optional
    progress : callable, optional
        Called with the share of the work that is done and the excess of the best zones.

    Returns
    -------
    SystemPlan
        The same for any order of the rows. A tolerance that is not met is no error.

    Raises
    ------
    CrsError, InputError
        If ids or weights are missing, repeated or negative, or an anchor or a locked
        cell is not among the cells.
    SettingsError
        If only the settings are at fault.
    InfeasibleError
        If there are fewer units than zones, more pieces of land, or anchors and locks
        contradict each other.
    """
    plan = _planned(cells, weights, rules, options, progress)
    if plan.targets_missed and rules.locked and rules.anchors and plan.stopped_by is None:
        plan, options = _or_shared(plan, cells, weights, rules, options, progress)
    bridges = rules.bridges
    if plan.across and bridges is not None and len(bridges.cell) and plan.stopped_by is None:
        # Some zone may reach along water: once more, with one bridge over each cell of it.
        strict = replace(rules, bridges=replace(bridges, always=True))
        other = _planned(cells, weights, strict, options, progress)
        if len(other.across) < len(plan.across):
            plan = other
    return plan


def _or_shared(
    plan: SystemPlan,
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    rules: SystemRules,
    options: SystemOptions,
    progress: SystemProgress | None,
) -> tuple[SystemPlan, SystemOptions]:
    """Return a plan, or a better one whose anchors are in locked zones, with its options."""
    sharing = replace(options, shared=True)
    try:
        shared = _planned(cells, weights, rules, sharing, progress)
    except InfeasibleError:
        # With cells between anchors and locked zones there may be no room for as many zones.
        return plan, options
    return (shared, sharing) if _excess(shared) < _excess(plan) else (plan, options)


def _excess(plan: SystemPlan) -> float:
    """Return by how much loads are beyond what is allowed, each as a share of that."""
    total = 0.0
    for least in [one for one in plan.balance.columns if str(one).endswith("_least")]:
        name = str(least).removesuffix("_least")
        load = plan.balance[name].to_numpy(dtype=np.float64)
        low, high = (plan.balance[f"{name}{one}"].to_numpy(float) for one in ("_least", "_most"))
        off = np.maximum(low - load, 0.0) + np.maximum(load - high, 0.0)
        total += float((off / np.where(high > 0, high, 1.0)).sum())
    return total


def _planned(
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    rules: SystemRules,
    options: SystemOptions,
    progress: SystemProgress | None,
) -> SystemPlan:
    asked, notes = _numbered(cells, weights, rules, options)
    # What is left beyond is mended round the zones that are, so that one repair of all will do,
    # and none where other numbers of zones are tried then.
    first = replace(options, starts=1) if options.mean_size is not None else options
    run = Run(first, progress, rounds=0 if options.mean_size else 1)
    zone = solved(
        asked.units, asked.ground.piece, asked.seeds.units, asked.zones_of_pieces, asked.aims, run
    )
    if any(one.rank[0] for one in run.pieces):
        asked, zone = mended(asked, run, options)
    proof = _proof(asked, zone, run)
    if imbalance_of(asked, proof.zone) <= 1 + _ROUNDING:
        zone = zone if proof.zone is None else proof.zone
    of_cell = zone[asked.ground.unit]
    names = system_names(asked.ground, of_cell, asked.seeds, asked.k, prefix=options.prefix)
    fewest: tuple[Fewest, ...] = ()
    held: dict[int, dict[str, str]] = {}
    land = cut_off(asked, names)
    if any(one.rank[0] for one in run.pieces):
        torn = np.array([names.index(one) for one in _across(asked, of_cell, names)], dtype=np.intp)
        fewest = fewest_beyond(asked, zone, options, across=torn)
        held = kept_beyond(asked, zone, names, land)
    return plan_of(
        cells,
        asked,
        of_cell,
        names,
        run,
        notes=notes,
        proof=Proof(proof.bound, fewest, land, held),
    )


def _proof(asked: Asked, zone: Ints, run: Run) -> Evenest:
    """Return what a model says of few units whose zones miss a tolerance."""
    missed = imbalance_of(asked, zone) > 1 + _ROUNDING
    if not missed or asked.ground.land.count > _FEW or run.stopped_by is not None:
        return Evenest(0.0)
    found = evenest(asked, Effort(_PROOF))
    if asked.ground.bridged:
        found = replace(found, bound=0.0)
    # The zones of the model are numbered by their first unit, those of seeds come first.
    return replace(found, zone=None) if asked.seeds.units else found


def _numbered(
    cells: gpd.GeoDataFrame, weights: pd.DataFrame, rules: SystemRules, options: SystemOptions
) -> tuple[Asked, tuple[Note, ...]]:
    """Return what is asked for; of whole communities, the nearest number that can be even."""
    asked = asked_of(cells, weights, rules, options)
    units = asked.ground.land.count
    if options.nest == "free" and not (options.k or options.mean_size or asked.seeds.units):
        k = even_number(asked, options)
        if not k:
            return asked, ()
        message = Message(
            en=f"{counted(asked.k, 'zone is', 'zones are')} proposed by the norm. Water, a "
            f"railway or a motorway divides "
            f"the land, and not all of it can be even in so many; {k} is the nearest number of "
            f"zones that can be.",
            zh=f"按标准建议 {asked.k} 个分区；因水系、铁路或高速公路分隔，各块用地无法按此数量均衡"
            f"划分，可行的最接近数量为 {k} 个。",
        )
        other = asked_of(cells, weights, rules, replace(options, proposed=k))
        return other, (Note("zones_number_even", k, message),)
    if options.k or options.band is not None or options.nest != "unions" or units > _FEW:
        return asked, ()
    least = len(asked.quota) if not asked.seeds.units else max(asked.k, 1)
    room = int(room_for_zones(asked.seeds, asked.ground.piece).sum())
    numbers = range(max(_FEWEST, least), min(_MOST, room) + 1)
    for k in sorted(numbers, key=lambda one: (abs(one - asked.k), one)):
        other = asked if k == asked.k else asked_of(cells, weights, rules, replace(options, k=k))
        found = evenest(other, Effort(_NUMBERING))
        if found.zone is None or imbalance_of(other, found.zone) > 1 + _ROUNDING:
            continue
        if k == asked.k:
            return asked, ()
        by_en, by_zh = _ONE_BRIDGE if asked.ground.bridged else ("", "")
        message = Message(
            en=f"{counted(asked.k, 'zone is', 'zones are')} proposed by the norm, but no {asked.k} "
            f"connected zones of whole communities are within the tolerances{by_en}; {k} is the "
            f"nearest number of "
            f"zones that can be.",
            zh=f"按标准建议 {asked.k} 个责任区，但{by_zh}以整社区组成的 {asked.k} 个连片责任区"
            f"无法满足容差；可行的最接近数量为 {k} 个。",
        )
        return other, (Note("zones_number_even", k, message),)
    return asked, ()


def plan_of(
    cells: gpd.GeoDataFrame,
    asked: Asked,
    of_cell: Ints,
    names: list[str],
    run: Run,
    *,
    notes: tuple[Note, ...] = (),
    proof: Proof = _NO_PROOF,
) -> SystemPlan:
    """Return the plan that the zones of the cells are, in the order of the cells as given."""
    own, ground, aims = asked.own, asked.ground, asked.aims
    zone_of = pd.Series(np.array(names, dtype=object)[of_cell], index=own["cell_uid"])
    across = _across(asked, of_cell, names)
    return SystemPlan(
        zone_of=zone_of.reindex(cells["cell_uid"]).rename("zone_id"),
        balance=system_balance(
            own, ground, of_cell, names, asked.seeds, bounds=(aims.least, aims.most)
        ),
        k=len(names),
        work=run.work,
        targets_missed=missed_tolerances(
            own,
            ground.loads,
            of_cell,
            ground.unit,
            names=names,
            bounds=(aims.least, aims.most),
            proof=proof,
        ),
        notes=(*notes, *ground.notes, *across_note(across)),
        exceptions=system_exceptions(own, ground, of_cell, names, aims.most),
        stopped_by=run.stopped_by,
        across=tuple(across),
        proven=sum(one.beyond for one in proof.fewest if not one.weight),
        cut_off=tuple(name for one in proof.cut_off if not one.weight for name in one.zones),
    )


def _across(asked: Asked, of_cell: Ints, names: list[str]) -> list[str]:
    """Return the zones that do not hang together over land, sorted."""
    parted, carried = asked.rules.parted, asked.ground.carried
    if parted is None or carried is None:
        return []
    torn = zones_across(
        asked.ground.cells.graph, parted, asked.rules.bridges,
        carried=carried, home=asked.ground.home, zone=of_cell, k=len(names),
    )  # fmt: skip
    return sorted(names[own] for own in torn)
