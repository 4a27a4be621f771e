"""Figures of a demo town, as its card quotes them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely

from gridplan.geometry import Geometries
from gridplan.sources.demo.options import DemoTown

_M2_PER_KM2 = 1e6
_M_PER_KM = 1e3
_ARTERIALS = ("primary", "secondary", "tertiary")


def measure(town: DemoTown) -> dict[str, str]:
    """
    Return the figures of a town by name, as text with fixed decimals.

    Examples
    --------
    >>> from gridplan.sources.demo import DemoOptions, make_town
    >>> measure(make_town(DemoOptions(population=4_000, area_km2=1.0)))["residents"]
    '4000'
    """
    return {**_ground(town), **_people(town), **_homes(town), **_services(town)}


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f} %"


def _shapes(town: DemoTown, layer: str, **where: str) -> Geometries:
    frame = town.layers[layer]
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return np.asarray(frame.geometry.to_numpy(), dtype=object)


def _ground(town: DemoTown) -> dict[str, str]:
    area = float(shapely.area(_shapes(town, "boundary")).sum())
    water = float(shapely.area(_shapes(town, "water")).sum())
    canals = float(shapely.area(_shapes(town, "water", kind="canal")).sum())
    streets = town.layers["streets"]
    arterial = streets["highway"].isin(_ARTERIALS)
    sizes = town.layers["communities"].area / _M2_PER_KM2
    return {
        "area_km2": f"{area / _M2_PER_KM2:.3f}",
        "water_share": _share(water, area),
        "canal_share": _share(canals, area),
        "bridges": str(int(streets["bridge"].sum())),
        "arterial_km": f"{streets.length[arterial].sum() / _M_PER_KM:.1f}",
        "street_km": f"{streets.length.sum() / _M_PER_KM:.1f}",
        "communities": str(len(sizes)),
        "community_km2": f"{sizes.min():.2f} to {sizes.max():.2f}",
    }


def _people(town: DemoTown) -> dict[str, str]:
    table = town.population
    residents, register = table["常住人口"], table["户籍人口"]
    total = int(residents.sum())
    floating = (residents - register) / register
    return {
        "residents": str(total),
        "residents_per_community": f"{residents.min()} to {residents.max()}",
        "households": str(int(table["户数"].sum())),
        "persons_per_household": f"{total / table['户数'].sum():.2f}",
        "age_0_14": _share(table["0-14岁"].sum(), total),
        "age_15_59": _share(table["15-59岁"].sum(), total),
        "age_60": _share(table["60岁及以上"].sum(), total),
        "register": _share(register.sum(), total),
        "floating_per_registered": f"{floating.min():.1f} to {floating.max():.1f}",
    }


def _homes(town: DemoTown) -> dict[str, str]:
    buildings, estates = town.layers["buildings"], town.layers["estates"]
    walled = estates[estates["walled"] == 1]
    residential = walled[walled["kind"].isin(["commodity", "resettlement"])]
    floor_m2 = (buildings.area * buildings["floors"]).groupby(buildings["estate_id"]).sum()
    commodity = estates[estates["kind"] == "commodity"].set_index("estate_id")
    per_home = floor_m2[commodity.index] / commodity["households"]
    beds = buildings.groupby("estate_id")["beds"].sum()
    dormitories = beds[estates.loc[estates["kind"] == "dormitory", "estate_id"]]
    gates = town.layers["gates"].groupby("estate_id").size()
    return {
        "buildings": str(len(buildings)),
        **_count_by("buildings", buildings["kind"].value_counts().to_dict()),
        "walled_estates": str(len(walled)),
        "households_per_estate": _spread(residential["households"].to_numpy()),
        "gates_per_estate": f"{gates.min()} to {gates.max()}, {len(town.layers['gates'])} in all",
        "villages": str(int((estates["kind"] == "village").sum())),
        "dormitories": str(len(dormitories)),
        "beds_per_dormitory": f"{dormitories.min():.0f} to {dormitories.max():.0f}",
        "commodity_floor_m2_per_household": f"{per_home.min():.0f} to {per_home.max():.0f}",
    }


def _services(town: DemoTown) -> dict[str, str]:
    sites, staff = town.layers["sites"], town.layers["committees"]["staff"]
    per_10k = 1e4 * staff.to_numpy() / town.population["常住人口"].to_numpy()
    services = town.layers["facilities"]
    stations = services.drop_duplicates("facility_id")["kind"].value_counts()
    cost = sites.loc[sites["kind"] == "candidate", "cost"]
    return {
        "committees": str(len(staff)),
        "staff": str(int(staff.sum())),
        "staff_per_10000": f"{per_10k.min():.1f} to {per_10k.max():.1f}",
        "existing_rooms": str(int((sites["kind"] == "existing").sum())),
        "candidate_sites": str(len(cost)),
        "candidate_cost_yuan": f"{cost.min()} to {cost.max()}",
        "service_stations": str(stations.get("社区服务站", 0)),
        "social_work_stations": str(stations.get("社工站", 0)),
        "service_points": str(len(services)),
        "components": str(len(town.layers["components"])),
    }


def _spread(values: np.ndarray) -> str:
    return f"{values.min()} to {values.max()}, median {np.median(values):.0f}"


def _count_by(prefix: str, counts: Mapping[str, int]) -> dict[str, str]:
    return {f"{prefix}_{kind}": str(counts[kind]) for kind in sorted(counts)}
