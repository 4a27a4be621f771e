"""A new plan near to an earlier one: few residents moved, and the targets met."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from gridplan.errors import InputError, Message, SettingsError, counted, first_ids, ids_zh
from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints, labelled_components
from gridplan.zones.rezone_fewest import fewest_moves
from gridplan.zones.rezone_start import (
    as_text,
    carried_on,
    earlier_of_units,
    earlier_quota,
    moving_mass,
    start_from,
)
from gridplan.zones.system import plan_of
from gridplan.zones.system_asked import Asked, asked_of
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemPlan, SystemRules
from gridplan.zones.system_solve import Run, SystemProgress, solved
from gridplan.zones.system_state import rank_of

_DEAREST = 1_000.0
"""Price of a zone's residents that move, in units of shape, where stability is all."""
_DEAR = 4.0
"""The same where stability and quality weigh the same."""
_LAND_BREAKS_TIES = 1e-6
_NO_RULES = SystemRules()
_OPTIONS = SystemOptions()
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Rezoning:
    """
    A new plan, and what it changes.

    Attributes
    ----------
    plan : SystemPlan
        Zones keep the id of the earlier zone with which they share the most residents,
        one to one; others have new ids.
    moved_residents : float
        Residents whose zone has another id than before; those of new cells do not count.
    moves : DataFrame
        ``cell_uid``, ``from_zone_id``, ``to_zone_id``, ``residents`` of the cells that
        change zone; sorted by ``cell_uid``.
    excess : float
        How far loads are beyond what is allowed, in tolerances, summed over zones.
    """

    plan: SystemPlan
    moved_residents: float
    moves: pd.DataFrame
    excess: float


def rezone(
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    earlier: pd.Series[str],
    *,
    stability: float = 0.5,
    rules: SystemRules = _NO_RULES,
    options: SystemOptions = _OPTIONS,
    progress: SystemProgress | None = None,
) -> Rezoning:
    r"""
    Return a plan that meets the targets and moves few residents out of their zones.

    The search begins with the earlier plan, made whole. First comes the least excess
    beyond what is allowed, then the least sum of shape, evenness and
    :math:`4 s / (1 - s)` for each mean zone's residents that move, with the stability
    :math:`s`. Empty land counts a little, so that it stays where it was. It is a search,
    no proof: with stability 1 units are given back one by one while the excess does not
    grow; only of up to 12 units, where all partitions are few, the fewest move.

    Parameters
    ----------
    cells, weights, rules, options, progress
        As in `gridplan.zones.zone_system`; ``k`` 0: as many zones as before, unless a
        band is given. The first weight tells whom a move concerns.
    earlier : Series of str, indexed by ``cell_uid``
        Zone of each cell that there was before, by today's ids; numbers are read as text
        (1 and 1.0 are ``"1"``); new cells are missing
        or null, and cells that are gone are left out.
    stability : float
        0: quality alone; 1: as few residents as possible.

    Returns
    -------
    Rezoning
        With stability 1 and an earlier plan that meets the targets nothing moves.

    Raises
    ------
    InputError, SettingsError, CrsError, InfeasibleError
        As `zone_system` does, and if no cell has an earlier zone or a cell has two.
    """
    _check(cells, earlier, stability)
    earlier = as_text(earlier)
    asked, before, residents = _asked(cells, weights, earlier, rules, options)
    mass = moving_mass(asked, residents)
    carried = carried_on(asked, before)
    start = start_from(asked, before, carried)
    run = Run(options, progress)
    leaving = _leaving(asked, before, carried, stability, mass)
    if stability == 1.0 and not _excess(asked, start) and _unchanged(asked, start, before, carried):
        zone = start
    else:
        zone = _searched(asked, leaving, start, run, calm=_DEAR / max(_price(stability), _DEAR))
    if stability == 1.0:
        held = earlier_of_units(asked, earlier, residents)
        moved = _leaving(asked, held, carried, stability, residents)
        # Land without residents decides between plans that move as many.
        zone = fewest_moves(asked, zone, moved + _LAND_BREAKS_TIES * leaving)
    return _rezoning(cells, asked, zone, earlier, residents, run)


