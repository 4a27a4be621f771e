"""What became of the cells that a given grid carries permanent ids for."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.place import Place

MERGED = "merged"


def retired_cells(cells: gpd.GeoDataFrame, place: Place) -> gpd.GeoDataFrame:
    """Return the cells of the given grid that repair has merged, with the columns of `cells`."""
    given = place.cells
    gone = given[given["cell_uid"].notna() & ~given["cell_uid"].isin(cells["cell_uid"])]
    last = cells.iloc[:0].assign(valid_to="", reason="")
    if gone.empty:
        return last
    ordered = gone.sort_values("cell_uid", kind="stable").reset_index(drop=True)
    known = ordered[["cell_uid", "cell_id", "community_id", "geometry"]]
    rows = known.assign(
        area_m2=known.geometry.area,
        population=np.int64(0),
        standard=cells["standard"].iloc[0],
        grid_system=cells["grid_system"].iloc[0],
        valid_to=place.as_of.isoformat(),
        reason=MERGED,
    )
    return gpd.GeoDataFrame(rows.reindex(columns=last.columns), crs=cells.crs)


def lineage(
    cells: gpd.GeoDataFrame, retired: gpd.GeoDataFrame, demand: gpd.GeoDataFrame, place: Place
) -> pd.DataFrame:
    """
    Return where each cell comes from, and where each retired one went.

    A cell whose id a given grid carried is ``kept``, another one ``new``; of a retired one
    there is a line ``merged`` for each cell that has of its land.
    """
    kept = cells["cell_uid"].isin(place.cells["cell_uid"].dropna())
    own = pd.DataFrame(
        {
            "parent_uid": cells["cell_uid"].astype("object").where(kept, None),
            "child_uid": cells["cell_uid"],
            "area_share": np.where(kept, 1.0, np.nan),
            "population_share": np.where(kept, 1.0, np.nan),
            "kind": np.where(kept, "kept", "new").astype(object),
        }
    )
    lines = pd.concat([own, _merged(cells, retired, demand)], ignore_index=True)
    nothing = pd.Series([None] * len(lines), dtype="object")
    return lines.assign(changed_on=place.as_of.isoformat(), document=nothing)


def _merged(
    cells: gpd.GeoDataFrame, retired: gpd.GeoDataFrame, demand: gpd.GeoDataFrame
) -> pd.DataFrame:
    old, new = retired.geometry.to_numpy(), cells.geometry.to_numpy()
    parent, child = shapely.STRtree(new).query(old, predicate="intersects")
    area_m2 = shapely.area(shapely.intersection(old[parent], new[child]))
    homes = demand[demand["cell_uid"].notna()]
    at, home = shapely.STRtree(homes.geometry.to_numpy()).query(old, predicate="intersects")
    people = pd.Series(homes["population"].fillna(0).to_numpy(dtype=float)[home])
    living = people.groupby([at, homes["cell_uid"].to_numpy()[home]]).sum().to_dict()
    uid = cells["cell_uid"].to_numpy()[child]
    lives = np.array([living.get(pair, 0.0) for pair in zip(parent, uid, strict=True)], dtype=float)
    rows = area_m2 > 0
    parent, uid, area_m2, lives = parent[rows], uid[rows], area_m2[rows], lives[rows]
    shares = _share(area_m2, parent, area_m2)
    return pd.DataFrame(
        {
            "parent_uid": retired["cell_uid"].to_numpy()[parent],
            "child_uid": uid,
            "area_share": shares,
            # Where nobody lives the land alone tells.
            "population_share": _share(lives, parent, area_m2),
            "kind": np.full(len(uid), MERGED, dtype=object),
        }
    )


def _share(amount: np.ndarray, parent: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    total = np.bincount(parent, weights=amount)[parent] if len(parent) else amount
    rest = np.bincount(parent, weights=otherwise)[parent] if len(parent) else otherwise
    return np.where(total > 0, amount / np.where(total > 0, total, 1.0), otherwise / rest)
