"""The layer `links`: each link that nobody has seen, with what it saves or costs, in words."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.access.missing import CLOSING, OPENING
from gridplan.errors import Message
from gridplan.network import OPEN, DoubtfulLinks

FIGURES = (*OPENING, *CLOSING)
_THING = {
    ("gate", True): Message(
        en="a street crosses the wall here and is walked, though no gate is mapped",
        zh="道路在此穿过围墙，按可通行计算，但未标注出入口",
    ),
    ("gate", False): Message(
        en="a street ends at the wall here; no gate is mapped", zh="道路止于围墙，未标注出入口"
    ),
    ("bridge", False): Message(
        en="a piece of the network is cut off by water here", zh="此处路网被水面隔断"
    ),
    ("crossing", False): Message(
        en="a piece of the network is cut off by a railway here", zh="此处路网被铁路隔断"
    ),
    ("join", False): Message(
        en="a piece of the network is cut off from the rest here", zh="此处路网与主路网断开"
    ),
    ("gap", False): Message(
        en="a street stops just short of another here", zh="道路在此止步，距另一道路很近"
    ),
}
_WALLED = Message(en="a piece of the network is shut in by walls here", zh="此处路网被围墙隔断")


def links_layer(links: DoubtfulLinks, own: pd.DataFrame, room: pd.DataFrame) -> gpd.GeoDataFrame:
    """
    Return the layer `links`, sorted by id.

    Parameters
    ----------
    own, room : DataFrame
        What `measure_links` gives for walks to the own committee, and to the nearest
        committee or room.

    Returns
    -------
    GeoDataFrame
        The columns of ``links.frame``, `FIGURES`, the same with ``room_``, ``why``
        (zh), ``why_en``; lines.
    """
    rooms = room.rename(columns={name: f"room_{name}" for name in FIGURES})
    layer = pd.concat([links.frame.drop(columns="geometry"), own, rooms], axis="columns")
    words = [_why(row) for row in layer.to_dict("records")]
    layer["why"] = pd.Series([one.zh for one in words], dtype="object")
    layer["why_en"] = pd.Series([one.en for one in words], dtype="object")
    whole = gpd.GeoDataFrame(layer, geometry=links.frame.geometry, crs=links.frame.crs)
    return whole.sort_values("link_id", kind="stable").reset_index(drop=True)


def link_words(link: Mapping[Hashable, Any]) -> Message:
    """Return in words what is doubtful about a row of the layer `links`."""
    shut_in = str(link["link_id"]).startswith("piece") and link["kind"] == "gate"
    return _WALLED if shut_in else _THING[str(link["kind"]), link["status"] == OPEN]


def _why(row: Mapping[Hashable, Any]) -> Message:
    is_open = row["status"] == OPEN
    thing = link_words(row)
    metres, some, lost = (row[name] for name in (CLOSING if is_open else OPENING))
    if np.isnan(metres):
        return Message(en=f"{thing.en}; not measured", zh=f"{thing.zh}；未测算")
    km, walkers, without = metres / 1000, some, lost
    if not walkers and not without:
        return Message(
            en=f"{thing.en}; no walk to a committee depends on it",
            zh=f"{thing.zh}；不影响任何人到居委会的步行",
        )
    if is_open:
        return Message(
            en=f"{thing.en}. If it is shut, {walkers:,.0f} residents walk {km:,.1f} km more in "
            f"total (one way) and {without:,.0f} have no walk left",
            zh=f"{thing.zh}。若不通，{walkers:,.0f} 名居民合计多走 {km:,.1f} 公里（单程），"
            f"{without:,.0f} 人无路可走",
        )
    return Message(
        en=f"{thing.en}. If it is open, {walkers:,.0f} residents walk {km:,.1f} km less in total "
        f"(one way) and {without:,.0f} gain a walk",
        zh=f"{thing.zh}。若可通行，{walkers:,.0f} 名居民合计少走 {km:,.1f} 公里（单程），"
        f"{without:,.0f} 人由无路变为可达",
    )
