"""The measures that compete for a budget, as tables: what each costs, saves, and why it is out."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.rooms.measures import Links, Mix, MixQuestion
from gridplan.rooms.question import NO_WAY_M, Floats, walks_to, weighted_walk
from gridplan.siting.nulls import with_none
from gridplan.siting.search import PROVEN_GAP, relative_gap

NO_COST, OVER_BUDGET, BEYOND_LIMIT = "no_cost", "over_budget", "beyond_limit"
ROOM, SERVICE_POINT = "room", "service_point"
TODAY, ROOMS_ALONE, MIX = "today", "rooms_alone", "mix"

_BY_PIECE = frozenset({"gate", "new_gate"})
_SAME_WALK_M = 0.001
_FIGURES = ("mean_m", "p90_m", "within_share")
_MEASURES = ("measure_id", "kind", "estate_id", "in_plan", "cost", "alone_walk", "last_walk",
             "residents", "reason")  # fmt: skip
_PLANS = ("plan", "budget", "cost", "rooms_new", "service_points", "links", "objective",
          "lower_bound", "gap", "status", "stopped_by", *_FIGURES, "within", "beyond",
          "unreachable", "measures")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPrices:
    """
    What links cost in yuan; None: not given, and not considered.

    Attributes
    ----------
    gate, new_gate : float or None
        One gate that streets suggest; one to be cut into a wall.
    bridge_per_m, crossing_per_m, path_per_m : float or None
        Per metre of the link.
    """

    gate: float | None = None
    new_gate: float | None = None
    bridge_per_m: float | None = None
    crossing_per_m: float | None = None
    path_per_m: float | None = None

    @property
    def by_kind(self) -> dict[str, float | None]:
        """The price of each kind of link."""
        return {
            "gate": self.gate,
            "new_gate": self.new_gate,
            "bridge": self.bridge_per_m,
            "crossing": self.crossing_per_m,
            "join": self.path_per_m,
        }

    def cost(self, kind: str, length_m: float) -> float:
        """
        Return what a link costs; NaN where the price of its kind is not given.

        Examples
        --------
        >>> prices = LinkPrices(gate=20_000.0, bridge_per_m=3_000.0)
        >>> prices.cost("gate", 12.0), prices.cost("bridge", 12.0), prices.cost("join", 12.0)
        (20000.0, 36000.0, nan)
        """
        price = self.by_kind.get(kind)
        if price is None:
            return math.nan
        return price if kind in _BY_PIECE else price * length_m


def reasons_out(
    ids: Sequence[str],
    cost: Floats,
    walks: tuple[Floats, Floats],
    counted: Floats,
    *,
    budget: float,
    most: int,
) -> pd.Series:
    """
    Return why each link is not tried in combinations; null for those that are.

    Tried are, in turns, the link that saves most and the one that saves most per yuan, beside
    those that were picked before: two bridges to the same place are one choice, and a cheap
    gate is not lost among dear bridges.

    Parameters
    ----------
    cost : float array, shape (n,)
        Yuan; NaN where it is not given.
    walks : float arrays, shapes (n_homes,) and (n_homes, n)
        Metres to the nearest place today, and over each link alone; `NO_WAY_M` for none.
    counted : float array, shape (n_homes,)
        What each home counts.
    most : int

    Returns
    -------
    Series
        ``no_cost``, ``over_budget``, ``beyond_limit`` or null.
    """
    found = pd.Series([None] * len(ids), dtype="object")
    unknown = np.isnan(cost)
    found[unknown] = NO_COST
    dear = ~unknown & (np.nan_to_num(cost) > budget)
    found[dear] = OVER_BUDGET
    left = sorted(np.flatnonzero(~unknown & ~dear).tolist(), key=lambda at: ids[at])
    before, over = walks
    for turn in range(min(most, len(left))):
        less = np.maximum(before[:, None] - over[:, left], 0.0)
        saved = np.round(counted @ less, 3)
        each = saved / np.maximum(cost[left], 1.0) if turn % 2 else saved
        picked = left.pop(int(each.argmax()))
        before = np.minimum(before, over[:, picked])
    found[left] = BEYOND_LIMIT
    return found


@dataclass(frozen=True)
class Named:
    """
    The measures of a question by name.

    Attributes
    ----------
    asked : MixQuestion
    links : DataFrame
        ``link_id``, ``kind``, ``estate_id`` of each link of the question, in its order.
    left_out : DataFrame
        ``link_id``, ``kind``, ``estate_id``, ``cost``, ``alone_walk``, ``reason`` of the others.
    points : collection of str
        Sites that would host a service point of a committee, and no room.
    """

    asked: MixQuestion
    links: pd.DataFrame
    left_out: pd.DataFrame
    points: Collection[str] = ()

    def measures(self, plan: Mix) -> pd.DataFrame:
        """
        Return every link, and the rooms of a plan, one row each.

        Returns
        -------
        DataFrame, in the order of ``in_plan``, then of ``measure_id``
            ``alone_walk``: resident-metres that the measure saves today, by itself;
            ``last_walk``: that it saves beside all others of the plan; both of those who
            have a walk anyway. ``residents``: who would walk farther, or not at all, without
            it (of a link that is not in the plan: whose walk it would shorten, or make).
        """
        rows: list[Mapping[Hashable, object]] = []
        rows += [self._room(plan, one) for one in plan.rooms]
        rows += [self._link(plan, at) for at in range(len(self.links))]
        out = self.left_out.rename(columns={"link_id": "measure_id"}).assign(
            in_plan=False, last_walk=math.nan, residents=math.nan
        )
        table = pd.DataFrame([*rows, *out.to_dict("records")], columns=list(_MEASURES))
        numbers = ("cost", "alone_walk", "last_walk", "residents")
        table = table.astype({**dict.fromkeys(numbers, "float64"), "in_plan": bool})
        table["_out"] = ~table["in_plan"]
        sorted_ = table.sort_values(["_out", "measure_id"], kind="stable", ignore_index=True)
        return sorted_.drop(columns="_out")

    def plans(self, rooms: Mix, mix: Mix) -> pd.DataFrame:
        """
        Return today, the best rooms alone and the best mix, one row each.

        Returns
        -------
        DataFrame
            ``objective`` and ``lower_bound`` are resident-metres of those who reach a place,
            each home by what it counts; the bound is of plans that leave as many without.
            ``rooms_new`` are rooms alone, ``service_points`` of committees stand beside them.
            Residents ``within`` and ``beyond`` the norm, and ``unreachable``, are all there are.
            ``measures``: ids, with blanks between.
        """
        today = Mix((), (), 0.0, math.nan, math.nan, math.nan, "proven", None, 0)
        rows = [
            self._plan(name, one)
            for name, one in ((TODAY, today), (ROOMS_ALONE, rooms), (MIX, mix))
        ]
        table = pd.DataFrame(rows, columns=list(_PLANS))
        numbers = ("budget", "cost", "objective", "lower_bound", "gap", *_FIGURES)
        typed = table.astype(dict.fromkeys(numbers, "float64"))
        return with_none(typed, ["status", "stopped_by"])

    def _plan(self, name: str, plan: Mix) -> dict[str, object]:
        ids = [*plan.rooms, *self.links["link_id"].iloc[list(plan.links)]]
        # Rooms alone have the prices of rooms, so that the same site is a room there.
        points = len(frozenset(plan.rooms) & frozenset(self.points)) if name == MIX else 0
        row: dict[str, object] = {
            "plan": name,
            "budget": math.nan if name == TODAY else self.asked.budget,
            "rooms_new": len(plan.rooms) - points,
            "service_points": points,
            "links": len(plan.links),
            "status": None if name == TODAY else plan.status,
            "stopped_by": plan.stopped_by,
            "measures": " ".join(sorted(ids)),
        }
        if math.isinf(plan.objective):
            return row
        question = self.asked.with_links(plan.links)
        opened = np.concatenate([question.fixed, question.at(plan.rooms)])
        walks = walks_to(question, opened)
        lost = math.fsum(question.counted[np.isinf(question.nearest_m(opened))])
        objective = weighted_walk(question, opened)
        bound = min(max(0.0, plan.bound - NO_WAY_M * lost), objective)
        gap = 0.0 if plan.gap <= PROVEN_GAP else relative_gap(objective, bound)
        return row | {
            "cost": plan.cost,
            "objective": objective,
            "lower_bound": math.nan if name == TODAY else bound,
            "gap": math.nan if name == TODAY else gap,
            **{key: round(getattr(walks, key)) for key in ("within", "beyond", "unreachable")},
            **{key: getattr(walks, key) for key in _FIGURES},
        }

    def _room(self, plan: Mix, room: str) -> dict[Hashable, object]:
        others = tuple(one for one in plan.rooms if one != room)
        kind = SERVICE_POINT if room in self.points else ROOM
        alone, _ = self._saved(((), ()), ((room,), ()))
        last, residents = self._saved((others, plan.links), (plan.rooms, plan.links))
        return {
            "measure_id": room,
            "kind": kind,
            "in_plan": True,
            "cost": float(self.asked.question.cost[room]),
            "alone_walk": alone,
            "last_walk": last,
            "residents": residents,
        }

    def _link(self, plan: Mix, link: int) -> dict[Hashable, object]:
        own = self.links.iloc[link]
        others = tuple(one for one in plan.links if one != link)
        every = tuple(sorted((*others, link)))
        alone, _ = self._saved(((), ()), ((), (link,)))
        last, residents = self._saved((plan.rooms, others), (plan.rooms, every))
        return {
            "measure_id": own["link_id"],
            "kind": own["kind"],
            "estate_id": own["estate_id"],
            "in_plan": link in plan.links,
            "cost": self.asked.link_cost[link],
            "alone_walk": alone,
            "last_walk": last,
            "residents": residents,
        }

    def _saved(
        self, before: tuple[tuple[str, ...], Links], after: tuple[tuple[str, ...], Links]
    ) -> tuple[float, float]:
        """Return resident-metres saved by who had a walk, and residents with a better one."""
        people = self.asked.question.residents
        was, now = (self._walks(*one) for one in (before, after))
        both = np.isfinite(was) & np.isfinite(now)
        less = np.zeros(len(people))
        less[both] = np.maximum(was[both] - now[both], 0.0)
        gained = np.isfinite(now) & ~np.isfinite(was)
        better = (less > _SAME_WALK_M) | gained
        return math.fsum(less * people), math.fsum(people[better])

    def _walks(self, rooms: tuple[str, ...], links: Links) -> Floats:
        question = self.asked.with_links(links)
        return question.nearest_m(np.concatenate([question.fixed, question.at(rooms)]))


def with_service_points(
    asked: MixQuestion, points: Collection[str], cost: float
) -> tuple[MixQuestion, frozenset[str]]:
    """
    Return the question in which sites may host a service point where that is cheaper.

    Required sites stay rooms. Both are places of equal walk, so that the cheaper is taken; in
    the numbers by community a service point counts as the room in whose place it is.
    """
    question = asked.question
    prices = question.cost.copy()
    cheaper = frozenset(
        one
        for one in points
        if one in question.candidates - question.required
        and (math.isnan(prices[one]) or cost < prices[one])
    )
    for one in sorted(cheaper):
        prices[one] = cost
    return replace(asked, question=replace(question, cost=prices)), cheaper
