"""What each home counts in where rooms go, where residents of some groups count more."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from gridplan.errors import InputError, Message, counted, first_ids, ids_zh
from gridplan.rooms.question import Floats


def planning_weights(
    residents: Floats, groups: Mapping[str, Floats], weights: Mapping[str, float]
) -> Floats | None:
    r"""
    Return what each home counts; None where no group has a weight.

    .. math:: w_i = n_i + \sum_g (\omega_g - 1) n_{ig}

    for :math:`n_i` residents, of whom :math:`n_{ig}` are of the group :math:`g` with the weight
    :math:`\omega_g`: a resident of no such group counts 1, one of the group :math:`\omega_g`,
    one of two groups :math:`\omega_g + \omega_h - 1`.

    Parameters
    ----------
    residents : float array, shape (n_demand,)
    groups : mapping of group to residents, shape (n_demand,)
    weights : mapping of group to weight, 0 or more

    Raises
    ------
    InputError
        If a group is not known (with those that are), if homes would count less than nothing
        (groups that overlap, with weights below 1), or if nobody counts.

    Examples
    --------
    >>> planning_weights(np.array([10.0, 4.0]), {"old": np.array([3.0, 0.0])}, {"old": 2.0})
    array([13.,  4.])
    """
    if not weights:
        return None
    check_groups(groups, weights)
    weight = residents.astype(np.float64)
    for group in sorted(weights):
        weight = weight + (weights[group] - 1.0) * groups[group]
    below = weight < 0
    if below.any():
        raise InputError(
            Message(
                en=f"[siting].group_weights: {counted(int(below.sum()), 'home', 'homes')} would "
                f"count less than nothing, since some residents are of several of the groups "
                f"({first_ids(sorted(weights))}). Give overlapping groups weights of 1 or more.",
                zh=f"[siting].group_weights：有 {int(below.sum())} 处住房的权重小于 0，"
                f"因为部分居民同属多个人群（{ids_zh(sorted(weights))}）。"
                f"相互重叠的人群权重应不小于 1。",
            )
        )
    if residents.sum() > 0 and not weight.any():
        raise InputError(
            Message(
                en="[siting].group_weights leave nobody who counts. Give at least one group a "
                "weight above 0.",
                zh="[siting].group_weights 使所有居民权重为 0。请至少给一个人群大于 0 的权重。",
            )
        )
    return weight


def check_groups(known: Collection[str], weights: Mapping[str, float]) -> None:
    """Raise an `InputError` that lists the groups of the place if a weight is of no such group."""
    unknown = sorted(set(weights) - set(known))
    if not unknown:
        return
    have = sorted(known)
    raise InputError(
        Message(
            en=f"[siting].group_weights: {counted(len(unknown), 'group is', 'groups are')} not in "
            f"the population table: {first_ids(unknown)}. "
            + (
                f"It has {', '.join(have)}. Correct the name."
                if have
                else "It has no groups. Add their columns, or take out the weights."
            ),
            zh=f"[siting].group_weights 中有 {len(unknown)} 个人群不在人口表中："
            f"{ids_zh(unknown)}。"
            + (
                f"表中的人群为 {'、'.join(have)}。请更正名称。"
                if have
                else "表中没有人群列。请补充相应列，或去掉权重。"
            ),
        )
    )
