"""The share of residents that has to live within the norm: what of it can be reached at all."""

from __future__ import annotations

import math

import numpy as np

from gridplan.errors import InfeasibleError, Message
from gridplan.rooms.question import Flags, Floats, RoomQuestion

_ROUNDING = 1e-9
_DIGITS = 10_000
# A distance is printed in tenths of a metre.
_PER_METRE = 10


def check_least_share(
    question: RoomQuestion, least_share: float | None, *, rooms: int, budget: float | None
) -> None:
    """
    Refuse a least share that is out of reach, as far as no search is needed to tell.

    Raises
    ------
    InfeasibleError
        If fewer live within the norm of all places and candidates together, or fewer than
        today's with what each new room adds by itself (`share_bound`).
    """
    if least_share is None:
        return
    check_with_all_open(question, least_share)
    most = share_bound(question, rooms=rooms, budget=budget)
    if most < least_share * (1.0 - _ROUNDING):
        raise InfeasibleError(out_of_reach(question, least_share, most, rooms, budget, exact=False))


def check_with_all_open(question: RoomQuestion, least_share: float) -> None:
    """Refuse a least share that all places and candidates together do not reach."""
    may = np.concatenate([question.fixed, question.free])
    near: Flags = np.asarray(question.nearest_m(may) <= question.norm_m)
    most = _share(question, near)
    if most >= least_share * (1.0 - _ROUNDING) and math.fsum(question.counted) > 0:
        return
    shown, norm = _down(most), f"{question.norm_m:g}"
    needed = _distance_needed(question, question.nearest_m(may), least_share)
    raise InfeasibleError(
        Message(
            en=f"[siting].least_share = {least_share:g}, but with all candidate sites open the "
            f"share within {norm} m (room_norm_m of [norms]) is {shown}, and with fewer it is "
            f"less. {needed.en} Ask for less, or add sites.",
            zh=f"[siting].least_share = {least_share:g}，但即使全部候选场地均开设，"
            f"{norm} 米（[norms] 中的 room_norm_m）以内的居民比例也只有 {shown}，开设较少时更低。"
            f"{needed.zh}请降低该值或增加场地。",
        )
    )


def _distance_needed(question: RoomQuestion, walks: Floats, least_share: float) -> Message:
    """Say within which distance as many as asked for live, if every site were open."""
    order = np.argsort(walks, kind="stable")
    enough = least_share * (1.0 - _ROUNDING) * math.fsum(question.counted)
    at = int(np.searchsorted(np.cumsum(question.counted[order]), enough))
    if at == len(order) or math.isinf(walks[order[at]]):
        return Message(
            en="No distance would do: too many reach no site at all.",
            zh="放宽距离也不够：过多居民没有任何场地可达。",
        )
    # Rounded up, so that what is printed can be had.
    needed = math.ceil(walks[order[at]] * _PER_METRE) / _PER_METRE
    return Message(
        en=f"With all open, {least_share:g} live within {needed:,.12g} m.",
        zh=f"全部开设时，{needed:,.12g} 米以内的居民比例才达到 {least_share:g}。",
    )


def share_bound(question: RoomQuestion, *, rooms: int, budget: float | None) -> float:
    """
    Return a share that no choice of new rooms can exceed.

    What lives within the norm of the places that are open or have to be opened, and what each
    other room adds to that by itself: the most of as many as may be opened, or of what the
    budget pays (the last one in part). Numbers by community are left out of account.

    Returns
    -------
    float
        0 to 1, each home by what it counts; 0 where nobody lives.
    """
    near: Flags = np.asarray(question.metres <= question.norm_m)
    kept = np.concatenate([question.fixed, question.at(question.required)])
    has: Flags = np.asarray(near[:, kept].any(axis=1))
    others = np.setdiff1d(question.free, kept)
    adds = question.counted @ (near[:, others] & ~has[:, None])
    if budget is None:
        left = max(rooms - len(question.required), 0)
        most = math.fsum(np.sort(adds)[::-1][:left])
    else:
        cost = question.cost.to_numpy(dtype=float)
        spent = question.cost_of(question.required)
        most = _bought(adds, cost[others], budget - (0.0 if math.isnan(spent) else spent))
    everybody = math.fsum(question.counted)
    return min(_share(question, has) + (most / everybody if everybody > 0 else 0.0), 1.0)


def _bought(adds: Floats, cost: Floats, money: float) -> float:
    """Return the most that a budget can add, if a room could be bought in part."""
    known = np.isfinite(cost) & (adds > 0)
    adds, cost = adds[known], cost[known]
    most = math.fsum(adds[cost <= 0])
    rows = np.flatnonzero(cost > 0)
    for at in rows[np.argsort(-adds[rows] / cost[rows], kind="stable")]:
        part = min(max(money, 0.0) / cost[at], 1.0)
        most, money = most + part * adds[at], money - cost[at]
    return float(most)


def out_of_reach(
    question: RoomQuestion,
    least_share: float,
    most: float,
    rooms: int,
    budget: float | None,
    *,
    exact: bool,
) -> Message:
    """
    Return the message that a least share cannot be had, with the largest that can.

    Parameters
    ----------
    most : float
        The largest share of any choice; a bound on it where not `exact`.
    """
    shown, norm = _down(most), f"{question.norm_m:g}"
    by_number = budget is None
    raised = "[siting].p" if by_number else "[siting].budget"
    with_en = f"{raised} = {rooms if by_number else f'{budget:,.0f}'}"
    return Message(
        en=f"[siting].least_share = {least_share:g}, but with {with_en} the largest share within "
        f"{norm} m, all rules kept, is {'' if exact else 'at most '}{shown}. Lower least_share "
        f"to {shown}{'' if exact else ' or less'}, or raise {raised}.",
        zh=f"[siting].least_share = {least_share:g}，但在 {with_en} 及各项规则下，{norm} 米以内"
        f"居民的最大比例{'为' if exact else '不超过'} {shown}。请将 least_share 降至 {shown}"
        f"{'' if exact else ' 或更低'}，或提高 {raised}。",
    )


def _share(question: RoomQuestion, rows: Flags) -> float:
    everybody = math.fsum(question.counted)
    return math.fsum(question.counted[rows]) / everybody if everybody > 0 else 0.0


def _down(share: float) -> str:
    """Return a share in four digits that is not above it, so that it can be asked for."""
    return f"{math.floor(share * _DIGITS + _ROUNDING) / _DIGITS:g}"
