"""Which bridges over one cell of water the zones of a system may use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gridplan.zones.bridges import used_crossings
from gridplan.zones.contiguity import Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.land import Land
from gridplan.zones.overland import SMALL, TINY
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemRules

_DECIMALS = 9
_WIDTHS = 2.0
"""So many times as long as a zone is wide is a cell that no zone should reach along."""


def with_used_bridges(
    land: Land, rules: SystemRules, options: SystemOptions, *, inside: Flags, body: Ints,
    zones: Ints, labels: Sequence[Ints] = (),
) -> tuple[SystemRules, Ints, Ints]:  # fmt: skip
    """
    Return rules in which cells of water with several bridges part but at those that are used.

    Behind them these cells, and the land at all bridges over water that has several: zones
    are looked for that hold the water under their bridge, and others can be, too.

    Cells that are no longer than a zone is wide are left as they are: hardly a zone would
    hold nothing but both of their ends.

    Parameters
    ----------
    land : Land
        Of the cells, with the first weight as load.
    rules : SystemRules
    options : SystemOptions
    inside : array of bool, shape (m,)
        Borders that a zone may reach across by community and kept zones.
    body : array of int, shape (n,)
        Cells of one number share their loads.
    zones : array of int, shape (bodies,)
        How many zones each body has, about.
    labels : sequence of arrays of int, shape (n,)
        Zones that are wanted, the most needed first; below 0: none. The bridges within one
        are used before others.
    """
    nothing = np.empty(0, dtype=np.intp)
    if rules.parted is None or rules.bridges is None or not len(rules.bridges.cell):
        return rules, nothing, nothing
    own = rules.bridges
    beside = own.only(inside[own.border]).beside(land.graph).values()
    met = np.unique(np.concatenate([nothing, *beside]))
    area = np.bincount(body, weights=land.area_m2) / zones
    wide_m = _WIDTHS * np.sqrt(area)[body[own.cell]]
    own = own.only(own.always | (land.perimeter_m[own.cell] / 2 > wide_m))
    bridges = own.only(inside[own.border])
    shut = rules.parted | ~inside

    mean = np.bincount(body, weights=land.load) / zones

    def lack(piece: Ints) -> tuple[int, float]:
        ideal = mean[body[np.unique(piece, return_index=True)[1]]]
        load = np.bincount(piece, weights=land.load)
        told = load > TINY * ideal
        small = told & (load < SMALL * ideal)
        pairs = zip(load[told].tolist(), ideal[told].tolist(), strict=True)
        off = math.fsum(uneven(*one, options)[0] for one in pairs)
        return int(small.sum()), round(off, _DECIMALS)

    middle = np.stack([land.x, land.y], axis=1)
    wanted = [bridges.within(land.graph, label) for label in labels]
    used = used_crossings(bridges, land.graph, shut, middle, lack, wanted)
    return replace(rules, parted=own.parted(land.graph, rules.parted, used)), own.water, met


def uneven(load: float, mean: float, options: SystemOptions) -> tuple[float, int]:
    """
    Return how far zones of land with a load are beyond what is allowed, and how many it has then.

    In means of a zone, all zones of it together, if each has the same; the number of zones
    with which that is least.

    Examples
    --------
    >>> uneven(19.0, 15.0, SystemOptions(tolerance=0.2)), uneven(31.0, 15.0, SystemOptions())
    ((0.06..., 1), (0.0, 2))
    """
    if mean <= 0:
        return 0.0, 1
    around = max(math.floor(load / mean), 1)
    return min((beyond(load, zones, mean, options), zones) for zones in (around, around + 1))


def beyond(load: float, zones: int, mean: float, options: SystemOptions) -> float:
    """Return how far zones that have the same of a load are beyond what is allowed, in means."""
    share = options.tolerance
    least, most = options.band or (mean * (1 - share), mean * (1 + share))
    return max(load - most * zones, least * zones - load, 0.0) / mean
