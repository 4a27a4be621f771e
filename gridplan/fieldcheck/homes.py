"""Homes whose storeys are assumed: how far the walks move if they are others."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.answers.words import HOMES
from gridplan.demand import doors, home_capacity
from gridplan.errors import Message
from gridplan.fieldcheck.doubts import Doubt
from gridplan.fieldcheck.options import CheckOptions
from gridplan.fieldcheck.scene import CUT_OFF, Scene

_WHOLE = "(the whole place)"
_WALKS = ("committee", "room")
_MOST_OFF = 0.9
"""A building is not taken away by fewer storeys."""
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
    of_group = _sums(homes[homes["assumed"]], ["unit", "group"])
    moved = _moved(of_group, _sums(homes, ["unit"]), off).groupby("group").sum()
    for name, members in homes[homes["assumed"]].groupby("group", sort=True):
        metres, turned = (float(moved[of][str(name)]) for of in ("metres", "turned"))
        yield _doubt(str(name), members, metres, turned, assumed_floors)


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
    walks = [f"{walk}_{name}" for walk in _WALKS for name in ("m", "reason")]
    columns = ["demand_id", "population", *walks, "group"]
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


def _sums(homes: gpd.GeoDataFrame, by: list[str]) -> pd.DataFrame:
    """Return capacity and residents by unit; of each walk who has one, its metres, who has none."""
    people = homes["population"].fillna(0).astype(float)
    columns = {"capacity": homes["capacity"].astype(float), "people": people}
    for walk in _WALKS:
        metres = homes[f"{walk}_m"].astype(float)
        columns[f"{walk}_walkers"] = people.where(metres.notna(), 0.0)
        columns[f"{walk}_walked"] = (people * metres).fillna(0.0)
        # Residents without a committee of their own are not cut off by it.
        columns[f"{walk}_cut"] = people.where(homes[f"{walk}_reason"].isin(CUT_OFF), 0.0)
    keys = [homes[name] for name in by]
    return pd.DataFrame(columns).groupby(keys, sort=True).sum()


def _moved(of_group: pd.DataFrame, of_unit: pd.DataFrame, off: float) -> pd.DataFrame:
    """Return ``metres`` and ``turned`` (residents) that would be others, by unit and group."""
    whole = of_unit.loc[of_group.index.get_level_values("unit")].set_axis(of_group.index)
    rest = whole - of_group
    share = whole["people"] * of_group["capacity"] * rest["capacity"] / whole["capacity"]
    changes = (off, -min(off, _MOST_OFF))
    more = [abs(d) * share / (whole["capacity"] + d * of_group["capacity"]) for d in changes]
    most = more[0].where(more[0] > more[1], more[1]).fillna(0.0)
    metres, turned = most * 0.0, most * 0.0
    for walk in _WALKS:
        here, there = (
            one[f"{walk}_walked"] / one[f"{walk}_walkers"].where(one[f"{walk}_walkers"] > 0)
            for one in (of_group, rest)
        )
        gap_m = (most * (here - there).abs()).fillna(0.0)
        cut = [
            one[f"{walk}_cut"] / one["people"].where(one["people"] > 0) for one in (of_group, rest)
        ]
        lost = (most * (cut[0] - cut[1]).abs()).fillna(0.0)
        metres, turned = metres.where(metres > gap_m, gap_m), turned.where(turned > lost, lost)
    return pd.DataFrame({"metres": metres, "turned": turned})


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
