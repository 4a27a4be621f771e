"""Why no set of sites keeps all conditions, and the smallest change that would do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, hstack

from gridplan.errors import Message, counted, first_ids
from gridplan.siting.conditions import Conditions
from gridplan.siting.conflict import Wanted, why_not
from gridplan.siting.cover import Cover, Side, set_model
from gridplan.siting.highs import Model, solve_model
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Ids, Positions
from gridplan.siting.options import Reach
from gridplan.siting.problem import Problem
from gridplan.siting.search import OutOfEffortError


def without_budget(cover: Cover) -> Cover:
    """Return the cover without its budget, which is the first of the side rows."""
    side = cover.side
    return replace(cover, side=Side(side.matrix[1:], side.least[1:], side.most[1:]))


def least_budget(cover: Cover, conditions: Conditions, ledger: Ledger) -> Message | None:
    """Say which budget would do; None if none would, or there is none."""
    budget = conditions.budget
    if not math.isfinite(budget):
        return None
    lifted = without_budget(cover)
    out = solve_model(set_model(lifted, cover.side.matrix[0]), ledger)
    ledger.heed(out.stopped_by)
    if out.values is None:
        return None
    needed = round(conditions.allowed_cost - float(cover.side.most[0]) + out.objective, 9)
    return Message(
        en=f"The least budget that would do is {needed:.12g}, and not {budget:.12g}.",
        zh=f"预算至少需要 {needed:.12g}，现为 {budget:.12g}。",
    )


def least_count(cover: Cover, ledger: Ledger) -> Message | None:
    """Say which number of sites would do; None if none would, or it is free."""
    if cover.slots is None:
        return None
    lifted = replace(cover, slots=None)
    low = solve_model(set_model(lifted, np.ones(len(cover.sites))), ledger)
    ledger.heed(low.stopped_by)
    if low.values is None:
        return None
    high = solve_model(set_model(lifted, -np.ones(len(cover.sites))), ledger)
    ledger.heed(high.stopped_by)
    opened = len(cover.opened)
    for least_or_most, wrong in (
        (round(low.objective), round(low.objective) > cover.slots),
        (round(-high.objective), round(-high.objective) < cover.slots),
    ):
        if wrong and opened + least_or_most > 0:
            return _other_count(opened, least_or_most, cover.slots)
    return None


def _other_count(opened: int, needed: int, asked: int) -> Message:
    # A planner's p may be that of the new ones alone.
    among_en = f", {opened} fixed or required ones among them," if opened else ""
    among_zh = f"，含已有和必选 {opened} 处" if opened else ""
    return Message(
        en=f"With p = {opened + needed} (and not {opened + asked}){among_en} it can be done.",
        zh=f"p 取 {opened + needed}（现为 {opened + asked}{among_zh}）即可满足。",
    )


def left_out(cover: Cover, demand: Positions, ids: Ids, ledger: Ledger) -> Message | None:
    """
    Say which demand stays uncovered when as little as possible does.

    Parameters
    ----------
    demand : ndarray, shape (n,)
        Position of each row of the cover in the problem.
    """
    model = _elastic(cover)
    out = solve_model(model, ledger)
    ledger.heed(out.stopped_by)
    if out.values is None:
        return None
    short = np.flatnonzero(np.round(out.values[len(cover.sites) :]) > 0)
    if not len(short):
        return None
    which = first_ids([ids[demand[at]] for at in short])
    return Message(
        en=f"At best, {counted(len(short), 'demand point stays', 'demand points stay')} uncovered: "
        f"{which}.",
        zh=f"最好的情况下仍有 {len(short)} 个需求点未被覆盖：{which}。",
    )


def _elastic(cover: Cover) -> Model:
    """Return the model in which demand may stay uncovered, one by one, at a price of 1."""
    n, m = cover.covers.shape
    hard = set_model(cover, np.zeros(m))
    uncovered = (cover.needs, (np.arange(n), np.arange(n)))
    slack = csr_array(uncovered, shape=(hard.rows.shape[0], n))
    return Model(
        cost=np.concatenate([np.zeros(m), np.ones(n)]),
        rows=csr_array(hstack([hard.rows, slack], format="csr")),
        least=hard.least,
        most=hard.most,
        lower=np.zeros(m + n),
        upper=np.ones(m + n),
        whole=np.ones(m + n, dtype=np.bool_),
    )


def nobody_served(
    problem: Problem,
    p: int | None,
    ledger: Ledger,
    *,
    reaches: tuple[Reach, ...] = (),
    others: bool = False,
) -> Message:
    """
    Say that no sites that keep all rules reach everybody, and what change would do.

    Parameters
    ----------
    reaches : tuple of Reach
        Shares that have to be kept besides.
    others : bool
        There are limits besides these.
    """
    if reaches:
        head = Message(
            en="It is proven that no sites that keep all rules reach everybody, and as many within "
            "the distance as they should.",
            zh="已证明：在各项规则下，无法既让所有人可达、又达到所要求的距离内比例。",
        )
    else:
        head = Message(
            en="It is proven that no p sites that keep all rules reach everybody, at any distance.",
            zh="已证明：在给定 p 与各项规则下，任何距离内都无法让所有人可达。",
        )
    wanted = Wanted(problem, p, np.isfinite(problem.cost), problem.counted, reaches=reaches)
    return explained(head, wanted, ledger, others=others)


def too_few_reached(problem: Problem, p: int, share: float, ledger: Ledger) -> Message:
    """Say that no p sites that keep all rules reach a share of the weight, and what would do."""
    head = Message(
        en=f"It is proven that no p sites reach {share:.1%} of the weight, at any distance.",
        zh=f"已证明：任何 p 个选址点都无法让 {share:.1%} 的权重可达。",
    )
    nobody = np.zeros(len(problem.weights), dtype=np.bool_)
    far = float(problem.cost[np.isfinite(problem.cost)].max(initial=0.0))
    reaches = (Reach(far, share),)
    wanted = Wanted(problem, p, np.isfinite(problem.cost), nobody, reaches=reaches)
    return explained(head, wanted, ledger)


def explained(head: Message, wanted: Wanted, ledger: Ledger, *, others: bool = False) -> Message:
    """Return what is proven with the limits that conflict, as far as the limits of work allow."""
    if not ledger.limits.explain:
        return head
    told = list[Message]()
    try:
        told.extend(why_not(wanted, ledger, others=others))
    except OutOfEffortError:
        # What is known so far is told; that no plan exists is proven already.
        return joined(head, told or [_UNNAMED])
    return joined(head, told or [_UNNAMED])


_UNNAMED = Message(
    en="Which limits conflict was not found within the limits of work and time.",
    zh="在工作量与时间限制内未能查明是哪些条件相互矛盾。",
)


def joined(head: Message, parts: Sequence[Message | None]) -> Message:
    """Return one message of a head and what is known besides."""
    known = [one for one in parts if one is not None]
    return Message(
        en=" ".join([head.en, *(one.en for one in known)]),
        zh="".join([head.zh, *(one.zh for one in known)]),
    )
