"""Which limits no set of sites keeps together, and which change of one of them would do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import csr_array, vstack

from gridplan.errors import Message, counted, first_ids, ids_zh
from gridplan.siting.highs import Model, Options, Outcome, solve_model
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.wanted import BUDGET, COUNT, KEPT, SERVED, SLACK, Limit, Wanted, cost_of

# Steps of one of the models that ask which limits conflict, and of all of them; where more are
# needed it stays open.
_WORK, _MOST_WORK = 2_000.0, 6_000.0
_HALF = 0.5
# A share is printed with so many digits, rounded down, so that what is printed can be had.
_SHARE_STEPS = 10_000
# A distance is printed in tenths of a metre.
_PER_METRE = 10

OF_WEIGHT = Message(en="of the weight", zh="的权重")
"""How a cause names what a share is taken of; `in_residents` has the planner's words."""


@dataclass
class _Rows:
    """Rows of a model, one block after the other."""

    parts: list[csr_array] = field(default_factory=list)
    least: list[Floats] = field(default_factory=list)
    most: list[Floats] = field(default_factory=list)

    def add(self, matrix: Floats | csr_array, least: object, most: object) -> None:
        rows = csr_array(np.atleast_2d(matrix) if isinstance(matrix, np.ndarray) else matrix)
        self.parts.append(rows)
        self.least.append(np.broadcast_to(np.asarray(least, dtype=float), rows.shape[0]))
        self.most.append(np.broadcast_to(np.asarray(most, dtype=float), rows.shape[0]))


@dataclass(frozen=True)
class _Question:
    """
    The model of all limits: columns for the sites that may be open, then for demand by shares.

    Attributes
    ----------
    sites : ndarray
        Positions of the sites of the first columns.
    served : ndarray of bool
        Different sets of sites that demand is served by.
    near : tuple of (ndarray of bool, ndarray)
        By share: different sets of sites within the radius, and the weight of each.
    begun : float
        Steps that were spent before.
    """

    wanted: Wanted
    ledger: Ledger
    sites: Positions
    served: Flags
    near: tuple[tuple[Flags, Floats], ...]
    begun: float

    @classmethod
    def of(cls, wanted: Wanted, ledger: Ledger) -> _Question:
        problem = wanted.problem
        sites = np.flatnonzero(problem.may_open)
        served, _ = _different(wanted.within[np.ix_(wanted.served, sites)])
        near = list[tuple[Flags, Floats]]()
        for reach in wanted.reaches:
            sets, which = _different(problem.cost[:, sites] <= reach.radius_m)
            weight = np.bincount(which, problem.weights, minlength=len(sets))
            near.append((sets, weight.astype(np.float64)))
        return cls(wanted, ledger, sites, served, tuple(near), ledger.work)

    def with_radius(self, at: int, radius_m: float) -> _Question:
        """Return the same question with another distance of one share."""
        reaches = list(self.wanted.reaches)
        reaches[at] = replace(reaches[at], radius_m=radius_m)
        other = _Question.of(replace(self.wanted, reaches=tuple(reaches)), self.ledger)
        return replace(other, begun=self.begun)

    @property
    def columns(self) -> int:
        return len(self.sites) + sum(len(weight) for _, weight in self.near)

    def share(self, at: int) -> Floats:
        """Return the weight of each column that counts for a share."""
        row = np.zeros(self.columns)
        first = len(self.sites) + sum(len(weight) for _, weight in self.near[:at])
        row[first : first + len(self.near[at][1])] = self.near[at][1]
        return row

    def counted(self, kind: str, at: int) -> Floats:
        """Return what each column counts for a limit of sites: its cost, or 1."""
        conditions = self.wanted.problem.conditions
        each = np.ones(len(self.sites))
        if kind == "budget" and conditions.cost is not None:
            each = conditions.cost[self.sites]
        if kind in {"least", "most"}:
            each = (conditions.group[self.sites] == at).astype(np.float64)
        return np.concatenate([each, np.zeros(self.columns - len(self.sites))])

    def solve(
        self,
        kept: Sequence[Limit],
        cost: Floats | None = None,
        *,
        besides: tuple[Floats | csr_array, float, float] | None = None,
    ) -> Outcome:
        """Solve the model that keeps some limits, and rows besides."""
        self.ledger.look()
        left = _MOST_WORK - (self.ledger.work - self.begun)
        if left <= 0:
            return Outcome("stopped", None, math.inf, -math.inf)
        rows = _Rows()
        for kind, at in kept:
            self._add(rows, kind, at)
        if besides is not None:
            rows.add(*besides)
        must = self.wanted.problem.must_open[self.sites] & (KEPT in kept)
        m = len(self.sites)
        rest = np.zeros(self.columns - m)
        rows.add(np.zeros(self.columns), 0.0, 0.0)
        model = Model(
            cost=np.zeros(self.columns) if cost is None else cost,
            rows=csr_array(vstack(rows.parts, format="csr")),
            least=np.concatenate(rows.least),
            most=np.concatenate(rows.most),
            lower=np.concatenate([must.astype(np.float64), rest]),
            upper=np.ones(self.columns),
            whole=np.concatenate([np.ones(m), rest]).astype(np.bool_),
        )
        out = solve_model(model, self.ledger, options=Options(work=min(_WORK, left)))
        self.ledger.heed(out.stopped_by)
        return out

    def _add(self, rows: _Rows, kind: str, at: int) -> None:
        wanted, conditions = self.wanted, self.wanted.problem.conditions
        if kind == "served":
            rows.add(self._wide(self.served), float(wanted.backup), math.inf)
        elif kind == "reach":
            rows.add(self.near_rows(at), 0.0, math.inf)
            total = math.fsum(wanted.problem.weights)
            least = wanted.reaches[at].share * total
            rows.add(self.share(at), least - SLACK * max(1.0, total), math.inf)
        elif kind == "budget":
            rows.add(self.counted(kind, at), -math.inf, conditions.allowed_cost)
        elif kind == "count" and wanted.p is not None:
            rows.add(self.counted(kind, at), float(wanted.p), float(wanted.p))
        elif kind == "least":
            rows.add(self.counted(kind, at), conditions.least[at], math.inf)
        elif kind == "most":
            rows.add(self.counted(kind, at), -math.inf, conditions.most[at])

    def _wide(self, sets: Flags) -> csr_array:
        short = csr_array(sets.astype(np.float64))
        return csr_array((short.data, short.indices, short.indptr), (len(sets), self.columns))

    def near_rows(self, at: int) -> csr_array:
        """Return the rows that let demand count for a share only with an open site near."""
        sets, weight = self.near[at]
        first = len(self.sites) + sum(len(one) for _, one in self.near[:at])
        rows = np.arange(len(weight))
        wide = self._wide(sets)
        counted = (-np.ones(len(weight)), (rows, first + rows))
        return csr_array(wide + csr_array(counted, shape=wide.shape))

    def chosen(self, out: Outcome) -> Positions | None:
        """Return the open sites of a solution."""
        if out.values is None or out.answer != "optimal":
            return None
        return np.asarray(self.sites[out.values[: len(self.sites)] > _HALF])


