"""Which block becomes what, until homes for all residents stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import shapely

from gridplan.sources.demo.blocks import Block
from gridplan.sources.demo.compounds import (
    DORMITORY,
    LIFTS,
    RESETTLED,
    SLABS,
    TOWERS,
    Style,
    lay_out,
)
from gridplan.sources.demo.options import DemoOptions
from gridplan.sources.demo.tracts import Tract
from gridplan.sources.demo.villages import lay_out_village
from gridplan.sources.demo.works import (
    build_commercial,
    build_creek,
    build_factory,
    build_park,
    build_ponds,
    build_public,
)

PERSONS_PER_HOUSEHOLD = {
    "commodity": 2.65,
    "resettlement": 2.9,
    "village": 2.25,
    "dormitory": 2.7,
}
"""Before the small common factor that makes the total exact; a dormitory's room counts as one."""

_RESIDENT_SHARES = {"outskirts": 0.13, "villages": 0.19, "dormitories": 0.16}
_PUBLIC_PER_TOWN = (("civic", 1), ("hospital", 1), ("school", 8), ("market", 4))
_PUBLIC_M2 = {
    "civic": (9_000.0, 30_000.0),
    "hospital": (18_000.0, 50_000.0),
    "school": (16_000.0, 45_000.0),
    "market": (8_000.0, 24_000.0),
}
_ESTATE_HOMES = (60, 3_000)
_ESTATE_M2 = 6_500.0
_LEAST_FLOOR_RATIO = 0.8
_OUTSKIRTS_M2 = (12_000.0, 75_000.0)
_DORMITORY_M2 = (8_000.0, 21_000.0)
_DORMITORY_RESIDENTS = (560.0, 2_600.0)
_LEAST_DORMITORY = 520.0
_VILLAGE_M2 = 25_000.0
_GATES_FROM_M2 = (14_000.0, 27_000.0, 52_000.0)
_EXTRA_GATE_SHARE = 0.25
_MOST_GATES = 4
_STYLES = (SLABS, LIFTS, TOWERS, RESETTLED)
_STYLE_SHARES = {
    "large": (0.10, 0.25, 0.60, 0.05),
    "centre": (0.42, 0.28, 0.16, 0.14),
    "rim": (0.58, 0.14, 0.04, 0.24),
}
_CENTRE = 0.55
_LARGE_M2 = 48_000.0
_WATER_SHARE = 0.135
_LAKE_M2 = 22_000.0
_URBAN_REST, _URBAN_REST_SHARES = (
    ("commercial", "park", "factory", "open"),
    (0.42, 0.26, 0.16, 0.16),
)
_FACTORY_SHARE = {"industrial": 0.93, "rural": 0.12}


@dataclass
class _Land:
    """The blocks still free, in the order in which they are offered."""

    free: dict[int, Block]

    def offer(
        self, lands: tuple[str, ...], low_m2: float, high_m2: float = np.inf
    ) -> list[tuple[int, Block]]:
        """Return the free blocks of these lands whose parcel has a suitable area."""
        return [
            (place, block)
            for place, block in self.free.items()
            if block.land in lands and low_m2 <= block.parcel.area <= high_m2
        ]


def build_tracts(
    blocks: list[Block], options: DemoOptions, *, canal_water_m2: float
) -> list[Tract]:
    """Return what stands on each block; blocks left open have no tract."""
    rng = np.random.default_rng([options.seed, 8])
    priority = np.array([block.centrality for block in blocks]) + rng.normal(0, 0.25, len(blocks))
    order = np.argsort(-priority, kind="stable").tolist()
    land = _Land({place: blocks[place] for place in order})
    wanted = {where: share * options.population for where, share in _RESIDENT_SHARES.items()}
    tracts = [
        *_publics(land, options),
        *_dormitories(land, options, wanted["dormitories"]),
        *_villages(land, options, wanted["villages"]),
        *_outskirts(land, options, wanted["outskirts"]),
    ]
    # The town's estates house all the others; what they cannot hold goes to the outskirts.
    for fill in (_estates, _outskirts):
        housed = sum(residents_of(tract) for tract in tracts)
        tracts += fill(land, options, options.population - housed)
    return [*tracts, *_rest(land, options, canal_water_m2)]


def residents_of(tract: Tract) -> float:
    """Return the expected residents of a tract."""
    return tract.homes * PERSONS_PER_HOUSEHOLD.get(tract.use, 0.0)


def _block_rng(options: DemoOptions, place: int) -> np.random.Generator:
    return np.random.default_rng([options.seed, 9, place])


