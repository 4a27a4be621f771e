"""What a siting has to respect (`Rules`) and when its solver stops (`Limits`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gridplan.errors import CostMatrixError, FaultList, Message, SettingsError
from gridplan.siting.capacity import HardCapacity
from gridplan.siting.matrix import is_number

Progress = Callable[[float, float], None]
"""Called with the bound and the objective (``inf`` while there is no plan)."""


def _as_tuple(ids: Collection[Hashable] | str) -> tuple[Hashable, ...]:
    return (ids,) if isinstance(ids, str) else tuple(ids)


@dataclass(frozen=True, slots=True)
class Reach:
    """
    How many have to live near an open site.

    Attributes
    ----------
    radius_m : float
        Metres, that distance included.
    share : float
        Of all weight, demand that no site reaches included; above 0, up to 1.
    """

    radius_m: float
    share: float

    def __post_init__(self) -> None:
        """Refuse what is no distance or no share."""
        faults = FaultList()
        if not (is_number(self.radius_m) and self.radius_m >= 0):
            faults.add(
                en=f"radius_m is {self.radius_m!r}; expected metres, 0 or more.",
                zh=f"服务半径 radius_m 为 {self.radius_m!r}，应为不小于 0 的米数。",
            )
        if not (is_number(self.share) and 0 < self.share <= 1):
            faults.add(
                en=f"share is {self.share!r}; expected a share above 0, up to 1.",
                zh=f"share 为 {self.share!r}，应为大于 0、不超过 1 的比例。",
            )
        faults.raise_if_any(SettingsError)


@dataclass(frozen=True, slots=True)
class Rules:
    """
    Which sites must be open, which must not, and what happens to demand out of reach.

    Attributes
    ----------
    fixed : collection of site ids
        Facilities that are open already and stay: committees, existing rooms.
    required : collection of site ids
        Candidates that have to be opened.
    forbidden : collection of site ids
        Candidates that must stay closed.
    allow_unreachable : bool
        Leave out demand that no allowed site reaches, and list it in the result,
        where otherwise it is a fault.
    cost_of : mapping or Series, by site id
        What it costs to open a site, 0 or more. A fixed site is open already and
        costs nothing. The LSCP then asks for the least cost and not the fewest sites.
    budget : float or None
        Most that the opened sites may cost together, in the unit of `cost_of`.
    groups : mapping or Series, by site id
        The community (or any other group) that a site belongs to.
    at_least, at_most : mapping of group to count
        How many open sites, fixed ones included, each group has at least and at most.
    reach : Reach or None
        Share of the weight that has to live near an open site (`p_median`, `lexicographic`);
        with hard capacities, near the site that it is given.
    capacity : HardCapacity or None
        What sites hold at most (`p_median`, `lexicographic`, `pareto`).
    """

    fixed: Collection[Hashable] = ()
    required: Collection[Hashable] = ()
    forbidden: Collection[Hashable] = ()
    allow_unreachable: bool = False
    cost_of: Mapping[Hashable, float] | pd.Series[float] | None = field(default=None, hash=False)
    budget: float | None = None
    groups: Mapping[Hashable, Hashable] | pd.Series | None = field(default=None, hash=False)
    at_least: Mapping[Hashable, int] = field(default_factory=dict, hash=False)
    at_most: Mapping[Hashable, int] = field(default_factory=dict, hash=False)
    reach: Reach | None = None
    capacity: HardCapacity | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        """Freeze the ids; a single text is one id, not its characters."""
        _check_kinds(self)
        for name in ("cost_of", "groups", "at_least", "at_most"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, dict(given.items()))
        for name in ("fixed", "required", "forbidden"):
            object.__setattr__(self, name, _as_tuple(getattr(self, name)))


def _check_kinds(rules: Rules) -> None:
    """Refuse what is no list of ids, no mapping by id, or no `Reach`."""
    faults = FaultList()
    for name in ("fixed", "required", "forbidden"):
        given = getattr(rules, name)
        if not isinstance(given, Iterable):
            faults.add(
                en=f"Rules: `{name}` is {given!r}; expected site ids, such as [{given!r}].",
                zh=f"规则 `{name}` 为 {given!r}，应为选址点编号的列表，如 [{given!r}]。",
            )
    for name, optional in (("cost_of", True), ("groups", True), ("at_least", False),
                           ("at_most", False)):  # fmt: skip
        given = getattr(rules, name)
        if not (isinstance(given, (Mapping, pd.Series)) or (optional and given is None)):
            key_en, key_zh = ("site", "选址点") if optional else ("group", "分组")
            faults.add(
                en=f"Rules: `{name}` is a {type(given).__name__}; expected a mapping by {key_en}.",
                zh=f"规则 `{name}` 的类型为 {type(given).__name__}，应为以{key_zh}为键的映射。",
            )
    if not isinstance(rules.reach, Reach | None):
        faults.add(
            en=f"Rules: `reach` is {rules.reach!r}; expected Reach(radius_m, share).",
            zh=f"规则 `reach` 为 {rules.reach!r}，应为 Reach(radius_m, share)。",
        )
    if not isinstance(rules.capacity, HardCapacity | None):
        faults.add(
            en=f"Rules: `capacity` is of the type {type(rules.capacity).__name__}; expected "
            f"HardCapacity(amounts, load). Capacities that only warn go to p_median(capacity=...).",
            zh=f"规则 `capacity` 的类型为 {type(rules.capacity).__name__}，应为 "
            f"HardCapacity(amounts, load)。仅作提示的容量请写入 p_median(capacity=...)。",
        )
    faults.raise_if_any(CostMatrixError)


@dataclass(slots=True)
class Stop:
    """
    A wish that all searches end soon, which may come at any time, and what it would keep.

    Attributes
    ----------
    asked : bool
        Each search ends as soon as it has a plan to give back (``stopped_by`` is ``key``).
    planned : bool
        Some search has had a plan.
    heeded : bool
        Some search has ended by it.
    """

    asked: bool = False
    planned: bool = False
    heeded: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """
    When a solver stops before its proof is complete, and how it draws its starts.

    Attributes
    ----------
    work : int
        Counted steps: one bounding iteration, one interchange or ten simplex
        iterations each count as one. The same work gives the same result on the
        same machine, whatever else runs there.
    time_s : float or None
        Safety stop in seconds. A run that it ends cannot be repeated exactly.
    gap : float
        Relative gap at which the plan is good enough; 0 asks for a proof.
    seed : int
        Seed of the random starts.
    progress : callable or None
        Called with (bound, objective) whenever one of them improves.
    explain : bool
        Where there is no plan, look for the limits that conflict and for what would do.
    stop : Stop or None
        Looked at as often as the clock.
    """

    work: int = 100_000
    time_s: float | None = None
    gap: float = 0.0
    seed: int = 0
    progress: Progress | None = field(default=None, compare=False, repr=False)
    explain: bool = True
    stop: Stop | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing."""
        faults = FaultList()
        for name, value, good, en, zh in (
            (
                "work",
                self.work,
                is_number(self.work) and self.work > 0,
                "a positive count",
                "正整数",
            ),
            (
                "time_s",
                self.time_s,
                self.time_s is None or (is_number(self.time_s) and self.time_s > 0),
                "positive seconds, or None for no limit",
                "正数秒，或 None 表示不限",
            ),
            (
                "gap",
                self.gap,
                is_number(self.gap) and self.gap >= 0,
                "0 or a positive share",
                "0 或正的比例",
            ),
            (
                "seed",
                self.seed,
                _is_whole(self.seed) and self.seed >= 0,
                "0 or a positive whole number",
                "非负整数",
            ),
        ):
            if not good:
                faults.add(
                    en=f"Limits: `{name}` is {value}; expected {en}.",
                    zh=f"求解限制 `{name}` 为 {value}，应为{zh}。",
                )
        faults.raise_if_any(SettingsError)


def check_limits(limits: object) -> None:
    """Refuse what are no `Limits` before anything is computed with them."""
    if isinstance(limits, Limits):
        return
    raise SettingsError(
        Message(
            en=f"`limits` is {limits!r}; expected Limits(...), e.g. Limits(time_s=60), or nothing "
            f"for the default ones.",
            zh=f"`limits` 为 {limits!r}，应为 Limits(...)，例如 Limits(time_s=60)；不填即为默认。",
        )
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
