"""Sites in order of cost from each demand point, read only as far as needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridplan.siting.core import Core, Positions
from gridplan.siting.matrix import Floats

_FIRST_WIDTH = 32
_FULL = 1.0 - 1e-9


@dataclass(frozen=True)
class Nearest:
    """
    Sites of each demand point from the cheapest on.

    Attributes
    ----------
    order : ndarray of int32, shape (n, m)
        Columns, cheapest first; of equals the earlier.
    cost : ndarray, shape (n, m)
        Their costs.
    base : ndarray, shape (n,)
        What demand pays without any of them.
    """

    order: np.ndarray
    cost: Floats
    base: Floats

    @classmethod
    def of(cls, core: Core) -> Nearest:
        """Sort the sites of each demand point."""
        order = np.argsort(core.cost, axis=1, kind="stable").astype(np.int32)
        return cls(order, np.take_along_axis(core.cost, order, axis=1), core.base)

    def last_paid(self, shares: Floats) -> Floats:
        """
        Return what each demand point pays for the last part of its service, shape (n,).

        It takes the shares of the cheapest sites first, until they make one;
        where all of them do not, the last part costs `base`.
        """
        paid = self.base.copy()
        rows = np.arange(len(paid))
        width = 0
        while len(rows) and width < self.order.shape[1]:
            width = min(max(_FIRST_WIDTH, 2 * width), self.order.shape[1])
            served = np.cumsum(shares[self.order[rows, :width]], axis=1) >= _FULL
            done = served[:, -1]
            finished = rows[done]
            paid[finished] = self.cost[finished, served[done].argmax(axis=1)]
            rows = rows[~done]
        return paid

    def below(self, prices: Floats) -> tuple[Positions, Positions, Floats]:
        """Return demand, site and price - cost of every pair that costs less than the price."""
        width = _FIRST_WIDTH
        while width < self.cost.shape[1] and (self.cost[:, width - 1] < prices).any():
            width *= 2
        less = prices[:, None] - self.cost[:, :width]
        demand, rank = np.nonzero(less > 0.0)
        return demand, self.order[demand, rank].astype(np.intp), less[demand, rank]
