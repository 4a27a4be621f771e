"""Which facility serves whom, and why some have none."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.geometry import GRID_M, Floats

Texts = npt.NDArray[np.object_]

UNREACHABLE = "unreachable"
TOO_FAR = "too_far_from_street"
NO_COMMITTEE = "no_committee"
UNPLACED = "unplaced"


def own_committees(
    demand: pd.DataFrame, committees: pd.DataFrame, community_committees: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """
    Return which committees may be a resident's own, shape (n_demand, n_committees).

    Those that the table ``community_committees`` gives to the resident's
    community; several of them leave the nearest to be chosen.
    """
    pairs = community_committees.groupby("community_id")["committee_id"].agg(set)
    ids = committees["committee_id"].to_numpy()
    allowed = {
        community: np.array([one in own for one in ids], dtype=bool)
        for community, own in pairs.items()
    }
    nobody = np.zeros(len(ids), dtype=bool)
    rows = [allowed.get(community, nobody) for community in demand["community_id"]]
    return np.array(rows, dtype=bool).reshape(len(demand), len(ids))


def choose_facility(
    walks_m: Floats, ids: Texts, *, allowed: npt.NDArray[np.bool_] | None = None
) -> tuple[Texts, Floats]:
    """
    Return the nearest facility of each row and the walk to it.

    Parameters
    ----------
    walks_m : float array, shape (n, n_facilities)
        ``inf`` where there is no path.
    ids : array of str, shape (n_facilities,), sorted
        Of equally near ones the first.
    allowed : bool array, shape (n, n_facilities), optional

    Returns
    -------
    ids, metres
        Null and ``nan`` where no facility can be reached.
    """
    # Compared on the precision grid, so that rounding noise decides no tie.
    rank = np.round(walks_m / GRID_M)
    if allowed is not None:
        rank = np.where(allowed, rank, np.inf)
    if not rank.shape[1]:
        return np.full(len(rank), None, dtype=object), np.full(len(rank), np.nan)
    best = rank.argmin(axis=1)
    reached = np.isfinite(rank[np.arange(len(rank)), best])
    chosen: Texts = np.full(len(rank), None, dtype=object)
    chosen[reached] = ids[best[reached]]
    metres: Floats = np.full(len(rank), np.nan)
    metres[reached] = walks_m[np.flatnonzero(reached), best[reached]]
    return chosen, metres


def missing_reasons(
    metres: Floats,
    *,
    placed: npt.NDArray[np.bool_],
    near_street: npt.NDArray[np.bool_],
    has_facility: npt.NDArray[np.bool_],
) -> Texts:
    """
    Return why a distance is missing (null where there is one), from the closed list.

    Who has a street in reach, but a wall or water across every way to it
    (`near_street`), is cut off and not far from streets.
    """
    missing = ~np.isfinite(metres)
    reasons = np.full(len(metres), None, dtype=object)
    reasons[missing] = UNREACHABLE
    reasons[missing & ~near_street] = TOO_FAR
    reasons[missing & ~has_facility] = NO_COMMITTEE
    reasons[missing & ~placed] = UNPLACED
    return reasons


_BARS: Mapping[str, tuple[str, str]] = {
    "wall": ("a wall", "围墙"),
    "water": ("water", "水面"),
    "rail": ("a railway", "铁路"),
    "border": ("a hard border", "不可通行边界"),
}


def barred_note(ids: Texts, residents: Floats, barred_by: Texts) -> tuple[Note, ...]:
    """
    Say which homes have a street in reach that nothing leads to, and what bars the way.

    Parameters
    ----------
    ids : array of str
        The homes.
    residents : float array
    barred_by : array of str
        ``wall``, ``water``, ``rail`` or ``border``; empty for homes that are not barred.
    """
    homes = np.flatnonzero((barred_by != "") & (residents > 0))
    if not len(homes):
        return ()
    own = np.array(sorted(ids[homes].astype(str)), dtype=object).tolist()
    people = round(math.fsum(residents[homes]))
    counts = [(word, int((barred_by[homes] == word).sum())) for word in _BARS]
    bars_en = ", ".join(f"{_BARS[word][0]} ({n})" for word, n in counts if n)
    bars_zh = "、".join(f"{_BARS[word][1]}（{n}）" for word, n in counts if n)
    message = Message(
        en=f"{counted(people, 'resident has', 'residents have')} a street in reach of "
        f"{counted(len(homes), 'home', 'homes')}, but something bars every way to it: {bars_en}; "
        f"first {first_ids(own)}. Map the gate or the bridge by which they leave.",
        zh=f"{len(homes)} 处住宅（{people} 名居民）附近有道路，但通往道路的路线均被阻断："
        f"{bars_zh}；编号如 {ids_zh(own)}。请补充居民进出的出入口或桥梁。",
    )
    return (Note("homes_barred", len(homes), message, tuple(own)),)
