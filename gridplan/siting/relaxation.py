"""What the linear relaxations of a p-median share: how they are solved, probed and told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import highspy
import numpy as np

from gridplan.siting.core import Choice, Core
from gridplan.siting.matrix import Flags, Floats
from gridplan.siting.search import Search

# Costs are scaled so that an objective is about this: HiGHS has absolute tolerances.
SCALED_OBJECTIVE = 1e5
# Simplex iterations until the limits are looked at, twice as many each time within a solve:
# what goes on begins by taking perturbed costs back. Those that count as one step of work.
_ITERATIONS_AT_ONCE = 2_000
ITERATIONS_PER_STEP = 10.0
_ITERATIONS_OF_A_PROBE = 50
_PERTURBATION = "dual_simplex_cost_perturbation_multiplier"


@dataclass(frozen=True)
class Relaxed:
    """
    A solved relaxation.

    Attributes
    ----------
    bound : float
        Holds for every plan within the node's fixings; computed from the dual
        values directly, so that no tolerance of the solver is in it.
    shares : ndarray, shape (m,)
        How far each site is open, 0 to 1.
    choice : Choice
        With what each other fixing would add to the bound.
    """

    bound: float
    shares: Floats
    choice: Choice


@dataclass(frozen=True)
class Rounds:
    """
    How long to go on adding cuts.

    Attributes
    ----------
    most : int
        Most rounds.
    least_progress : float
        Stop once a round brings less than this share of what is left between
        bound and best plan.
    halfway : bool
        Cut halfway between the solution and the best point seen, which takes
        far fewer rounds from a cold start.
    """

    most: int
    least_progress: float
    halfway: bool


class Relaxation(ABC):
    """
    A linear model with one column per site, the first ones, in HiGHS.

    Attributes
    ----------
    core : Core
    """

    def __init__(self, core: Core, search: Search) -> None:
        self.core, self._search = core, search
        self._scale = SCALED_OBJECTIVE / max(1.0, search.value)
        self._solver = new_solver()

    @property
    @abstractmethod
    def rows(self) -> int:
        """Number of rows that were added because of a solution."""

    @abstractmethod
    def converge(
        self, opened: Flags, closed: Flags, how: Rounds, *, centre: Floats | None = None
    ) -> Relaxed:
        """
        Solve with new rows until they no longer matter.

        Parameters
        ----------
        opened, closed : ndarray of bool, shape (m,)
            Sites that are fixed. If there are none, each bound holds for the whole
            problem and is told to the search.
        how : Rounds
        centre : ndarray, shape (m,), optional
            Shares that are known to be good.
        """

    @abstractmethod
    def purge(self, *, idle: int) -> None:
        """Drop the added rows that have not mattered in the last `idle` solves or more."""

    def probe(self, site: int, share: float, *, opened: Flags, closed: Flags) -> float:
        """Return how far a few iterations lift the bound if one site is fixed."""
        solver = self._solver
        basis = solver.getBasis()
        solver.changeColBounds(site, share, share)
        solver.setOptionValue("simplex_iteration_limit", _ITERATIONS_OF_A_PROBE)
        # Of perturbed costs that are not yet taken back, dual values say nothing.
        solver.setOptionValue(_PERTURBATION, 0.0)
        solver.run()
        solver.setOptionValue(_PERTURBATION, 1.0)
        self._spend()
        lifted = np.inf
        if solver.getModelStatus() != highspy.HighsModelStatus.kInfeasible:
            # Not the objective, which may be anything where HiGHS was stopped.
            here = np.arange(len(opened)) == site
            fixed = {
                "opened": opened | (here & (share > 0.0)),
                "closed": closed | (here & (share == 0.0)),
            }
            lifted = self._bounded(**fixed).bound
        solver.changeColBounds(site, float(opened[site]), float(not closed[site]))
        # Each probe begins where the relaxation ended, not where the last one was stopped.
        solver.setBasis(basis)
        return lifted

    @abstractmethod
    def _bounded(self, opened: Flags, closed: Flags) -> Relaxed:
        """Turn any dual values into a bound that holds, whatever the solver's tolerances."""

    def _fix(self, opened: Flags, closed: Flags) -> None:
        columns = np.arange(len(opened), dtype=np.int32)
        self._solver.changeColsBounds(
            len(opened), columns, opened.astype(np.float64), (~closed).astype(np.float64)
        )

    def _solved(self) -> Floats:
        """Solve, and return the values of all columns, whatever the solver made of it."""
        if self._run() != highspy.HighsModelStatus.kOptimal:
            # Numerical trouble with the old basis: once more from a cold start. Whatever
            # comes out then, the bounds hold and the branching goes on.
            self._solver.clearSolver()
            self._run()
        values: Floats = np.nan_to_num(np.asarray(self._solver.getSolution().col_value))
        return values

    def _run(self) -> highspy.HighsModelStatus:
        at_once = _ITERATIONS_AT_ONCE
        status = highspy.HighsModelStatus.kIterationLimit
        while status == highspy.HighsModelStatus.kIterationLimit:
            self._solver.setOptionValue("simplex_iteration_limit", at_once)
            at_once *= 2
            self._solver.run()
            self._spend()
            status = self._solver.getModelStatus()
        return status

    def _spend(self) -> None:
        iterations = max(0, self._solver.getInfo().simplex_iteration_count)
        self._search.spend(1.0 + iterations / ITERATIONS_PER_STEP)


class _QuietHighs(highspy.Highs):
    """HiGHS that prints nothing: its banner appears while callbacks are set up."""

    def enableCallbacks(self) -> None:  # noqa: N802 (name of the base class)
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def new_solver() -> highspy.Highs:
    """Return HiGHS without output, threads and presolve."""
    solver = _QuietHighs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("presolve", "off")
    return solver
