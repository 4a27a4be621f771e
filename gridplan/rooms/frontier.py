"""How the walks change with each further room, and where a further room begins to bring little."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridplan.errors import InfeasibleError, StoppedError
from gridplan.rooms.fewest import Chosen
from gridplan.rooms.objectives import MODELS, Objective, choice_of, not_worse, rooms_for
from gridplan.rooms.phases import building_order
from gridplan.rooms.question import RoomQuestion, walks_to, weighted_walk
from gridplan.rooms.searches import heeded
from gridplan.siting import Limits, propose_rooms
from gridplan.siting.nulls import with_none
from gridplan.siting.result import Status
from gridplan.siting.search import PROVEN_GAP, StoppedBy, relative_gap

FREE, NESTED = "free", "nested"
_MODEL = "p-median"
_FIGURES = ("mean_m", "p90_m", "max_m", "ede_m", "within_share")
FRONTIER_COLUMNS = (
    "model", "sequence", "p", "objective", "lower_bound", "gap", "status", "stopped_by",
    *_FIGURES, "unreachable", "knee", "sites",
)  # fmt: skip
_NO_PLAN = frozenset({"infeasible", "stopped"})
_MILLION = 1e6
_LEAST_STEPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """
    How far the frontier goes.

    Attributes
    ----------
    rooms : int
        From 1 to as many new rooms, or as there are candidates.
    work : float
        Counted work of the free sequence in all, in millions of pairs of home and site that
        a step of the solver looks at; of each further objective as much.
    objectives : tuple of {"share", "longest", "p90", "ede"}
        Further objectives, each with a sequence of its own.
    """

    rooms: int = 30
    work: float = 20_000.0
    objectives: tuple[Objective, ...] = ()


def frontier_table(question: RoomQuestion, *, extent: Extent) -> pd.DataFrame:
    """
    Return two sequences of rooms: the best for each number, and one that only ever grows.

    The free sequence is the p-median at each number of new rooms. The nested one opens the
    room that saves most beside all that are open (required ones first), so that each number
    keeps the rooms of the one before; what it is worse by is the price of building step by
    step. The bound of a number of rooms holds for both. Least and greatest numbers of rooms by
    community are left out here. Each further objective has a sequence of its name, chosen anew
    for each number, with the bound of its own model: objective and bound are then in the
    unit of that model, as `rooms_for` has them.

    Returns
    -------
    DataFrame, one row per sequence and number of new rooms, columns as in `FRONTIER_COLUMNS`
        ``objective`` and ``lower_bound`` in resident-metres (weighted where groups have weights),
        null where somebody whom some site reaches reaches none (a search that was stopped may
        have a bound even so: then the status is ``stopped``); walks in metres;
        ``unreachable`` residents; ``knee`` on the free sequence; ``sites``, the ids of all open
        places with blanks between.
    """
    most = min(extent.rooms, len(question.free))
    question = question.uncounted()
    least = max(1, len(question.required))
    required = question.at(question.required)
    rest = np.array([j for j in question.free if j not in set(required.tolist())], dtype=np.intp)
    standing = np.concatenate([question.fixed, required])
    order = [*required.tolist(), *building_order(question, rest, standing, most=most)]
    counts = range(least, most + 1)
    solver = _Solver(question, extent.work, numbers=len(counts))
    rows = []
    for p in counts:
        nested = tuple(sorted(question.names(order[:p])))
        rows += solver.rows(p, nested)
    known = [(p, _new_rooms(question, row)) for p in counts for row in rows if row["p"] == p]
    for objective in extent.objectives:
        rows += _own_rows(question, objective, extent, known)
    table = pd.DataFrame(rows, columns=list(FRONTIER_COLUMNS))
    table["knee"] = False
    free = table["sequence"] == FREE
    # The curve begins with no new room, where everybody reaches a place today.
    curve = [solver.today, *(float(one) for one in table.loc[free, "objective"])]
    at = knee(curve)
    if at:
        table.loc[table.index[free][at - 1], "knee"] = True
    numbers = ["objective", "lower_bound", "gap", *_FIGURES]
    ordered = table.sort_values(["sequence", "p"], kind="stable").reset_index(drop=True)
    typed = ordered.astype({**dict.fromkeys(numbers, "float64"), "knee": bool, "p": "int64"})
    return with_none(typed, ["stopped_by"])


_Ended = tuple[Status, StoppedBy | None]
"""The status where not everybody is reached, and what ended the search."""


@dataclass
class _Solver:
    """
    Solves one number of rooms after another on the homes that a candidate can help.

    `work` and `numbers` are what is left to spend, and on how many.
    """

    question: RoomQuestion
    work: float
    numbers: int

    def __post_init__(self) -> None:
        """Set the homes aside that no candidate can help: they walk the same with any plan."""
        whole = self.question
        may = np.concatenate([whole.fixed, whole.free])
        self.reachable = np.isfinite(whole.metres[:, may]).any(axis=1)
        today = whole.nearest_m(whole.fixed)
        helped = (whole.nearest_m(whole.free) < today) & (whole.residents > 0)
        settled = np.isfinite(today) & ~helped
        self.constant = math.fsum(today[settled] * whole.counted[settled])
        ids = [one for one, kept in zip(whole.demand_ids, helped, strict=True) if kept]
        self.core = replace(
            whole,
            metres=whole.metres[helped],
            residents=whole.residents[helped],
            weights=whole.counted[helped],
            demand_ids=tuple(ids),
        )
        complete = not (self.reachable & np.isinf(today) & (whole.residents > 0)).any()
        self.today = weighted_walk(whole, whole.fixed) if complete else math.nan
        self.pairs = max(1, int(helped.sum()) * len(whole.free))

    def rows(self, p: int, nested: tuple[str, ...]) -> list[dict[str, object]]:
        """Return the rows of both sequences for one number of rooms."""
        # What the numbers before left over is shared among those to come.
        steps = max(_LEAST_STEPS, int(self.work * _MILLION / self.pairs / max(1, self.numbers)))
        own = self.question.limits
        limits = Limits(work=steps, time_s=own.time_s, seed=own.seed, stop=own.stop)
        self.numbers -= 1
        free, bound, found = nested, math.nan, None
        stopped: StoppedBy | None = None
        lacking: Status = "infeasible"
        if len(self.core.demand_ids):
            try:
                found = heeded(propose_rooms(self.core.problem, p_new=p, limits=limits))
            except InfeasibleError:
                # Too few rooms for all parts of the network.
                pass
            except StoppedError as stop:
                # Rooms that reach everybody may be there, and were not found.
                lacking = "stopped"
                self.work -= stop.work * self.pairs / _MILLION
                # No walk is less than nothing.
                bound, stopped = max(stop.bound, 0.0) + self.constant, stop.reason
            if found is not None:
                self.work -= found.work * self.pairs / _MILLION
                bound, stopped = found.bound + self.constant, found.stopped_by
                new = tuple(str(one) for one in found.sites if one in self.question.candidates)
                free = min((new, nested), key=lambda sites: (*self._value(sites), sites != new))
        else:
            bound = self.constant
        return [
            self._row(FREE, p, free, bound, (lacking, stopped)),
            self._row(NESTED, p, nested, bound, (lacking, stopped)),
        ]

    def _value(self, sites: Sequence[str]) -> tuple[float, float]:
        opened = np.concatenate([self.question.fixed, self.question.at(sites)])
        walks = walks_to(self.question, opened)
        return walks.unreachable, weighted_walk(self.question, opened)

    def _row(
        self, sequence: str, p: int, sites: Sequence[str], bound: float, ended: _Ended
    ) -> dict[str, object]:
        opened = np.sort(np.concatenate([self.question.fixed, self.question.at(sites)]))
        walks = walks_to(self.question, opened)
        lost = self.reachable & np.isinf(self.question.nearest_m(opened))
        complete = not (lost & (self.question.residents > 0)).any()
        objective = weighted_walk(self.question, opened) if complete else math.nan
        lacking, stopped = ended
        if complete:
            bound = min(bound, objective)
        elif lacking == "infeasible":
            bound = math.nan
        gap = relative_gap(objective, bound) if complete and math.isfinite(bound) else math.nan
        proven = gap <= PROVEN_GAP
        status = lacking if not complete else "proven" if proven else "gap"
        return {
            "model": _MODEL,
            "sequence": sequence,
            "p": p,
            "objective": objective,
            "lower_bound": bound,
            "gap": gap,
            "status": status,
            "stopped_by": None if status in {"proven", "infeasible"} else stopped,
            **{key: getattr(walks, key) for key in _FIGURES},
            "unreachable": round(walks.unreachable),
            "sites": " ".join(self.question.names(opened)),
        }


def _new_rooms(question: RoomQuestion, row: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(one for one in str(row["sites"]).split() if one in question.candidates)


def _own_rows(
    question: RoomQuestion,
    objective: Objective,
    extent: Extent,
    known: Sequence[tuple[int, tuple[str, ...]]],
) -> list[dict[str, object]]:
    """
    Return the sequence of an objective of its own.

    `known`: numbers of rooms, and plans of them. A search that was stopped may have a plan that
    is worse than one of these.
    """
    counts = sorted({p for p, _ in known})
    pairs = max(1, len(question.demand_ids) * len(question.free))
    steps = max(_LEAST_STEPS, int(extent.work * _MILLION / pairs / max(1, len(counts))))
    own = question.limits
    asked = replace(
        question, limits=Limits(work=steps, time_s=own.time_s, seed=own.seed, stop=own.stop)
    )
    rows: list[dict[str, object]] = []
    before: Chosen | None = None
    for p in counts:
        try:
            found = rooms_for(asked, p, objective=objective)[0]
        except InfeasibleError:
            # Too few rooms for all parts of the network.
            found = Chosen((), MODELS[objective], math.nan, math.nan, math.nan, "infeasible", None)
        except StoppedError as stop:
            nothing = (math.nan, stop.bound, math.nan)
            found = Chosen((), MODELS[objective], *nothing, "stopped", stop.reason)
        if before is not None:
            found = not_worse(asked, found, before, p, objective=objective)
        if found.status == "gap":
            for new in sorted({new for count, new in known if count == p}):
                other = choice_of(asked, new, objective=objective)
                found = not_worse(asked, found, other, p, objective=objective)
        if found.status not in _NO_PLAN:
            before = found
        rows.append(_own_row(question, objective, p, found))
    return rows


def _own_row(
    question: RoomQuestion, objective: Objective, p: int, found: Chosen
) -> dict[str, object]:
    opened = np.sort(np.concatenate([question.fixed, question.at(found.sites)]))
    walks = walks_to(question, opened)
    known = found.status not in _NO_PLAN
    bounded = found.status != "infeasible" and math.isfinite(found.bound)
    return {
        "model": found.model,
        "sequence": objective,
        "p": p,
        "objective": found.objective if known else math.nan,
        "lower_bound": found.bound if bounded else math.nan,
        "gap": found.gap if known else math.nan,
        "status": found.status,
        "stopped_by": found.stopped_by,
        **{key: getattr(walks, key) if known else math.nan for key in _FIGURES},
        "unreachable": round(walks.unreachable),
        "sites": " ".join(question.names(opened)),
    }


def knee(objective: Sequence[float]) -> int | None:
    r"""
    Return the position of the knee of a falling curve; None where it has none.

    The definition of Kneedle [1]_ without smoothing: with both axes brought to 0 … 1, the
    point that is farthest below the straight line from the first point to the last. It
    depends on how far the curve goes, and is a hint where to look, not a proof.

    Parameters
    ----------
    objective : sequence of float
        One value per further room; NaN where there is none.

    References
    ----------
    .. [1] Satopää, V., Albrecht, J., Irwin, D. and Raghavan, B. (2011). Finding a "kneedle"
       in a haystack: detecting knee points in system behavior. *ICDCS Workshops*, 166-171.
       https://doi.org/10.1109/ICDCSW.2011.20

    Examples
    --------
    >>> knee([100.0, 50.0, 40.0, 35.0, 30.0])
    1
    """
    values = np.asarray(objective, dtype=float)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) <= 2:  # noqa: PLR2004 - two points make a line
        return None
    curve = values[known]
    fall = curve[0] - curve[-1]
    if fall <= 0:
        return None
    share = (curve[0] - curve) / fall
    along = (known - known[0]) / (known[-1] - known[0])
    above = share - along
    best = int(above.argmax())
    return int(known[best]) if above[best] > 0 else None
