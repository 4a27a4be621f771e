"""Communities as groups of superblocks, and the population table with exact sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from gridplan.geometry import Floats
from gridplan.sources.demo.landuse import PERSONS_PER_HOUSEHOLD, residents_of
from gridplan.sources.demo.names import NameBook
from gridplan.sources.demo.options import POPULATION_HEADERS, DemoOptions
from gridplan.sources.demo.outline import Key, Outline
from gridplan.sources.demo.tracts import Ints, Tract

STREET_CODE = "990583199"
"""County and street digits of all codes: no province-level code of GB/T 2260 begins with 9."""

CHILD_SHARE, ELDER_SHARE = 0.1529, 0.1230
"""Shares of residents aged 0 to 14 and 60 or over, as in Kunshan; the rest is 15 to 59."""

_CHILD = {"commodity": 0.185, "resettlement": 0.150, "village": 0.130, "dormitory": 0.010}
_ELDER = {"commodity": 0.115, "resettlement": 0.240, "village": 0.095, "dormitory": 0.004}
_REGISTER = {"commodity": 0.46, "resettlement": 0.60, "village": 0.11, "dormitory": 0.03}
_NOISE = 0.06
_AREA_WEIGHT = 0.35
_ACROSS_CANAL = 1.8
_UNEVEN = (0.65, 1.45)


@dataclass(frozen=True, slots=True)
class Community:
    """One community: its code, name, superblocks and area."""

    code: str
    name: str
    keys: tuple[Key, ...]
    area: shapely.Polygon


def make_communities(
    outline: Outline, tracts: list[Tract], options: DemoOptions, names: NameBook
) -> list[Community]:
    """Return communities of uneven size that tile the boundary along canals and arterials."""
    residents = dict.fromkeys(outline.keys, 0.0)
    for tract in tracts:
        residents[tract.block.key] += residents_of(tract)
    groups = _grow(outline, residents, options)
    areas = [
        shapely.coverage_union_all(np.array([outline.polygons[key] for key in group]))
        for group in groups
    ]
    middles = shapely.get_coordinates(shapely.centroid(areas))
    order = np.lexsort((middles[:, 0], -middles[:, 1])).tolist()
    return [
        Community(f"{STREET_CODE}{number:03d}", f"{names.stem()}社区", tuple(groups[k]), areas[k])
        for number, k in enumerate(order, start=1)
    ]


def _grow(outline: Outline, residents: dict[Key, float], options: DemoOptions) -> list[list[Key]]:
    rng = np.random.default_rng([options.seed, 13])
    middles = {
        key: shapely.get_coordinates(shapely.centroid(polygon))[0]
        for key, polygon in outline.polygons.items()
    }
    lived_in = [key for key in outline.keys if residents[key] > 0]
    count = min(options.wanted_communities, len(lived_in))
    seeds = _seeds(lived_in, middles, residents, count)
    mean = sum(residents.values()) / len(residents)
    weight = {key: residents[key] + _AREA_WEIGHT * mean for key in outline.keys}
    wanted = rng.uniform(*_UNEVEN, size=count)
    groups = [[seed] for seed in seeds]
    loads = np.array([weight[seed] for seed in seeds])
    free = dict.fromkeys(key for key in outline.keys if key not in seeds)
    while free:
        for place in np.argsort(loads / wanted, kind="stable").tolist():
            step = _next_superblock(outline, groups[place], free, middles)
            if step is not None:
                groups[place].append(step)
                loads[place] += weight[step]
                del free[step]
                break
    return [sorted(group) for group in groups]


def _seeds(
    lived_in: list[Key], middles: dict[Key, Floats], residents: dict[Key, float], count: int
) -> list[Key]:
    """Return superblocks far from each other, more of them where many people live."""
    where = np.array([middles[key] for key in lived_in])
    pull = np.sqrt([residents[key] for key in lived_in])
    seeds = [int(np.argmax(pull))]
    nearest = np.hypot(*(where - where[seeds[0]]).T)
    while len(seeds) < count:
        seeds.append(int(np.argmax(nearest * pull)))
        nearest = np.minimum(nearest, np.hypot(*(where - where[seeds[-1]]).T))
    return [lived_in[seed] for seed in seeds]


def _next_superblock(
    outline: Outline, group: list[Key], free: dict[Key, None], middles: dict[Key, Floats]
) -> Key | None:
    """Return the free neighbour nearest to the group's middle, canals counted as a detour."""
    middle = np.mean([middles[key] for key in group], axis=0)
    best: dict[Key, float] = {}
    for i, j in group:
        steps = (
            ((i + 1, j), outline.columns[i + 1]),
            ((i - 1, j), outline.columns[i]),
            ((i, j + 1), outline.rows[j + 1]),
            ((i, j - 1), outline.rows[j]),
        )
        for key, border in steps:
            if key in free:
                detour = _ACROSS_CANAL if border.is_canal else 1.0
                cost = detour * float(np.hypot(*(middles[key] - middle)))
                best[key] = min(cost, best.get(key, np.inf))
    return min(best, key=lambda key: (best[key], key)) if best else None


