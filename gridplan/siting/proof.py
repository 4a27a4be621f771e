"""The proof of a covering problem beside the search for plans."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import highspy

from gridplan.siting.beside import Aside, side_by_side
from gridplan.siting.cover import Cover
from gridplan.siting.district_tree import DistrictTree
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Floats
from gridplan.siting.search import OutOfEffortError


class Proof:
    """
    The tree of a covering problem, grown in a thread beside another search.

    In a round neither sees what the other finds, so that the same work gives the same
    plan and bound on any machine.

    Parameters
    ----------
    cover : Cover
    ledger : Ledger
        That of the search for plans.
    idea : callable
        Is given the shares that relaxations open, after each round.
    basis : HighsBasis or None
    paid : float
        See `DistrictTree`.
    """

    def __init__(
        self,
        cover: Cover,
        ledger: Ledger,
        idea: Callable[[Floats], None],
        *,
        basis: highspy.HighsBasis | None,
        paid: float = 0.0,
    ) -> None:
        self._ledger, self._idea, self.paid = ledger, idea, paid
        self._shares: list[Floats] = []
        limits = replace(ledger.limits, progress=None)
        self._aside = Aside(
            limits, maximise=ledger.maximise, whole=ledger.whole, started=ledger.started
        )
        self._learn()
        idea = self._shares.append
        self._tree = DistrictTree(cover, self._aside, idea, basis=basis, paid=paid)
        # Where the first relaxation rules every better plan out, no round follows.
        ledger.bring_bound(self._tree.bound)
        ledger.spend(self._aside.work - ledger.work)

    @property
    def done(self) -> bool:
        """No part of the plans is left."""
        return self._tree.done

    def alone(self, work: float) -> None:
        """Run the tree on both cores."""
        self._tree.at_once(yes=True)
        try:
            self.round(lambda: None, work)
        finally:
            self._tree.at_once(yes=False)

    def round(self, first: Callable[[], None], work: float) -> None:
        """Run another search, and the tree beside it for some steps of work."""
        ledger, aside = self._ledger, self._aside
        self._learn()
        before = aside.work
        try:
            side_by_side(first, lambda: self._grow(work), aside.called)
        finally:
            ledger.bring_bound(aside.bound)
            ledger.work += aside.work - before
        for shares in self._shares:
            self._idea(shares)
        self._shares.clear()
        ledger.spend(0.0)

    def _learn(self) -> None:
        aside, ledger = self._aside, self._ledger
        aside.plan, aside.bound = ledger.plan, ledger.bound
        # What both spend counts as one, so this ends no later than the first search alone would.
        aside.work = ledger.work

    def _grow(self, work: float) -> None:
        # The first search meets the same limits, and tells of them.
        with suppress(OutOfEffortError):
            self._tree.run(work)
