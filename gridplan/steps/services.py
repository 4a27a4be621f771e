"""Step: what each open facility serves: its service area, and its capacity per resident."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.access import Served, Streets, catchment_tables, service_areas
from gridplan.geometry import Floats
from gridplan.steps.work import Work

COMMITTEE, ROOM = "committee", "room"


def add_services(work: Work) -> None:
    """Draw the service areas, and share the capacities that are known."""
    served = [*_committees(work), *_rooms(work), *_facilities(work)]
    demand, walks = work.found["demand"], work.found["walks"]
    people = demand["population"].fillna(0).to_numpy(dtype=np.float64)
    streets = Streets(
        network=work.found["network"],
        graph=walks.graph,
        stops=walks.stops,
        blocks=work.found["blocks"],
        water=work.place.water,
    )
    norms = work.config.all_norms
    reach_m = sorted({norms[one].value for one in work.config.access.area_norms})
    work.found["service_areas"] = service_areas(served, people, streets, norms_m=reach_m)
    catchment_m = norms[work.config.access.catchment_norm].value
    facilities, scores = catchment_tables(served, demand, catchment_m=catchment_m)
    work.found["catchments"], work.found["catchment_scores"] = facilities, scores


def _committees(work: Work) -> Iterator[Served]:
    place, walks = work.place, work.found["walks"]
    points = walks.points["facility_id"].to_numpy()
    staff = place.committees["staff"].to_numpy(dtype=np.float64, na_value=np.nan)
    for column, committee in enumerate(place.committees["committee_id"]):
        further = walks.first_point + np.flatnonzero(points == committee)
        stops = (column, *further.tolist())
        yield Served(committee, COMMITTEE, stops, walks.metres[:, column], float(staff[column]))


def _rooms(work: Work) -> Iterator[Served]:
    sites, walks = work.place.sites, work.found["walks"]
    opened = set(work.found["opened"])
    area_m2 = _room_areas(sites)
    for row, site in enumerate(sites["site_id"]):
        column = walks.committees + row
        if site in opened:
            yield Served(site, ROOM, (column,), walks.metres[:, column], float(area_m2[row]))


def _room_areas(sites: gpd.GeoDataFrame) -> Floats:
    """Return the floor space of each site; of an assumed one only the footprint is known."""
    assumed = sites["assumed"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    area_m2: Floats = sites["area_m2"].to_numpy(dtype=np.float64, na_value=np.nan).copy()
    area_m2[assumed] = np.nan
    return area_m2


def _facilities(work: Work) -> Iterator[Served]:
    """Yield the facilities of other kinds; their floor space is the sum over their points."""
    walks, place = work.found["walks"], work.place
    own = ~walks.points["facility_id"].isin(place.committees["committee_id"]).to_numpy()
    at = np.flatnonzero(own)
    area_m2 = place.facilities["area_m2"].to_numpy(dtype=np.float64, na_value=np.nan)
    of_facility = pd.Series(at).groupby(walks.points["facility_id"].to_numpy()[at])
    for facility, rows in of_facility:
        stops = walks.first_point + rows.to_numpy()
        yield Served(
            str(facility),
            str(walks.points["kind"].iloc[rows.iloc[0]]),
            tuple(stops.tolist()),
            walks.metres[:, stops].min(axis=1),
            float(area_m2[rows.to_numpy()].sum()),
        )
