"""The best choice of p sites where groups of sites have a least and a most number."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gridplan.siting.matrix import Flags, Floats, Positions


@dataclass(frozen=True)
class Region:
    """
    Sites among which at least `least` and at most `most` are open.

    Two regions of one problem are apart, or one holds the other.
    """

    sites: tuple[int, ...]
    least: int
    most: int


@dataclass(frozen=True)
class Pick:
    """
    The best choice.

    Attributes
    ----------
    total : float
        Sum of the values of the chosen sites; ``-inf`` if no choice keeps the counts.
    chosen : ndarray of bool, shape (m,)
    others : ndarray, shape (m,)
        Largest sum of all other sites in a choice that has this one.
    """

    total: float
    chosen: Flags
    others: Floats


@dataclass
class _Group:
    least: int
    most: int
    loose: Positions
    inner: list[_Group] = field(default_factory=list)
    order: Positions = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    parts: list[Floats] = field(default_factory=list)
    sums: list[Floats] = field(default_factory=list)

    def inside(self, values: Floats, slots: int) -> Floats:
        """Return the best sum of k sites for each k from 0 to `slots`."""
        self.order = self.loose[np.argsort(-values[self.loose], kind="stable")]
        top = np.full(slots + 1, -np.inf)
        prefix = np.concatenate([[0.0], np.cumsum(values[self.order[:slots]])])
        top[: len(prefix)] = prefix
        self.parts = [top, *(group.inside(values, slots) for group in self.inner)]
        self.sums = [self.parts[0]]
        for part in self.parts[1:]:
            self.sums.append(_joined(self.sums[-1], part))
        table = self.sums[-1].copy()
        table[: min(self.least, slots + 1)] = -np.inf
        table[self.most + 1 :] = -np.inf
        return table

    def pick(self, count: int, chosen: Flags) -> None:
        """Mark the best `count` sites."""
        for at in range(len(self.parts) - 1, 0, -1):
            part, rest = self.parts[at][: count + 1], self.sums[at - 1][: count + 1]
            own = int((part + rest[::-1]).argmax())
            self.inner[at - 1].pick(own, chosen)
            count -= own
        chosen[self.order[:count]] = True

    def outside(self, rest: Floats, values: Floats, others: Floats) -> None:
        """Give each site the best sum of all others, from what is best outside of here."""
        allowed = rest.copy()
        allowed[: min(self.least, len(rest))] = -np.inf
        allowed[self.most + 1 :] = -np.inf
        after = allowed
        for at in range(len(self.parts) - 1, 0, -1):
            self.inner[at - 1].outside(_remaining(after, self.sums[at - 1]), values, others)
            after = _remaining(after, self.parts[at])
        self._others_of_loose(after, values, others)

    def _others_of_loose(self, after: Floats, values: Floats, others: Floats) -> None:
        if not len(self.order):
            return
        top = self.parts[0]
        inside = (top + after)[1:]
        best_from = np.maximum.accumulate(inside[::-1])[::-1]
        best_until = np.maximum.accumulate(top[:-1] + after[1:])
        rank = np.arange(len(self.order))
        slots = len(inside)
        among = np.where(rank < slots, best_from[np.minimum(rank, slots - 1)], -np.inf)
        added = np.where(rank > 0, best_until[np.clip(rank - 1, 0, slots - 1)], -np.inf)
        others[self.order] = np.maximum(among - values[self.order], added)


def _joined(one: Floats, two: Floats) -> Floats:
    """Return the best of one[a] + two[k - a] for each k."""
    size = len(one)
    both = np.full(size, -np.inf)
    for own in np.nonzero(np.isfinite(two))[0]:
        np.maximum(both[own:], one[: size - own] + two[own], out=both[own:])
    return both


def _remaining(rest: Floats, part: Floats) -> Floats:
    """Return the best of rest[k + a] + part[a] for each k."""
    size = len(rest)
    left = np.full(size, -np.inf)
    for own in np.nonzero(np.isfinite(part))[0]:
        np.maximum(left[: size - own], rest[own:] + part[own], out=left[: size - own])
    return left


class Chooser:
    """
    Chooses the sites of most value, the ones that must be open among them.

    Parameters
    ----------
    must : ndarray of bool, shape (m,)
        Sites that are open in any case.
    slots : int
        Number of open sites, those included.
    regions : tuple of Region
        Counts include the sites that must be open.
    """

    def __init__(self, must: Flags, slots: int, regions: tuple[Region, ...] = ()) -> None:
        self._must = must
        self._slots = slots - int(must.sum())
        self._root = self._tree(regions)

    def _tree(self, regions: tuple[Region, ...]) -> _Group:
        free = ~self._must
        root = _Group(self._slots, self._slots, np.nonzero(free)[0])
        placed: list[tuple[Flags, _Group]] = [(free, root)]
        for region in sorted(regions, key=lambda one: (-len(one.sites), one.sites)):
            inside = np.zeros(len(free), dtype=np.bool_)
            inside[list(region.sites)] = True
            held = int((inside & self._must).sum())
            inside &= free
            least = max(0, region.least - held)
            group = _Group(least, region.most - held, np.nonzero(inside)[0])
            parent = next(one for flags, one in reversed(placed) if not (inside & ~flags).any())
            parent.loose = parent.loose[~inside[parent.loose]]
            parent.inner.append(group)
            placed.append((inside, group))
        return root

    def pick(self, values: Floats) -> Pick:
        """
        Return the best choice; of equally good sites the earlier.

        Examples
        --------
        >>> chooser = Chooser(np.zeros(4, dtype=bool), 2, (Region((0, 1), 0, 1),))
        >>> best = chooser.pick(np.array([9.0, 8.0, 5.0, 1.0]))
        >>> best.total, best.chosen.tolist(), best.others.tolist()
        (14.0, [True, False, True, False], [5.0, 5.0, 9.0, 9.0])
        """
        held = float(values[self._must].sum())
        chosen, others = self._must.copy(), np.full(len(values), -np.inf)
        if self._slots < 0 or not self._possible(self._root):
            return Pick(-np.inf, chosen, others)
        best = float(self._root.inside(values, self._slots)[self._slots])
        if not np.isfinite(best):
            return Pick(-np.inf, chosen, others)
        self._root.pick(self._slots, chosen)
        rest = np.full(self._slots + 1, -np.inf)
        rest[self._slots] = 0.0
        if self._slots:
            self._root.outside(rest, values, others)
        others += held
        others[self._must] = held + best - values[self._must]
        return Pick(held + best, chosen, others)

    def _possible(self, group: _Group) -> bool:
        return group.most >= 0 and all(self._possible(one) for one in group.inner)


def nested_groups(distance: npt.NDArray[np.float64]) -> list[tuple[int, ...]]:
    """
    Return groups of neighbouring sites, each within or apart from each other.

    Parameters
    ----------
    distance : ndarray, shape (m, m)
        Between sites, symmetric.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    m = len(distance)
    if m <= 1:
        return []
    near = (distance + distance.T) / 2.0
    np.fill_diagonal(near, 0.0)
    members: list[tuple[int, ...]] = [(at,) for at in range(m)]
    for one, two in linkage(squareform(near, checks=False), "average")[:-1, :2].astype(int):
        members.append(tuple(sorted(members[one] + members[two])))
    return members[m:]
