"""Why no set of sites keeps all conditions, and the smallest change that would do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array, hstack

from gridplan.errors import Message, both_ids, counted
from gridplan.siting.conflict import OF_WEIGHT, share_asked, why_not
from gridplan.siting.cover import Cover, set_model
from gridplan.siting.highs import Model, solve_model
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Ids, Positions
from gridplan.siting.options import Reach
from gridplan.siting.problem import Problem
from gridplan.siting.result import STOPS
from gridplan.siting.search import OutOfEffortError, StoppedBy
from gridplan.siting.wanted import Wanted


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
    which, which_zh = both_ids([ids[demand[at]] for at in short])
    return Message(
        en=f"At best, {counted(len(short), 'demand point stays', 'demand points stay')} uncovered: "
        f"{which}.",
        zh=f"最好的情况下仍有 {len(short)} 个需求点未被覆盖：{which_zh}。",
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
    asked = share_asked(share)
    head = Message(
        en=f"It is proven that no p sites reach {asked} {OF_WEIGHT.en}, at any distance.",
        zh=f"已证明：任何 p 个选址点都无法让 {asked} {OF_WEIGHT.zh}可达。",
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
    return gathered(head, why_not(wanted, ledger, others=others), ledger)


def gathered(head: Message, parts: Iterator[Message | None], ledger: Ledger) -> Message:
    """
    Return what is proven with all that is found out besides, and say where that was cut short.

    That no plan exists is proven already: neither a limit nor a key takes anything back.
    """
    ledger.on_the_way = True
    known, stopped = list[Message](), list[StoppedBy]()
    try:
        for one in parts:
            known += [] if one is None else [one]
    except OutOfEffortError as stop:
        stopped.append(stop.reason)
    except KeyboardInterrupt:
        stopped.append("interrupt")
    if stopped:
        en, zh = STOPS[stopped[0]]
        told = _CUT_SHORT if known else _UNNAMED_YET
        known.append(Message(en=told.en.format(en), zh=told.zh.format(zh)))
    known = known or [_UNNAMED]
    return Message(
        en=" ".join([head.en, *(one.en for one in known)]),
        zh="".join([head.zh, *(one.zh for one in known)]),
    )


_UNNAMED = Message(
    en="Which limits conflict was not found within the work that the explanation may take.",
    zh="在说明原因的工作量内未能查明是哪些条件相互矛盾。",
)
_UNNAMED_YET = Message(
    en="Which limits conflict was not found out: the explanation was cut short by {}.",
    zh="未能查明是哪些条件相互矛盾：说明因{}而提前结束。",
)
_CUT_SHORT = Message(
    en="The explanation was cut short by {}; other changes may do, too.",
    zh="说明因{}而提前结束；或许还有其他调整可行。",
)
