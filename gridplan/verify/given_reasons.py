"""Can what closing and moving rooms cost be true where residents are given rooms with a limit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridplan.verify.findings import Checked, Tolerances
from gridplan.verify.frames import Flags, Floats, missing_columns, number, numbers, texts
from gridplan.verify.objective import weights_of
from gridplan.verify.rules import finding

STATUSES = ("proven", "gap", "infeasible", "stopped")
_TOLD = ("proven", "gap")
_FIGURES = ("walk", "within", "objective", "bound")
COLUMNS = (
    "site_id", "closing_status", "closing_stranded", *(f"closing_{one}" for one in _FIGURES),
    "next_site_id", "next_status", "next_stranded", *(f"next_{one}" for one in _FIGURES),
)  # fmt: skip
_FITS = 1.0 + 1e-8


@dataclass(frozen=True, eq=False)
class Given:
    """
    Homes with what they count, the place they are given, and the two nearest open ones.

    Attributes
    ----------
    people, counted, households : float arrays, shape (n_demand,)
        `counted` is NaN where it is not known.
    place, first_id, second_id : object arrays, shape (n_demand,)
    walk, first, second : float arrays, shape (n_demand,)
        Metres, ``inf`` where there is none.
    holds : mapping of site id to households
        ``inf`` for no limit.
    """

    people: Floats
    counted: Floats
    households: Floats
    place: np.ndarray
    first_id: np.ndarray
    second_id: np.ndarray
    walk: Floats
    first: Floats
    second: Floats
    holds: Mapping[str, float]

    def without(self, site: str) -> tuple[np.ndarray, Floats]:
        """Return the nearest place of each home, and the walk there, with a site closed."""
        own = self.first_id == site
        ids = np.where(own, self.second_id, self.first_id)
        return ids, np.where(own, self.second, self.first)

    def fits(self, ids: np.ndarray, rows: Flags) -> bool:
        """Return whether places hold the households of the homes that are given them."""
        load = pd.Series(self.households[rows]).groupby(ids[rows]).sum()
        return all(float(sum_) <= self.holds.get(str(one), 0.0) * _FITS
                   for one, sum_ in load.items())  # fmt: skip


def ranked(demand: pd.DataFrame, nearest: pd.DataFrame, rank: float) -> tuple[np.ndarray, Floats]:
    """
    Return the open place of some rank of each home, and the walk there.

    Parameters
    ----------
    demand : DataFrame
        ``demand_id``.
    nearest : DataFrame
        ``demand_id``, ``rank``, ``facility_id``, ``metres``.
    rank : float
        1 for the nearest.

    Returns
    -------
    ids, metres : arrays of shape (n_demand,)
        None and ``inf`` where there is none.
    """
    rows = nearest[numbers(nearest, "rank") == rank]
    keyed = pd.DataFrame(
        {"id": texts(rows, "facility_id"), "metres": numbers(rows, "metres")},
        index=texts(rows, "demand_id"),
    )
    found = keyed[~keyed.index.duplicated()].reindex(texts(demand, "demand_id"))
    metres: Floats = found["metres"].fillna(np.inf).to_numpy(dtype=float)
    return found["id"].to_numpy(dtype=object), metres


def given_of(
    demand: pd.DataFrame, nearest: pd.DataFrame, rooms: pd.DataFrame, siting: Mapping[str, Any]
) -> Given:
    """
    Return the homes of a plan.

    Parameters
    ----------
    demand : DataFrame
        ``demand_id``, ``population``, ``assigned_id``, ``assigned_m``, columns of groups.
    nearest : DataFrame
        ``demand_id``, ``rank``, ``facility_id``, ``metres``.
    rooms : DataFrame
        ``site_id``, ``residents``, ``households``, ``norm_households``.
    siting : mapping
        ``group_weights``.
    """
    (first_id, first), (second_id, second) = (ranked(demand, nearest, at) for at in (1.0, 2.0))
    people = np.nan_to_num(numbers(demand, "population"))
    counted = weights_of(siting, demand)
    walk = numbers(demand, "assigned_m")
    holds = numbers(rooms, "norm_households")
    return Given(
        people=people,
        counted=np.full(len(people), np.nan) if counted is None else counted,
        households=people / _per_household(rooms),
        place=texts(demand, "assigned_id"),
        first_id=first_id,
        second_id=second_id,
        walk=np.where(np.isfinite(walk) & (people > 0), walk, np.inf),
        first=first,
        second=second,
        holds=dict(
            zip(texts(rooms, "site_id"), np.where(np.isfinite(holds), holds, np.inf), strict=True)
        ),
    )


def _per_household(rooms: pd.DataFrame) -> float:
    residents, households = numbers(rooms, "residents"), numbers(rooms, "households")
    known = np.isfinite(households) & (households > 0)
    return float(np.median(residents[known] / households[known])) if known.any() else math.inf


def check_given(
    reasons: pd.DataFrame,
    demand: pd.DataFrame,
    nearest: pd.DataFrame,
    rooms: pd.DataFrame,
    siting: Mapping[str, Any],
    *,
    tolerances: Tolerances,
) -> Checked:
    """
    Check what closing and moving cost against what the nearest places and the floor areas allow.

    Nobody walks less than to the nearest place that stays open; whoever reaches none is
    stranded; where the plan is proven the best by one objective alone, nothing makes that better
    (closing and moving keep a budget and numbers by community, but give places by the total walk
    whatever else was asked for: a least share, further objectives); where nobody is given a
    place, closing it costs nothing; the others are said to hold all households where those fit
    into their nearest places or nobody is given the place, and only where the floor areas are
    enough together; a proven figure is its own bound, another is no less than its bound, and a
    proven move costs no more than closing. Where no assignment is told there is no figure.

    Parameters
    ----------
    reasons : DataFrame
        Columns as in `COLUMNS`; without ``closing_status`` (plans of an earlier version) no
        figure may be told.
    demand, nearest, rooms, siting
        As in `given_of`; of the siting also ``status``, ``stages``, ``least_share``,
        ``required``, ``norm_m``.
    """
    if "closing_status" not in reasons:
        columns = [one for one in reasons if str(one).startswith("closing_")]
        some = reasons[columns].notna().any(axis=1).to_numpy(dtype=bool)
        wrong = [str(one) for one in texts(reasons, "site_id")[some]]
        return Checked(tuple(finding("given_closing", wrong, layer="room_reasons")))
    absent = [
        *missing_columns(reasons, "room_reasons", COLUMNS),
        *missing_columns(demand, "demand", ["demand_id", "assigned_id", "assigned_m"]),
        *missing_columns(rooms, "rooms", ["site_id", "residents", "households"]),
        *missing_columns(rooms, "rooms", ["norm_households"]),
    ]
    if absent:
        return Checked(tuple(absent))
    test = _Test(given_of(demand, nearest, rooms, siting), siting, tolerances)
    wrong = [
        f"{row['site_id']}: {key}"
        for row in reasons[list(COLUMNS)].to_dict("records")
        for key in dict.fromkeys((*test.closing(row), *test.moving(row)))
    ]
    return Checked(tuple(finding("given_closing", wrong, layer="room_reasons")))


class _Test:
    """What is wrong with the figures of one place."""

    def __init__(self, given: Given, siting: Mapping[str, Any], tolerances: Tolerances) -> None:
        self.given, self.siting = given, siting
        self.metres = tolerances.distance_m * max(1.0, math.fsum(given.people))
        self.people = tolerances.residents + 0.5
        self.ratio = tolerances.ratio
        alone = not siting.get("stages") and number(siting.get("least_share")) is None
        self.best = alone and siting.get("status") == "proven"

    def closing(self, row: Mapping[Any, Any]) -> Iterator[str]:
        """Yield the columns that cannot be true of closing the place."""
        given, site = self.given, str(row["site_id"])
        status, told = row["closing_status"], row["closing_status"] in _TOLD
        ids, after = given.without(site)
        served = np.isfinite(given.walk)
        rows = served & np.isfinite(after)
        lost = math.fsum(given.people[served & ~rows])
        if not abs((number(row["closing_stranded"]) or 0.0) - lost) <= self.people:
            yield "closing_stranded"
        idle = not (given.place[served] == site).any()
        holds = idle or given.fits(ids, rows)
        if status not in STATUSES or (status == "infeasible" and holds):
            yield "closing_status"
        yield from self._figures(row, "closing")
        if not told:
            return
        if self._overfull(site, rows):
            yield "closing_status"
        yield from self._below(row, "closing", rows, after)
        figure = number(row["closing_objective"])
        if figure is not None and idle and not figure <= self._slack(figure):
            yield "closing_objective"
        if figure is not None and self.best and not lost and figure < -self._slack(figure):
            yield "closing_objective"

    def moving(self, row: Mapping[Any, Any]) -> Iterator[str]:
        """Yield the columns that cannot be true of moving the place."""
        yield from self._figures(row, "next")
        named = row["next_site_id"] is not None and not pd.isna(row["next_site_id"])
        if named != (row["next_status"] in _TOLD):
            yield "next_status"
        if not named:
            return
        stays = number(row["closing_stranded"]) or 0.0
        lost = number(row["next_stranded"]) or 0.0
        if lost > stays + self.people:
            yield "next_stranded"
        figure, shut = number(row["next_objective"]), number(row["closing_objective"])
        if figure is None or not math.isfinite(figure):
            return
        slack = self._slack(figure)
        free = row["site_id"] not in (self.siting.get("required") or ())
        if self.best and free and not lost and figure < -slack:
            yield "next_objective"
        same = abs(lost - stays) <= self.people and row["closing_status"] in _TOLD
        if same and row["next_status"] == "proven" and shut is not None and figure > shut + slack:
            yield "next_objective"

    def _figures(self, row: Mapping[Any, Any], what: str) -> Iterator[str]:
        """Yield figures that are told without an assignment, and bounds that are none."""
        status = row[f"{what}_status"]
        if status not in _TOLD:
            yield from (f"{what}_{one}" for one in _FIGURES if not pd.isna(row[f"{what}_{one}"]))
            return
        if pd.isna(row[f"{what}_walk"]):
            yield f"{what}_walk"
        figure, bound = number(row[f"{what}_objective"]), number(row[f"{what}_bound"])
        if figure is None or bound is None or not math.isfinite(figure):
            return
        slack = self._slack(figure)
        if bound > figure + slack or (status == "proven" and bound < figure - slack):
            yield f"{what}_bound"

    def _below(
        self, row: Mapping[Any, Any], what: str, rows: Flags, after: Floats
    ) -> Iterator[str]:
        """Yield figures that are less than everybody at the nearest place would give."""
        given, norm_m = self.given, number(self.siting.get("norm_m")) or 0.0
        more = after[rows] - given.walk[rows]
        for name, counts in (("walk", given.people), ("objective", given.counted)):
            least, figure = math.fsum(counts[rows] * more), number(row[f"{what}_{name}"])
            if figure is not None and figure < least - self._slack(least):
                yield f"{what}_{name}"
        near = math.fsum(given.people[given.walk <= norm_m])
        near -= math.fsum(given.people[rows & (after <= norm_m)])
        fewer = number(row[f"{what}_within"])
        if fewer is None or fewer < near - self.people:
            yield f"{what}_within"

    def _overfull(self, site: str, rows: Flags) -> bool:
        """Return whether the other places together hold too little."""
        held = math.fsum(held for one, held in self.given.holds.items() if one != site)
        return math.fsum(self.given.households[rows]) > held * _FITS

    def _slack(self, figure: float) -> float:
        return self.metres + self.ratio * abs(figure)
