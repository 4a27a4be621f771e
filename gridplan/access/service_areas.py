"""The layer `service_areas`: one for each open facility and walking norm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from gridplan.access.areas import reached_streets, service_area
from gridplan.access.routes import Ends
from gridplan.geometry import Floats
from gridplan.network import Network, Obstacles, WalkGraph

COLUMNS = ["facility_id", "kind", "norm_m", "area_m2", "residents", "geometry"]

_SMALLEST_M2 = 1e-6


@dataclass(frozen=True)
class Served:
    """
    One facility: where its service points are, and how far everybody walks to it.

    Attributes
    ----------
    facility_id, kind : str
    stops : tuple of int
        Positions of its service points among the stops of the graph.
    metres : float array, shape (n_demand,)
        The least walk over the service points; ``inf`` or ``nan`` where there is none.
    capacity : float
        Square metres or staff; ``nan`` where it is not known.
    """

    facility_id: str
    kind: str
    stops: tuple[int, ...]
    metres: Floats
    capacity: float = float("nan")


@dataclass(frozen=True)
class Streets:
    """What a service area is drawn from."""

    network: Network
    graph: WalkGraph
    stops: Ends
    blocks: Obstacles
    water: gpd.GeoDataFrame


def service_areas(
    served: Sequence[Served],
    residents: npt.NDArray[np.float64],
    streets: Streets,
    *,
    norms_m: Iterable[float],
) -> gpd.GeoDataFrame:
    """
    Return the service area of each facility for each norm.

    Residents are those whose own walk is within the norm, which is measured from the
    door, while the area is land beside the reached streets.

    Returns
    -------
    GeoDataFrame, in the order of `served`, then of the norms
        `COLUMNS`; the geometry is null, and ``area_m2`` 0, where no street is reached.
    """
    norms = list(norms_m)
    rows = []
    for one in served:
        for norm_m in norms:
            parts = [
                reached_streets(
                    streets.network,
                    streets.graph,
                    streets.stops,
                    stop,
                    reach_m=norm_m,
                    blocks=streets.blocks,
                )
                for stop in one.stops
            ]
            area = service_area(np.concatenate(parts), streets.blocks, streets.water)
            size_m2 = float(area.area)
            rows.append(
                {
                    "facility_id": one.facility_id,
                    "kind": one.kind,
                    "norm_m": float(norm_m),
                    "area_m2": size_m2,
                    "residents": round(float(residents[one.metres <= norm_m].sum())),
                    "geometry": area if size_m2 > _SMALLEST_M2 else None,
                }
            )
    crs = streets.network.edges.crs
    frame = gpd.GeoDataFrame(rows, columns=COLUMNS, geometry="geometry", crs=crs)
    return frame.astype({"norm_m": "float64", "area_m2": "float64", "residents": "int64"})
