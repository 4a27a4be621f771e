"""What zones may have of each load, and which of them one indivisible thing keeps from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridplan.errors import amount
from gridplan.verify.frames import Floats, number, numbers, shapes, texts
from gridplan.verify.world import World, section

LEAST, RATIO = 0.01, 1e-6
"""Between a load and the same counted again: in its unit, and relative."""
_BESIDE_M = 0.05


def bodies(world: World, claims: Mapping[str, Any], own: pd.DataFrame) -> pd.Series[str]:
    """
    Return the parent and the community of each zone of a system that nests in them, else "".

    Loads are even among the zones of one body: no zone can take from another one.
    """
    key = pd.Series("", index=own.index, dtype=object)
    parent, members = claims.get("parent"), world.members
    if parent is not None and members is not None:
        above = members[members["zone_system"] == parent].set_index("cell")["zone_id"]
        key = key + own["cell"].map(above).astype(str)
    if claims.get("nest") == "inside" and world.has("cells", "community_id"):
        community = texts(world.layers["cells"], "community_id")[own["cell"].to_numpy()]
        key = key + "/" + pd.Series(community, index=own.index, dtype=object).astype(str)
    found: pd.Series[str] = key.groupby(own["zone_id"].to_numpy()).first()
    return found


def allowed(
    claims: Mapping[str, Any], weight: str, load: pd.Series[float], body: pd.Series[str]
) -> pd.DataFrame:
    """Return the ``least`` and ``most`` of each zone: the band, or the tolerance of the mean."""
    weights = section(claims, "weights")
    band, first = claims.get("band"), next(iter(weights), None)
    if isinstance(band, list | tuple) and weight == first:
        return pd.DataFrame({"least": float(band[0]), "most": float(band[1])}, index=load.index)
    share = number(section(weights, weight).get("tolerance")) or 0.0
    mean = load.groupby(body.reindex(load.index).to_numpy()).transform("mean")
    return pd.DataFrame({"least": mean * (1 - share), "most": mean * (1 + share)})


def norm_sizes(world: World, claims: Mapping[str, Any], weight: str) -> tuple[float, float] | None:
    """Return the least and most of a mean zone by the norm, where it decides on their number."""
    by_norm = claims.get("preset") == "social_grid" and weight == "households"
    if not by_norm or claims.get("band") is not None or claims.get("given") is not None:
        return None
    told = world.summary.get("norms")
    rows = [one for one in told if isinstance(one, Mapping)] if isinstance(told, list) else []
    value = {str(one.get("key")): number(one.get("value")) for one in rows}
    least, most = (value.get(f"social_grid_{one}_households") for one in ("least", "most"))
    return None if not least or not most else (least, most)


def main_estates(world: World) -> np.ndarray:
    """Return the estate where most residents of each cell live, None for none."""
    cells = world.layers["cells"]
    if not world.has("demand", "cell_uid", "estate_id", "population"):
        return np.full(len(cells), None, dtype=object)
    demand = world.layers["demand"]
    homes = pd.DataFrame({
        "cell": texts(demand, "cell_uid"),
        "estate": texts(demand, "estate_id"),
        "people": np.nan_to_num(numbers(demand, "population")),
    }).dropna(subset=["cell", "estate"])  # fmt: skip
    summed = homes.groupby(["cell", "estate"])["people"].sum().reset_index()
    summed = summed.sort_values(["people", "estate"], ascending=[False, True])
    most = summed.drop_duplicates("cell").set_index("cell")["estate"].to_dict()
    return np.array([most.get(one) for one in texts(cells, "cell_uid")], dtype=object)


def held_back(
    world: World,
    claims: Mapping[str, Any],
    own: pd.DataFrame,
    cell_load: Floats,
    bounds: pd.DataFrame,
) -> dict[str, str]:
    """
    Return, by zone, the one indivisible thing that keeps it from what is allowed.

    A cell divides no building, and an estate that is no more than a zone may have stays
    whole. A zone is beyond because of one of them if a cell alone has more than is allowed;
    if it lacks something, but whatever it could take from the zones beside it in its body
    is more than it has room for; or if whatever it could give leaves it too little.

    Parameters
    ----------
    own : DataFrame
        ``cell`` (row) and ``zone_id`` of the cells of the system.
    cell_load : array of float, shape (cells,)
    bounds : DataFrame indexed by ``zone_id``
        ``least``, ``most`` and ``body``.
    """
    at = own["cell"].to_numpy()
    estate = main_estates(world) if claims.get("estates") == "whole" else None
    cells = pd.DataFrame({
        "zone_id": own["zone_id"].to_numpy(),
        "cell": texts(world.layers["cells"], "cell_uid")[at],
        "estate": None if estate is None else estate[at],
        "cell_load": cell_load[at],
    })  # fmt: skip
    return held_by(cells, bounds, lambda: _beside(world, own))


def held_by(
    cells: pd.DataFrame, bounds: pd.DataFrame, touching: Callable[[], dict[str, set[str]]]
) -> dict[str, str]:
    """
    Return the same as `held_back`.

    Parameters
    ----------
    cells : DataFrame
        ``zone_id``, ``cell``, ``estate`` (of those that stay whole, else None), ``cell_load``.
    bounds : DataFrame indexed by ``zone_id``
        ``least``, ``most`` and ``body``.
    touching : callable
        Returns the zones that touch each zone; asked where a zone lacks something.
    """
    table = cells.assign(load=cells["cell_load"])
    table["whole"] = table.groupby("estate")["load"].transform("sum")
    zone = table.groupby("zone_id")["load"].sum().reindex(bounds.index, fill_value=0.0)
    found: dict[str, str] = {}
    beside: dict[str, set[str]] | None = None
    columns = (bounds[one].to_list() for one in ("least", "most", "body"))
    for name, least, most, body in zip(map(str, bounds.index), *columns, strict=True):
        load, slack = float(zone[name]), LEAST + RATIO * float(most)
        inside = table[(table["zone_id"] == name) & (table["load"] > 0)]
        heavy = inside[inside["cell_load"] > most + slack]
        if len(heavy):
            worst = heavy.sort_values(["cell_load", "cell"], ascending=[False, True]).iloc[0]
            found[name] = f"{_named(worst)} {amount(float(worst['cell_load']))}"
            continue
        limit = float(most)
        if load > most + slack:
            parts, room = _whole(inside, limit), load - least
        elif load < least - slack:
            beside = touching() if beside is None else beside
            same = [one for one in beside.get(name, ()) if bounds["body"].get(one) == body]
            near = table[table["zone_id"].isin(same) & (table["load"] > 0)]
            parts, room = _whole(near, limit), most - load
        else:
            continue
        if parts.empty or parts["load"].min() > room + slack:
            found[name] = _least_of(parts, short=load < least)
    return found


def _whole(table: pd.DataFrame, most: float) -> pd.DataFrame:
    """Return what can change zone by itself: estates within `most`, else cells."""
    kept = table["whole"].notna() & (table["whole"] <= most)
    name = table["estate"].where(kept, table["cell"])
    found = table.assign(name=name.astype(str)).groupby("name")["load"].sum()
    return found.sort_index().reset_index()


def _least_of(parts: pd.DataFrame, *, short: bool) -> str:
    if parts.empty:
        return "+ –"
    at = int(parts["load"].to_numpy().argmin())
    sign = "+" if short else "−"
    return f"{sign} {parts['name'].iloc[at]} {amount(float(parts['load'].iloc[at]))}"


def _named(row: pd.Series[Any]) -> str:
    return str(row["cell"]) if row["estate"] is None else f"{row['estate']}/{row['cell']}"


def _beside(world: World, own: pd.DataFrame) -> dict[str, set[str]]:
    """Return the zones that touch each zone."""
    polygons = shapes(world.layers["cells"])[own["cell"].to_numpy()]
    zone = own["zone_id"].to_numpy()
    left, right = shapely.STRtree(polygons).query(polygons, predicate="dwithin", distance=_BESIDE_M)
    found: dict[str, set[str]] = {}
    for a, b in zip(zone[left], zone[right], strict=True):
        if a != b:
            found.setdefault(str(a), set()).add(str(b))
    return found
