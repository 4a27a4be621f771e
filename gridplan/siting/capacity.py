"""How much a site holds: capacities that only warn, and the graded norm of floor area."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridplan.errors import FaultList, SettingsError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SoftCapacity:
    """
    Capacities that are told, not enforced: everybody goes to the closest open site.

    The result then names the load, the capacity and the shortfall of each open
    site. Capacities given without this class are hard: no site takes more.

    Attributes
    ----------
    amounts : Series by site id, ndarray in the column order of the cost, or number
        In the unit of the load.

    Examples
    --------
    >>> from gridplan.siting import p_median
    >>> cost = pd.DataFrame({"A": [0.0, 100.0], "B": [400.0, 300.0]}, ["d1", "d2"])
    >>> residents = pd.Series({"d1": 70.0, "d2": 50.0})
    >>> plan = p_median(cost, residents, p=1, capacity=SoftCapacity(100.0))
    >>> plan.loads.loc["A"].to_dict()
    {'load': 120.0, 'capacity': 100.0, 'shortfall': 20.0}
    """

    amounts: pd.Series | np.ndarray | Mapping[Hashable, float] | float


@dataclass(frozen=True, slots=True, eq=False)
class HardCapacity:
    """
    Capacities as one of the rules: no site takes more, each demand point goes to one site.

    Attributes
    ----------
    amounts : Series by site id, ndarray in the column order of the cost, or number
        In the unit of the load.
    load : Series by demand id, or ndarray in the row order of the cost, optional
        The weights if absent.

    Examples
    --------
    >>> from gridplan.siting import Rules, lexicographic
    >>> walks = np.array([[0.0, 400.0], [100.0, 300.0]])
    >>> rules = Rules(capacity=HardCapacity(60.0), fixed=[0])
    >>> plan = lexicographic(walks, np.full(2, 50.0), objectives=["longest"], p=2, rules=rules)
    >>> plan.siting.objective, plan.siting.assignment.tolist()
    (300.0, [0, 1])
    """

    amounts: pd.Series | np.ndarray | Mapping[Hashable, float] | float
    load: pd.Series | np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Grade:
    """A room of at least `area_m2` serves up to `households`."""

    area_m2: float
    households: float


@dataclass(frozen=True, slots=True)
class GradedNorm:
    """
    Floor area of an activity room by the number of households it serves.

    Attributes
    ----------
    grades : tuple of Grade
        Ascending in both. What the smallest room serves includes places below
        the first number of the norm.
    source : str
        Where the figures come from.
    verified : bool
        Somebody has compared them with the document.

    Examples
    --------
    >>> norm = GradedNorm((Grade(40.0, 500.0), Grade(90.0, 2000.0)), source="an example")
    >>> norm.households(np.array([30.0, 40.0, 200.0])).tolist()
    [0.0, 500.0, 2000.0]
    >>> norm.area_m2(np.array([0.0, 500.0, 501.0, 2300.0])).tolist()
    [0.0, 40.0, 90.0, 130.0]
    >>> norm.shortfall_m2(np.array([60.0]), np.array([800.0])).tolist()
    [30.0]
    """

    grades: tuple[Grade, ...]
    source: str
    verified: bool = False

    def __post_init__(self) -> None:
        """Refuse grades that are empty, not positive or not ascending."""
        faults = FaultList()
        numbers = [(one.area_m2, one.households) for one in self.grades]
        if not numbers or any(not (0 < value < math.inf) for pair in numbers for value in pair):
            faults.add(
                en=f"The graded norm has the grades {numbers}; expected at least one, each with "
                f"square metres and households above 0.",
                zh=f"分级标准的档次为 {numbers}；至少应有一档，且面积（平方米）和户数都大于 0。",
            )
        elif any(
            below.area_m2 >= above.area_m2 or below.households >= above.households
            for below, above in zip(self.grades, self.grades[1:], strict=False)
        ):
            faults.add(
                en=f"The grades {numbers} of the norm do not ascend. Sort them, so that a larger "
                f"area serves more households.",
                zh=f"分级标准的档次 {numbers} 不是递增的。请排序：面积越大，服务户数越多。",
            )
        faults.raise_if_any(SettingsError)

    def households(self, area_m2: Floats) -> Floats:
        """Return how many households rooms of these areas may serve, shape as given."""
        areas = np.array([one.area_m2 for one in self.grades])
        served = np.array([0.0, *(one.households for one in self.grades)])
        found: Floats = served[np.searchsorted(areas, np.asarray(area_m2), side="right")]
        return found

    def residents(self, area_m2: Floats, *, residents_per_household: float) -> Floats:
        """Return how many residents rooms of these areas may serve, shape as given."""
        return self.households(area_m2) * residents_per_household

    def area_m2(self, households: Floats) -> Floats:
        """
        Return the least floor area for these households, shape as given.

        Beyond the last grade the norm says nothing; a further room is counted
        for the rest.
        """
        asked = np.asarray(households, dtype=np.float64)
        last = self.grades[-1]
        full = np.maximum(np.ceil(asked / last.households) - 1.0, 0.0)
        rest = asked - full * last.households
        served = np.array([one.households for one in self.grades])
        areas = np.array([0.0, *(one.area_m2 for one in self.grades)])
        at = np.where(rest > 0.0, np.searchsorted(served, rest, side="left") + 1, 0)
        needed: Floats = full * last.area_m2 + areas[np.minimum(at, len(served))]
        return needed

    def shortfall_m2(self, area_m2: Floats, households: Floats) -> Floats:
        """Return the floor area that rooms lack for the households they serve, 0 or more."""
        short: Floats = np.maximum(self.area_m2(households) - np.asarray(area_m2), 0.0)
        return short


ROOM_NORM = GradedNorm(
    grades=(Grade(50.0, 1_500.0), Grade(80.0, 3_000.0), Grade(120.0, 5_000.0)),
    source="Guiyang: 50 m² for 300-1,500 households, 80 m² for 1,500-3,000, 120 m² for "
    "3,000-5,000 / 贵阳：300–1500 户 50 平方米，1500–3000 户 80 平方米，3000–5000 户 120 平方米",
)
"""The only graded norm of activity rooms that was found; not verified: replace it by your own."""
