"""Linear and mixed-integer models given to HiGHS, with counted work and safe bounds."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import highspy
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from gridplan.siting.matrix import Flags, Floats
from gridplan.siting.search import Effort, OutOfEffortError, StoppedBy

ITERATIONS_PER_STEP = 10.0
"""Simplex iterations that count as one step of work; a node counts as one, too."""
STEPS_PER_LOOK = 10.0
"""
Steps that a look of the tree search, or of interior points, at its limits counts for at least.
HiGHS tells how many iterations it took only at the end, but the looks come at the same points
each time.
"""

Answer = Literal["optimal", "infeasible", "stopped"]

# HiGHS has absolute tolerances: the largest cost of a model is brought near this.
_LARGEST_COST = 2.0**12
# What the tolerances of HiGHS may add to a bound or an objective: relative and absolute.
_BOUND_SLACK = 1e-9
_WHOLE_SLACK = 1e-4
_HALF = 0.5
# Seconds between two looks at the keyboard while HiGHS works in its own thread.
_LOOK_S = 0.1
# HiGHS stops by the clock only where it cannot be interrupted, a little after the limit.
_LEAST_S = 0.01
_FEASIBLE = 2
"""HiGHS's number for a solution that is feasible."""

_INFEASIBLE = {
    highspy.HighsModelStatus.kInfeasible,
    # Every model here has bounded columns or costs of one sign.
    highspy.HighsModelStatus.kUnboundedOrInfeasible,
    highspy.HighsModelStatus.kObjectiveBound,
}


@dataclass(frozen=True)
class Model:
    r"""
    Minimise :math:`c^T x` with :math:`l \le A x \le u` and bounds on each column.

    Attributes
    ----------
    cost : ndarray, shape (n,)
        :math:`c`. To maximise, give the negative.
    rows : csr_array, shape (k, n)
        :math:`A`.
    least, most : ndarray, shape (k,)
        :math:`l` and :math:`u`; infinite where a row has none.
    lower, upper : ndarray, shape (n,)
        Bounds of the columns.
    whole : ndarray of bool, shape (n,)
        Columns that take whole numbers; all False makes it a linear program.
    """

    cost: Floats
    rows: csr_array
    least: Floats
    most: Floats
    lower: Floats
    upper: Floats
    whole: Flags

    @property
    def relaxed(self) -> Model:
        """The linear relaxation."""
        return replace(self, whole=np.zeros(len(self.cost), dtype=np.bool_))

    @property
    def integral(self) -> bool:
        """Whole costs on whole columns alone: every objective is a whole number."""
        return bool((self.whole | (self.cost == 0)).all() and (self.cost % 1.0 == 0).all())


@dataclass(frozen=True)
class Outcome:
    """
    What came out.

    Attributes
    ----------
    answer : {"optimal", "infeasible", "stopped"}
        ``infeasible`` also where a cutoff was given and nothing is below it.
    values : ndarray, shape (n,), or None
        The best solution, whole columns rounded; None if there is none.
    objective : float
        Its cost, computed from the values; ``inf`` if there is none.
    bound : float
        Nothing costs less, within `lower` and `upper` and below the cutoff.
        Of a linear program, it is computed from the dual values, so that it holds
        whatever the solver's tolerances.
    stopped_by : {None, "work", "time", "key", "interrupt"}
        The limit of the whole solver that ended the run, for the caller to raise;
        None if it was the work of this model alone (`Options.work`).
    row_dual, reduced : ndarray or None
        Of a linear program: dual value of each row, reduced cost of each column.
    basis : HighsBasis or None
        Of a linear program: where to begin with one that is much the same.
    """

    answer: Answer
    values: Floats | None
    objective: float
    bound: float
    stopped_by: StoppedBy | None = None
    row_dual: Floats | None = None
    reduced: Floats | None = None
    basis: highspy.HighsBasis | None = None

    def chosen(self, count: int) -> npt.NDArray[np.intp] | None:
        """Return which of the first columns are 1 in the best solution; None without one."""
        if self.values is None:
            return None
        return np.flatnonzero(self.values[:count] > _HALF)


