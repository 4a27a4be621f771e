"""A room in every estate that can host one; where small estates lie close, one for several."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.rooms.fewest import Chosen, fewest_rooms
from gridplan.rooms.question import Flags, RoomQuestion, first_best

Served = Literal["own_existing", "own_new", "shared", "no_space", "no_residents"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """
    When estates share a room.

    Attributes
    ----------
    households : float
        An estate with fewer is small.
    within_m : float
        The walk within which small estates may share one.
    """

    households: float
    within_m: float


@dataclass(frozen=True, slots=True, eq=False)
class EstatePlan:
    """
    Rooms for all estates, and how each is served.

    Attributes
    ----------
    chosen : Chosen
        New rooms; the objective counts them, the bound is of the fewest.
    served : mapping of estate id to word
        ``own_existing``, ``own_new``, ``shared`` (small, no room of its own),
        ``no_space`` (no room and no candidate site in it) or ``no_residents``.
    """

    chosen: Chosen
    served: Mapping[str, Served]


def rooms_by_estate(
    question: RoomQuestion,
    estates: pd.DataFrame,
    *,
    estate_of_site: Mapping[str, str],
    estate_of_demand: pd.Series,
    sharing: Sharing,
) -> EstatePlan:
    """
    Give a room to every estate that can host one, the fewest where small estates share.

    An estate hosts if a room stands in it or a candidate site lies in it. A large one gets
    the site to which its residents walk least. Of the small ones as few get a room as bring
    every resident of theirs within the limit whom a site of a small estate, or a place that
    is open by then, brings there; a small estate none of whose residents has a site within
    the limit gets its own.

    Parameters
    ----------
    estates : DataFrame
        ``estate_id``, ``households`` (NaN where not known: then it is taken as large).
    estate_of_site : mapping of site id to estate id
    estate_of_demand : Series of estate id, in the row order of the walks; null outside
    """
    home = estate_of_demand.to_numpy(dtype=object)
    people = pd.Series(question.residents).groupby(home).sum()
    ids = sorted(str(one) for one in estates["estate_id"])
    lived_in = [one for one in ids if people.get(one, 0.0) > 0]
    sites = _sites_by_estate(question, estate_of_site, candidates=True)
    standing = _sites_by_estate(question, estate_of_site, candidates=False)
    households = dict(zip(estates["estate_id"].astype(str), estates["households"], strict=True))
    hosts = [one for one in lived_in if one in sites and one not in standing]
    small = [one for one in hosts if households[one] < sharing.households]
    own = {one: _best_site(question, sites[one], home == one) for one in hosts if one not in small}
    own |= {
        one: _best_site(question, sites[one], home == one)
        for one in small
        if not _shareable(question, sites, small, home == one, sharing.within_m)
    }
    asked = _small_question(question, sites, small, home, decided=[*own.values()])
    chosen = fewest_rooms(asked, radius_m=sharing.within_m)
    opened = frozenset(chosen.sites)
    hosting = {one for one, found in sites.items() if opened & frozenset(found)}
    words: dict[str, Served] = {}
    for one in ids:
        if one in standing:
            words[one] = "own_existing"
        elif one in hosting:
            words[one] = "own_new"
        elif one not in lived_in:
            words[one] = "no_residents"
        else:
            words[one] = "shared" if one in small else "no_space"
    return EstatePlan(chosen, words)


def _sites_by_estate(
    question: RoomQuestion, estate_of_site: Mapping[str, str], *, candidates: bool
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    among = question.names(question.free if candidates else question.fixed)
    for site in among:
        if site in estate_of_site:
            found.setdefault(estate_of_site[site], []).append(site)
    return found


def _best_site(question: RoomQuestion, sites: Collection[str], rows: Flags) -> str:
    """Return the site of an estate to which its residents walk least; of equals the first."""
    places = question.at(sites)
    wanted = [j for j in places if question.site_ids[int(j)] in question.required]
    if wanted:
        return question.site_ids[int(wanted[0])]
    walks = question.metres[np.ix_(np.flatnonzero(rows), places)]
    residents = question.residents[rows]
    lost = residents @ ~np.isfinite(walks)
    total = residents @ np.where(np.isfinite(walks), walks, 0.0)
    least = np.flatnonzero(lost == lost.min())
    return question.site_ids[int(places[least[first_best(-total[least])]])]


def _shareable(
    question: RoomQuestion,
    sites: Mapping[str, list[str]],
    small: Collection[str],
    rows: Flags,
    within_m: float,
) -> bool:
    offered = [site for one in small for site in sites[one]]
    places = np.concatenate([question.fixed, question.at(offered)])
    here = rows & (question.residents > 0)
    return bool((question.metres[np.ix_(np.flatnonzero(here), places)] <= within_m).any())


def _small_question(
    question: RoomQuestion,
    sites: Mapping[str, list[str]],
    small: Collection[str],
    home: npt.NDArray[np.object_],
    *,
    decided: Collection[str],
) -> RoomQuestion:
    """Return the question of the small estates alone, the rooms decided on being required."""
    offered = frozenset(site for one in small for site in sites[one])
    required = question.required | frozenset(decided)
    within = np.isin(home, np.array([*small], dtype=object))
    return replace(
        question.uncounted(),
        residents=np.where(within, question.residents, 0.0),
        weights=np.where(within, question.counted, 0.0),
        required=required,
        forbidden=question.candidates - offered - required,
    )
