"""The range of a walk where nobody has said whether estates are walled."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from gridplan.access.choose import own_committees
from gridplan.access.walks import Walks, nearest_columns
from gridplan.place import Place


def wall_range_columns(
    place: Place, demand: gpd.GeoDataFrame, walled: Walks, table: pd.DataFrame
) -> pd.DataFrame:
    """
    Return the walk to the own committee with unknown walls open, and with them walled.

    Parameters
    ----------
    demand : GeoDataFrame
        With ``committee_m``, measured with unknown walls open.
    walled : Walks
        Measured with unknown walls closed but for gates where streets enter.
    table : DataFrame
        ``community_id``, ``committee_id``.

    Returns
    -------
    DataFrame, indexed like `demand`
        ``committee_open_m``, ``committee_walled_m`` and
        ``committee_walled_reason`` (null where there is a walled walk).
    """
    ids = place.committees["committee_id"].to_numpy()
    own = own_committees(demand, place.committees, table)
    metres = walled.metres[:, : walled.committees]
    found = nearest_columns(demand, walled, metres, ids, "committee_walled", allowed=own)
    found = found.drop(columns="committee_walled_id")
    found.insert(0, "committee_open_m", demand["committee_m"])
    # Rounding alone makes no wall a short cut.
    found["committee_walled_m"] = found[["committee_open_m", "committee_walled_m"]].max(
        axis="columns", skipna=False
    )
    return found
