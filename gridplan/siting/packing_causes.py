"""Why no plan keeps the capacities, and how little has to give way."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gridplan.errors import Message, first_ids
from gridplan.siting.loads import Loads
from gridplan.siting.options import Limits
from gridplan.siting.packing import FITS, Packing, PackingSearch, make_packing
from gridplan.siting.packing_bound import Bounding, Steps, first_node
from gridplan.siting.packing_plans import plan_from, shaken
from gridplan.siting.problem import Problem
from gridplan.siting.search import OutOfEffortError

_QUICK = Steps(most=60, length=1.5, patience=10, least_length=1e-2)
_QUICK_WORK, _QUICK_SHAKES = 600, 40
# Factors beyond the least possible one that are tried, and further counts of sites.
_FACTORS = (1.0, 1.01, 1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 2.0)
_MORE_SITES = 6
_ROUND_UP, _ROUNDING = 1e3, 1e-6
# Factors this close, as a share, are not told apart.
_CLOSE = 0.002


@dataclass(frozen=True)
class _Needs:
    """Least count of sites and least factor of capacity without which there is no plan."""

    sites: int | None
    factor: float


def impossible(problem: Problem, packing: Packing, loads: Loads) -> Message | None:
    """Return why sums alone rule out every plan, and the smallest relaxation; None if not."""
    lonely = np.nonzero(~np.isfinite(packing.cost).any(axis=1))[0]
    needs = _needs(problem, packing)
    if len(lonely):
        return _too_large(problem, packing, loads, lonely, needs)
    if needs.factor > 1.0:
        return _too_little(problem, packing, loads, needs)
    return None


def no_assignment(problem: Problem, packing: Packing, loads: Loads) -> Message:
    """Return what helps where a search has proven that no assignment fits."""
    needs = _Needs(packing.slots + 1, 1.0)
    en, zh = _relaxations(problem, packing, loads, needs)
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


def _too_large(
    problem: Problem, packing: Packing, loads: Loads, lonely: np.ndarray, needs: _Needs
) -> Message:
    ids = first_ids([problem.demand_ids[packing.rows[at]] for at in lonely])
    load = float(packing.load[lonely].max())
    en, zh = _relaxations(problem, packing, loads, replace(needs, sites=None))
    return Message(
        en=f"{len(lonely)} demand points have a load above the capacity of every allowed site "
        f"they reach (the largest {load:g}): {ids}. No number of sites helps: split these "
        f"demand points. {en}",
        zh=f"{len(lonely)} 个需求点的负荷超过其可达的每个可用选址点的容量（最大 {load:g}）："
        f"{ids}。增加选址点数量无济于事，请拆分这些需求点。{zh}",
    )


def _too_little(problem: Problem, packing: Packing, loads: Loads, needs: _Needs) -> Message:
    total = math.fsum(packing.load)
    en, zh = _relaxations(problem, packing, loads, needs)
    return Message(
        en=f"The load is {total:g} in total, and the {packing.slots} allowed sites that hold "
        f"most, fixed and required ones among them, hold {total / needs.factor:g}. {en}",
        zh=f"总负荷为 {total:g}，而容量最大的 {packing.slots} 个可用选址点（含已有和必选）"
        f"合计只能容纳 {total / needs.factor:g}。{zh}",
    )


def _relaxations(
    problem: Problem, packing: Packing, loads: Loads, needs: _Needs
) -> tuple[str, str]:
    """Return what a plan was found for, beside what is needed at least."""
    en, zh = [], []
    if needs.sites is not None and needs.sites <= len(packing.sites):
        found = _enough_sites(packing, max(needs.sites, packing.slots + 1))
        if found is None:
            en.append(f"Raise p (at least to {max(needs.sites, packing.slots + 1)})")
            zh.append(f"提高 p（至少 {max(needs.sites, packing.slots + 1)}）")
        else:
            en.append(f"Raise p (with p = {found} there is a plan)")
            zh.append(f"提高 p（p = {found} 时有可行方案）")
    if math.isfinite(needs.factor):
        factor = _enough_factor(problem, packing.slots, loads, needs.factor)
        least = _rounded_up(needs.factor)
        words = f"{factor:g}" if factor else f"{least:g}"
        en.append(
            f"make the capacities {words} times as large (there is a plan then)"
            if factor
            else f"make the capacities at least {words} times as large"
        )
        zh.append(
            f"将容量扩大到 {words} 倍（此时有可行方案）"
            if factor
            else f"将容量至少扩大到 {words} 倍"
        )
    en.append("use SoftCapacity to see where the sites fall short")
    zh.append("改用 SoftCapacity 查看各处缺口")
    first, *others = en
    return "; or ".join([first[0].upper() + first[1:], *others]) + ".", "；或".join(zh) + "。"


def _enough_sites(packing: Packing, least: int) -> int | None:
    for count in range(least, min(least + _MORE_SITES, len(packing.sites) + 1)):
        if _has_plan(replace(packing, slots=count)):
            return count
    return None


def _enough_factor(problem: Problem, slots: int, loads: Loads, least: float) -> float | None:
    """Return a factor with a plan: the least of the steps, then halved towards the step before."""

    def enough(factor: float) -> bool:
        return _has_plan(make_packing(problem, slots, loads.load, loads.capacity * factor))

    short = least
    for more in _FACTORS:
        factor = _rounded_up(least * more)
        if enough(factor):
            break
        short = factor
    else:
        return None
    while factor - short > _CLOSE * least and _rounded_up((factor + short) / 2.0) < factor:
        middle = _rounded_up((factor + short) / 2.0)
        factor, short = (middle, short) if enough(middle) else (factor, middle)
    return factor


def _rounded_up(factor: float) -> float:
    return math.ceil(factor * _ROUND_UP - _ROUNDING) / _ROUND_UP


def _has_plan(packing: Packing) -> bool:
    """Look for a plan with a little work; False says nothing."""
    if not np.isfinite(packing.cost).any(axis=1).all():
        return False
    search = PackingSearch(Limits(work=_QUICK_WORK), packing.integral, math.inf, packing.hopeless)
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