def rezoning_frontier(
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    earlier: pd.Series[str],
    *,
    stabilities: Sequence[float] = WEIGHTS,
    rules: SystemRules = _NO_RULES,
    options: SystemOptions = _OPTIONS,
    progress: SystemProgress | None = None,
) -> tuple[pd.DataFrame, tuple[Rezoning, ...]]:
    """
    Return what stability costs: a plan for each weight between stability and quality.

    Each weight gets the best by its own measure of all plans that were found for any
    of them, so that more stability never moves more residents.

    Parameters
    ----------
    stabilities : sequence of float
        Weights from 0 to 1; the others as in `rezone`.

    Returns
    -------
    DataFrame
        ``stability``, ``moved_residents``, ``moved_share``, ``excess`` (beyond what is
        allowed, in tolerances), ``compactness`` (median isoperimetric quotient),
        ``connected`` and ``complete``: found anew from the cells; sorted.
    tuple of Rezoning
        In the order of the rows.
    """
    asked_for = sorted(set(stabilities))
    earlier = as_text(earlier)
    found = [
        rezone(cells, weights, earlier, stability=one, rules=rules, options=options,
               progress=progress)
        for one in asked_for
    ]  # fmt: skip
    asked, _, residents = _asked(cells, weights, earlier, rules, options)
    total = max(math.fsum(residents), 1.0)
    quality = [_quality(asked, one) for one in found]
    rows, chosen = [], []
    for stability in asked_for:
        price = _price(stability) * asked.k / total
        best = min(
            range(len(found)),
            key=lambda at: (
                round(found[at].excess, 6),
                round(quality[at] + price * found[at].moved_residents, 6),
                found[at].moved_residents,
                at,
            ),
        )
        one = found[best]
        connected, complete = _verified(asked, one.plan.zone_of)
        rows.append(
            {
                "stability": stability,
                "moved_residents": one.moved_residents,
                "moved_share": one.moved_residents / total,
                "excess": one.excess,
                "compactness": float(one.plan.balance["compactness"].median()),
                "connected": connected,
                "complete": complete,
            }
        )
        chosen.append(one)
    return pd.DataFrame(rows), tuple(chosen)


def _check(cells: gpd.GeoDataFrame, earlier: pd.Series[str], stability: float) -> None:
    if not 0.0 <= stability <= 1.0:
        raise SettingsError(
            Message(
                en=f"The weight of stability is {stability:g}. Give a share from 0 (quality alone) "
                f"to 1 (as few moves as possible).",
                zh=f"稳定性权重为 {stability:g}，应在 0（只看质量）至 1（变动最少）之间。",
            )
        )
    twice = earlier.index[earlier.index.duplicated()].unique()
    if len(twice):
        raise InputError(
            Message(
                en=f"{counted(len(twice), 'cell has', 'cells have')} several earlier zones: "
                f"{first_ids(sorted(twice))}. "
                f"Give one for each cell, e.g. that of its largest part.",
                zh=f"{len(twice)} 个网格有多个原责任区：{ids_zh(sorted(twice))}。"
                f"请每格只给一个，例如其最大部分所属者。",
            )
        )
    if "cell_uid" in cells and not earlier.reindex(cells["cell_uid"].unique()).notna().any():
        raise InputError(
            Message(
                en=f"None of the {len(cells)} cells has an earlier zone; {len(earlier)} are given. "
                f"Index the earlier plan by today's `cell_uid`.",
                zh=f"{len(cells)} 个网格均无原责任区（给出 {len(earlier)} 条）。"
                f"原方案须以现行 `cell_uid` 为索引。",
            )
        )


def _asked(
    cells: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    earlier: pd.Series[str],
    rules: SystemRules,
    options: SystemOptions,
) -> tuple[Asked, pd.DataFrame, Floats]:
    """Return what is asked for, the mass of units by earlier zone, residents of cells."""
    wanted = options
    if not options.k and options.band is None:
        known = earlier.reindex(cells["cell_uid"]).dropna() if "cell_uid" in cells else earlier
        options = replace(options, k=int(known.nunique()))
    rules = replace(rules, earlier={str(cell): zone for cell, zone in earlier.dropna().items()})
    asked = asked_of(cells, weights, rules, options)
    quota = asked.quota if wanted.k else earlier_quota(asked, earlier, options)
    # Cells of large estates by themselves: the earlier plan may have divided these anywhere.
    asked = asked.loosened(quota, options)
    residents = asked.ground.loads.iloc[:, 0].to_numpy(dtype=np.float64)
    before = earlier_of_units(asked, earlier, moving_mass(asked, residents))
    return asked, before, residents


def _searched(asked: Asked, leaving: Floats, start: Ints, run: Run, *, calm: float) -> Ints:
    """
    Return the zones that a search finds.

    Where moves are so dear that loads stay beyond what is allowed, they cost the share
    `calm` on the way, until loads are within it.
    """

    def search(share: float, zone: Ints, own: Run) -> Ints:
        units = replace(asked.units, leaving=leaving * share)
        return solved(units, asked.ground.piece, asked.seeds.units, asked.zones_of_pieces,
                      asked.aims, own, given=zone)  # fmt: skip

    dear = replace(asked.units, leaving=leaving)
    zone = search(1.0, start, run)
    for share in (calm, 1.0):
        if (
            run.stopped_by is not None
            or calm >= 1.0
            or (share == calm and not _excess(asked, zone))
        ):
            break
        more = Run(run.options, None)
        other = search(share, zone, more)
        run.work, run.stopped_by = run.work + more.work, more.stopped_by
        zone = min((zone, other), key=lambda one: rank_of(dear, one, asked.aims))
    return zone