@dataclass(frozen=True, kw_only=True)
class Options:
    """
    How far HiGHS goes.

    Attributes
    ----------
    cutoff : float
        Only solutions that cost less than this are looked for.
    gap : float
        Relative gap at which a solution is good enough.
    work : float
        Most steps of work for this model, besides what is left of the limits.
    presolve : bool
    prune : bool
        Of a whole-number model: leave the cutoff to the pruning of HiGHS, where
        otherwise a row asks for it. Often twice as fast where nothing is below
        the cutoff. The bound then holds up to the cutoff alone.
    interior : bool
        Of a linear program: by interior points. Several times as fast where thousands of
        rows overlap.
    corner : bool
        With `interior`: go on to a corner, whose `Outcome.basis` another run can begin with.
    """

    cutoff: float = math.inf
    gap: float = 0.0
    work: float = math.inf
    presolve: bool = True
    prune: bool = False
    interior: bool = False
    corner: bool = True


_STANDARD = Options()


@dataclass
class _Meter:
    """
    Counts the work of one run and says when it is enough.

    `last` tells that the work is all that the whole solver has left.
    """

    effort: Effort
    work: float
    whole: bool
    last: bool
    looks: int = 0
    spent: float = 0.0
    reason: StoppedBy | None = field(default=None)
    interrupted: bool = False

    def look(self, event: Any) -> None:  # noqa: ANN401 (highspy's events have no type)
        """Interrupt HiGHS once a limit is reached; called by HiGHS."""
        iterations = int(event.data_out.simplex_iteration_count)
        self.looks += 1 if self.whole or int(event.data_out.ipm_iteration_count) > 0 else 0
        self.spent = max(self.looks * STEPS_PER_LOOK, iterations / ITERATIONS_PER_STEP)
        limit_s = self.effort.limits.time_s
        if self.interrupted:
            self.reason = "interrupt"
        elif self.spent >= self.work:
            self.reason = "work"
        elif limit_s is not None and self.effort.seconds >= limit_s:
            self.reason = "time"
        elif self.effort.called_off:
            self.reason = "key"
        if self.reason is not None:
            event.interrupt()


class QuietHighs(highspy.Highs):
    """HiGHS that prints nothing: its banner appears while callbacks are set up."""

    def enableCallbacks(self) -> None:  # noqa: N802 (name of the base class)
        """Silence the output before anything can be written to it."""
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def solve_model(
    model: Model, effort: Effort, *, start: Floats | None = None, options: Options = _STANDARD
) -> Outcome:
    """
    Solve a model with one thread and a fixed seed; count its work in `effort`.

    Never raises a limit's `OutOfEffortError` itself: the outcome has the best values
    and the bound so far, and says which limit ended the run (`Outcome.stopped_by`),
    for the caller to raise once it has used them. So it is with an interrupt from
    the keyboard. The same model and work give the same outcome.

    Parameters
    ----------
    model : Model
    effort : Effort
        Limits of the whole solver. A simplex iteration counts a tenth of a step,
        a node one.
    start : ndarray, shape (n,), optional
        A feasible solution to begin with.
    options : Options

    Examples
    --------
    >>> from gridplan.siting.options import Limits
    >>> row = csr_array(np.array([[2.0, 3.0]]))
    >>> out = solve_model(
    ...     Model(
    ...         cost=np.array([1.0, 2.0]), rows=row, least=np.array([4.0]),
    ...         most=np.array([np.inf]), lower=np.zeros(2), upper=np.ones(2),
    ...         whole=np.ones(2, dtype=bool),
    ...     ),
    ...     Effort(Limits()),
    ... )
    >>> out.answer, out.values.tolist(), out.objective, out.bound
    ('optimal', [1.0, 1.0], 3.0, 3.0)
    """
    left = effort.limits.work - effort.work
    whole = bool(model.whole.any())
    meter = _Meter(effort, min(options.work, left), whole, last=left <= options.work)
    limit_s = effort.limits.time_s
    late = limit_s is not None and effort.seconds >= limit_s
    if meter.work <= 0 or late:
        return Outcome("stopped", None, math.inf, -math.inf, "time" if late else "work")
    pruned = whole and options.prune and math.isfinite(options.cutoff)
    if math.isfinite(options.cutoff) and not pruned:
        model = _below(model, options.cutoff)
    if not len(model.cost):
        return _nothing_to_choose(model)
    scale = _scale(model.cost) if whole else 1.0
    highs = _loaded(model, scale, options)
    if pruned:
        highs.setOptionValue("objective_bound", options.cutoff * scale)
    if limit_s is not None:
        highs.setOptionValue("time_limit", max(_LEAST_S, limit_s - effort.seconds))
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = start
        highs.setSolution(solution)
    if options.interior and not whole:
        highs.setOptionValue("solver", "ipm")
        highs.setOptionValue("run_crossover", "on" if options.corner else "off")
        highs.cbIpmInterrupt.subscribe(meter.look)
    (highs.cbMipInterrupt if whole else highs.cbSimplexInterrupt).subscribe(meter.look)
    _run(highs, meter)
    info = highs.getInfo()
    iterations = max(0, info.simplex_iteration_count) / ITERATIONS_PER_STEP
    iterations += max(0, info.crossover_iteration_count) / ITERATIONS_PER_STEP
    meter.spent = max(meter.spent, iterations + max(0, info.mip_node_count))
    _count(effort, 1.0 + meter.spent)
    if whole:
        out = _mip_outcome(model, highs, meter, options.gap)
        return _with_cutoff(out, options.cutoff) if pruned else out
    return _lp_outcome(model, highs, meter)


