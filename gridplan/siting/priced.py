"""Sites that cost something each, as many as pay: a p-median without its count."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gridplan.siting.core import Choice, Core
from gridplan.siting.interchange import Exchange
from gridplan.siting.matrix import Flags, Floats, Positions

# Gains below this share of the value are rounding.
_LEAST_GAIN_SHARE = 1e-10


@dataclass(frozen=True)
class PricedCore(Core):
    """
    A core whose free sites have a price, and of which any number may be open.

    `slots` is the number of free sites.

    Attributes
    ----------
    price : ndarray, shape (m,)
        What opening each free site costs, 0 or more, in the unit of the weighted cost.
    """

    price: Floats

    @property
    def decided(self) -> bool:
        """There is no site to choose."""
        return not len(self.sites)

    @property
    def fewest(self) -> int:
        """None need be open."""
        return 0

    @property
    def tolls(self) -> Floats:
        """What opening each free site costs by itself, shape (m,)."""
        return self.price

    def choose(self, price: Floats, *, opened: Flags, closed: Flags) -> Choice:
        """Open what is open anyway, and every free site with a price below 0."""
        chosen = opened | (~closed & (price < 0.0))
        return Choice(float(price[chosen].sum()), chosen, np.abs(price))

    def only_plan(self, *, opened: Flags, closed: Flags) -> Positions | None:
        """Return the open sites once all are fixed."""
        return np.nonzero(opened)[0] if (opened | closed).all() else None

    def value(self, chosen: Positions) -> float:
        """Return what all demand pays, and the prices of the open sites."""
        return super().value(chosen) + math.fsum(self.price[chosen])


def improved(core: PricedCore, chosen: Positions) -> Positions:
    """Open or close the site that saves most, one after the other, as long as one does."""
    is_open = core.flags(chosen)
    while not core.decided:
        at = np.nonzero(is_open)[0]
        table = Exchange.of(core.pairs, at)
        gain = np.where(is_open, -np.inf, table.gain - core.price)
        gain[at] = core.price[at] - table.loss
        best = int(gain.argmax())
        if gain[best] <= _LEAST_GAIN_SHARE * max(1.0, table.value):
            break
        is_open[best] = not is_open[best]
    return np.nonzero(is_open)[0]
