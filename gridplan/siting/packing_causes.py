"""Why no plan keeps the capacities, and how little has to give way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gridplan.errors import Message, agreed, both_ids, counted
from gridplan.siting.loads import Loads, rounded_up
from gridplan.siting.options import Limits
from gridplan.siting.packing import FITS, Packing, PackingSearch, make_packing
from gridplan.siting.packing_bound import Bounding, Steps, first_node
from gridplan.siting.packing_least import Least, least_factor, least_sites
from gridplan.siting.packing_plans import plan_from, shaken
from gridplan.siting.problem import Problem
from gridplan.siting.search import Effort, OutOfEffortError

_QUICK = Steps(most=60, length=1.5, patience=10, least_length=1e-2)
_QUICK_WORK, _QUICK_SHAKES = 600, 40
# Factors beyond the least possible one that are tried, and further counts of sites.
_FACTORS = (1.0, 1.01, 1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 2.0)
_MORE_SITES = 6
# Factors this close, as a share, are not told apart.
_CLOSE = 0.002
_EXACT_WORK, _NO_TIME_S = 5_000, 1e-9
# A plan this much beyond its bound is a plan.
_ANY_GAP = 1e12


@dataclass(frozen=True)
class _Needs:
    """Least count of sites and least factor of capacity without which there is no plan."""

    sites: int | None
    factor: float


@dataclass(frozen=True)
class _Asked:
    """What no plan was found for, and the solver whose limits hold."""

    problem: Problem
    packing: Packing
    loads: Loads
    search: PackingSearch

    def limits(self, work: float) -> Limits | None:
        """Return limits of a small search in what time is left; None if none is."""
        time_s = self.search.limits.time_s
        if time_s is not None:
            time_s -= self.search.seconds
            if time_s <= 0:
                return None
        # Any plan is an answer here, the best is not asked for.
        return Limits(work=max(1, int(work)), time_s=time_s, gap=_ANY_GAP)

    def effort(self) -> Effort:
        """Return the effort of an exact search; without time left it stops at once."""
        limits = self.limits(_EXACT_WORK)
        return Effort(Limits(work=1, time_s=_NO_TIME_S) if limits is None else limits)


def impossible(
    problem: Problem, packing: Packing, loads: Loads, search: PackingSearch
) -> Message | None:
    """Return why sums alone rule out every plan, and the smallest relaxation; None if not."""
    asked = _Asked(problem, packing, loads, search)
    lonely = np.nonzero(~np.isfinite(packing.cost).any(axis=1))[0]
    needs = _needs(problem, packing)
    if len(lonely):
        return _too_large(asked, lonely, needs)
    if needs.factor > 1.0:
        return _too_little(asked, needs)
    return None


def no_assignment(
    problem: Problem, packing: Packing, loads: Loads, search: PackingSearch
) -> Message:
    """Return what helps where a search has proven that no assignment fits."""
    needs = _Needs(packing.slots + 1, 1.0)
    en, zh = _relaxations(_Asked(problem, packing, loads, search), needs)
    return Message(
        en=f"It is proven that no {packing.slots} sites can be filled without one of them "
        f"holding more than its capacity or serving demand it cannot reach, since each demand "
        f"point goes to one site. {en}",
        zh=f"已证明：无论选取哪 {packing.slots} 个选址点，都无法在不超容量、均可达、"
        f"且每个需求点只去一处的条件下完成分配。{zh}",
    )


def _needs(problem: Problem, packing: Packing) -> _Needs:
    total = math.fsum(packing.load)
    must = packing.capacity[packing.must]
    free = np.sort(packing.capacity[~packing.must])[::-1]
    held = math.fsum(must) + np.concatenate([[0.0], np.cumsum(free)])
    enough = np.nonzero(held * FITS >= total)[0]
    sites = int(enough[0]) + len(must) if len(enough) else None
    most = float(held[min(packing.slots - len(must), len(free))])
    factor = total / most if total > most * FITS and most > 0 else 1.0
    if total > most * FITS and most <= 0:
        factor = math.inf
    reach = np.isfinite(problem.cost[np.ix_(packing.rows, packing.sites)])
    largest = np.where(reach, packing.capacity[None, :], 0.0).max(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alone = np.where(packing.load > largest * FITS, packing.load / largest, 1.0)
    return _Needs(sites, max(factor, float(alone.max(initial=1.0))))


def _too_large(asked: _Asked, lonely: np.ndarray, needs: _Needs) -> Message:
    problem, packing = asked.problem, asked.packing
    ids, ids_zh = both_ids([problem.demand_ids[packing.rows[at]] for at in lonely])
    load = float(packing.load[lonely].max())
    en, zh = _relaxations(asked, replace(needs, sites=None))
    return Message(
        en=f"{counted(len(lonely), 'demand point has', 'demand points have')} a load above the "
        f"capacity of every allowed site within reach (the largest {load:g}): {ids}. No number of "
        f"sites helps: split {agreed(len(lonely), 'this demand point', 'these demand points')}. "
        f"{en}",
        zh=f"{len(lonely)} 个需求点的负荷超过其可达的每个可用选址点的容量（最大 {load:g}）："
        f"{ids_zh}。增加选址点数量无济于事，请拆分这些需求点。{zh}",
    )


def _too_little(asked: _Asked, needs: _Needs) -> Message:
    packing = asked.packing
    total = math.fsum(packing.load)
    en, zh = _relaxations(asked, needs)
    return Message(
        en=f"The load is {total:g} in total, and the {packing.slots} allowed sites that hold "
        f"most, fixed and required ones among them, hold {total / needs.factor:g}. {en}",
        zh=f"总负荷为 {total:g}，而容量最大的 {packing.slots} 个可用选址点（含已有和必选）"
        f"合计只能容纳 {total / needs.factor:g}。{zh}",
    )


def _relaxations(asked: _Asked, needs: _Needs) -> tuple[str, str]:
    """Return what a plan was found for, beside what is needed at least, and what never helps."""
    packing = asked.packing
    if not asked.search.limits.explain:
        return _alone(_SOFT)
    said: list[tuple[Least, Message]] = []
    if needs.sites is not None and needs.sites <= len(packing.sites):
        least = max(needs.sites, packing.slots + 1)
        count = _enough_sites(asked, least)
        said.append((count, _filled(_COUNT, count, least)))
    if math.isfinite(needs.factor):
        factor = _enough_factor(asked, needs.factor)
        said.append((factor, _filled(_FACTOR, factor, rounded_up(needs.factor))))
    never = [message for one, message in said if one.found is None and one.proven]
    helps = [message for one, message in said if one.found is not None or not one.proven]
    first, *others = [*helps, _SOFT]
    en = "; or ".join([first.en[0].upper() + first.en[1:], *(one.en for one in others)])
    zh = "；或".join(one.zh for one in (first, *others))
    return (
        " ".join([f"{en}.", *(one.en for one in never)]),
        "".join([f"{zh}。", *(one.zh for one in never)]),
    )


def _alone(said: Message) -> tuple[str, str]:
    return f"{said.en[0].upper()}{said.en[1:]}.", f"{said.zh}。"


def _filled(words: Mapping[tuple[bool, bool], Message], found: Least, least: float) -> Message:
    """Return what is said of a relaxation, with its number or the least that is known of it."""
    number = f"{found.found if found.found is not None else least:g}"
    chosen = words[found.found is not None, found.proven]
    return Message(en=chosen.en.format(number), zh=chosen.zh.format(number))


_SOFT = Message(
    en="use SoftCapacity to see where the sites fall short", zh="改用 SoftCapacity 查看各处缺口"
)
_COUNT = {
    (True, True): Message(
        en="raise p (with p = {} there is a plan, with fewer sites none)",
        zh="提高 p（p = {} 时有可行方案，更少则没有）",
    ),
    (True, False): Message(
        en="raise p (with p = {} there is a plan; fewer sites may do)",
        zh="提高 p（p = {} 时有可行方案，或许更少也可）",
    ),
    (False, False): Message(en="raise p (at least to {})", zh="提高 p（至少 {}）"),
    (False, True): Message(
        en="No number of these sites holds everybody.", zh="这些选址点再多也无法容纳全部需求。"
    ),
}
_FACTOR = {
    (True, True): Message(
        en="make the capacities {} times as large (there is a plan then, with less none)",
        zh="将容量扩大到 {} 倍（此时有可行方案，更小则没有）",
    ),
    (True, False): Message(
        en="make the capacities {} times as large (there is a plan then; less may do)",
        zh="将容量扩大到 {} 倍（此时有可行方案，或许更小也可）",
    ),
    (False, False): Message(
        en="make the capacities at least {} times as large", zh="将容量至少扩大到 {} 倍"
    ),
    (False, True): Message(
        en="No capacity, however large, is enough for so few sites.",
        zh="选址点这么少时，容量再大也不够。",
    ),
}
"""What is said of a relaxation: whether a plan was found for it, and whether it is the least."""


def _enough_sites(asked: _Asked, least: int) -> Least:
    exact = least_sites(asked.packing, asked.effort())
    if exact.proven:
        return exact
    most = min(least + _MORE_SITES, len(asked.packing.sites) + 1)
    tried = range(least, most)
    quick = next((n for n in tried if _has_plan(asked, replace(asked.packing, slots=n))), None)
    known = [one for one in (exact.found, quick) if one is not None]
    return Least(float(min(known)), proven=min(known) <= least) if known else exact


def _enough_factor(asked: _Asked, least: float) -> Least:
    """Return a factor with a plan: the least of all, or of the steps that were tried."""
    problem, packing, loads = asked.problem, asked.packing, asked.loads
    reach = np.isfinite(problem.cost[np.ix_(packing.rows, packing.sites)])
    exact = least_factor(packing, reach, loads.capacity[packing.sites], asked.effort())
    if exact.proven:
        return exact if exact.found is None else Least(rounded_up(exact.found), proven=True)
    quick = _tried_factor(asked, least)
    known = [one for one in (exact.found, quick) if one is not None]
    if not known:
        return exact
    factor = rounded_up(min(known))
    return Least(factor, proven=factor <= rounded_up(least))


def _tried_factor(asked: _Asked, least: float) -> float | None:
    """Return a factor with a plan: the least of the steps, then halved towards the step before."""
    problem, loads = asked.problem, asked.loads

    def enough(factor: float) -> bool:
        capacity = loads.capacity * factor
        return _has_plan(asked, make_packing(problem, asked.packing.slots, loads.load, capacity))

    short = least
    for more in _FACTORS:
        factor = rounded_up(least * more)
        if enough(factor):
            break
        short = factor
    else:
        return None
    while factor - short > _CLOSE * least and rounded_up((factor + short) / 2.0) < factor:
        middle = rounded_up((factor + short) / 2.0)
        factor, short = (middle, short) if enough(middle) else (factor, middle)
    return factor


def _has_plan(asked: _Asked, packing: Packing) -> bool:
    """Look for a plan with a little work; False says nothing."""
    limits = asked.limits(_QUICK_WORK)
    if not np.isfinite(packing.cost).any(axis=1).all() or limits is None:
        return False
    search = PackingSearch(limits, packing.integral, math.inf, packing.hopeless)
    try:
        Bounding(packing, search, first_node(packing)).climb(
            _QUICK, lambda chosen: _offer(packing, chosen, search)
        )
        shaken(packing, search, _QUICK_SHAKES)
    except OutOfEffortError:
        pass
    return math.isfinite(search.value)


def _offer(packing: Packing, chosen: np.ndarray, search: PackingSearch) -> None:
    if not math.isfinite(search.value):
        plan_from(packing, chosen, search)
