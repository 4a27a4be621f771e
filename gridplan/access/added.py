"""Walks with several links added at once, each of them from the walks to the links alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridplan.access.missing import Terrain, Walkers, as_points, straight_to, ways_to_links
from gridplan.geometry import Floats
from gridplan.network import DoubtfulLinks, build_graph, walking_distances


@dataclass(frozen=True)
class AddedLinks:
    r"""
    What any set of added links makes of all walks.

    With :math:`a_{ih}` from home to the middle of a link, :math:`b_{hf}` from there to a
    facility and :math:`c_{hg}` between two links, all on the network as it is, the walk with
    the links :math:`S` is

    .. math:: \min\bigl(d_{if},\; \min_{h, g \in S} a_{ih} + c^*_{hg} + b_{gf}\bigr)

    where :math:`c^*` are the shortest ways from link to link over links of :math:`S`: exact,
    since between two links a walk is one on the network as it is.

    Attributes
    ----------
    homes_m : ndarray, shape (n, k)
    places_m : ndarray, shape (m, k)
    links_m : ndarray, shape (k, k)
    """

    homes_m: Floats
    places_m: Floats
    links_m: Floats

    def __len__(self) -> int:
        """Return the number of links."""
        return int(self.homes_m.shape[1])

    def walks(self, metres: Floats, chosen: Sequence[int]) -> Floats:
        """
        Return the walks of all homes to all places with some links added, shape (n, m).

        Parameters
        ----------
        metres : ndarray, shape (n, m)
            As the network is.
        chosen : sequence of int
            Positions of the links.

        Examples
        --------
        Two bridges in a row, which help only together:

        >>> far = np.inf
        >>> links = AddedLinks(
        ...     homes_m=np.array([[100.0, far]]), places_m=np.array([[far, 200.0]]),
        ...     links_m=np.array([[0.0, 50.0], [50.0, 0.0]]),
        ... )
        >>> today = np.array([[900.0]])
        >>> [links.walks(today, one).tolist() for one in ([0], [1], [0, 1])]
        [[[900.0]], [[900.0]], [[350.0]]]
        """
        own = list(chosen)
        found = metres.copy()
        between = self.links_m[np.ix_(own, own)].copy()
        for middle in range(len(own)):
            by = between[:, middle, None] + between[None, middle, :]
            np.minimum(between, by, out=between)
        for at, link in enumerate(own):
            first_m = (self.homes_m[:, own] + between[None, :, at]).min(axis=1, initial=np.inf)
            np.minimum(found, first_m[:, None] + self.places_m[None, :, link], out=found)
        return found

    def beside(self, opened: Sequence[int]) -> AddedLinks:
        """
        Return what is to be known of all links where some are open anyway.

        With `walks` of `opened` as the walks of today, the walks with further links are those
        with both: the ways over the open links are worked out once, and not for each set.

        Parameters
        ----------
        opened : sequence of int
            Positions of the links that are open.

        Examples
        --------
        >>> far = np.inf
        >>> links = AddedLinks(
        ...     homes_m=np.array([[100.0, far]]), places_m=np.array([[far, 200.0]]),
        ...     links_m=np.array([[0.0, 50.0], [50.0, 0.0]]),
        ... )
        >>> today = np.array([[900.0]])
        >>> links.beside([1]).walks(links.walks(today, [1]), [0]).tolist()
        [[350.0]]
        """
        between = self.links_m.copy()
        for middle in opened:
            by = between[:, middle, None] + between[None, middle, :]
            np.minimum(between, by, out=between)
        homes_m, places_m = self.homes_m.copy(), self.places_m.copy()
        for link in opened:
            for metres, own in ((homes_m, self.homes_m), (places_m, self.places_m)):
                np.minimum(metres, own[:, link, None] + between[None, link, :], out=metres)
        return AddedLinks(homes_m, places_m, between)


def added_links(
    chosen: npt.NDArray[np.intp], links: DoubtfulLinks, walkers: Walkers, *, terrain: Terrain
) -> AddedLinks:
    """
    Return what is to be known of some links that are not there today.

    Parameters
    ----------
    chosen : int array, shape (k,)
        Rows of ``links.frame``.
    walkers : Walkers
        The homes and places; who may go where does not matter here.
    """
    homes_m, places_m = ways_to_links(chosen, links, walkers, terrain)
    return AddedLinks(homes_m, places_m, _between(chosen, links, terrain))


def _between(chosen: npt.NDArray[np.intp], links: DoubtfulLinks, terrain: Terrain) -> Floats:
    """Return the walks from link to link, over the network and straight over open ground."""
    feet = links.feet[links.feet["link"].isin(chosen)].reset_index(drop=True)
    points = as_points(feet)
    leg_m = feet["leg_m"].to_numpy(dtype=float)
    feet_m = walking_distances(build_graph(terrain.network, points), points)
    feet_m = feet_m + leg_m[None, :] + leg_m[:, None]
    at = pd.Index(chosen).get_indexer(pd.Index(feet["link"]))
    from_link = np.full((len(chosen), len(feet)), np.inf)
    np.minimum.at(from_link, at, feet_m)
    metres = np.full((len(chosen), len(chosen)), np.inf)
    np.minimum.at(metres.T, at, from_link.T)
    for row, one in enumerate(chosen.tolist()):
        straight_m = _straight(one, chosen, links, terrain)
        metres[row] = np.minimum(metres[row], straight_m)
    both_ways: Floats = np.minimum(metres, metres.T)
    np.fill_diagonal(both_ways, 0.0)
    return both_ways


def _straight(
    link: int, chosen: npt.NDArray[np.intp], links: DoubtfulLinks, terrain: Terrain
) -> Floats:
    """Return the straight ways over its ground from a gate to the other gates there."""
    metres = np.full(len(chosen), np.inf)
    gates = links.indoors[links.indoors["link"] == link]
    own = links.indoors.drop_duplicates("link").set_index("link").reindex(chosen)
    there = own["x"].notna().to_numpy()
    if len(gates) and there.any():
        points = shapely.points(own.loc[there, ["x", "y"]].to_numpy(dtype=float))
        metres[there] = straight_to(gates, points, terrain)
    return metres
