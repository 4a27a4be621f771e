"""One zone system: cells into connected zones, several loads, communities, anchors, locks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.zones.contiguity import Ints
from gridplan.zones.system_checks import check_quota, check_system
from gridplan.zones.system_ground import Ground, ground_of
from gridplan.zones.system_notes import missed_tolerances
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_report import system_balance, system_exceptions, system_names
from gridplan.zones.system_rules import SystemPlan, SystemRules
from gridplan.zones.system_seeds import Seeds, least_zones, seeds_of
from gridplan.zones.system_solve import Run, SystemProgress, solved
from gridplan.zones.system_starts import banded_quotas, quotas
from gridplan.zones.system_state import Aims, Units

DEFAULT = SystemOptions()
_NO_RULES = SystemRules()
_LEAST_SPAN = 1e-9


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
    asked = asked_of(cells, weights, rules, options)
    run = Run(options, progress)
    zone = solved(
        asked.units, asked.ground.piece, asked.seeds.units, asked.zones_of_pieces, asked.aims, run
    )
    of_cell = zone[asked.ground.unit]
    names = system_names(asked.ground, of_cell, asked.seeds, asked.k, prefix=options.prefix)
    return plan_of(cells, asked, of_cell, names, run)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a zone system is asked for: the cells in order, their ground, zones and aims."""

    own: gpd.GeoDataFrame
    ground: Ground
    seeds: Seeds
    quota: Ints
    aims: Aims

    @property
    def k(self) -> int:
        """Number of zones."""
        return int(self.quota.sum())

    @property
    def units(self) -> Units:
        """The units as the search sees them."""
        fixed = np.zeros(self.ground.land.count, dtype=np.bool_)
        fixed[list(self.seeds.fixed)] = True
        return Units(self.ground.land, self.ground.weights, fixed, self.ground.beside)

    @property
    def zones_of_pieces(self) -> list[Ints]:
        """Numbers of the zones of each piece of land, those of seeds first."""
        home = _piece_of_zone(self.ground, self.quota, self.seeds)
        return [np.flatnonzero(home == own) for own in range(len(self.quota))]


def asked_of(
    cells: gpd.GeoDataFrame, weights: pd.DataFrame, rules: SystemRules, options: SystemOptions
) -> Asked:
    """
    Return what cells, weights and rules come to, once they are checked.

    Raises
    ------
    CrsError, InputError, SettingsError, InfeasibleError
        As in `zone_system`.
    """
    check_system(cells, weights, rules, options)
    order = np.argsort(cells["cell_uid"].to_numpy(dtype=str), kind="stable")
    own = cells.iloc[order]
    loads = weights.reindex(own["cell_uid"]).astype("float64")
    ground = ground_of(own, loads, rules, options)
    seeds = seeds_of(own, ground, rules, options)
    quota = _quota(ground, seeds, rules, options)
    return Asked(own, ground, seeds, quota, _aims(ground, quota, seeds, options))


def plan_of(
    cells: gpd.GeoDataFrame, asked: Asked, of_cell: Ints, names: list[str], run: Run
) -> SystemPlan:
    """Return the plan that the zones of the cells are, in the order of the cells as given."""
    own, ground, aims = asked.own, asked.ground, asked.aims
    zone_of = pd.Series(np.array(names, dtype=object)[of_cell], index=own["cell_uid"])
    return SystemPlan(
        zone_of=zone_of.reindex(cells["cell_uid"]).rename("zone_id"),
        balance=system_balance(own, ground, of_cell, names, asked.seeds),
        k=len(names),
        work=run.work,
        targets_missed=missed_tolerances(
            own,
            ground.loads,
            of_cell,
            ground.unit,
            names=names,
            bounds=(aims.least, aims.most),
        ),
        notes=ground.notes,
        exceptions=system_exceptions(own, ground, of_cell, names, aims.most),
        stopped_by=run.stopped_by,
    )


def _quota(ground: Ground, seeds: Seeds, rules: SystemRules, options: SystemOptions) -> Ints:
    """Return how many zones each piece of land gets."""
    least, closed = least_zones(seeds, ground.piece)
    check_quota(ground, options.k, least, closed, len(rules.anchors))
    load = ground.weights[:, 0]
    if not options.k and options.band is not None:
        return banded_quotas(load, ground.piece, options.band, least, closed)
    return quotas(load, ground.piece, options.number(math.fsum(load)), least, closed)


def _aims(ground: Ground, quota: Ints, seeds: Seeds, options: SystemOptions) -> Aims:
    """Return what each zone should have; zones are numbered as `first_zones` does."""
    k = int(quota.sum())
    total = np.array([math.fsum(one) for one in ground.weights.T])
    mean = total / k
    names = [str(name) for name in ground.loads]
    tolerance = np.array([options.tolerances.get(one, options.tolerance) for one in names])
    least, most = mean * (1 - tolerance), mean * (1 + tolerance)
    if options.band is not None:
        least[0], most[0] = options.band
    per_piece = np.stack(
        [np.bincount(ground.piece, weights=one) for one in ground.weights.T], axis=1
    )
    piece = _piece_of_zone(ground, quota, seeds)
    target = np.clip(per_piece[piece] / quota[piece][:, None], least, most)
    span = np.maximum((most - least) / 2, _LEAST_SPAN * np.maximum(mean, 1.0))
    return Aims(target, np.tile(least, (k, 1)), np.tile(most, (k, 1)), span)


def _piece_of_zone(ground: Ground, quota: Ints, seeds: Seeds) -> Ints:
    """Return the piece of land of each zone: zones of seeds first, then piece by piece."""
    begun = np.array([ground.piece[one[0]] for one in seeds.units], dtype=np.intp)
    left = quota - np.bincount(begun, minlength=len(quota))
    return np.concatenate([begun, np.repeat(np.arange(len(quota)), left)])
