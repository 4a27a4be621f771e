"""How many rooms each community has at least and at most."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gridplan.errors import FaultList, InputError, counted, first_ids, ids_zh
from gridplan.siting import Rules

EACH = "each"
"""Stands for every community that is not named itself."""

Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class RoomCounts:
    """
    Least and greatest number of rooms by community; rooms that are open today count.

    Attributes
    ----------
    community_of : mapping of site id to community id
        Existing rooms and candidates. A site that is absent (a committee, or one outside all
        communities) counts nowhere.
    at_least, at_most : mapping of community id to number
    existing : tuple of site ids
        Rooms that are open today.
    """

    community_of: Mapping[Hashable, Hashable] = field(default_factory=dict)
    at_least: Mapping[Hashable, int] = field(default_factory=dict)
    at_most: Mapping[Hashable, int] = field(default_factory=dict)
    existing: tuple[str, ...] = ()

    def rules(self, sites: Collection[str]) -> Rules:
        """
        Return the counts as the solvers take them; no rules where there are none.

        Parameters
        ----------
        sites : ids of the sites that the solver knows
            A community that has none of them keeps any greatest number, and is left out.
        """
        groups: dict[Hashable, Hashable] = {
            one: self.community_of[one] for one in sites if one in self.community_of
        }
        there = frozenset(groups.values())
        at_least = {one: n for one, n in self.at_least.items() if n or one in there}
        at_most = {one: n for one, n in self.at_most.items() if one in there or one in at_least}
        if not (at_least or at_most):
            return Rules()
        return Rules(groups=groups, at_least=at_least, at_most=at_most)

    @property
    def binding(self) -> bool:
        """Some community has a least or a greatest number."""
        return bool(self.at_least or self.at_most)

    def allowed(self, opened: Positions, ids: Sequence[str], sites: Positions) -> Flags:
        """
        Return which sites keep all counts when opened beside others.

        Parameters
        ----------
        opened : positions of the sites that are open
        ids : ids of all sites
        sites : positions of those that are asked about, none of them open
        """
        names = sorted({*self.at_least, *self.at_most}, key=str)
        at = {name: place for place, name in enumerate(names)}
        group = np.array([at.get(self.community_of.get(one, ""), -1) for one in ids])
        least = np.array([self.at_least.get(name, 0) for name in names])
        most = np.array([float(self.at_most.get(name, np.inf)) for name in names])
        held = np.bincount(group[opened][group[opened] >= 0], minlength=len(names))
        with_one = held[None, :] + (group[sites][:, None] == np.arange(len(names))[None, :])
        found: Flags = ((with_one >= least) & (with_one <= most)).all(axis=1)
        return found


def room_counts(
    community_of: Mapping[Hashable, Hashable],
    communities: Sequence[str],
    *,
    at_least: Mapping[str, int],
    at_most: Mapping[str, int],
    existing: Collection[str] = (),
) -> RoomCounts:
    """
    Return the counts of each community, `EACH` being spelt out.

    Parameters
    ----------
    community_of : mapping of site id to community id
    communities : ids of all communities
    at_least, at_most : mapping of community id, or `EACH`, to number
    existing : ids of the rooms that are open today

    Raises
    ------
    InputError
        If a community is not known.

    Examples
    --------
    >>> room_counts({}, ["a", "b"], at_least={"each": 1, "b": 2}, at_most={}).at_least
    {'a': 1, 'b': 2}
    """
    faults = FaultList()
    for key, given in (("at_least", at_least), ("at_most", at_most)):
        unknown = sorted(set(given) - {EACH, *communities})
        if unknown:
            faults.add(
                en=f"[siting].{key}: {counted(len(unknown), 'community is', 'communities are')} "
                f"not in the place: {first_ids(unknown)}. It has {first_ids(sorted(communities))}; "
                f'"each" stands for all.',
                zh=f"[siting].{key} 中有 {len(unknown)} 个社区不在本辖区：{ids_zh(unknown)}。"
                f'辖区内有 {ids_zh(sorted(communities))}；"each" 表示各社区。',
            )
    faults.raise_if_any(InputError)
    return RoomCounts(
        community_of=community_of,
        at_least=_spelt_out(at_least, communities),
        at_most=_spelt_out(at_most, communities),
        existing=tuple(sorted(existing)),
    )


def _spelt_out(given: Mapping[str, int], communities: Sequence[str]) -> dict[Hashable, int]:
    named = {one: given.get(one, given.get(EACH)) for one in sorted(communities)}
    return {one: number for one, number in named.items() if number is not None}


def check_counts(
    counts: RoomCounts,
    *,
    existing: Sequence[str],
    candidates: Sequence[str],
    required: Sequence[str],
    rooms: int | None,
) -> None:
    """
    Raise an error with one message for each way in which the counts cannot be kept.

    `InputError` where they contradict each other, `InfeasibleError` where they are sound but the
    sites, the required rooms or the number of rooms leave no plan.

    Parameters
    ----------
    existing, candidates, required : site ids
        Rooms that are open today; candidates that may be opened; those that have to be.
    rooms : int or None
        New rooms that are asked for; None where their number is free.
    """
    if not counts.binding:
        return
    may = _by_community(counts, [*existing, *candidates])
    must = _by_community(counts, [*existing, *required])
    faults = FaultList()
    for add, wrong, en, zh, then_en, then_zh in (
        (
            faults.add,
            [one for one in counts.at_least if _crossed(counts, one)],
            "at_least is above at_most",
            "at_least 大于 at_most",
            "Change one of the two.",
            "请调整其一。",
        ),
        (
            faults.cannot,
            [one for one, least in counts.at_least.items() if least > may.get(one, 0)],
            "there are too few rooms and sites for at_least",
            "现有活动室与候选场地少于下限 at_least",
            "Add sites, or give a smaller number there.",
            "请增加场地，或为其单独设定较小的数量。",
        ),
        (
            faults.cannot,
            [one for one, most in counts.at_most.items() if most < must.get(one, 0)],
            "existing and required rooms are more than at_most",
            "现有与必选活动室多于上限 at_most",
            "Raise at_most there.",
            "请提高其上限。",
        ),
    ):
        if wrong:
            where = counted(len(wrong), "community", "communities")
            add(
                en=f"[siting]: {en} in {where}: {first_ids(wrong)}. {then_en}",
                zh=f"[siting]：有 {len(wrong)} 个社区的{zh}：{ids_zh(wrong)}。{then_zh}",
            )
    faults.raise_if_any(InputError)
    # What follows speaks of the same numbers, and says nothing while these are at odds.
    if rooms is not None:
        standing = replace(counts, existing=tuple(existing))
        check_number_of(standing, rooms=rooms, required=required, candidates=candidates)


def check_number_of(
    counts: RoomCounts, *, rooms: int, required: Collection[str], candidates: Collection[str]
) -> None:
    """
    Raise an `InfeasibleError` if the numbers by community leave no choice of so many new rooms.

    Parameters
    ----------
    rooms : int
    required, candidates : ids of sites that have to be, and that may be, opened
    """
    if not counts.binding:
        return
    stand = _by_community(counts, counts.existing)
    must = _by_community(counts, [*counts.existing, *required])
    more = {
        one: max(least, must.get(one, 0)) - stand.get(one, 0)
        for one, least in counts.at_least.items()
    }
    elsewhere = sum(1 for one in required if counts.community_of.get(one) not in more)
    needed = sum(more.values()) + elsewhere
    faults = FaultList()
    most = _most(counts, candidates, stand)
    if counts.at_most and rooms > most:
        faults.cannot(
            en=f"[siting].p = {rooms}, but at_most leaves {most} new rooms. Lower p to {most}, or "
            f"raise at_most.",
            zh=f"[siting].p = {rooms}，但按 at_most 最多只能新增 {most} 处。"
            f"请将 p 减小到 {most}，或提高 at_most。",
        )
    if needed > rooms:
        faults.cannot(
            en=f"[siting].p = {rooms}, but at_least and the required sites ask for {needed} "
            f"new rooms. Raise p to {needed} or more, or lower at_least.",
            zh=f"[siting].p = {rooms}，但 at_least 与必选场地共需新增 {needed} 处。"
            f"请将 p 提高到不小于 {needed}，或降低 at_least。",
        )
    faults.raise_if_any(InputError)


def _most(counts: RoomCounts, candidates: Collection[str], stand: Mapping[Hashable, int]) -> int:
    """Return how many candidates can be opened at most."""
    offered = _by_community(counts, list(candidates))
    held = sum(offered.values())
    bound = sum(
        min(number, max(counts.at_most[one] - stand.get(one, 0), 0))
        if one in counts.at_most
        else number
        for one, number in offered.items()
    )
    return len(candidates) - held + bound


def least_cost(
    counts: RoomCounts, cost: Mapping[str, float], *, required: Collection[str]
) -> float:
    """
    Return what the required sites and the least numbers by community cost at least.

    Parameters
    ----------
    cost : mapping of site id to yuan
        Of the candidates that can be bought, required ones among them.
    required : ids of sites that have to be opened

    Returns
    -------
    float
        ``inf`` where a community has too few sites with a cost.
    """
    must = frozenset(required)
    total = [cost[one] for one in sorted(must)]
    stand = _by_community(counts, [*counts.existing, *sorted(must)])
    for community, least in counts.at_least.items():
        missing = least - stand.get(community, 0)
        offered = sorted(
            price
            for one, price in cost.items()
            if one not in must and counts.community_of.get(one) == community
        )
        total += offered[: max(missing, 0)]
        if missing > len(offered):
            return math.inf
    return math.fsum(total)


def _crossed(counts: RoomCounts, community: Hashable) -> bool:
    least = counts.at_least[community]
    return least > counts.at_most.get(community, least)


def _by_community(counts: RoomCounts, sites: Sequence[str]) -> dict[Hashable, int]:
    found: dict[Hashable, int] = {}
    for one in sites:
        if one in counts.community_of:
            name = counts.community_of[one]
            found[name] = found.get(name, 0) + 1
    return found
