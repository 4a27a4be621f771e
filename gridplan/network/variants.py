"""Where walls are unknown: the network as if they were open, and as if they were walled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd

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

    In the second, an estate whose ``walled`` is null has a wall, with gates where streets
    cross or reach it (see `propose_gates`); None where no estate is unknown. A gate that
    is a guess leads out of the doors of its estate, and shortens no other walk.

    A wall shortens no walk: both have the same network, and in the first every door has
    the ways onto it that it has in the second too (`Obstacles.if_walled`).

    Parameters
    ----------
    streets, gates, water, barriers, estates : GeoDataFrame
        As in `Place`.
    """
    layers = {"water": water, "barriers": barriers}
    blocks = obstacles(estates=estates, **layers)
    unknown = estates["walled"].isna()
    if not unknown.any():
        network = build_network(streets, gates=gates, blocks=blocks, options=options)
        return WallVariant(network, blocks), None
    shut = estates.assign(walled=estates["walled"].fillna(value=True))
    walled = obstacles(estates=shut, **layers)
    network = build_network(streets, gates=gates, blocks=walled, options=options)
    proposed = propose_gates(network, gates, blocks=walled, options=options)
    guessed = proposed[proposed["estate_id"].isin(estates["estate_id"][unknown])]
    if len(guessed):
        network = build_network(
            streets, gates=gates, blocks=walled, options=options, guessed=guessed
        )
    opened = WallVariant(network, replace(blocks, if_walled=walled))
    return opened, WallVariant(network, walled)
