"""Settings of a zone system, and what of them cannot be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gridplan.errors import FaultList
from gridplan.zones.pieces import proposed_k

Nesting = Literal["free", "inside", "unions"]
Islands = Literal["own", "attach"]


@dataclass(frozen=True, slots=True)
class SystemOptions:
    """
    Settings of `gridplan.zones.zone_system`.

    Attributes
    ----------
    k : int
        Number of zones; 0: from `band`, else `proposed`.
    proposed : int
        Number of zones where neither `k` nor `band` says, as far as land, anchors and
        locks allow it; 0: from the first weight (`gridplan.zones.proposed_k`).
    tolerance : float
        Share by which a load may differ from the mean, for weights without their own. The
        mean is that of all zones; of zones inside communities it is that of the zones of
        their own community, since no zone can take from another one.
    tolerances : mapping of weight to float
        Tolerances of single weights; they count as the share of the mean, too.
    sizes : (float, float) or None
        Least and most that the zones of a piece of land have of the first weight in the
        mean, where neither `k` nor `band` says how many there are; the number that is
        best for the tolerance is chosen from what this allows.
    band : (float, float) or None
        Least and most that a zone may have of the first weight, e.g. 300 to 500
        households; it takes the place of that weight's tolerance.
    nest : {"free", "inside", "unions"}
        Zones freely, inside one community each, or of whole communities.
    islands : {"own", "attach"}
        Land without a border to the rest has zones of its own, or goes with the
        nearest cell elsewhere; of zones inside communities, in its own community.
    border_weight : float
        How much shorter a border counts in the shape of a zone where it runs along a
        street or water (`SystemRules.on_lines`): 0 as long as any, 1 as nothing.
    kept : collection of zone names
        Locked zones to which no further cell is added.
    shared : bool
        As many anchors as can be begin in a locked zone, and not only where there are too few
        zones for each to have its own.
    prefix : str
        What the ids of zones begin with that are not locked.
    seed : int
    starts : int
        Partitions to begin with; the best result is kept.
    moves_per_unit, least_moves : int
        Moves proposed in one course for each unit, and at least.
    work : int
        Moves proposed in all courses together; large places get fewer starts.
    time_s : float or None
        Safety stop in seconds. A run that it ends cannot be repeated exactly.
    """

    k: int = 0
    proposed: int = 0
    tolerance: float = 0.20
    tolerances: Mapping[str, float] = field(default_factory=dict, hash=False)
    sizes: tuple[float, float] | None = None
    band: tuple[float, float] | None = None
    nest: Nesting = "free"
    islands: Islands = "own"
    border_weight: float = 0.0
    kept: Collection[str] = ()
    shared: bool = False
    prefix: str = "Z"
    seed: int = 0
    starts: int = 3
    moves_per_unit: int = 200
    least_moves: int = 6_000
    work: int = 1_000_000
    time_s: float | None = None

    @property
    def mean_size(self) -> tuple[float, float] | None:
        """Least and most of the first weight that decide on the number of zones."""
        return None if self.k else self.band or self.sizes

    def share(self, weight: str) -> float:
        """Return the tolerance of a weight."""
        return self.tolerances.get(weight, self.tolerance)

    def number(self, total: float) -> int:
        """Return the number of zones asked for, else a proposal for a load of `total`."""
        return self.k or self.proposed or proposed_k(total)


def system_option_faults(options: SystemOptions, weights: list[str]) -> FaultList:
    """Return what is wrong with the settings, given the names of the weights."""
    faults = FaultList()
    for count in (options.k, options.proposed):
        if count < 0:
            faults.add(
                en=f"The number of zones is {count}. Give 1 or more, or 0 to have it proposed.",
                zh=f"责任区数量为 {count}，应不小于 1；填 0 则自动建议。",
            )
    for name, value in {"tolerance": options.tolerance, **options.tolerances}.items():
        if not 0 < value <= 1:
            faults.add(
                en=f"The tolerance of `{name}` is {value:g}. Give a share above 0 and up to 1.",
                zh=f"`{name}` 的容差为 {value:g}，应大于 0 且不超过 1。",
            )
    unknown = sorted(set(options.tolerances) - set(weights))
    if unknown:
        faults.add(
            en=f"Tolerances are given for {unknown}; the weights are {weights}.",
            zh=f"为 {unknown} 设了容差，但权重只有 {weights}。",
        )
    for pair in (options.band, options.sizes):
        if pair is not None and not 0 <= pair[0] <= pair[1] > 0:
            faults.add(
                en=f"The size band is {pair[0]:g} to {pair[1]:g}. Give the least and the most of a "
                f"zone, in this order, from 0 up.",
                zh=f"规模区间为 {pair[0]:g} 至 {pair[1]:g}，应依次为每区最少与最多，且不小于 0。",
            )
    for name, known in (("nest", ("free", "inside", "unions")), ("islands", ("own", "attach"))):
        value = getattr(options, name)
        if value not in known:
            faults.add(
                en=f"`{name}` is {value!r}. Choose one of {list(known)}.",
                zh=f"`{name}` 为 {value!r}，可选 {list(known)}。",
            )
    faults.extend(_count_faults(options).faults)
    return faults


def _count_faults(options: SystemOptions) -> FaultList:
    faults = FaultList()
    for name in ("starts", "moves_per_unit", "least_moves", "work"):
        if getattr(options, name) < 1:
            faults.add(
                en=f"`{name}` is {getattr(options, name)}. Give a positive whole number.",
                zh=f"`{name}` 为 {getattr(options, name)}，应为正整数。",
            )
    if not 0 <= options.border_weight < 1:
        faults.add(
            en=f"`border_weight` is {options.border_weight:g}. Give a share from 0 to below 1.",
            zh=f"`border_weight` 为 {options.border_weight:g}，应不小于 0 且小于 1。",
        )
    if options.time_s is not None and not options.time_s > 0:
        faults.add(
            en=f"`time_s` is {options.time_s:g}. Give positive seconds, or None for no limit.",
            zh=f"`time_s` 为 {options.time_s:g}，应为正数秒，或 None 表示不限。",
        )
    if options.seed < 0:
        faults.add(
            en=f"The seed is {options.seed}. Give a whole number from 0 up.",
            zh=f"随机种子为 {options.seed}，应为非负整数。",
        )
    return faults
