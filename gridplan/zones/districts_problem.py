"""Units to be grouped into districts round a centre: what is given, and what comes out."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gridplan.errors import Note
from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints

Flags = npt.NDArray[np.bool_]
DistrictStatus = Literal["proven", "gap", "unbalanced"]


@dataclass(frozen=True, slots=True)
class DistrictProblem:
    r"""
    Units, who borders on whom, what they weigh, and what they cost from each centre.

    A plan gives each of `n` units to one of `k` districts. A district is connected,
    holds its centre, and each of its `w` loads is within bounds. The plan costs
    :math:`\sum_D \min_{c \in D} \sum_{i \in D} C_{ic}`: with
    :math:`C_{ic} = a_i d_{ic}^2` for residents :math:`a_i` it is the moment of
    inertia of Hess et al. [1]_, with :math:`C_{ic} = d_{ic}` the sum of distances.

    Attributes
    ----------
    left, right : array of int, shape (m,)
        Positions of two units that share a border.
    weights : array of float, shape (n, w)
        0 or more; each column has a positive sum.
    cost : array of float, shape (n, n)
        :math:`C`: row, a unit; column, the unit that is the centre. 0 or more.
    k : int
        Number of districts.
    lower, upper : array of float, shape (w,)
        Bounds of each load of a district, both included.
    ids : tuple
        Names of the units, in their order; they break ties, so that the order of the
        rows does not matter. Empty: units are their positions.

    References
    ----------
    .. [1] Hess, S. W., Weaver, J. B., Siegfeldt, H. J., Whelan, J. N. and Zitlau, P. A.
       (1965). Nonpartisan political redistricting by computer. *Operations Research*,
       13(6), 998-1006. https://doi.org/10.1287/opre.13.6.998
    """

    left: Ints
    right: Ints
    weights: Floats
    cost: Floats
    k: int
    lower: Floats
    upper: Floats
    ids: tuple[Hashable, ...] = ()

    @property
    def count(self) -> int:
        """Number of units."""
        return len(self.weights)

    @property
    def names(self) -> tuple[Hashable, ...]:
        """Names of the units: the ids, or their positions."""
        return self.ids or tuple(range(self.count))

    def reordered(self, order: Ints) -> DistrictProblem:
        """Return the same problem with the unit `order[i]` as unit `i`."""
        place = np.empty(self.count, dtype=np.intp)
        place[order] = np.arange(self.count)
        ends = np.sort(np.stack([place[self.left], place[self.right]]), axis=0)
        left, right = np.unique(ends, axis=1) if ends.size else ends
        return DistrictProblem(
            left=left,
            right=right,
            weights=np.ascontiguousarray(self.weights[order]),
            cost=np.ascontiguousarray(self.cost[np.ix_(order, order)]),
            k=self.k,
            lower=self.lower,
            upper=self.upper,
            ids=tuple(self.names[one] for one in order.tolist()),
        )


@dataclass(frozen=True, slots=True)
class DistrictOptions:
    """
    How hard `gridplan.zones.districts` looks.

    Attributes
    ----------
    starts : int
        Location-allocation starts, each annealed with loads that may be beyond the bounds.
    moves_per_unit : int
        Moves proposed for each unit in one course of annealing.
    least_moves : int
        Moves in one course however few units there are.
    hardened : int
        Of the arrangements of centres found so, as many of the best are annealed on
        with a price that brings the loads within the bounds.
    bound_steps : int
        Subgradient steps for the lower bound; 0 leaves it out.
    near_columns, exact_columns : int
        A whole-number model searches near the best arrangements, and one decides what
        the bound leaves open, where it has at most so many columns; 0: never.
    near_work, exact_work : int
        Steps of work for each search near an arrangement, and for the decision; fewer
        in proportion where a model has more than a thousand columns.
    """

    starts: int = 12
    moves_per_unit: int = 100
    least_moves: int = 10_000
    hardened: int = 4
    bound_steps: int = 600
    near_columns: int = 2_000
    exact_columns: int = 6_000
    near_work: int = 16_000
    exact_work: int = 8_000


@dataclass(frozen=True, slots=True)
class DistrictPlan:
    """
    Districts round a centre, and how far they may be from the best.

    Attributes
    ----------
    district : array of int, shape (n,)
        District of each unit, numbered from 0 by the order of the centres' names.
    centre : array of int, shape (k,)
        Position of each district's centre.
    loads : array of float, shape (k, w)
    objective : float
        In the unit of the costs.
    bound : float
        No plan within the bounds costs less; 0 if no bound was computed.
    gap : float
        ``(objective - bound) / objective``: the largest share that may be lacking.
    status : {"proven", "gap", "unbalanced"}
        ``unbalanced``: a load is beyond its bounds; see `missed`.
    work : int
        Moves proposed.
    missed : tuple of Note
        Per weight: which districts are beyond the bounds, the worst first.
    stopped_by : {None, "work", "time", "interrupt"}
        The limit that ended the search, if one did.
    """

    district: Ints
    centre: Ints
    loads: Floats
    objective: float
    bound: float
    gap: float
    status: DistrictStatus
    work: int
    missed: tuple[Note, ...] = ()
    stopped_by: str | None = None


def district_cost(problem: DistrictProblem, district: Ints) -> tuple[float, Ints]:
    """
    Return what a plan costs, and the centre of each district.

    The centre is the unit of the district from which it costs least; of equally
    good ones the first.

    Examples
    --------
    >>> line = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    >>> problem = DistrictProblem(
    ...     np.array([0, 1]), np.array([1, 2]), np.ones((3, 1)), line, 1,
    ...     np.array([0.0]), np.array([3.0]),
    ... )
    >>> district_cost(problem, np.zeros(3, dtype=int))
    (2.0, array([1]))
    """
    centres, total = [], []
    for number in range(problem.k):
        own = np.flatnonzero(district == number)
        sums = problem.cost[np.ix_(own, own)].sum(axis=0)
        at = int(sums.argmin())
        centres.append(int(own[at]))
        total.append(math.fsum(problem.cost[own, own[at]]))
    return math.fsum(total), np.array(centres, dtype=np.intp)
