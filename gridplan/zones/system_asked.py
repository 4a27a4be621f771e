"""What a zone system is asked for: ground, seeds, number of zones, and their aims."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.zones.contiguity import Ints
from gridplan.zones.land import zone_sums
from gridplan.zones.overland import TINY
from gridplan.zones.system_bridges import beyond, uneven
from gridplan.zones.system_checks import check_quota, check_system
from gridplan.zones.system_ground import Ground, ground_of
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemRules
from gridplan.zones.system_seeds import Seeds, least_zones, room_for_zones, seeds_of
from gridplan.zones.system_starts import banded_quotas, quotas
from gridplan.zones.system_state import Aims, Units

_LEAST_SPAN = 1e-9
_NEAR = 10
"""Numbers of zones that differ by more than one in so many are others than the norm's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a zone system is asked for: the cells in order, their ground, zones and aims."""

    own: gpd.GeoDataFrame
    weights: pd.DataFrame
    rules: SystemRules
    ground: Ground
    seeds: Seeds
    quota: Ints
    aims: Aims

    @property
    def k(self) -> int:
        """Number of zones."""
        return int(self.quota.sum())

    def with_quota(self, quota: Ints, options: SystemOptions) -> Asked:
        """Return the same with other numbers of zones, by piece of land."""
        return replace(self, quota=quota, aims=_aims(self.ground, quota, self.seeds, options))

    def loosened(self, quota: Ints, options: SystemOptions) -> Asked:
        """
        Return the same with other numbers of zones, and estates larger than a zone in cells.

        Pieces of land have the same numbers: units are only divided.
        """
        ground = self.ground
        zones = np.bincount(_body_of_piece(ground), weights=quota)
        counts = np.maximum(zones, 1).astype(np.intp)
        loose = ground_of(
            self.own,
            self.weights,
            self.rules,
            options,
            counts=counts,
            land=ground.cells,
            used=ground.used,
        )
        seeds = seeds_of(self.own, loose, self.rules, options)
        aims = _aims(loose, quota, seeds, options)
        return replace(self, ground=loose, seeds=seeds, quota=quota, aims=aims)

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
    if not loads.to_numpy().any():
        # Area takes the place of the loads, but says nothing about a number of zones.
        options = replace(options, proposed=options.number(0.0))
    ground = ground_of(own, loads, rules, options)
    seeds = seeds_of(own, ground, rules, options)
    quota = _quota(ground, seeds, rules, options)
    aims = _aims(ground, quota, seeds, options)
    return Asked(own, loads, rules, ground, seeds, quota, aims)


def _quota(ground: Ground, seeds: Seeds, rules: SystemRules, options: SystemOptions) -> Ints:
    """Return how many zones each piece of land gets."""
    least, room = least_zones(seeds, ground.piece), room_for_zones(seeds, ground.piece)
    check_quota(ground, options.k, least, room, len(rules.anchors))
    load = ground.weights[:, 0]
    if options.mean_size is not None:
        return banded_quotas(load, ground.piece, options.mean_size, least, room)
    k = options.number(math.fsum(load))
    found = quotas(load, ground.piece, k, least, room)
    return _evened(found, ground, options, least, room)


def _evened(quota: Ints, ground: Ground, options: SystemOptions, least: Ints, room: Ints) -> Ints:
    """Return numbers of zones by which pieces of land are even, if the largest one stays so."""
    if options.nest == "inside" or len(quota) == 1:
        return quota
    options = _first_alone(ground, options)
    load = np.bincount(ground.piece, weights=ground.weights[:, 0]).tolist()
    mean = math.fsum(load) / int(quota.sum())
    main = int(quota.argmax())
    for own in range(len(quota)):
        wanted = uneven(load[own], mean, options)[1]
        other = quota.copy()
        other[own] = min(max(wanted, int(least[own]), 1), int(room[own]))
        other[main] += quota[own] - other[own]
        fits = max(int(least[main]), 1) <= other[main] <= room[main]
        if (
            own != main
            and fits
            and _off(load, other, mean, options) < _off(load, quota, mean, options)
        ):
            quota = other
    return quota


def _first_alone(ground: Ground, options: SystemOptions) -> SystemOptions:
    """Return options with the tolerance of the first weight as that of all."""
    return replace(options, tolerance=options.share(str(ground.loads.columns[0])))


def _off(load: list[float], quota: Ints, mean: float, options: SystemOptions) -> float:
    return math.fsum(beyond(*one, mean, options)
                     for one in zip(load, quota.tolist(), strict=True))  # fmt: skip


def even_number(asked: Asked, options: SystemOptions) -> int:
    """
    Return the number of zones nearest to what is asked with which all land can be even.

    Of numbers that differ by a tenth at most; 0: there is none, or it is as it is.
    """
    ground, k = asked.ground, asked.k
    options = _first_alone(ground, options)
    load = np.bincount(ground.piece, weights=ground.weights[:, 0])
    told = load[load > TINY * load.sum() / k].tolist()

    def even(number: int) -> bool:
        mean = math.fsum(told) / number
        wanted = [uneven(one, mean, options) for one in told]
        return not any(off for off, _ in wanted)

    if len(told) == 1 or even(k):
        return 0
    numbers = sorted(range(k - k // _NEAR, k + k // _NEAR + 1), key=lambda one: (abs(one - k), one))
    return next((one for one in numbers if one > 0 and even(one)), 0)


def _aims(ground: Ground, quota: Ints, seeds: Seeds, options: SystemOptions) -> Aims:
    """Return what each zone should have; zones are numbered as `first_zones` does."""
    piece = _piece_of_zone(ground, quota, seeds)
    body = _body_of_piece(ground)
    zones = np.bincount(body, weights=quota)
    total = np.stack([zone_sums(one, ground.body, len(zones)) for one in ground.weights.T], axis=1)
    mean = (total / zones[:, None])[body[piece]]
    share = np.array([options.share(str(name)) for name in ground.loads])
    least, most = mean * (1 - share), mean * (1 + share)
    span = (total.sum(axis=0) / quota.sum()) * share
    if options.band is not None:
        least[:, 0], most[:, 0] = options.band
        span[0] = (options.band[1] - options.band[0]) / 2
    per_piece = np.stack(
        [np.bincount(ground.piece, weights=one) for one in ground.weights.T], axis=1
    )
    target = np.clip(per_piece[piece] / quota[piece][:, None], least, most)
    span = np.maximum(span, _LEAST_SPAN * np.maximum(mean.max(axis=0), 1.0))
    return Aims(target, least, most, span)


def _body_of_piece(ground: Ground) -> Ints:
    return ground.body[np.unique(ground.piece, return_index=True)[1]]


def _piece_of_zone(ground: Ground, quota: Ints, seeds: Seeds) -> Ints:
    """Return the piece of land of each zone: zones of seeds first, then piece by piece."""
    begun = np.array([ground.piece[one[0]] for one in seeds.units], dtype=np.intp)
    left = quota - np.bincount(begun, minlength=len(quota))
    return np.concatenate([begun, np.repeat(np.arange(len(quota)), left)])
