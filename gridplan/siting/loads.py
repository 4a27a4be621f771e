"""Loads and capacities as callers have them, and what each open site has to carry."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridplan.errors import (
    CostMatrixError,
    FaultList,
    Message,
    agreed,
    both_ids,
    counted,
    first_ids,
    ids_zh,
)
from gridplan.siting.capacity import SoftCapacity
from gridplan.siting.matrix import (
    LONG_COLUMNS,
    Floats,
    Ids,
    Positions,
    as_numbers,
    check_ids,
    in_order,
)
from gridplan.siting.packing import FITS
from gridplan.siting.problem import Problem

_ROUND_UP, _ROUNDING = 1e3, 1e-6


@dataclass(frozen=True)
class Loads:
    """
    What demand asks for and sites hold, in the order of the problem.

    Attributes
    ----------
    load : ndarray, shape (n_demand,)
    capacity : ndarray, shape (n_sites,)
        ``inf`` where none is given.
    hard : bool
        No site may take more than its capacity.
    """

    load: Floats
    capacity: Floats
    hard: bool


@dataclass(frozen=True)
class _Noun:
    """What the numbers are called, and what they belong to, in both languages."""

    en: str
    zh: str
    owner_en: str
    owner_zh: str
    hint_en: str
    hint_zh: str
    bounded: bool


_LOAD = _Noun(
    "loads",
    "负荷",
    "demand points",
    "需求点",
    "Loads are 0 or more",
    "负荷不能小于 0",
    bounded=True,
)
_CAPACITY = _Noun(
    "capacities",
    "容量",
    "sites",
    "选址点",
    "Capacities are 0 or more, inf for no limit",
    "容量不能小于 0，不限请写 inf",
    bounded=False,
)


def read_loads(cost: object, problem: Problem, load: object, capacity: object) -> Loads:
    """
    Check loads and capacities and order them as the problem is.

    Parameters
    ----------
    cost : ndarray or DataFrame
        As given, for the order of its rows and columns.
    problem : Problem
    load : Series by demand id, ndarray in the row order of `cost`, or None
        None takes the weights.
    capacity : Series by site id, ndarray in column order, number, SoftCapacity or None

    Raises
    ------
    CostMatrixError
        With one message per fault: missing, negative or non-numeric numbers, ids
        that do not match, more load than all allowed sites hold together.
    """
    faults = FaultList()
    rows, columns = _orders(cost)
    hard = capacity is not None and not isinstance(capacity, SoftCapacity)
    given = capacity.amounts if isinstance(capacity, SoftCapacity) else capacity
    loads = problem.weights
    if load is not None:
        loads = _numbers(load, problem.demand_ids, rows, faults, _LOAD)
    limits = np.full(len(problem.site_ids), np.inf)
    if given is not None:
        limits = _numbers(given, problem.site_ids, columns, faults, _CAPACITY)
    faults.raise_if_any(CostMatrixError)
    if hard:
        _check_reach(problem, loads, faults)
        _check_total(problem, loads, limits, faults)
    faults.raise_if_any(CostMatrixError)
    return Loads(loads, limits, hard)


def _orders(cost: object) -> tuple[Ids | None, Ids | None]:
    if isinstance(cost, np.ndarray):
        return tuple(range(cost.shape[0])), tuple(range(cost.shape[1]))
    if isinstance(cost, pd.DataFrame) and not set(LONG_COLUMNS) <= set(cost.columns):
        return tuple(cost.index.tolist()), tuple(cost.columns.tolist())
    return None, None


def _numbers(given: object, ids: Ids, order: Ids | None, faults: FaultList, noun: _Noun) -> Floats:
    """Return one number per id; zeros, with a fault, where that is not possible."""
    nothing = np.zeros(len(ids))
    if isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool):
        given = pd.Series(float(given), index=list(ids), dtype="float64")
    if isinstance(given, Mapping):
        given = pd.Series(dict(given), dtype="object")
    if isinstance(given, np.ndarray) and order is not None and given.shape == (len(order),):
        given = pd.Series(given, index=list(order))
    if not isinstance(given, pd.Series):
        shape = getattr(given, "shape", None)
        what = f"{type(given).__name__}" + (f" of shape {shape}" if shape is not None else "")
        faults.add(
            en=f"The {noun.en} are a {what}; expected a Series by id, or one number for each of "
            f"the {len(ids)} {noun.owner_en} of a cost matrix, in its order.",
            zh=f"{noun.zh}为 {what}，应为以编号为索引的 Series，"
            f"或与成本矩阵的 {len(ids)} 个{noun.owner_zh}一一对应、顺序相同的数组。",
        )
        return nothing
    names = tuple(given.index.tolist())
    if not check_ids(names, faults, noun.en, noun.zh):
        return nothing
    unit = Message(en=noun.en, zh=noun.zh)
    values = as_numbers(given, faults, noun.en, noun.zh, unit=unit)
    numbers = dict(zip(names, values, strict=True))
    if not _same_ids(numbers, ids, faults, noun):
        return nothing
    array = np.array([numbers[one] for one in ids], dtype=np.float64)
    _check_numbers(array, ids, faults, noun)
    return array


def _same_ids(numbers: Mapping[Hashable, float], ids: Ids, faults: FaultList, noun: _Noun) -> bool:
    known = frozenset(ids)
    missing = [one for one in ids if one not in numbers]
    extra = in_order([one for one in numbers if one not in known])
    if missing:
        faults.add(
            en=f"{counted(len(missing), noun.owner_en.removesuffix('s'), noun.owner_en)} of the "
            f"cost {agreed(len(missing), 'has', 'have')} no number among the {noun.en}: "
            f"{first_ids(missing)}. Give each one.",
            zh=f"成本中有 {len(missing)} 个{noun.owner_zh}缺少{noun.zh}：{ids_zh(missing)}。"
            f"请逐一给出。",
        )
    if extra:
        faults.add(
            en=f"{counted(len(extra), 'id', 'ids')} of the {noun.en} "
            f"{agreed(len(extra), 'is', 'are')} not among the {noun.owner_en} of the cost: "
            f"{first_ids(extra)}. Both need the same ids.",
            zh=f"{noun.zh}中有 {len(extra)} 个编号不是成本中的{noun.owner_zh}："
            f"{ids_zh(extra)}。两者编号必须一致。",
        )
    return not missing and not extra


def _check_numbers(array: Floats, ids: Ids, faults: FaultList, noun: _Noun) -> None:
    checks = [
        (np.isnan(array), "missing (NaN)", "缺失（NaN）"),
        (array < 0, "negative", "负数"),
    ]
    if noun.bounded:
        checks.append((np.isposinf(array), "infinite", "无穷大"))
    for bad, en, zh in checks:
        if bad.any():
            which, which_zh = both_ids([ids[at] for at in np.nonzero(bad)[0]])
            faults.add(
                en=f"{int(bad.sum())} of {len(ids)} {noun.en} "
                f"{agreed(int(bad.sum()), 'is', 'are')} {en}: {which}. {noun.hint_en}.",
                zh=f"{len(ids)} 个{noun.zh}中有 {int(bad.sum())} 个为{zh}：{which_zh}。"
                f"{noun.hint_zh}。",
            )


def _check_reach(problem: Problem, load: Floats, faults: FaultList) -> None:
    lost = (load > 0) & ~np.isfinite(problem.cost[:, problem.may_open]).any(axis=1)
    lost &= ~problem.unreachable
    if lost.any():
        which, which_zh = both_ids([problem.demand_ids[at] for at in np.nonzero(lost)[0]])
        faults.add(
            en=f"{counted(int(lost.sum()), 'demand point', 'demand points')} without weight "
            f"{agreed(int(lost.sum()), 'has', 'have')} a load, and no allowed site reaches "
            f"{agreed(int(lost.sum()), 'it', 'them')}: {which}. Give the load 0, or a site or a "
            f"path.",
            zh=f"{int(lost.sum())} 个权重为 0 的需求点有负荷，但没有任何可用选址点可达："
            f"{which_zh}。"
            f"请将其负荷改为 0，或增加选址点或通路。",
        )


def _check_total(problem: Problem, load: Floats, capacity: Floats, faults: FaultList) -> None:
    total = math.fsum(load[~problem.unreachable])
    held = math.fsum(capacity[problem.may_open])
    if total > held * FITS:
        least = f"{rounded_up(total / held):g}" if held else ""
        factor = (
            f", make them at least {least} times as large (nobody is divided, so more may "
            "be needed)"
            if held
            else ""
        )
        factor_zh = (
            f"，或将容量扩大到至少 {least} 倍（需求点不可拆分，或许还须更大）" if held else ""
        )
        faults.add(
            en=f"The load is {total:g} in total, but all {int(problem.may_open.sum())} allowed "
            f"sites together hold {held:g}: {total - held:g} too little, whatever p is. Add "
            f"sites{factor}, or use SoftCapacity to see where they fall short.",
            zh=f"总负荷为 {total:g}，而全部 {int(problem.may_open.sum())} 个可用选址点的容量合计"
            f"只有 {held:g}，缺 {total - held:g}，无论 p 取多少都不够。请增加选址点{factor_zh}，"
            f"或改用 SoftCapacity 查看各处缺口。",
        )


def rounded_up(factor: float) -> float:
    """
    Return a factor with three decimals that is not smaller.

    Examples
    --------
    >>> rounded_up(4 / 3)
    1.334
    """
    return math.ceil(factor * _ROUND_UP - _ROUNDING) / _ROUND_UP


def loads_frame(problem: Problem, loads: Loads, chosen: Positions, near: Positions) -> pd.DataFrame:
    """
    Return load, capacity and shortfall of each open site, by site id.

    Parameters
    ----------
    chosen : ndarray of int
        Open sites.
    near : ndarray of int, shape (n_demand,)
        Site of each demand point, -1 for none.
    """
    held = np.zeros(len(problem.site_ids))
    for site in chosen:
        held[site] = math.fsum(loads.load[near == site])
    load, capacity = held[chosen], loads.capacity[chosen]
    ids = pd.Index([problem.site_ids[at] for at in chosen], name="site_id", dtype="object")
    short = np.where(load > capacity * FITS, load - np.minimum(capacity, load), 0.0)
    return pd.DataFrame({"load": load, "capacity": capacity, "shortfall": short}, index=ids)
