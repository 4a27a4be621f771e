"""Homes whose storeys are assumed: how far the walks move if they are others."""

from __future__ import annotations

import math
from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import shapely

from gridplan.answers.words import HOMES
from gridplan.demand import doors, home_capacity
from gridplan.errors import Message
from gridplan.fieldcheck.doubts import Doubt
from gridplan.fieldcheck.options import CheckOptions
from gridplan.fieldcheck.scene import Scene
from gridplan.geometry import Floats

_WHOLE = "(the whole place)"
_WALKS = ("committee_m", "room_m")
_QUESTION = Message(
    en="How many storeys do most of these buildings have? Are they homes at all?",
    zh="这些楼多为几层？是否确有人居住？",
)


def home_doubts(scene: Scene, options: CheckOptions) -> Iterator[Doubt]:
    """
    Give places whose buildings do not say their storeys, by how the walks would move.

    With the residents *T* of the unit whose total is given fixed, a place with the
    share *c* of its capacity *C* that could hold δ more has

        T c δ (C - c) / (C (C + δ c))

    residents more; they walk what the place walks, instead of what the rest of the unit
    does. δ is a storey of those assumed, or `storeys_share` if that is more, up and down.
    """
    homes = _homes(scene)
    if homes.empty:
        return
    assumed_floors = scene.options.floors
    off = max(options.storeys_off / assumed_floors, options.storeys_share)
    unit = homes["unit"]
    for name, rows in homes[homes["assumed"]].groupby("group", sort=True).groups.items():
        members = homes.loc[rows]
        moved_m, turned = 0.0, 0.0
        for one in sorted(members["unit"].unique()):
            of_unit = (unit == one).to_numpy()
            inside = of_unit & homes.index.isin(rows)
            more_m, without = _moved(homes, of_unit, inside, off)
            moved_m, turned = moved_m + more_m, turned + without
        yield _doubt(str(name), members, moved_m, turned, assumed_floors)


def _homes(scene: Scene) -> gpd.GeoDataFrame:
    """Return the homes with capacity, residents, walks, the unit whose total is fixed, group."""
    place = scene.plan.place
    if len(place.weights):  # weights say where residents live, not floors
        return gpd.GeoDataFrame()
    homes = doors(place)
    homes["capacity"] = home_capacity(homes, place.estates, scene.options)
    known_estates = place.estates["estate_id"][place.estates["households"].notna()]
    homes["assumed"] = (
        homes["floors"].isna() & homes["households"].isna() & (homes["capacity"] > 0)
        & ~homes["estate_id"].isin(known_estates)
    )  # fmt: skip
    columns = ["demand_id", "population", *_WALKS, "group", "cell_uid"]
    found: gpd.GeoDataFrame = homes.merge(
        scene.demand[columns], left_on="building_id", right_on="demand_id", how="inner"
    )
    by_level = {
        level: set(place.population["unit_id"][place.population["level"] == level])
        for level in ("estate", "community")
    }
    counted = found["estate_id"].isin(by_level["estate"])
    own = found["community_id"].isin(by_level["community"])
    unit = found["community_id"].where(own, _WHOLE)
    found["unit"] = ("estate " + found["estate_id"].astype(str)).where(counted, unit)
    return found.reset_index(drop=True)


def _moved(
    homes: gpd.GeoDataFrame, of_unit: np.ndarray, inside: np.ndarray, off: float
) -> tuple[float, float]:
    """Return the resident-metres, and the residents without a walk, that would be others."""
    capacity = homes["capacity"].to_numpy(dtype=float)
    people = homes["population"].fillna(0).to_numpy(dtype=float)
    rest = of_unit & ~inside
    whole, part = math.fsum(capacity[of_unit]), math.fsum(capacity[inside])
    total = math.fsum(people[of_unit])
    if not rest.any() or part <= 0 or whole <= part:
        return 0.0, 0.0
    changes = (off, -min(off, 0.9))
    more = [total * part * d * (whole - part) / (whole * (whole + d * part)) for d in changes]
    most = max(abs(one) for one in more)
    found = []
    for walk in _WALKS:
        metres = homes[walk].to_numpy(dtype=float, na_value=np.nan)
        here, there = (_mean(metres[rows], people[rows]) for rows in (inside, rest))
        gap = [_without(metres[rows], people[rows]) for rows in (inside, rest)]
        found.append((most * abs(here - there), most * abs(gap[0] - gap[1])))
    return max(one for one, _ in found), max(one for _, one in found)


def _mean(metres: Floats, people: Floats) -> float:
    """Return the mean walk of those who have one, 0 where nobody has."""
    known = np.isfinite(metres)
    total = math.fsum(people[known])
    return math.fsum(metres[known] * people[known]) / total if total else 0.0


def _without(metres: Floats, people: Floats) -> float:
    total = math.fsum(people)
    return math.fsum(people[~np.isfinite(metres)]) / total if total else 0.0


def _doubt(
    group: str,
    members: gpd.GeoDataFrame,
    moved_m: float,
    turned: float,
    assumed_floors: float,
) -> Doubt:
    points = members.geometry.to_numpy()
    xy = shapely.get_coordinates(points)
    away = np.round(np.hypot(*(xy - xy.mean(axis=0)).T), 3)
    ids = members["building_id"].astype(str)
    middle = int(np.lexsort([ids, away])[0])
    several = len(members) > 1
    return Doubt(
        kind=HOMES,
        target_id=group if several else str(ids.iloc[0]),
        resident_m=moved_m,
        turned=turned,
        residents=float(members["population"].sum()),
        doubt=Message(
            en=f"{len(members):,} buildings do not say their storeys; {assumed_floors:g} are "
            f"assumed"
            if several
            else f"The building does not say its storeys; {assumed_floors:g} are assumed",
            zh=f"{len(members):,} 栋楼未注明层数，按 {assumed_floors:g} 层假定",
        ),
        question=_QUESTION,
        point=points[middle],
        members=tuple(sorted(ids)),
        estate_id=members["estate_id"].iloc[middle],
    )
