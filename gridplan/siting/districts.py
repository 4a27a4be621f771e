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
# A cut that is kept with more room than this is dropped.
_LOOSE = 0.1

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
    basis : HighsBasis
    """

    bound: float
    shares: Floats
    reduced: Floats
    basis: highspy.HighsBasis


class DistrictModel:
    """
    The relaxation in HiGHS, solved again and again from the basis of the part around.

    Of the most weight that is covered, or, where the ledger asks for the least, of the
    cost of covering everybody: then less that cost is what a part is said to cover.
    """

    def __init__(
        self, cover: Cover, districts: Districts, ledger: Ledger, model: Model | None = None
    ) -> None:
        self._ledger, self._districts = ledger, districts
        most = ledger.maximise
        if model is None:
            model = (most_model(cover) if most else set_model(cover, cover.cost)).relaxed
        self.model, self._m, self._demand = model, len(cover.sites), len(cover.weights)
        # What comes behind these rows are cuts.
        self._without_cuts = len(model.least)
        whole = math.fsum(cover.weights if most else cover.cost)
        self._scale = SCALED_OBJECTIVE / max(1.0, whole)
        self._solver = new_solver()
        scaled = replace(model, cost=model.cost * self._scale)
        self._solver.passModel(program_of(scaled))
        # Districts that have a row, in the order of HiGHS.
        self._rows: list[int] = []
        self._steps = 0.0

    @property
    def _own_rows(self) -> int:
        return len(self.model.least)

    def missed(self) -> Floats:
        """Return how far the relaxation solved last leaves each demand out."""
        covered = np.asarray(self._solver.getSolution().col_value)[self._m :]
        if not len(covered):
            return np.zeros(self._demand)
        missed: Floats = np.clip(1.0 - np.nan_to_num(covered, nan=1.0), 0.0, 1.0)
        return missed

    def add_cuts(self, rows: csr_array, least: Floats) -> None:
        """Add rows that every plan keeps, before any district has one."""
        count = len(least)
        start, where = rows.indptr[:-1].astype(np.int32), rows.indices.astype(np.int32)
        most = np.full(count, np.inf)
        self._solver.addRows(
            count, least, np.full(count, highspy.kHighsInf), rows.nnz, start, where, rows.data
        )
        self.model = replace(
            self.model,
            rows=csr_array(vstack([self.model.rows, rows], format="csr")),
            least=np.concatenate([self.model.least, least]),
            most=np.concatenate([self.model.most, most]),
        )

    def drop_loose_cuts(self) -> None:
        """Take cuts away that the relaxation solved last keeps with room, and tell its basis."""
        first = self._without_cuts
        held = np.asarray(self._solver.getSolution().row_value)[first : self._own_rows]
        status = self._solver.getBasis().row_status[first : self._own_rows]
        basic = np.array([one == highspy.HighsBasisStatus.kBasic for one in status], dtype=np.bool_)
        loose = basic & (held > self.model.least[first:] + _LOOSE)
        if not loose.any():
            return
        gone = first + np.flatnonzero(loose)
        self._solver.deleteRows(len(gone), gone.astype(np.int32))
        kept = np.ones(self._own_rows, dtype=np.bool_)
        kept[gone] = False
        self.model = replace(
            self.model,
            rows=csr_array(self.model.rows[np.flatnonzero(kept)]),
            least=self.model.least[kept],
            most=self.model.most[kept],
        )

    def basis(self) -> highspy.HighsBasis:
        """Return the basis of the relaxation solved last."""
        return self._solver.getBasis()

    def solve(self, part: Part, basis: highspy.HighsBasis | None) -> Solved:
        """Solve the relaxation of a part; each district in it needs its row."""
        status = self._run(part, basis)
        after = self._solver.getBasis()
        if status == highspy.HighsModelStatus.kInfeasible:
            return Solved(-math.inf, np.zeros(self._m), np.zeros(self._m), after)
        solution = self._solver.getSolution()
        dual = np.nan_to_num(np.asarray(solution.row_dual)) / self._scale
        bound, reduced = dual_bound(self._limited(part), dual)
        shares = np.nan_to_num(np.asarray(solution.col_value)[: self._m])
        return Solved(-bound, np.clip(shares, 0.0, 1.0), reduced[: self._m], after)

    def probe(self, part: Part, basis: highspy.HighsBasis, iterations: int) -> float:
        """Return about what a part covers at most, after some iterations."""
        status = self._run(part, basis, most=iterations)
        if status == highspy.HighsModelStatus.kInfeasible:
            return -math.inf
        return -float(self._solver.getInfo().objective_function_value) / self._scale

    def taken(self) -> float:
        """Return the work since this was last asked, for the caller to count."""
        steps, self._steps = self._steps, 0.0
        return steps

    def add_row(self, district: int) -> bool:
        """Give a district a row; False if it has one."""
        if district in self._rows:
            return False
        columns = self._districts.of(district).astype(np.int32)
        inf = highspy.kHighsInf
        self._solver.addRow(-inf, inf, len(columns), columns, np.ones(len(columns)))
        self._rows.append(district)
        return True

    def drop_row(self) -> None:
        """Take the last row away, which no part may need."""
        self._rows.pop()
        at = np.array([self._own_rows + len(self._rows)], dtype=np.int32)
        self._solver.deleteRows(1, at)

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
        lacking = self._own_rows + len(self._rows) - len(basis.row_status)
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
        for at, (least, most) in enumerate(self._counts(part)):
            self._solver.changeRowBounds(self._own_rows + at, max(least, -inf), min(most, inf))

    def _counts(self, part: Part) -> list[tuple[float, float]]:
        return [part.counts.get(one, (-math.inf, math.inf)) for one in self._rows]

    def _limited(self, part: Part) -> Model:
        """Return the model of a part as HiGHS has it."""
        model = self.model
        size, count = len(model.cost), len(self._rows)
        counts = np.array(self._counts(part), dtype=np.float64).reshape(-1, 2)
        rows = self._districts.members[self._rows] if count else csr_array((0, self._m))
        wide = csr_array((rows.data, rows.indices, rows.indptr), shape=(count, size))
        return replace(
            model,
            rows=csr_array(vstack([model.rows, wide], format="csr")),
            least=np.concatenate([model.least, counts[:, 0]]),
            most=np.concatenate([model.most, counts[:, 1]]),
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
        self._cover, self._districts = cover, districts
        self._models = [DistrictModel(cover, districts, ledger)]

    def root(self, part: Part, basis: highspy.HighsBasis | None) -> Solved:
        """Solve a part that is not a side of any split."""
        solved = self._models[0].solve(part, basis)
        self._ledger.spend(self._models[0].taken())
        return solved

    def missed(self) -> Floats:
        """Return how far the part that was solved as `root` leaves each demand out."""
        return self._models[0].missed()

    def cut(self, part: Part, rows: csr_array, least: Floats) -> Solved:
        """Solve the root once more with some cuts, and without those that it keeps with room."""
        model = self._models[0]
        model.add_cuts(rows, least)
        solved = model.solve(part, None)
        model.drop_loose_cuts()
        self._ledger.spend(model.taken())
        return replace(solved, basis=model.basis())

    def settle(self) -> None:
        """Begin to split: no further cuts."""
        first = self._models[0]
        second = DistrictModel(self._cover, self._districts, self._ledger, first.model)
        self._models = [first, second]

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
