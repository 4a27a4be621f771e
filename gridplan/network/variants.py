"""Where walls are unknown: the network as if they were open, and as if they were walled."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from gridplan.network.edges import Network, NetworkOptions, build_network
from gridplan.network.obstacles import Obstacles, obstacles
from gridplan.network.proposals import propose_gates


@dataclass(frozen=True)
class WallVariant:
    """A network and its obstacles under one assumption about walls that are unknown."""

    network: Network
    blocks: Obstacles


def wall_variants(
    streets: gpd.GeoDataFrame,
    *,
    gates: gpd.GeoDataFrame,
    water: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
    options: NetworkOptions | None = None,
) -> tuple[WallVariant, WallVariant | None]:
    """
    Return the network with unknown walls open, and with them walled.

    In the second, an estate whose ``walled`` is null has a wall with gates where
    streets cross or reach it (see `propose_gates`); None where no estate is unknown.
    A walk lies between the two.

    Parameters
    ----------
    streets, gates, water, barriers, estates : GeoDataFrame
        As in `Place`.
    """
    blocks = obstacles(water=water, barriers=barriers, estates=estates)
    network = build_network(streets, gates=gates, blocks=blocks, options=options)
    unknown = estates["walled"].isna()
    if not unknown.any():
        return WallVariant(network, blocks), None
    shut = estates.assign(walled=estates["walled"].fillna(value=True))
    walled = obstacles(water=water, barriers=barriers, estates=shut)
    proposed = propose_gates(network, gates, blocks=walled, options=options)
    entered = proposed[proposed["estate_id"].isin(estates["estate_id"][unknown])]
    every = gates if entered.empty else pd.concat([gates, entered], ignore_index=True)
    closed = build_network(
        streets, gates=gpd.GeoDataFrame(every, crs=gates.crs), blocks=walled, options=options
    )
    return WallVariant(network, blocks), WallVariant(closed, walled)