def _price(stability: float) -> float:
    return min(_DEAREST, _DEAR * stability / (1 - stability)) if stability < 1 else _DEAREST


def _leaving(
    asked: Asked,
    before: pd.DataFrame,
    carried: list[str | None],
    stability: float,
    mass: Floats,
) -> Floats:
    """Return what each unit costs in each zone for what it held of others."""
    held = before.to_numpy()
    stays = np.zeros((len(held), asked.k))
    for own, name in enumerate(carried):
        if name is not None:
            stays[:, own] = held[:, before.columns.get_loc(name)]
    moved = held.sum(axis=1, keepdims=True) - stays
    return np.asarray(
        moved * (_price(stability) * asked.k / (math.fsum(mass) or 1.0)), dtype=np.float64
    )


def _excess(asked: Asked, zone: Ints) -> float:
    return rank_of(asked.units, zone, asked.aims)[0]


def _unchanged(asked: Asked, zone: Ints, before: pd.DataFrame, carried: list[str | None]) -> bool:
    """Return whether every unit is in the zone that carries on all that it held."""
    held = before.to_numpy()
    place = {name: at for at, name in enumerate(before.columns)}
    own = [-1 if carried[one] is None else place[str(carried[one])] for one in zone.tolist()]
    stays = np.array([row[at] if at >= 0 else 0.0 for row, at in zip(held, own, strict=True)])
    return bool(np.allclose(held.sum(axis=1), stays)) and asked.k == len(set(zone.tolist()))


def _rezoning(
    cells: gpd.GeoDataFrame,
    asked: Asked,
    zone: Ints,
    earlier: pd.Series[str],
    residents: Floats,
    run: Run,
) -> Rezoning:
    of_cell = zone[asked.ground.unit]
    was = earlier.reindex(asked.own["cell_uid"]).to_numpy(dtype=object)
    mass = moving_mass(asked, residents)
    names = _kept_names(asked, of_cell, was, mass, run.options.prefix)
    plan = plan_of(cells, asked, of_cell, names, run)
    now = np.array(names, dtype=object)[of_cell]
    moved = pd.notna(was) & (was != now)
    moves = pd.DataFrame(
        {
            "cell_uid": asked.own["cell_uid"].to_numpy()[moved],
            "from_zone_id": was[moved],
            "to_zone_id": now[moved],
            "residents": residents[moved],
        }
    )
    return Rezoning(plan, math.fsum(residents[moved]), moves, _excess(asked, zone))


def _kept_names(
    asked: Asked, of_cell: Ints, was: np.ndarray, mass: Floats, prefix: str
) -> list[str]:
    """Return zone ids: earlier ones by the largest overlap in all, one to one, else new ones."""
    names: list[str | None] = [*asked.seeds.names, *[None] * (asked.k - len(asked.seeds.names))]
    old = sorted({str(one) for one in was[pd.notna(was)]} - {str(one) for one in names if one})
    shared = np.zeros((asked.k, len(old)))
    for at, name in enumerate(old):
        inside = was == name
        shared[:, at] = np.bincount(of_cell[inside], weights=mass[inside], minlength=asked.k)
    open_rows = [own for own, name in enumerate(names) if name is None]
    for row, at in zip(*linear_sum_assignment(-shared[open_rows]), strict=True):
        if shared[open_rows[row], at] > 0:
            names[open_rows[row]] = old[at]
    taken = {*old, *(name for name in names if name)}
    width = max(2, len(str(asked.k)))
    fresh = (f"{prefix}{number:0{width}d}" for number in range(1, 2 * asked.k + len(taken) + 2))
    free = (name for name in fresh if name not in taken)
    return [name if name is not None else next(free) for name in names]


def _quality(asked: Asked, one: Rezoning) -> float:
    """Return the price of shape and evenness of a plan."""
    place = {name: at for at, name in enumerate(one.plan.balance.index)}
    now = one.plan.zone_of.reindex(asked.own["cell_uid"]).map(place).to_numpy(dtype=np.intp)
    zone = np.empty(asked.ground.land.count, dtype=np.intp)
    zone[asked.ground.unit] = now
    return rank_of(asked.units, zone, asked.aims)[1]


def _verified(asked: Asked, zone_of: pd.Series[str]) -> tuple[bool, bool]:
    """Return whether each zone is one connected set of cells, and each cell has a zone."""
    now = zone_of.reindex(asked.own["cell_uid"])
    code = pd.factorize(now, sort=True)[0]
    graph = asked.ground.land.graph
    zone = np.empty(asked.ground.land.count, dtype=np.intp)
    zone[asked.ground.unit] = code
    same = zone[graph.left] == zone[graph.right]
    part = labelled_components(graph.left[same], graph.right[same], len(zone))
    connected = int(part.max()) + 1 == len(set(code.tolist()))
    whole = bool((zone[asked.ground.unit] == code).all())
    return connected and whole, bool(now.notna().all())
