"""Where walls are unknown: the network as if they were open, and as if they were walled."""

from __future__ import annotations

from collections.abc import Collection
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
    gates_unknown: Collection[str] = (),
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
    gates_unknown : collection of str
        Estates that are known to be walled, and nobody has said by which gates one enters:
        they have guessed gates in both variants, as they had before.
    """
    layers = {"water": water, "barriers": barriers}
    blocks = obstacles(estates=estates, **layers)
    unknown = estates["walled"].isna()
    shut = estates.assign(walled=estates["walled"].fillna(value=True))
    walled = obstacles(estates=shut, **layers) if unknown.any() else blocks
    network = build_network(streets, gates=gates, blocks=walled, options=options)
    asked = estates["estate_id"][unknown | estates["estate_id"].isin(list(gates_unknown))]
    if len(asked):
        proposed = propose_gates(network, gates, blocks=walled, options=options)
        guessed = proposed[proposed["estate_id"].isin(asked)]
        network = build_network(
            streets, gates=gates, blocks=walled, options=options, guessed=guessed
        )
    if not unknown.any():
        return WallVariant(network, blocks), None
    opened = WallVariant(network, replace(blocks, if_walled=walled))
    return opened, WallVariant(network, walled)
