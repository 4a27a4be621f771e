"""What a good cell is, as one number: its area, its form, and the lines its border runs on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gridplan.geometry import Floats

_LEAST_M = 1e-6
_DISC = 4 * math.pi


@dataclass(frozen=True, slots=True)
class Score:
    """
    Weights of what a partition should be; costs add up, 0 is best.

    Attributes
    ----------
    aim : float
        Area a cell should have, as a share of the target area.
    ease : float
        Deviation from the aim that costs next to nothing, as a share.
    pull : float
        Cost of the square of a smaller deviation, so that as many cells are too large as
        are too small.
    slope : float
        Cost of a deviation by the whole target area beyond that.
    limit : float
        Deviation from which it costs `steep` more.
    steep : float
    line : float
        What 100 m (the side of a cell) of border along a line of worth 1 is worth.
    bare : float
        Cost of a side of border, along whatever it runs.
    form : float
        Cost of 1 of the inverse isoperimetric quotient beyond `round_enough`.
    round_enough : float
    ragged : float
        Cost of 1 of it more beyond `ragged_from`: a long strip is hardly a place.
    ragged_from : float
    even : float
        Cost of a cell of built-up land whose number of components is off by as many as it
        should have; grows with the square up to there, from there evenly. 0 does not look.
    components : float
        How many components a cell of built-up land should have.
    built_m2 : float
        Target area of cells of built-up land.
    centre : float
        How far the median of the cells of a place may be off the target, as a share, before
        they are drawn again.
    """

    aim: float = 0.985
    ease: float = 0.12
    pull: float = 10.0
    slope: float = 13.5
    limit: float = 0.4
    steep: float = 30.0
    line: float = 7.0
    bare: float = 2.3
    form: float = 1.25
    round_enough: float = 1.6
    ragged: float = 1.3
    ragged_from: float = 3.0
    even: float = 0.0
    components: float = 0.0
    built_m2: float = 0.0
    centre: float = 0.015

    def area(self, share: float) -> float:
        """Return the cost of a cell of `share` times its target area."""
        off = abs(share - self.aim)
        # Called a million times a town: what costs least is told first.
        if off <= self.ease:
            return self.pull * off * off
        beyond = self.steep * (off - self.limit) if off > self.limit else 0.0
        return self.pull * self.ease * self.ease + self.slope * (off - self.ease) + beyond

    def shape(self, area_m2: float, perimeter_m: float) -> float:
        """Return the cost of a cell's form."""
        inverse = perimeter_m * perimeter_m / (_DISC * (max(_LEAST_M, area_m2)))
        if inverse <= self.round_enough:
            return 0.0
        beyond = self.ragged * (inverse - self.ragged_from) if inverse > self.ragged_from else 0.0
        return self.form * (inverse - self.round_enough) + beyond

    def evenness(self, components: float) -> float:
        """
        Return the cost of the number of components of a cell of built-up land.

        The mean of the squares is the squared coefficient of variation; from twice the
        number on it grows evenly, so that one crowded place does not rule all around it.
        """
        off = abs(components / self.components - 1.0)
        return self.even * (off * off if off <= 1.0 else 2.0 * off - 1.0)

    def cell(
        self, area_m2: float, perimeter_m: float, target_m2: float, components: float
    ) -> float:
        """Return the cost of a cell by itself."""
        cost = self.area(area_m2 / target_m2) + self.shape(area_m2, perimeter_m)
        if self.components and target_m2 == self.built_m2:
            cost += self.evenness(components)
        return cost

    def cut(self, length_m: Floats, worth: Floats, side_m: float) -> Floats:
        """Return the cost of each border if it parts two cells; below 0 it is a good one."""
        return np.asarray(length_m / side_m * (self.bare - self.line * worth))

    def count(self, share: float) -> int:
        """Return into how many cells land of `share` times the target area divides best."""
        least = max(1, math.floor(share / (self.aim + self.limit)))
        most = max(1, math.ceil(share / max(self.aim - self.limit, self.aim / 2)))
        costs = [self.whole(share, k) for k in range(least, most + 1)]
        return least + costs.index(min(costs))

    def whole(self, share: float, k: int) -> float:
        """Return the cost of `k` equal cells on land of `share` times the target area."""
        off = abs(share / k - self.aim)
        # A little beyond the free range, so that of several numbers the best is taken.
        return k * (self.area(share / k) + off)

    def land(self, share: float) -> float:
        """Return the least cost of land of `share` times the target area."""
        return self.whole(share, self.count(share))


UNIFORM = Score()
RECOGNISABLE = Score(
    aim=1.15,
    ease=0.35,
    pull=0.0,
    slope=5.0,
    limit=0.5,
    line=7.5,
    bare=3.0,
    form=1.6,
    centre=math.inf,
)

ROUNDER = replace(UNIFORM, form=2.0)
"""For places whose lines run so that cells along them are ragged."""
ROUNDEST = replace(UNIFORM, form=3.0, ragged_from=2.5, line=5.0)
"""For those where that does not do: rather fewer borders on lines."""
