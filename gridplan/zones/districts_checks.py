"""What must hold of units before districts are made of them."""

from __future__ import annotations

import numpy as np

from gridplan.errors import (
    FaultList,
    InfeasibleError,
    InputError,
    SettingsError,
    both_ids,
    first_ids,
    ids_zh,
)
from gridplan.zones.contiguity import labelled_components
from gridplan.zones.districts_problem import DistrictProblem

_ROUNDING = 1e-9


def check_districts(problem: DistrictProblem) -> None:
    """
    Refuse what no districts can be made of.

    Raises
    ------
    InputError, SettingsError, InfeasibleError
        As in `gridplan.zones.districts`.
    """
    shapes = _shape_faults(problem)
    shapes.raise_if_any(InputError)
    inputs, settings = _value_faults(problem), _setting_faults(problem)
    if inputs.faults:
        raise InputError(*inputs.faults, *settings.faults)
    settings.raise_if_any(SettingsError)
    _infeasible(problem).raise_if_any(InfeasibleError)


def _shape_faults(problem: DistrictProblem) -> FaultList:
    faults = FaultList()
    if problem.weights.ndim != 2 or not problem.weights.size:  # noqa: PLR2004 - a table
        faults.add(
            en=f"The weights have the shape {problem.weights.shape}; expected (units, weights), "
            f"with at least one unit and one weight.",
            zh=f"权重数组形状为 {problem.weights.shape}，应为（单元数, 权重数），各至少 1。",
        )
        return faults
    count, kinds = problem.weights.shape
    if problem.cost.shape != (count, count):
        faults.add(
            en=f"The costs have the shape {problem.cost.shape}; expected ({count}, {count}): a "
            f"row per unit and a column per unit that may be the centre.",
            zh=f"费用矩阵形状为 {problem.cost.shape}，应为（{count}, {count}）。",
        )
    for name, bounds in (("lower", problem.lower), ("upper", problem.upper)):
        if bounds.shape != (kinds,):
            faults.add(
                en=f"`{name}` has the shape {bounds.shape}; expected one bound for each of the "
                f"{kinds} weights.",
                zh=f"`{name}` 形状为 {bounds.shape}，应与 {kinds} 个权重一一对应。",
            )
    if problem.ids and (len(problem.ids) != count or len(set(problem.ids)) != count):
        faults.add(
            en=f"There are {len(problem.ids)} ids, {len(set(problem.ids))} different ones, for "
            f"{count} units. Give each unit its own.",
            zh=f"{count} 个单元有 {len(problem.ids)} 个编号，其中 {len(set(problem.ids))} 个互不"
            f"相同。请为每个单元设唯一编号。",
        )
    ends = np.concatenate([problem.left, problem.right])
    if (
        len(problem.left) != len(problem.right)
        or ((ends < 0) | (ends >= count)).any()
        or (problem.left == problem.right).any()
    ):
        faults.add(
            en=f"Borders join {len(problem.left)} and {len(problem.right)} positions; expected "
            f"pairs of two different units from 0 to {count - 1}.",
            zh=f"邻接关系两端各有 {len(problem.left)} 和 {len(problem.right)} 个位置；"
            f"应为 0 至 {count - 1} 之间两个不同单元的配对。",
        )
    return faults


def _value_faults(problem: DistrictProblem) -> FaultList:
    faults = FaultList()
    bad = (~(np.isfinite(problem.weights) & (problem.weights >= 0))).any(axis=1)
    if bad.any():
        shown, shown_zh = both_ids([problem.names[at] for at in np.flatnonzero(bad)])
        faults.add(
            en=f"{int(bad.sum())} of {problem.count} units have a weight that is missing, negative "
            f"or not finite: {shown}. Give numbers from 0 up.",
            zh=f"{problem.count} 个单元中有 {int(bad.sum())} 个的权重缺失、为负或无穷：{shown_zh}。"
            f"权重应为非负数。",
        )
    elif (empty := problem.weights.sum(axis=0) == 0).any():
        kinds = np.flatnonzero(empty).tolist()
        faults.add(
            en=f"All units have 0 of weight {first_ids(kinds)}: there is nothing to balance. Leave "
            f"it out.",
            zh=f"权重 {ids_zh(kinds)} 在所有单元中均为 0，无从均衡。请去掉该权重。",
        )
    bad = (~(np.isfinite(problem.cost) & (problem.cost >= 0))).any(axis=1)
    if bad.any():
        shown, shown_zh = both_ids([problem.names[at] for at in np.flatnonzero(bad)])
        faults.add(
            en=f"{int(bad.sum())} of {problem.count} units have a cost that is missing, negative "
            f"or not finite: {shown}. Give numbers from 0 up.",
            zh=f"{problem.count} 个单元中有 {int(bad.sum())} 个的费用缺失、为负或无穷：{shown_zh}。"
            f"费用应为非负数。",
        )
    return faults


def _setting_faults(problem: DistrictProblem) -> FaultList:
    faults = FaultList()
    if problem.k < 1:
        faults.add(
            en=f"The number of districts is {problem.k}. Give 1 or more.",
            zh=f"分区数量为 {problem.k}，应不小于 1。",
        )
    wrong = ~(problem.lower <= problem.upper)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        faults.add(
            en=f"The bounds of weight {at} are {problem.lower[at]:,.6g} to "
            f"{problem.upper[at]:,.6g}. Give a lower bound that is not above the upper one.",
            zh=f"权重 {at} 的上下限为 {problem.lower[at]:,.6g} 至 {problem.upper[at]:,.6g}，"
            f"下限不应大于上限。",
        )
    return faults


def _infeasible(problem: DistrictProblem) -> FaultList:
    faults = FaultList()
    k, count = problem.k, problem.count
    if k > count:
        faults.add(
            en=f"{k} districts are asked for, but there are {count} units, and a district has at "
            f"least one. The largest possible number is {count}.",
            zh=f"要求 {k} 个分区，但只有 {count} 个单元，每区至少一个。分区数量最多为 {count}。",
        )
        return faults
    piece = labelled_components(problem.left, problem.right, count)
    pieces = int(piece.max()) + 1
    if pieces > k:
        smallest = np.flatnonzero(piece == np.bincount(piece).argmin())
        shown, shown_zh = both_ids([problem.names[at] for at in smallest])
        faults.add(
            en=f"The land is in {pieces} pieces that share no border, the smallest of "
            f"{len(smallest)} units ({shown}); {k} connected districts cannot cover them. Join "
            f"islands to their neighbours, or ask for at least {pieces}.",
            zh=f"范围由 {pieces} 块互不相邻的用地组成，最小的一块有 {len(smallest)} 个单元"
            f"（{shown_zh}）；{k} 个连片分区无法覆盖。请将孤岛并入邻近单元，或至少设 {pieces} 区。",
        )
    total = problem.weights.sum(axis=0)
    off = (k * problem.lower > total * (1 + _ROUNDING)) | (
        k * problem.upper < total * (1 - _ROUNDING)
    )
    for at in np.flatnonzero(off).tolist():
        faults.add(
            en=f"Weight {at} is {total[at]:,.6g} in all; {k} districts of {problem.lower[at]:,.6g} "
            f"to {problem.upper[at]:,.6g} cannot have it. The mean is {total[at] / k:,.6g}: give "
            f"bounds round it.",
            zh=f"权重 {at} 总计 {total[at]:,.6g}；{k} 个介于 {problem.lower[at]:,.6g} 与 "
            f"{problem.upper[at]:,.6g} 之间的分区无法容纳。均值为 {total[at] / k:,.6g}，"
            f"请围绕均值设上下限。",
        )
    return faults