def household_table(tracts: list[Tract], communities: list[Community]) -> Floats:
    """Return households by community (rows) and estate kind (columns)."""
    place = {key: row for row, one in enumerate(communities) for key in one.keys}
    kinds = {kind: column for column, kind in enumerate(PERSONS_PER_HOUSEHOLD)}
    table = np.zeros((len(communities), len(kinds)))
    for tract in tracts:
        if tract.use in kinds:
            table[place[tract.block.key], kinds[tract.use]] += tract.homes
    return table


def population_table(
    tracts: list[Tract], communities: list[Community], options: DemoOptions
) -> pd.DataFrame:
    """
    Return the planner's table: residents, register, households and ages by community.

    Residents sum to `options.population`, ages to Kunshan's shares of it, and
    the three ages of a community to its residents.
    """
    rng = np.random.default_rng([options.seed, 14])
    households = household_table(tracts, communities)
    expected = households * np.array(list(PERSONS_PER_HOUSEHOLD.values()))
    expected *= options.population / expected.sum()
    residents = share_out(expected.sum(axis=1), options.population)
    ages = {}
    for name, shares, total in (
        ("child", _CHILD, round(CHILD_SHARE * options.population)),
        ("elder", _ELDER, round(ELDER_SHARE * options.population)),
    ):
        ages[name] = share_out(_by_kind(expected, shares, rng), total)
    register = np.rint(_by_kind(expected, _REGISTER, rng)).astype(np.int64)
    columns = (
        [one.code for one in communities],
        [one.name for one in communities],
        residents,
        register,
        households.sum(axis=1).astype(np.int64),
        ages["child"],
        residents - ages["child"] - ages["elder"],
        ages["elder"],
    )
    return pd.DataFrame(dict(zip(POPULATION_HEADERS, columns, strict=True)))


def persons_factor(tracts: list[Tract], options: DemoOptions) -> float:
    """Return actual over expected residents per household, the same for every kind."""
    return options.population / sum(residents_of(tract) for tract in tracts)


def _by_kind(expected: Floats, shares: dict[str, float], rng: np.random.Generator) -> Floats:
    by_kind = np.array([shares[kind] for kind in PERSONS_PER_HOUSEHOLD])
    noise = 1.0 + rng.uniform(-_NOISE, _NOISE, size=len(expected))
    return np.asarray((expected @ by_kind) * noise, dtype=np.float64)


def share_out(parts: Floats, total: int) -> Ints:
    """
    Return whole numbers in proportion to `parts` that sum to `total` (largest remainder).

    Examples
    --------
    >>> share_out(np.array([1.0, 1.0, 2.0]), 10).tolist()
    [3, 2, 5]
    """
    exact = parts * (total / parts.sum())
    whole: Ints = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole
