"""Step: what each gate or bridge that nobody has seen saves, or costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.access import Terrain, Walkers, links_layer, measure_links, own_committees
from gridplan.geometry import Floats
from gridplan.network import doubtful_links
from gridplan.steps.work import Work, network_options


def add_links(work: Work) -> None:
    """Measure proposed gates, links to pieces that are cut off, and gaps between streets."""
    options = network_options(work.config)
    terrain = Terrain(work.found["network"], work.found["blocks"], options)
    links = doubtful_links(
        terrain.network,
        proposed=work.found["proposed_gates"],
        ledger=work.found["ledger"],
        blocks=terrain.blocks,
        options=options,
    )
    own, notes = measure_links(links, _to_own_committee(work), terrain=terrain)
    room, _ = measure_links(links, to_nearest_room(work), terrain=terrain)
    work.found["doubtful"], work.found["terrain"] = links, terrain
    work.found["links"] = links_layer(links, own, room)
    work.notes.extend(notes)


def _to_own_committee(work: Work) -> Walkers:
    place, demand, walks = work.place, work.found["demand"], work.found["walks"]
    own = own_committees(demand, place.committees, work.found["community_committees"])
    closed = np.zeros((len(demand), walks.sites), dtype=bool)
    return _walkers(work, np.concatenate([own, closed], axis=1), demand["committee_m"])


def to_nearest_room(work: Work) -> Walkers:
    """Return who walks to the nearest committee or open room."""
    demand, walks = work.found["demand"], work.found["walks"]
    opened = np.isin(walks.ids[: walks.first_point], work.found["opened"])
    return _walkers(work, np.repeat(opened[None, :], len(demand), axis=0), demand["room_m"])


def _walkers(work: Work, allowed: np.ndarray, metres: pd.Series[float]) -> Walkers:
    """Return who walks where; a committee's service points are allowed where it is."""
    place, demand, walks = work.place, work.found["demand"], work.found["walks"]
    parts = (place.committees, place.sites, place.facilities)
    least: Floats = np.asarray(metres.fillna(np.inf), dtype=np.float64)
    committees = pd.Index(walks.ids[: walks.committees])
    of_point = committees.get_indexer(walks.points["facility_id"])
    at_points = allowed[:, of_point] & (of_point >= 0)
    return Walkers(
        homes=demand.geometry.to_numpy(),
        targets=np.concatenate([part.geometry.to_numpy() for part in parts]),
        doors=walks.doors,
        facilities=walks.facilities,
        residents=demand["population"].fillna(0).to_numpy(dtype=float),
        allowed=np.concatenate([allowed, at_points], axis=1),
        walks_m=least,
    )
