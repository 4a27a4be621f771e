"""How far the people of a zone walk to its anchor."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.errors import InputError, Message, first_ids, ids_zh


def zone_reach(
    zone_of: pd.Series[str], anchor_of: pd.Series[str], walk_m: pd.DataFrame
) -> pd.DataFrame:
    """
    Return the walk from the farthest cell of each zone to the zone's anchor.

    Parameters
    ----------
    zone_of : Series of str, indexed by ``cell_uid``
    anchor_of : Series of str, indexed by ``zone_id``
        Name of the zone's anchor; zones without one are left out of the index.
    walk_m : DataFrame, shape (cells, anchors)
        Walking metres from each cell (index ``cell_uid``, any order) to each anchor
        (column); ``inf`` without a way, NaN for a cell from which nobody walks.

    Returns
    -------
    DataFrame indexed by ``zone_id``
        ``anchor``; ``reach_m``, the longest finite walk (NaN without one); ``farthest``,
        the ``cell_uid`` it begins in; ``unreached``, cells without a way.

    Raises
    ------
    InputError
        If cells or anchors are not in `walk_m`.

    Examples
    --------
    >>> walks = pd.DataFrame({"A": [100.0, 250.0]}, index=["c1", "c2"])
    >>> zones = pd.Series(["Z01", "Z01"], index=["c1", "c2"])
    >>> zone_reach(zones, pd.Series({"Z01": "A"}), walks).loc["Z01", "reach_m"]
    np.float64(250.0)
    """
    unknown = sorted(set(zone_of.index) - set(walk_m.index))
    unknown += sorted(set(anchor_of) - set(walk_m.columns))
    if unknown:
        raise InputError(
            Message(
                en=f"{len(unknown)} cells or anchors have no walks: {first_ids(unknown)}. Give a "
                f"row for each cell and a column for each anchor.",
                zh=f"{len(unknown)} 个网格或锚点没有步行距离：{ids_zh(unknown)}。"
                f"请为每个网格给一行、每个锚点给一列。",
            )
        )
    rows = []
    for zone, anchor in anchor_of.sort_index().items():
        metres = walk_m.loc[sorted(zone_of.index[zone_of == zone]), anchor]
        finite = metres[np.isfinite(metres)]
        rows.append(
            {
                "zone_id": zone,
                "anchor": anchor,
                "reach_m": finite.max() if len(finite) else np.nan,
                "farthest": finite.idxmax() if len(finite) else None,
                "unreached": int(np.isinf(metres).sum()),
            }
        )
    columns = ["zone_id", "anchor", "reach_m", "farthest", "unreached"]
    return pd.DataFrame(rows, columns=columns).set_index("zone_id")
