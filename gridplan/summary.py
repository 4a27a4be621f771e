"""The blocks of `summary.json`, from the layers and the results of the steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from gridplan.config import Config
from gridplan.geometry import area_scale
from gridplan.network import Network
from gridplan.place import Place
from gridplan.siting import Siting


def place_figures(place: Place, layers: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return name, CRS, date, area and what the place is made of."""
    centre = place.outline.centroid
    return {
        "name": place.name,
        "crs": place.crs.to_string(),
        "as_of": place.as_of.isoformat(),
        "area_m2": float(layers["cells"]["area_m2"].sum()),
        "area_scale": area_scale(pyproj.CRS(place.crs), centre.x, centre.y),
        "communities": len(place.communities),
        "committees": len(place.committees),
        "codes_official": bool(place.communities["official"].fillna(value=True).all()),
    }


def siting_figures(siting: Siting, place: Place, config: Config) -> dict[str, Any]:
    """Return how good the siting is, as far as is proven."""
    candidates = place.sites[place.sites["kind"] == "candidate"]
    return {
        "model": "p-median",
        "p": config.siting.p,
        "fixed": len(place.committees) + len(place.sites) - len(candidates),
        "objective": _finite(siting.objective),
        "bound": _finite(siting.bound),
        "lower_bound": _finite(siting.lower_bound),
        "gap": _finite(siting.gap),
        "status": siting.status,
        "stopped_by": siting.stopped_by,
        "candidates": len(candidates),
        "assumed_candidates": int(candidates["assumed"].fillna(value=False).sum()),
    }


def frontier_table(figures: Mapping[str, Any], siting: Siting) -> pd.DataFrame:
    """
    Return the room sequences of a plan, here the one number of rooms that was asked for.

    Parameters
    ----------
    figures : mapping
        As `siting_figures` returns them.

    Returns
    -------
    DataFrame, one row per number of new rooms
        ``model``, ``p`` (new rooms), ``objective`` and ``lower_bound`` in
        resident-metres (null without a plan), ``gap``, ``status`` and ``sites``
        (ids of all open places, with blanks between).
    """
    row = {key: figures[key] for key in ("model", "p", "objective", "lower_bound", "gap", "status")}
    frame = pd.DataFrame([row | {"sites": " ".join(map(str, siting.sites))}])
    measured = ["objective", "lower_bound", "gap"]
    return frame.astype(dict.fromkeys(measured, "float64"))


def _finite(figure: float) -> float | None:
    """Return the figure, null where there is none: JSON knows no infinity."""
    return figure if math.isfinite(figure) else None


def zone_figures(zones: pd.DataFrame, *, tolerance: float, start: str) -> dict[str, Any]:
    """Return how balanced and how compact a zone system is."""
    residents = zones["population"].to_numpy(dtype=float)
    mean = residents.mean()
    return {
        "count": len(zones),
        "tolerance": tolerance,
        "max_deviation_share": float(np.abs(residents / mean - 1).max()),
        "cv": float(residents.std() / mean),
        "compactness_median": float(zones["compactness"].median()),
        "start": start,
    }


def network_figures(network: Network, place: Place) -> dict[str, Any]:
    """Return the size of the walking network and how much of it hangs together."""
    walkable = network.walkable
    length_m = float(walkable["length_m"].sum())
    main_m = float(walkable.loc[walkable["component"] == 0, "length_m"].sum())
    cuts = sum(note.count for note in place.notes if note.code == "osm_ways_cut")
    return {
        "edges": len(network.edges),
        "walkable_edges": len(walkable),
        "nodes": network.node_codes[2],
        "length_m": length_m,
        "components": int(walkable["component"].max()) + 1,
        "main_component_share": main_m / length_m,
        "cuts": cuts,
        "gates": len(place.gates),
    }