def _below(model: Model, cutoff: float) -> Model:
    """Return the model with a row that asks for less than the cutoff."""
    most = cutoff - _BOUND_SLACK * abs(cutoff)
    if model.integral:
        most = math.ceil(cutoff - _WHOLE_SLACK) - 1.0
    return replace(
        model,
        rows=csr_array(vstack([model.rows, csr_array(model.cost[None, :])], format="csr")),
        least=np.append(model.least, -np.inf),
        most=np.append(model.most, most),
    )


def _nothing_to_choose(model: Model) -> Outcome:
    """Return the outcome of a model without columns, which HiGHS does not take."""
    if ((model.least <= 0.0) & (model.most >= 0.0)).all():
        return Outcome("optimal", np.empty(0), 0.0, 0.0)
    return Outcome("infeasible", None, math.inf, math.inf)


def _count(effort: Effort, steps: float) -> None:
    """Count work; the solver that called looks at the outcome before it stops."""
    try:
        effort.spend(steps)
    except OutOfEffortError:
        return


def _scale(cost: Floats) -> float:
    """Return a power of two, so that whole costs stay exact."""
    largest = float(np.abs(cost).max(initial=0.0))
    if largest == 0.0:
        return 1.0
    return float(2.0 ** round(math.log2(_LARGEST_COST / largest)))


def _loaded(model: Model, scale: float, options: Options) -> highspy.Highs:
    highs = QuietHighs()  # type: ignore[no-untyped-call]
    highs.silent()
    for name, value in (
        ("threads", 1),
        ("random_seed", 0),
        ("mip_rel_gap", options.gap),
        ("mip_abs_gap", 0.0),
        ("presolve", "on" if options.presolve else "off"),
    ):
        highs.setOptionValue(name, value)
    highs.passModel(program_of(replace(model, cost=model.cost * scale)))
    return highs


def program_of(model: Model) -> highspy.HighsLp:
    """Return a model as HiGHS takes it."""
    size = len(model.cost)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = size, model.rows.shape[0]
    program.col_cost_ = model.cost
    program.col_lower_, program.col_upper_ = _infinite(model.lower), _infinite(model.upper)
    program.row_lower_, program.row_upper_ = _infinite(model.least), _infinite(model.most)
    rows = model.rows
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = rows.indptr.astype(np.int32)
    program.a_matrix_.index_ = rows.indices.astype(np.int32)
    program.a_matrix_.value_ = rows.data.astype(np.float64)
    if model.whole.any():
        kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
        program.integrality_ = [kinds[int(one)] for one in model.whole]
    return program


def _infinite(values: Floats) -> Floats:
    return np.clip(values, -highspy.kHighsInf, highspy.kHighsInf)


def _run(highs: highspy.Highs, meter: _Meter) -> None:
    """Run in a thread of its own: a key pressed meanwhile reaches this one, not HiGHS."""
    done = threading.Event()

    def work() -> None:
        try:
            highs.run()
            # What HiGHS keeps for a thread is given back before the thread ends.
            highspy.Highs.resetThreadScheduler(False)  # noqa: FBT003 (no keyword in highspy)
        finally:
            done.set()

    threading.Thread(target=work, daemon=True).start()
    # Not by joining the thread: an interrupt would mark it as ended while it runs.
    while not done.is_set():
        try:
            done.wait(_LOOK_S)
        except KeyboardInterrupt:
            meter.interrupted = True


