"""Capacity shared among those within reach: the two-step floating catchment area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridplan.errors import FaultList, InputError
from gridplan.geometry import Floats


@dataclass(frozen=True, slots=True, eq=False)
class FloatingCatchment:
    """
    What `two_step_catchment` finds.

    Attributes
    ----------
    per_resident : float array, shape (n_demand,)
        Capacity per resident (m² of rooms, staff …) that each demand point reaches;
        higher is better, 0 where none is in the catchment.
    per_facility : float array, shape (n_facilities,)
        Capacity over the residents in the facility's catchment; ``nan`` where there is
        nobody: its capacity is given to none.
    """

    per_resident: Floats
    per_facility: Floats


def two_step_catchment(
    walks_m: Floats, residents: Floats, capacity: Floats, *, catchment_m: float
) -> FloatingCatchment:
    r"""
    Return the capacity per resident by the two-step floating catchment area [1]_.

    .. math::
        R_j = \frac{S_j}{\sum_{i: d_{ij} \le d_0} P_i}, \qquad
        A_i = \sum_{j: d_{ij} \le d_0} R_j

    for capacity :math:`S_j`, residents :math:`P_i` and the catchment :math:`d_0`. What
    all residents get sums to the capacity of the facilities that somebody reaches:
    :math:`\sum_i P_i A_i = \sum_{j \text{ reached}} S_j`.

    Parameters
    ----------
    walks_m : float array, shape (n_demand, n_facilities)
        ``inf`` where there is no path.
    residents : float array, shape (n_demand,)
    capacity : float array, shape (n_facilities,)
        Of any unit; not negative.
    catchment_m : float
        Longest walk that counts, in metres.

    Raises
    ------
    InputError
        If shapes do not fit, or residents or capacities are missing or negative.

    References
    ----------
    .. [1] Luo, W. and Wang, F. (2003). Measures of spatial accessibility to health care in
       a GIS environment: synthesis and a case study in the Chicago region. *Environment
       and Planning B*, 30(6), 865-884. https://doi.org/10.1068/b29120

    Examples
    --------
    >>> walks = np.array([[100.0, np.inf], [200.0, 300.0]])
    >>> found = two_step_catchment(
    ...     walks, np.array([10.0, 30.0]), np.array([80.0, 60.0]), catchment_m=500
    ... )
    >>> found.per_resident.tolist()
    [2.0, 4.0]
    """
    _check(walks_m, residents, capacity, catchment_m)
    within = (walks_m <= catchment_m).astype(float)
    served = residents @ within
    ratio = np.divide(capacity, served, out=np.full(len(capacity), np.nan), where=served > 0)
    return FloatingCatchment(per_resident=within @ np.nan_to_num(ratio), per_facility=ratio)


def _check(walks_m: Floats, residents: Floats, capacity: Floats, catchment_m: float) -> None:
    faults = FaultList()
    if walks_m.shape != (len(residents), len(capacity)):
        faults.add(
            en=f"The walks have the shape {walks_m.shape}; {len(residents)} demand points and "
            f"{len(capacity)} facilities were given.",
            zh=f"步行距离矩阵为 {walks_m.shape}，而需求点 {len(residents)} 个、设施 "
            f"{len(capacity)} 个，二者不符。",
        )
    for values, en, zh in ((residents, "residents", "居民数"), (capacity, "capacities", "容量")):
        bad = int((~(np.isfinite(values) & (values >= 0))).sum())
        if bad:
            faults.add(
                en=f"{bad} of {len(values)} {en} are missing or negative. Give numbers from 0 up.",
                zh=f"{len(values)} 个{zh}中有 {bad} 个缺失或为负，应为非负数。",
            )
    if not catchment_m > 0:
        faults.add(
            en=f"The catchment is {catchment_m} m; expected a positive distance.",
            zh=f"服务范围为 {catchment_m} 米，应为正数。",
        )
    faults.raise_if_any(InputError)
