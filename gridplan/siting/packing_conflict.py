"""Why no plan keeps capacities and conditions together, and which change of one would do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gridplan.errors import Message, agreed, both_ids, counted
from gridplan.siting.conflict import share_asked
from gridplan.siting.highs import Options, solve_model
from gridplan.siting.ladder import Toll
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Floats, Positions
from gridplan.siting.options import Reach
from gridplan.siting.packing_linear import Form
from gridplan.siting.packing_ruled import Ruled, RuledSearch
from gridplan.siting.problem import Problem
from gridplan.siting.search import OutOfEffortError

# Pairs up to which a model of a change is tried, and the work that it may take.
_MOST_PAIRS, _WORK = 20_000, 3_000.0
# A share is printed with so many digits, rounded down, so that what is printed can be had.
_SHARE_STEPS = 10_000
_SOFT = Message(
    en='SoftCapacity ("soft" in the settings) shows where the sites fall short.',
    zh='可改用 SoftCapacity（设置中为 "soft"）查看各处缺口。',
)

_CUT_SHORT = Message(
    en="The search for changes that would do was cut short.",
    zh="对可行调整的查找未能完成。",
)


def too_large(problem: Problem, ruled: Ruled) -> Message | None:
    """Return which demand has a load above the capacity of every site that it may go to."""
    packing = ruled.packing
    reached = np.isfinite(problem.cost[np.ix_(packing.rows, packing.sites)]).any(axis=1)
    lonely = np.flatnonzero(reached & ~np.isfinite(packing.cost).any(axis=1))
    if not len(lonely):
        return None
    which, which_zh = both_ids([problem.demand_ids[packing.rows[at]] for at in lonely])
    load = float(packing.load[lonely].max())
    return Message(
        en=f"{counted(len(lonely), 'demand point has', 'demand points have')} a load above the "
        f"capacity of every allowed site within reach (the largest {load:g}): {which}. No number "
        f"of sites and no budget helps: split "
        f"{agreed(len(lonely), 'this demand point', 'these demand points')}, or make the "
        f"capacities larger. {_SOFT.en}",
        zh=f"{len(lonely)} 个需求点的负荷超过其可达的每个可用选址点的容量（最大 {load:g}）："
        f"{which_zh}。增加选址点数量或预算均无济于事，请拆分这些需求点，或扩大容量。{_SOFT.zh}",
    )


def no_filling(
    problem: Problem, ruled: Ruled, tolls: tuple[Toll, ...], search: RuledSearch
) -> Message:
    """Say which conditions leave no plan beside the capacities, and what would do."""
    named = list(_named(problem, ruled, tolls))
    head = Message(
        en="It is proven that no plan keeps the capacities together with these, each demand point "
        f"going to one site: {'; '.join(one.en for one in named)}.",
        zh="已证明：在每个需求点只去一处的条件下，没有方案能在不超容量的同时满足以下各项："
        f"{'；'.join(one.zh for one in named)}。",
    )
    if not search.limits.explain:
        return head
    told = [head, *_told(problem, ruled, tolls, search), _SOFT]
    return Message(en=" ".join(one.en for one in told), zh="".join(one.zh for one in told))


def without_capacities(cause: Message | None) -> Message | None:
    """Return a cause that has nothing to do with capacities, where they are asked for as well."""
    if cause is None:
        return None
    return Message(
        en=f"{cause.en} This leaves the capacities out, which may ask for more.",
        zh=f"{cause.zh}以上尚未计入容量；计入后要求可能更高。",
    )


def _told(
    problem: Problem, ruled: Ruled, tolls: tuple[Toll, ...], search: RuledSearch
) -> list[Message]:
    """
    Return which changes would do, as far as limits and keys allow.

    That no plan exists is proven already: neither takes anything back.
    """
    # What looks for changes has work of its own: that of the search may be spent.
    ledger = Ledger(search.question(search.limits), started=search.started, on_the_way=True)
    known = list[Message]()
    try:
        for one in _Changes(problem, ruled, tolls, ledger).all():
            known += [] if one is None else [one]
    except (OutOfEffortError, KeyboardInterrupt):
        known.append(_CUT_SHORT)
    return known


def _named(problem: Problem, ruled: Ruled, tolls: tuple[Toll, ...]) -> Iterator[Message]:
    conditions, slots = problem.conditions, ruled.slots
    opened = int(problem.must_open.sum())
    if slots is not None and opened:
        yield Message(
            en=f"{slots} open sites, {opened} fixed or required ones among them",
            zh=f"开放场地共 {slots} 处（含已有和必选 {opened} 处）",
        )
    elif slots is not None:
        yield Message(en=f"p = {slots}", zh=f"p = {slots}")
    if math.isfinite(conditions.budget):
        budget = f"{conditions.budget:.12g}"
        yield Message(en=f"budget = {budget}", zh=f"预算 = {budget}")
    if conditions.names:
        yield Message(en="the counts by group (at_least, at_most)",
                      zh="分组数量要求（at_least、at_most）")  # fmt: skip
    for reach in _reaches(tolls):
        asked = share_asked(reach.share)
        yield Message(
            en=f"{asked} of the weight within {reach.radius_m:g} m of the site it goes to",
            zh=f"{asked} 的权重距其所去选址点不超过 {reach.radius_m:g} 米",
        )
    if sum(math.isfinite(toll.most) for toll in tolls[1:]) > len(_reaches(tolls)):
        yield Message(en="the limits on other objectives", zh="对其他目标的限制")


def _reaches(tolls: tuple[Toll, ...]) -> list[Reach]:
    return [toll.reach for toll in tolls[1:] if toll.reach is not None]


@dataclass(frozen=True)
class _Changes:
    """Looks for the change of one condition that would do, with all others kept."""

    problem: Problem
    ruled: Ruled
    tolls: tuple[Toll, ...]
    ledger: Ledger

    def all(self) -> Iterator[Message | None]:
        """Yield what would do in place of each condition."""
        if np.isfinite(self.ruled.packing.cost).sum() > _MOST_PAIRS:
            return
        if self.ruled.slots is not None:
            yield self._count(self.ruled.slots)
        if math.isfinite(self.problem.conditions.budget):
            yield self._budget()
        limited = [toll for toll in self.tolls[1:] if math.isfinite(toll.most)]
        for at, toll in enumerate(limited):
            if toll.reach is not None:
                yield self._share(at, toll.reach)

    def _best(
        self, eased: Ruled, of_sites: Floats, of_pairs: Floats | None = None, least: float = 0.0
    ) -> tuple[Positions, Positions] | None:
        """Return the plan of a problem with one condition less that has least of something."""
        packing = eased.packing
        pairs = np.isfinite(packing.cost)
        form = Form(eased, pairs, pairs, np.ones(len(of_sites), dtype=np.bool_))
        row, site = np.nonzero(pairs)
        paid = np.zeros(len(row)) if of_pairs is None else of_pairs[row, site]
        # At least so many open sites.
        count = (np.zeros(pairs.shape), -np.ones(len(of_sites)), -least)
        model = replace(form.model([count]), cost=np.concatenate([paid, of_sites]))
        out = solve_model(model, self.ledger, options=Options(work=_WORK))
        if out.stopped_by is not None:
            self.ledger.heed(out.stopped_by)
        if out.values is None or out.answer != "optimal":
            return None
        chosen, assigned = form.plan(out.values)
        # The solver has tolerances; what is told has none.
        fits = not packing.overload(assigned).any() and eased.keeps(chosen, assigned)
        return (chosen, assigned) if fits else None

    def _count(self, asked: int) -> Message | None:
        ruled = replace(self.ruled, slots=None)
        found = self._best(ruled, np.ones(len(ruled.packing.must)), least=asked + 1.0)
        if found is None:
            return None
        needed, opened = len(found[0]), int(self.problem.must_open.sum())
        if opened:
            # A planner's p may be that of the new ones alone.
            return Message(
                en=f"With {needed} open sites (and not {asked}) it can be done: {needed - opened} "
                f"beside {counted(opened, 'fixed or required one', 'fixed or required ones')}.",
                zh=f"开放场地共取 {needed} 处（现为 {asked} 处）即可满足："
                f"除已有和必选的 {opened} 处外，另设 {needed - opened} 处。",
            )
        return Message(
            en=f"With {needed} open sites (and not {asked}) it can be done.",
            zh=f"开放场地共取 {needed} 处（现为 {asked} 处）即可满足。",
        )

    def _budget(self) -> Message | None:
        side, conditions = self.ruled.side, self.problem.conditions
        most = side.most.copy()
        most[0] = np.inf
        eased = replace(self.ruled, side=replace(side, most=most))
        found = self._best(eased, side.matrix[0])
        if found is None:
            return None
        needed, budget = math.fsum(side.matrix[0][found[0]]), conditions.budget
        return Message(
            en=f"The least budget that would do is {needed:.12g}, and not {budget:.12g}.",
            zh=f"预算至少需要 {needed:.12g}，现为 {budget:.12g}。",
        )

    def _share(self, at: int, reach: Reach) -> Message | None:
        ruled = self.ruled
        most = ruled.most.copy()
        most[at] = ruled.further[at].max(axis=1, initial=0.0).sum() + 1.0
        found = self._best(
            replace(ruled, most=most), np.zeros(len(ruled.packing.must)), ruled.further[at]
        )
        if found is None:
            return None
        total = math.fsum(self.problem.weights)
        lost = math.fsum(self.problem.weights[self.problem.unreachable])
        beyond = float(ruled.tolls(found[1])[at])
        share = math.floor((total - lost - beyond) / total * _SHARE_STEPS) / _SHARE_STEPS
        if not share:
            return None
        asked = share_asked(reach.share)
        return Message(
            en=f"With {share:.2%} (and not {asked}) within {reach.radius_m:g} m it can be done, "
            f"and with no more (rounded down).",
            zh=f"{reach.radius_m:g} 米内比例最多取 {share:.2%}（向下取整，现为 {asked}）即可满足。",
        )