def _stop(highs: highspy.Highs, meter: _Meter) -> tuple[Answer, StoppedBy | None]:
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kOptimal:
        # A key pressed just before the end is not forgotten.
        return "optimal", "interrupt" if meter.interrupted else None
    if status in _INFEASIBLE:
        return "infeasible", None
    if meter.interrupted:
        return "stopped", "interrupt"
    if status == highspy.HighsModelStatus.kTimeLimit:
        return "stopped", "time"
    if meter.reason == "work" and not meter.last:
        return "stopped", None
    # Without a limit reached, HiGHS gave up (numerical trouble): nothing is claimed.
    return "stopped", meter.reason


def _mip_outcome(model: Model, highs: highspy.Highs, meter: _Meter, gap: float) -> Outcome:
    answer, stopped_by = _stop(highs, meter)
    info = highs.getInfo()
    values, objective = None, math.inf
    if info.primal_solution_status == _FEASIBLE and answer != "infeasible":
        values = np.asarray(highs.getSolution().col_value, dtype=np.float64)
        values = np.where(model.whole, np.round(values), values)
        values = np.clip(values, model.lower, model.upper)
        objective = math.fsum(model.cost * values)
    bound = math.inf if answer == "infeasible" else float(info.mip_dual_bound) / _scale(model.cost)
    if answer == "optimal" and not gap:
        # Costs are scaled so that what HiGHS's tolerances hide is far below a proven gap.
        bound = objective
    elif math.isfinite(bound):
        bound = min(_safe(bound, integral=model.integral), objective)
    elif answer != "infeasible":
        bound = -math.inf
    return Outcome(answer, values, objective, bound, stopped_by)


def _with_cutoff(out: Outcome, cutoff: float) -> Outcome:
    """Say no more than a search that drops everything from the cutoff on has shown."""
    if out.answer == "optimal" and out.objective >= cutoff:
        return replace(out, answer="infeasible", values=None, objective=math.inf, bound=math.inf)
    return replace(out, bound=min(out.bound, cutoff)) if out.answer == "stopped" else out


def _safe(bound: float, *, integral: bool) -> float:
    if integral:
        return float(math.ceil(bound - _WHOLE_SLACK))
    return bound - _BOUND_SLACK * abs(bound)


def _lp_outcome(model: Model, highs: highspy.Highs, meter: _Meter) -> Outcome:
    answer, stopped_by = _stop(highs, meter)
    if answer == "infeasible":
        return Outcome(answer, None, math.inf, math.inf)
    solution = highs.getSolution()
    if not solution.dual_valid:
        return Outcome(answer, None, math.inf, -math.inf, stopped_by)
    dual = np.nan_to_num(np.asarray(solution.row_dual, dtype=np.float64))
    bound, reduced = dual_bound(model, dual)
    values, objective = None, math.inf
    if highs.getInfo().primal_solution_status == _FEASIBLE:
        values = np.clip(np.asarray(solution.col_value), model.lower, model.upper)
        objective = math.fsum(model.cost * values)
    return Outcome(answer, values, objective, bound, stopped_by, dual, reduced, highs.getBasis())


def dual_bound(model: Model, dual: Floats) -> tuple[float, Floats]:
    """
    Return the bound that any dual values give, and the reduced costs.

    Values of the wrong sign for a one-sided row are taken as 0. The bound is
    ``-inf`` where a reduced cost points to an infinite column bound.
    """
    dual = np.where(np.isinf(model.least), np.minimum(dual, 0.0), dual)
    dual = np.where(np.isinf(model.most), np.maximum(dual, 0.0), dual)
    reduced = model.cost - model.rows.T @ dual
    limits = np.where(dual > 0, model.least, np.where(dual < 0, model.most, 0.0))
    ends = np.where(reduced > 0, model.lower, np.where(reduced < 0, model.upper, 0.0))
    return math.fsum(dual * limits) + math.fsum(reduced * ends), reduced
