"""The linear relaxation of a covering problem, with a count of open sites for some districts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import highspy
import numpy as np
from scipy.sparse import csr_array, eye_array, vstack

from gridplan.siting.beside import side_by_side
from gridplan.siting.cover import Cover, most_model, set_model
from gridplan.siting.highs import Model, dual_bound, program_of
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.relaxation import ITERATIONS_PER_STEP, SCALED_OBJECTIVE, new_solver

# A site is of another's district if they share at least this much of what the larger covers.
_LEVELS = (0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
# Simplex iterations between two looks at the limits.
_ITERATIONS_AT_ONCE = 1_000
# Iterations after which a long run looks whether its turn is over.
_ITERATIONS_OF_A_GO = 500
# Exact edge weights of a basis that is set take longer than a few iterations.
_EDGE_WEIGHTS, _DEVEX, _ANY_WEIGHTS = "simplex_dual_edge_weight_strategy", 1, -1
# A cut that is kept with more room than this is dropped.
_LOOSE = 0.1

_ANY = (-math.inf, math.inf)

T = TypeVar("T")
Counts = Mapping[int, tuple[float, float]]
"""Least and most open sites of some districts."""


class Districts:
    """
    Sites that cover much the same as one of them, for several meanings of much.

    Attributes
    ----------
    like : csr_array, shape (m, m)
        Weight that two sites share, as a part of what the larger one covers.
    members : csr_array, shape (k, m)
        1 where a site is of a district; the last m districts are single sites.
    centre, level : ndarray, shape (k,)
        The site that a district is about, and which meaning it has.
    """

    def __init__(self, cover: Cover) -> None:
        m = len(cover.sites)
        ones = csr_array(cover.covers.astype(np.float64))
        shared = csr_array(ones.T @ (ones * cover.weights[:, None])).tocoo()
        own = cover.weights @ cover.covers
        like = shared.data / np.maximum(own[shared.row], own[shared.col])
        self.like = csr_array((like, (shared.row, shared.col)), shape=(m, m))
        levels = []
        for level in _LEVELS:
            near = like >= level
            ends = shared.row[near], shared.col[near]
            levels.append(csr_array((np.ones(len(ends[0])), ends), shape=(m, m)))
        self.members = csr_array(vstack([*levels, eye_array(m)], format="csr"))
        self.centre = np.tile(np.arange(m), len(_LEVELS) + 1)
        self.level = np.repeat(np.arange(len(_LEVELS) + 1), m)

    def of(self, district: int) -> Positions:
        """Return the columns of a district."""
        start, end = self.members.indptr[district : district + 2]
        return np.asarray(self.members.indices[start:end], dtype=np.intp)


@dataclass(frozen=True)
class Part:
    """
    A part of all plans.

    Attributes
    ----------
    counts : mapping
        How many sites of a district are open, at least and at most.
    opened, closed : ndarray of bool, shape (m,)
        Sites that are fixed.
    """

    counts: Counts
    opened: Flags
    closed: Flags


@dataclass(frozen=True)
class Solved:
    """
    The relaxation of a part.

    Attributes
    ----------
    bound : float
        No plan of the part covers more; from the dual values, whatever the
        solver's tolerances. ``-inf`` where the part is empty.
    shares, reduced : ndarray, shape (m,)
        How far each site is open, and what moving it from its end costs.
    missed : ndarray, shape (n,) or (0,)
        How far each demand is left out; nothing where everybody is covered.
    basis : HighsBasis
    """

    bound: float
    shares: Floats
    reduced: Floats
    missed: Floats
    basis: highspy.HighsBasis


@dataclass(frozen=True)
class FurtherRows:
    """
    Rows behind those of the problem.

    Attributes
    ----------
    rows : csr_array, shape (k, columns of the model)
    least : ndarray, shape (k,)
    district : ndarray, shape (k,)
        That whose open sites a row counts; -1 for cuts, which every plan keeps.
    """

    rows: csr_array
    least: Floats
    district: Positions

    def limits(self, part: Part) -> tuple[Floats, Floats]:
        """Return the least and most of each row in a part of all plans."""
        least, most = self.least.copy(), np.full(len(self.least), np.inf)
        for at in np.flatnonzero(self.district >= 0).tolist():
            least[at], most[at] = part.counts.get(int(self.district[at]), _ANY)
        return least, most

    def with_rows(self, some: FurtherRows) -> FurtherRows:
        """Return these rows and then some others."""
        return FurtherRows(
            csr_array(vstack([self.rows, some.rows], format="csr")),
            np.concatenate([self.least, some.least]),
            np.concatenate([self.district, some.district]),
        )

    def where(self, kept: Flags) -> FurtherRows:
        """Return some of the rows."""
        return FurtherRows(
            csr_array(self.rows[np.flatnonzero(kept)]), self.least[kept], self.district[kept]
        )


class DistrictModel:
    """
    The relaxation in HiGHS, solved again and again from the basis of the part around.

    Of the most weight that is covered, or, where the ledger asks for the least, of the
    cost of covering everybody: then less that cost is what a part is said to cover.
    """

    def __init__(self, cover: Cover, districts: Districts, ledger: Ledger) -> None:
        self._ledger, self._districts = ledger, districts
        most = ledger.maximise
        self._model = (most_model(cover) if most else set_model(cover, cover.cost)).relaxed
        self._m, self._own_rows = len(cover.sites), len(self._model.least)
        whole = math.fsum(cover.weights if most else cover.cost)
        self._scale = SCALED_OBJECTIVE / max(1.0, whole)
        self._solver = new_solver()
        scaled = replace(self._model, cost=self._model.cost * self._scale)
        self._solver.passModel(program_of(scaled))
        size = self._model.rows.shape[1]
        self.further = FurtherRows(csr_array((0, size)), np.empty(0), np.empty(0, dtype=np.intp))
        self._steps = 0.0

    def solve(self, part: Part, basis: highspy.HighsBasis | None) -> Solved:
        """Solve the relaxation of a part; each district in it needs its row."""
        return self._told(part, self._run(part, basis))

    def go_on(self, part: Part) -> Solved | None:
        """Solve a part from where the last run ended; None if that needs another go."""
        status = self._run(part, None, most=_ITERATIONS_OF_A_GO)
        if status == highspy.HighsModelStatus.kIterationLimit and not self._late():
            return None
        return self._told(part, status)

    def _told(self, part: Part, status: highspy.HighsModelStatus) -> Solved:
        after = self._solver.getBasis()
        if status == highspy.HighsModelStatus.kInfeasible:
            nothing = np.zeros(self._m)
            return Solved(-math.inf, nothing, nothing, np.empty(0), after)
        solution = self._solver.getSolution()
        dual = np.nan_to_num(np.asarray(solution.row_dual)) / self._scale
        bound, reduced = dual_bound(self._limited(part), dual)
        values = np.clip(np.nan_to_num(np.asarray(solution.col_value)), 0.0, 1.0)
        shares, missed = values[: self._m], 1.0 - values[self._m :]
        return Solved(-bound, shares, reduced[: self._m], missed, after)

    def probe(self, part: Part, basis: highspy.HighsBasis, iterations: int) -> float:
        """Return about what a part covers at most, after some iterations."""
        self._solver.setOptionValue(_EDGE_WEIGHTS, _DEVEX)
        status = self._run(part, basis, most=iterations)
        self._solver.setOptionValue(_EDGE_WEIGHTS, _ANY_WEIGHTS)
        if status == highspy.HighsModelStatus.kInfeasible:
            return -math.inf
        return -float(self._solver.getInfo().objective_function_value) / self._scale

    def taken(self) -> float:
        """Return the work since this was last asked, for the caller to count."""
        steps, self._steps = self._steps, 0.0
        return steps

    def add_row(self, district: int) -> bool:
        """Give a district a row; False if it has one."""
        if (self.further.district == district).any():
            return False
        members = self._districts.members[[district]]
        shape = 1, self._model.rows.shape[1]
        row = csr_array((members.data, members.indices, members.indptr), shape=shape)
        self.add(FurtherRows(row, np.array([-np.inf]), np.array([district])))
        return True

    def add(self, some: FurtherRows) -> None:
        """Add rows behind all others."""
        rows, count = some.rows, len(some.least)
        least = np.maximum(some.least, -highspy.kHighsInf)
        most = np.full(count, highspy.kHighsInf)
        start, where = rows.indptr[:-1].astype(np.int32), rows.indices.astype(np.int32)
        self._solver.addRows(count, least, most, rows.nnz, start, where, rows.data)
        self.further = self.further.with_rows(some)

    def drop_row(self) -> None:
        """Take the last row away, which no part may need."""
        last = len(self.further.least) - 1
        self._drop(np.arange(last + 1) == last)

    def drop_loose_cuts(self) -> highspy.HighsBasis:
        """Take away cuts that the relaxation solved last keeps with room; return its basis."""
        further, first = self.further, self._own_rows
        held = np.asarray(self._solver.getSolution().row_value)[first:]
        status = self._solver.getBasis().row_status[first:]
        basic = np.array([one == highspy.HighsBasisStatus.kBasic for one in status], dtype=np.bool_)
        self._drop(basic & (further.district < 0) & (held > further.least + _LOOSE))
        return self._solver.getBasis()

    def _drop(self, gone: Flags) -> None:
        if gone.any():
            at = (self._own_rows + np.flatnonzero(gone)).astype(np.int32)
            self._solver.deleteRows(len(at), at)
            self.further = self.further.where(~gone)

    def _run(
        self, part: Part, basis: highspy.HighsBasis | None, most: int | None = None
    ) -> highspy.HighsModelStatus:
        self._limit(part)
        if basis is not None:
            self._solver.setBasis(self._longer(basis))
        at_once = _ITERATIONS_AT_ONCE if most is None else most
        self._solver.setOptionValue("simplex_iteration_limit", at_once)
        status = highspy.HighsModelStatus.kIterationLimit
        while status == highspy.HighsModelStatus.kIterationLimit:
            self._solver.run()
            iterations = max(0, self._solver.getInfo().simplex_iteration_count)
            self._steps += 1.0 + iterations / ITERATIONS_PER_STEP
            status = self._solver.getModelStatus()
            if most is not None or self._late():
                break
        return status

    def _late(self) -> bool:
        ledger = self._ledger
        return ledger.late or ledger.work + self._steps >= ledger.limits.work

    def _longer(self, basis: highspy.HighsBasis) -> highspy.HighsBasis:
        """Return a basis with the rows that have come since, which do not bind."""
        lacking = self._own_rows + len(self.further.least) - len(basis.row_status)
        if not lacking:
            return basis
        longer = highspy.HighsBasis()
        longer.valid, longer.alien = basis.valid, basis.alien
        longer.col_status = basis.col_status
        longer.row_status = [*basis.row_status, *[highspy.HighsBasisStatus.kBasic] * lacking]
        return longer

    def _limit(self, part: Part) -> None:
        columns = np.arange(self._m, dtype=np.int32)
        lower, upper = part.opened.astype(np.float64), (~part.closed).astype(np.float64)
        self._solver.changeColsBounds(self._m, columns, lower, upper)
        inf = highspy.kHighsInf
        least, most = self.further.limits(part)
        for at in np.flatnonzero(self.further.district >= 0).tolist():
            low, high = max(least[at], -inf), min(most[at], inf)
            self._solver.changeRowBounds(self._own_rows + at, low, high)

    def _limited(self, part: Part) -> Model:
        """Return the model of a part as HiGHS has it."""
        model = self._model
        least, most = self.further.limits(part)
        return replace(
            model,
            rows=csr_array(vstack([model.rows, self.further.rows], format="csr")),
            least=np.concatenate([model.least, least]),
            most=np.concatenate([model.most, most]),
            lower=np.concatenate([part.opened.astype(np.float64), model.lower[self._m :]]),
            upper=np.concatenate([(~part.closed).astype(np.float64), model.upper[self._m :]]),
        )


class BothSides:
    """
    Two models, so that both sides of a split can be solved at once, where there are two cores.

    Each side has its own: what HiGHS keeps of one run never depends on which was faster.

    Attributes
    ----------
    at_once : bool
        In two threads. What comes out is the same.
    """

    def __init__(self, cover: Cover, districts: Districts, ledger: Ledger) -> None:
        self._ledger, self.at_once = ledger, False
        self._models = [DistrictModel(cover, districts, ledger) for _ in range(2)]

    def alone(self, part: Part, basis: highspy.HighsBasis | None) -> Solved:
        """Solve a part that is not a side of any split."""
        solved = self._models[0].solve(part, basis)
        self._ledger.spend(self._models[0].taken())
        return solved

    def add_cuts(self, rows: csr_array, least: Floats) -> None:
        """Add rows that every plan keeps to those of the first part."""
        self._models[0].add(FurtherRows(rows, least, np.full(len(least), -1)))

    def go_on(self, part: Part) -> Solved | None:
        """Solve the first part with its cuts, and drop loose ones; None if it needs another go."""
        model = self._models[0]
        solved = model.go_on(part)
        if solved is not None:
            solved = replace(solved, basis=model.drop_loose_cuts())
        self._ledger.spend(model.taken())
        return solved

    def settle(self) -> None:
        """Keep the cuts of the first part from now on."""
        first, second = self._models
        second.add(first.further)

    def solve(self, parts: list[Part], basis: highspy.HighsBasis) -> list[Solved]:
        """Solve two parts, see `DistrictModel.solve`."""
        return self._both(lambda at: self._models[at].solve(parts[at], basis))

    def probe(self, parts: list[Part], basis: highspy.HighsBasis, iterations: int) -> list[float]:
        """Return about what two parts cover at most, see `DistrictModel.probe`."""
        return self._both(lambda at: self._models[at].probe(parts[at], basis, iterations))

    def add_row(self, district: int) -> bool:
        """Give a district a row; False if it has one."""
        first, second = self._models
        return first.add_row(district) and second.add_row(district)

    def drop_row(self) -> None:
        """Take the last row away, which no part may need."""
        for model in self._models:
            model.drop_row()

    def _both(self, run: Callable[[int], T]) -> list[T]:
        found = side_by_side(lambda: run(0), lambda: run(1)) if self.at_once else (run(0), run(1))
        self._ledger.spend(sum(model.taken() for model in self._models))
        return list(found)