def _publics(land: _Land, options: DemoOptions) -> list[Tract]:
    rng = np.random.default_rng([options.seed, 10])
    tracts: list[Tract] = []
    for use, per_town in _PUBLIC_PER_TOWN:
        count = max(1, round(per_town * options.share_of_reference))
        offered = land.offer(("urban",), *_PUBLIC_M2[use])
        if use == "civic":
            chosen = offered[:count]
        else:
            # Scattered over the town, not piled up in its middle.
            places = sorted(rng.permutation(len(offered))[:count].tolist())
            chosen = [offered[place] for place in places]
        for place, block in chosen[: max(1, len(offered) // 2)]:
            tracts.append(build_public(block, use))
            del land.free[place]
    return tracts


def _estates(land: _Land, options: DemoOptions, wanted: float) -> list[Tract]:
    tried = (
        (place, _estate(block, options, place))
        for place, block in land.offer(("urban",), _ESTATE_M2)
    )
    return _until(wanted, tried, land)


def _outskirts(land: _Land, options: DemoOptions, wanted: float) -> list[Tract]:
    """Return the resettlement estates beyond the town."""
    tried = (
        (place, _accepted(lay_out(block, RESETTLED, gates=_gates(block, rng), rng=rng)))
        for place, block in land.offer(("rural", "industrial"), *_OUTSKIRTS_M2)
        for rng in (_block_rng(options, place),)
    )
    return _until(wanted, tried, land)


def _until(wanted: float, tried: Iterable[tuple[int, Tract | None]], land: _Land) -> list[Tract]:
    """Keep tracts until the residents wanted are housed, passing over what is too big."""
    tracts: list[Tract] = []
    least = _ESTATE_HOMES[0] * PERSONS_PER_HOUSEHOLD["commodity"]
    for place, tract in tried:
        if tract is None or residents_of(tract) > wanted + least:
            continue
        tracts.append(tract)
        del land.free[place]
        wanted -= residents_of(tract)
        if wanted < least:
            break
    return tracts


def _estate(block: Block, options: DemoOptions, place: int) -> Tract | None:
    rng = _block_rng(options, place)
    where = "centre" if block.centrality > _CENTRE else "rim"
    if block.parcel.area > _LARGE_M2:
        where = "large"
    drawn: Style = _STYLES[int(rng.choice(len(_STYLES), p=_STYLE_SHARES[where]))]
    gates = _gates(block, rng)
    # Towers need room; where few fit, the plot is built with slabs instead.
    tried = (_accepted(lay_out(block, style, gates=gates, rng=rng)) for style in (drawn, SLABS))
    return next((tract for tract in tried if tract is not None), None)


def _accepted(tract: Tract | None) -> Tract | None:
    """Return the tract if its size is that of an estate and its plot is well used."""
    if tract is None:
        return None
    low, high = _ESTATE_HOMES
    floor_m2 = float((shapely.area(tract.footprints) * tract.floors).sum())
    dense = floor_m2 >= _LEAST_FLOOR_RATIO * tract.block.parcel.area
    return tract if low <= tract.homes <= high and dense else None


def _gates(block: Block, rng: np.random.Generator) -> int:
    by_size = 1 + sum(bool(block.parcel.area > size) for size in _GATES_FROM_M2)
    change = int(rng.random() < _EXTRA_GATE_SHARE) - int(rng.random() < _EXTRA_GATE_SHARE)
    return min(max(by_size + change, 1), _MOST_GATES)


def _dormitories(land: _Land, options: DemoOptions, wanted: float) -> list[Tract]:
    tracts: list[Tract] = []
    for place, block in land.offer(("industrial",), *_DORMITORY_M2):
        if wanted < _LEAST_DORMITORY:
            break
        rng = _block_rng(options, place)
        whole = lay_out(block, DORMITORY, gates=int(rng.integers(1, 3)), rng=rng)
        size = max(min(wanted, _DORMITORY_RESIDENTS[1]), _DORMITORY_RESIDENTS[0])
        tract = None if whole is None else _first_houses(whole, size)
        if tract is None or residents_of(tract) < _LEAST_DORMITORY:
            continue
        tracts.append(tract)
        del land.free[place]
        wanted -= residents_of(tract)
    return tracts


def _first_houses(tract: Tract, residents: float) -> Tract:
    """Return the tract with as many of its houses as the residents need."""
    housed = np.cumsum(tract.households) * PERSONS_PER_HOUSEHOLD[tract.use]
    count = max(1, int(np.searchsorted(housed, residents, side="right")))
    return replace(
        tract,
        footprints=tract.footprints[:count],
        floors=tract.floors[:count],
        households=tract.households[:count],
    )


def _villages(land: _Land, options: DemoOptions, wanted: float) -> list[Tract]:
    offered = land.offer(("rural",), _VILLAGE_M2) or land.offer(("industrial",), _VILLAGE_M2)
    tried = (
        (place, lay_out_village(block, _block_rng(options, place))) for place, block in offered
    )
    return _until(wanted, tried, land)


def _rest(land: _Land, options: DemoOptions, canal_water_m2: float) -> list[Tract]:
    rng = np.random.default_rng([options.seed, 11])
    water, most_water = canal_water_m2, _WATER_SHARE * options.area_m2
    tracts: list[Tract] = []
    lakes = [place for place, _ in land.offer(("urban",), _LAKE_M2)][:1]
    for place, block in land.free.items():
        use = _rest_use(block, rng)
        if place in lakes:
            tract = build_park(block, rng, lake=True)
        elif use == "park":
            tract = build_park(block, rng, lake=False)
        elif use == "commercial":
            tract = build_commercial(block, rng)
        elif use == "factory":
            tract = build_factory(block, rng)
        elif use == "ponds":
            tract = build_ponds(block, rng)
            if water + float(shapely.area(tract.ponds).sum()) > most_water:
                tract = build_creek(block, rng)
        else:
            continue
        water += float(shapely.area(tract.ponds).sum())
        tracts.append(tract)
    return tracts


def _rest_use(block: Block, rng: np.random.Generator) -> str:
    if block.land == "urban":
        return str(rng.choice(_URBAN_REST, p=_URBAN_REST_SHARES))
    if rng.random() < _FACTORY_SHARE[block.land]:
        return "factory"
    return "ponds" if block.land == "rural" else "open"
