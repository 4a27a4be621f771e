"""Which loads of districts are beyond their bounds, and what binds."""

from __future__ import annotations

import numpy as np

from gridplan.errors import Message, Note, first_ids, ids_zh
from gridplan.geometry import Floats
from gridplan.zones.districts_problem import DistrictProblem

_ROUNDING = 1e-12


def missed_bounds(
    problem: DistrictProblem, loads: Floats, *, none_exists: bool
) -> tuple[Note, ...]:
    """
    Return one note per weight of which districts are beyond the bounds, the worst first.

    Parameters
    ----------
    problem : DistrictProblem
    loads : array of float, shape (k, w)
    none_exists : bool
        Whether it is proven that no connected plan is within all bounds.
    """
    notes = []
    mean = problem.weights.sum(axis=0) / problem.k
    beyond = np.maximum(loads - problem.upper, problem.lower - loads)
    beyond = np.where(beyond > _ROUNDING * mean * problem.count, beyond, 0.0)
    for kind in range(loads.shape[1]):
        worst_first = np.argsort(-beyond[:, kind], kind="stable")
        off = [int(one) for one in worst_first if beyond[one, kind] > 0]
        if off:
            ids = tuple(str(one) for one in off)
            message = _message(problem, loads, kind, off, none_exists=none_exists)
            notes.append(Note("district_bounds", len(off), message, ids))
    return tuple(notes)


def _message(
    problem: DistrictProblem, loads: Floats, kind: int, off: list[int], *, none_exists: bool
) -> Message:
    low, high, load = problem.lower[kind], problem.upper[kind], loads[off[0], kind]
    en = (
        f"Weight {kind}: {len(off)} of {problem.k} districts are beyond {low:,.6g} to {high:,.6g}: "
        f"{first_ids(off)}. District {off[0]} binds with {load:,.6g}, the best that was reached."
    )
    zh = (
        f"权重 {kind}：{problem.k} 个分区中有 {len(off)} 个超出 {low:,.6g} 至 {high:,.6g}："
        f"{ids_zh(off)}。偏差最大的是分区 {off[0]}，为 {load:,.6g}，已是所得最优。"
    )
    heaviest = int(problem.weights[:, kind].argmax())
    heavy = float(problem.weights[heaviest, kind])
    if heavy > high:
        name = problem.names[heaviest]
        en += f" Unit {name} alone has {heavy:,.6g}: raise the upper bound or split it."
        zh += f"单元 {name} 一个即有 {heavy:,.6g}：请提高上限或拆分该单元。"
    elif none_exists:
        en += " No connected plan is within all bounds: widen them."
        zh += "已证明不存在满足全部上下限的连片方案：请放宽上下限。"
    return Message(en=en, zh=zh)
