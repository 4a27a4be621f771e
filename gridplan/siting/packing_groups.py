"""Groups of demand that fit a site, as they were met."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gridplan.siting.matrix import Floats, Positions

# Groups that are kept, the latest ones.
_MOST_MET = 20_000


@dataclass(frozen=True)
class Group:
    """
    Demand that fits a site.

    Attributes
    ----------
    site : int
    rows : ndarray of int
        Positions of demand, ascending.
    cost : float
        What they pay there.
    """

    site: int
    rows: Positions
    cost: float


@dataclass
class Groups:
    """Different groups, in the order in which they were first met."""

    _met: dict[tuple[int, bytes], Group] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Group]:
        """Yield the groups, in that order."""
        return iter(self._met.values())

    def meet(self, cost: Floats, assigned: Positions, overload: Floats) -> None:
        """
        Note the groups of an assignment that are allowed and fit.

        Parameters
        ----------
        cost : ndarray, shape (n, m)
            ``inf`` where a pair is not allowed.
        assigned : ndarray of int, shape (n,)
        overload : ndarray, shape (m,)
            Load of each site above its capacity.
        """
        for group in groups_of(cost, assigned):
            if overload[group.site] <= 0 and math.isfinite(group.cost):
                self.add(group)

    def add(self, group: Group) -> None:
        """Note a group; of too many the first are forgotten."""
        key = group.site, group.rows.tobytes()
        if key not in self._met:
            self._met[key] = group
            if len(self._met) > _MOST_MET:
                del self._met[next(iter(self._met))]


def groups_of(cost: Floats, assigned: Positions) -> Iterator[Group]:
    """
    Yield the demand of each site of an assignment.

    Examples
    --------
    >>> cost = np.array([[0.0, 9.0], [9.0, 1.0], [9.0, 2.0]])
    >>> [(one.site, one.rows.tolist(), one.cost) for one in groups_of(cost, np.array([0, 1, 1]))]
    [(0, [0], 0.0), (1, [1, 2], 3.0)]
    """
    paid = cost[np.arange(len(assigned)), assigned]
    order = np.argsort(assigned, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(assigned[order])) + 1):
        if len(rows):
            yield Group(int(assigned[rows[0]]), rows, math.fsum(paid[rows]))