def _different(sets: Flags) -> tuple[Flags, Positions]:
    """Return the different rows, in the order of the first of each, and which one each row is."""
    if not len(sets):
        return sets, np.empty(0, dtype=np.intp)
    _, first, which = np.unique(
        np.packbits(sets, axis=1), axis=0, return_index=True, return_inverse=True
    )
    order = np.argsort(first, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return sets[first[order]], place[which.ravel()]


def conflicting(question: _Question, limits: Sequence[Limit]) -> list[Limit] | None:
    """
    Return limits that no plan keeps together, of which none can be left out.

    Each is left out in turn, and stays out if it is proven that the others conflict without
    it [1]_. Where a proof takes too long it stays in. None if it is not shown that all conflict.

    References
    ----------
    .. [1] Chinneck, J. W. and Dravnieks, E. W. (1991). Locating minimal infeasible constraint
       sets in linear programs. *ORSA Journal on Computing*, 3(2), 157-168.
       https://doi.org/10.1287/ijoc.3.2.157
    """
    if question.solve(limits).answer != "infeasible":
        return None
    kept = list(limits)
    for one in limits:
        fewer = [other for other in kept if other != one]
        if fewer and question.solve(fewer).answer == "infeasible":
            kept = fewer
    return kept


def why_not(wanted: Wanted, ledger: Ledger, *, others: bool = False) -> Iterator[Message]:
    """
    Name limits that conflict, and say which change of a single one would do.

    Each change that is told is proven to do with all other limits as they are: a plan with it
    was found and looked at. Searches that do not end leave their sentence out.

    Parameters
    ----------
    others : bool
        There are limits that are no part of `wanted`: then no change is told.
    """
    question, limits = _Question.of(wanted, ledger), wanted.limits()
    found = conflicting(question, limits)
    if found is None:
        return
    yield _together(wanted, found)
    if others:
        return
    changes, told = _Changes(question, limits), 0
    for limit in found:
        for one in changes.of(limit):
            told += 1
            yield one
    if changes.open:
        yield _LEFT_OPEN
    others_tried = any(one not in {SERVED, KEPT} for one in found)
    if not told and not changes.open and others_tried:
        yield NONE_ALONE


_LEFT_OPEN = Message(
    en="Whether other numbers would do was not found within the work that this may take.",
    zh="其他数值是否可行，在说明原因的工作量内未能查明。",
)
NONE_ALONE = Message(
    en="No other number for a single one of them would do.",
    zh="仅调整其中任何一项数值都不够。",
)


@dataclass
class _Changes:
    """The changes of one limit that would do; `open` where a search did not end."""

    question: _Question
    limits: list[Limit]
    open: bool = False

    def of(self, limit: Limit) -> Iterator[Message]:
        """Yield what would do in place of a limit."""
        told: dict[str, tuple[Callable[[int], Message | None], ...]] = {
            "count": (lambda _: self._count(),),
            "budget": (lambda _: self._budget(),),
            "reach": (self._share, self._radius),
            "least": (lambda at: self._group("least", at),),
            "most": (lambda at: self._group("most", at),),
        }
        for change in told.get(limit[0], ()):
            one = change(limit[1])
            if one is not None:
                yield one

    def _best(
        self,
        limit: Limit,
        cost: Floats,
        besides: tuple[Floats | csr_array, float, float] | None = None,
    ) -> Positions | None:
        """Return the plan of least cost that keeps all limits but one."""
        kept = [one for one in self.limits if one != limit]
        out = self.question.solve(kept, cost, besides=besides)
        sites = self.question.chosen(out)
        # The solver has tolerances; what is told has none.
        if sites is not None and all(self.question.wanted.keeps(sites, one) for one in kept):
            return sites
        self.open |= out.answer != "infeasible"
        return None

    def _count(self) -> Message | None:
        asked = self.question.wanted.p or 0
        each = self.question.counted("count", 0)
        more = self._best(COUNT, each, (each, asked + 1.0, math.inf))
        fewer = self._best(COUNT, -each, (each, 1.0, asked - 1.0))
        counts = [len(one) for one in (more, fewer) if one is not None]
        if not counts:
            return None
        needed = min(counts, key=lambda one: abs(one - asked))
        opened = int(self.question.wanted.problem.must_open.sum())
        if not opened:
            return Message(
                en=f"With p = {needed} (and not {asked}) it can be done.",
                zh=f"p 取 {needed}（现为 {asked}）即可满足。",
            )
        # A planner's p may be that of the new ones alone.
        return Message(
            en=f"With {needed} open sites (and not {asked}) it can be done: {needed - opened} "
            f"beside {counted(opened, 'fixed or required one', 'fixed or required ones')}.",
            zh=f"开放场地共取 {needed} 处（现为 {asked} 处）即可满足："
            f"除已有和必选的 {opened} 处外，另设 {needed - opened} 处。",
        )

    def _budget(self) -> Message | None:
        problem = self.question.wanted.problem
        sites = self._best(BUDGET, self.question.counted("budget", 0))
        if sites is None:
            return None
        needed, budget = cost_of(problem, sites), problem.conditions.budget
        return Message(
            en=f"The least budget that would do is {needed:.12g}, and not {budget:.12g}.",
            zh=f"预算至少需要 {needed:.12g}，现为 {budget:.12g}。",
        )

    def _share(self, at: int) -> Message | None:
        wanted = self.question.wanted
        rows = (self.question.near_rows(at), 0.0, math.inf)
        sites = self._best(("reach", at), -self.question.share(at), rows)
        if sites is None:
            return None
        reach, total = wanted.reaches[at], math.fsum(wanted.problem.weights)
        most = math.floor(wanted.weight_within(at, sites) / total * _SHARE_STEPS) / _SHARE_STEPS
        if not most:
            return None
        asked = share_asked(reach.share)
        return Message(
            en=f"With {most:.2%} (and not {asked}) within {reach.radius_m:g} m it can be done, and "
            f"with no more (rounded down).",
            zh=f"{reach.radius_m:g} 米内比例最多取 {most:.2%}（向下取整，现为 {asked}）即可满足。",
        )

    def _radius(self, at: int) -> Message | None:
        """Say within which distance as many can live as should, by bisection."""
        wanted = self.question.wanted
        reach, problem = wanted.reaches[at], wanted.problem
        metres = problem.cost[np.ix_(problem.weights > 0, problem.may_open)]
        radii = np.unique(metres[np.isfinite(metres) & (metres > reach.radius_m)])
        low, high = -1, len(radii)
        while high - low > 1:
            middle = (low + high) // 2
            other = self.question.with_radius(at, float(radii[middle]))
            out = other.solve(self.limits)
            sites = other.chosen(out)
            if sites is not None and all(other.wanted.keeps(sites, one) for one in self.limits):
                high = middle
            elif out.answer == "infeasible":
                low = middle
            else:
                self.open = True
                return None
        if high == len(radii):
            return None
        # Rounded up, so that what is printed can be had.
        needed = math.ceil(float(radii[high]) * _PER_METRE) / _PER_METRE
        asked = share_asked(reach.share)
        return Message(
            en=f"Within {needed:,.12g} m (and not {reach.radius_m:g}) {asked} can be had, and not "
            f"within less.",
            zh=f"距离放宽到 {needed:,.12g} 米（现为 {reach.radius_m:g} 米）即可达到 {asked}，"
            f"更近则不能。",
        )

    def _group(self, kind: str, at: int) -> Message | None:
        each = self.question.counted(kind, at)
        sites = self._best((kind, at), -each if kind == "least" else each)
        if sites is None:
            return None
        conditions = self.question.wanted.problem.conditions
        count, name = int(conditions.counts(sites)[at]), conditions.names[at]
        word, asked = f"at_{kind}", getattr(conditions, kind)[at]
        return Message(
            en=f"With {word} = {count} (and not {asked:g}) for {name} it can be done.",
            zh=f"{name} 的 {word} 取 {count}（现为 {asked:g}）即可满足。",
        )


def _together(wanted: Wanted, found: Sequence[Limit]) -> Message:
    """Name limits that no plan keeps together."""
    named = [_named(wanted, one) for one in found if one[0] not in {"least", "most"}]
    conditions = wanted.problem.conditions
    for kind in ("least", "most"):
        groups = [at for one, at in found if one == kind]
        values = [f"{conditions.names[at]} = {getattr(conditions, kind)[at]:g}" for at in groups]
        if groups:
            named.append(Message(en=f"at_{kind} ({first_ids(values)})",
                                 zh=f"at_{kind}（{ids_zh(values)}）"))  # fmt: skip
    en, zh = "; ".join(one.en for one in named), "；".join(one.zh for one in named)
    if len(named) == 1:
        return Message(en=f"This alone cannot be kept: {en}.", zh=f"仅此一项就无法满足：{zh}。")
    return Message(en=f"These cannot be kept together: {en}.", zh=f"以下各项无法同时满足：{zh}。")


def _named(wanted: Wanted, limit: Limit) -> Message:
    kind, at = limit
    problem = wanted.problem
    if kind == "reach":
        reach = wanted.reaches[at]
        asked = share_asked(reach.share)
        return Message(
            en=f"{asked} {OF_WEIGHT.en} within {reach.radius_m:g} m",
            zh=f"{reach.radius_m:g} 米内{OF_WEIGHT.zh}达 {asked}",
        )
    if kind == "kept":
        ids = [problem.site_ids[j] for j in np.flatnonzero(problem.must_open)]
        return Message(
            en=f"fixed or required sites ({len(ids)}: {first_ids(ids)})",
            zh=f"已有和必选的选址点（{len(ids)} 个：{ids_zh(ids)}）",
        )
    if kind == "budget":
        budget = problem.conditions.budget
        return Message(en=f"budget = {budget:.12g}", zh=f"预算 = {budget:.12g}")
    if kind == "count":
        opened = int(problem.must_open.sum())
        if opened:
            return Message(
                en=f"{wanted.p} open sites, {opened} fixed or required ones among them",
                zh=f"开放场地共 {wanted.p} 处（含已有和必选 {opened} 处）",
            )
        return Message(en=f"p = {wanted.p}", zh=f"p = {wanted.p}")
    times = f" {wanted.backup} times" if wanted.backup > 1 else ""
    twice = f" {wanted.backup} 处" if wanted.backup > 1 else ""
    return Message(
        en=f"everybody served{times} by allowed sites", zh=f"所有人均由可用选址点服务{twice}"
    )


def in_residents(cause: Message) -> Message:
    """
    Return a cause in which the weight is called what it is where nobody has another: residents.

    Examples
    --------
    >>> in_residents(Message(en="90% of the weight within 500 m", zh="500 米内的权重达 90%"))
    Message(en='90% of the residents within 500 m', zh='500 米内的居民达 90%')
    """
    return Message(
        en=cause.en.replace(OF_WEIGHT.en, "of the residents"),
        zh=cause.zh.replace(OF_WEIGHT.zh, "的居民"),
    )


def share_asked(share: float) -> str:
    """
    Return a share in percent with all digits that were asked for.

    Examples
    --------
    >>> share_asked(0.5554), share_asked(0.9), share_asked(1 / 3)
    ('55.54%', '90%', '33.3333333%')
    """
    return f"{100.0 * share:.9g}%"
