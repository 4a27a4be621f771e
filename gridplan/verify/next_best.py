"""Does every next-best site keep what the siting had to keep: decisions, budget, counts, share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Tolerances
from gridplan.verify.frames import is_in, missing_columns, number, numbers, shapes, texts
from gridplan.verify.objective import weights_of
from gridplan.verify.rules import finding
from gridplan.verify.world import World, section

_CANDIDATES = ("candidate", "required")
_OFFICE = "committee"
_NEAR_M = 1.0
"""A point on the line of two communities may be counted in either of them, to this."""


def check_next(
    reasons: pd.DataFrame,
    rooms: pd.DataFrame,
    sites: pd.DataFrame,
    siting: Mapping[str, Any],
    *,
    communities: pd.DataFrame | None = None,
    demand: pd.DataFrame | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check that each next-best site may be opened in place of its room.

    It is a candidate that is closed and not forbidden; the new rooms with it cost no more than
    the budget; each community has as many rooms as it was to have; and the least share still
    lives within the norm (where groups have no weights: else ``next_within`` does not say).

    Parameters
    ----------
    reasons : DataFrame
        ``site_id``, ``next_site_id``, ``next_within`` (residents fewer within the norm).
    rooms : DataFrame
        ``site_id``, ``kind``, ``ownership``, ``community_id`` where counts were asked for.
    sites : DataFrame
        ``site_id``, ``kind``, ``cost`` in yuan; ``geometry`` where counts were asked for.
    siting : mapping
        ``forbidden``, ``budget``, ``at_least``, ``at_most``, ``least_share``, ``norm_m``.
    communities : DataFrame, optional
        ``community_id``, ``geometry``.
    demand : DataFrame, optional
        ``population``, ``room_m``.
    """
    absent = [
        *missing_columns(reasons, "room_reasons", ["site_id", "next_site_id", "next_within"]),
        *missing_columns(rooms, "rooms", ["site_id", "kind"]),
        *missing_columns(sites, "sites", ["site_id", "kind", "cost"]),
    ]
    if absent:
        return Checked(tuple(absent))
    tests = (
        _Closed(rooms, sites, siting),
        _Budget(rooms, sites, siting),
        _Counts(rooms, sites, siting, communities),
        _Share(reasons, siting, demand, tolerances),
    )
    pairs = zip(texts(reasons, "site_id"), texts(reasons, "next_site_id"), strict=True)
    wrong = [
        f"{room} > {other}: {key}"
        for room, other in pairs
        if other is not None
        for test in tests
        for key in test.broken(room, other)
    ]
    return Checked(tuple(finding("next_breaks", wrong, layer="room_reasons")))


class _Closed:
    """Candidates that are neither open nor forbidden."""

    def __init__(self, rooms: pd.DataFrame, sites: pd.DataFrame, siting: Mapping[str, Any]) -> None:
        offered = texts(sites, "site_id")[is_in(texts(sites, "kind"), _CANDIDATES)]
        self.free = set(offered) - set(texts(rooms, "site_id"))
        self.forbidden = set(siting.get("forbidden") or ())

    def broken(self, _room: str, other: str) -> list[str]:
        return [
            *([] if other in self.free else ["sites"]),
            *(["forbidden"] if other in self.forbidden else []),
        ]


class _Budget:
    """What the new rooms may cost together; an unknown cost cannot be paid."""

    def __init__(self, rooms: pd.DataFrame, sites: pd.DataFrame, siting: Mapping[str, Any]) -> None:
        asked = number(siting.get("budget")) if siting.get("answer") in {None, "C"} else None
        self.budget = math.inf if asked is None else asked
        self.cost = dict(zip(texts(sites, "site_id"), numbers(sites, "cost"), strict=True))
        self.new = set(texts(rooms, "site_id")[texts(rooms, "kind") != "existing"])

    def broken(self, room: str, other: str) -> list[str]:
        if math.isinf(self.budget):
            return []
        opened = sorted((self.new - {room}) | {other})
        spent = math.fsum(self.cost.get(one, math.nan) for one in opened)
        slack = STANDARD.ratio * max(1.0, self.budget)
        return [] if spent <= self.budget + slack else ["budget"]


class _Counts:
    """How many rooms each community is to have; committees are none."""

    def __init__(
        self,
        rooms: pd.DataFrame,
        sites: pd.DataFrame,
        siting: Mapping[str, Any],
        communities: pd.DataFrame | None,
    ) -> None:
        self.least: Mapping[str, Any] = siting.get("at_least") or {}
        self.most: Mapping[str, Any] = siting.get("at_most") or {}
        self.known = (
            bool(self.least or self.most)
            and {"ownership", "community_id"} <= set(rooms)
            and "geometry" in sites
            and communities is not None
        )
        if not self.known or communities is None:
            return
        real = rooms[texts(rooms, "ownership") != _OFFICE]
        ids, named = texts(real, "site_id"), texts(real, "community_id")
        self.of_room = dict(zip(ids, named, strict=True))
        self.points = dict(zip(texts(sites, "site_id"), shapes(sites), strict=True))
        self.names, self.areas = texts(communities, "community_id"), shapes(communities)

    def broken(self, room: str, other: str) -> list[str]:
        point = self.points.get(other) if self.known else None
        if point is None:
            return []
        near = [
            name
            for name, area in zip(self.names, self.areas, strict=True)
            if area is not None and area.distance(point) <= _NEAR_M
        ]
        found = [self._after(room, one) for one in near or [None]]
        return min(found, key=len)

    def _after(self, room: str, community: str | None) -> list[str]:
        """Return the limits that are broken when the room goes to a community."""
        held = pd.Series({**self.of_room, room: community}, dtype="object").value_counts()
        short = any(held.get(one, 0) < least for one, least in self.least.items())
        over = any(held.get(one, 0) > most for one, most in self.most.items())
        return [*(["at_least"] if short else []), *(["at_most"] if over else [])]


@dataclass(frozen=True)
class _Share:
    """Which share of the residents has to live within the norm."""

    reasons: pd.DataFrame
    siting: Mapping[str, Any]
    demand: pd.DataFrame | None
    tolerances: Tolerances

    def broken(self, room: str, _other: str) -> list[str]:
        asked, norm_m = (number(self.siting.get(one)) for one in ("least_share", "norm_m"))
        if asked is None or norm_m is None or self.siting.get("group_weights"):
            return []
        if self.demand is None or not {"population", "room_m"} <= set(self.demand):
            return []
        people = weights_of(self.siting, self.demand)
        if people is None:
            return []
        within = math.fsum(people[numbers(self.demand, "room_m") <= norm_m])
        lost = numbers(self.reasons, "next_within")[texts(self.reasons, "site_id") == room]
        # What is lost is told in whole residents.
        left = within - float(np.nan_to_num(lost)[0]) + self.tolerances.residents + 0.5
        return [] if left >= asked * math.fsum(people) else ["least_share"]


def next_of(world: World) -> Checked:
    """Check the next-best sites of a plan, where its rooms and sites are there."""
    if not {"room_reasons", "rooms", "sites"} <= set(world.layers):
        return Checked()
    if "next_site_id" not in world.layers["room_reasons"]:
        return Checked()
    drawn = world.get("in_communities")
    return check_next(
        world.layers["room_reasons"],
        world.layers["rooms"],
        world.layers["sites"],
        section(world.summary, "siting"),
        communities=world.get("communities") if drawn is None else drawn,
        demand=world.get("demand"),
        tolerances=world.tolerances,
    )
