"""Everybody covered at the least cost, of more demand and sites than a tree takes at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from gridplan.siting.cover import Cover, set_model
from gridplan.siting.highs import Options, Outcome, solve_model
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.proof import Proof
from gridplan.siting.row_weighting import Fewer

LARGE = 200_000
"""Pairs of demand and site from which on `least_cover` is worth its start."""

# Moves in vain before there is a bound, before the tree begins, and of each round beside it.
_QUICK_MOVES, _FIRST_MOVES, _MOVES = 500, 4_000, 1_000
# Work of the tree for each move, so that both take about as long.
_WORK_PER_MOVE = 1.0 / 40.0
# Rounds without a better plan until the tree gets as much again alone, and most of that.
_PATIENCE, _MOST_ALONE = 2, 4
# Districts are made of pairs of sites that share demand, counted once for each they share.
_MOST_ALIKE = 2e8
_WHOLE, _HALF = 1e-6, 0.5


def least_cover(
    cover: Cover,
    start: Positions,
    ledger: Ledger,
    offer: Callable[[Positions], object],
    *,
    paid: float = 0.0,
) -> None:
    """
    Look for plans that cover everybody, and beside that for the proof, until the ledger is closed.

    Parameters
    ----------
    cover : Cover
        Without rows besides coverage, reduced (`reduced`).
    start : ndarray
        Columns that cover everybody.
    ledger : Ledger
        Of the cost, `paid` included; to be made least.
    offer : callable
        Is given columns that cover everybody, and offers them to the ledger.
    paid : float
        Cost of the sites that are open for certain.
    """
    offer(start)
    if ledger.closed:
        return
    search = Fewer(cover, start, ledger, found=offer)
    search.run(_QUICK_MOVES, enough=_enough(ledger) - paid)
    if ledger.closed:
        return
    relaxed = _relaxed(cover, ledger, corner=False)
    ledger.bring_bound(paid + relaxed.bound)
    ledger.heed(relaxed.stopped_by)
    if not ledger.closed:
        search.run(_FIRST_MOVES, enough=_enough(ledger) - paid)
    if ledger.closed:
        return
    if np.square(cover.covers.sum(axis=1, dtype=np.float64)).sum() > _MOST_ALIKE:
        tree(cover, search.best, ledger, offer, paid=paid)
        return
    # The tree begins with a corner, which takes longer to find than the bound.
    relaxed = _relaxed(cover, ledger, corner=True)
    ledger.heed(relaxed.stopped_by)
    _prove(search, Proof(cover, ledger, _whole(offer), basis=relaxed.basis, paid=paid), ledger)


def _relaxed(cover: Cover, ledger: Ledger, *, corner: bool) -> Outcome:
    options = Options(interior=True, corner=corner)
    return solve_model(set_model(cover, cover.cost).relaxed, ledger, options=options)


def _enough(ledger: Ledger) -> float:
    """Return the cost from which on nothing is left to look for."""
    return ledger.bound if math.isnan(ledger.target) else max(ledger.bound, ledger.target)


def _whole(offer: Callable[[Positions], object]) -> Callable[[Floats], None]:
    def idea(shares: Floats) -> None:
        if (np.minimum(shares, 1.0 - shares) <= _WHOLE).all():
            offer(np.flatnonzero(shares > _HALF))

    return idea


def _prove(search: Fewer, proof: Proof, ledger: Ledger) -> None:
    """Let search and tree run side by side; the longer in vain, the more the tree alone."""
    idle = 0
    while not ledger.closed and not proof.done:
        before = ledger.value
        first = partial(search.run, _MOVES, enough=_enough(ledger) - proof.paid)
        proof.round(first, _MOVES * _WORK_PER_MOVE)
        idle = 0 if ledger.value < before else idle + 1
        alone = min(idle // _PATIENCE, _MOST_ALONE)
        if alone and not (ledger.closed or proof.done):
            proof.alone(_MOVES * _WORK_PER_MOVE * alone)


def tree(
    cover: Cover,
    start: Positions | None,
    ledger: Ledger,
    offer: Callable[[Positions], object],
    *,
    paid: float = 0.0,
) -> Outcome:
    """Search the tree of all sets of sites to its end; `start` is a plan, where one is known."""
    values = None
    if start is not None:
        values = np.zeros(len(cover.sites))
        values[start] = 1.0
    ledger.spend(1.0)
    options = Options(gap=ledger.limits.gap)
    out = solve_model(set_model(cover, cover.cost), ledger, start=values, options=options)
    found = out.chosen(len(cover.sites))
    if found is not None:
        offer(found)
    if out.answer != "infeasible":
        ledger.bring_bound(paid + out.bound)
    ledger.heed(out.stopped_by)
    return out
