"""Whether groups of things can be joined over empty land without crossing each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

Group = frozenset[int]

_MOST_CHOICES, _MOST_LOOKED, _MOST_TRIED = 50, 20_000, 200
"""Of more ways to group all things, or to go round each other, nothing is said."""


@dataclass(slots=True)
class Ways:
    """
    Things with a load, and the empty land between them.

    Attributes
    ----------
    things : int
        The first so many nodes; those after them are empty.
    near : list of set of int
        The nodes beside each.
    """

    things: int
    near: list[set[int]]
    _known: dict[tuple[Group, Group], bool] = field(default_factory=dict)

    def clash(self, one: Group, other: Group) -> bool:
        """
        Return whether two groups that share nothing cannot both be joined.

        Each may use empty land alone, and no place is both of theirs. False if it is not known.
        """
        a, b = sorted((one, other), key=sorted)
        if (a, b) not in self._known:
            self._known[a, b] = self._impossible((a, b))
        return self._known[a, b]

    def together(self, groups: Sequence[Group]) -> bool:
        """
        Return whether groups that share nothing cannot all be joined at once.

        As `clash` of two; several may be in each other's way though no two of them are.
        """
        several = [one for one in groups if len(one) > 1]
        return self._impossible(tuple(sorted(several, key=sorted)))

    def _impossible(self, groups: tuple[Group, ...]) -> bool:
        """Return whether each way to leave places to one group or another fails."""
        empty = frozenset(range(self.things, len(self.near)))
        waiting, tried = [(empty,) * len(groups)], 0
        while waiting:
            tried += 1
            if tried > _MOST_TRIED:
                return False
            free = self._needed_left(groups, waiting.pop())
            if free is None:
                continue
            used = [self._joint(group, own) or frozenset()
                    for group, own in zip(groups, free, strict=True)]  # fmt: skip
            pairs = itertools.combinations(range(len(groups)), 2)
            pair = next((one for one in pairs if used[one[0]] & used[one[1]]), None)
            if pair is None:
                return False
            # A place that two would take is left to one of them.
            place = frozenset({min(used[pair[0]] & used[pair[1]])})
            waiting += [(*free[:at], free[at] - place, *free[at + 1 :]) for at in pair]
        return True

    def _needed_left(
        self, groups: tuple[Group, ...], free: tuple[Group, ...]
    ) -> tuple[Group, ...] | None:
        """Return the places free to each without those that others need; None: it fails."""
        left = list(free)
        while True:
            before = tuple(left)
            for at, group in enumerate(groups):
                way = self._joint(group, left[at])
                if way is None:
                    return None
                needed = {one for one in way if not self._joins(group, left[at] - {one})}
                left = [one if number == at else one - needed for number, one in enumerate(left)]
            if before == tuple(left):
                return before

    def _joins(self, group: Group, free: AbstractSet[int]) -> bool:
        """Return whether free places join a group."""
        open_, first = free | group, min(group)
        seen, waiting, left = {first}, [first], len(group) - 1
        while waiting and left:
            more = (self.near[waiting.pop()] & open_) - seen
            seen |= more
            left -= len(more & group)
            waiting += more
        return not left

    def _joint(self, group: Group, free: AbstractSet[int]) -> Group | None:
        """Return free places that join a group, by way after way; None if nothing does."""
        done, open_ = {min(group)}, free | group
        used: set[int] = set()
        while group - done:
            came: dict[int, int] = dict.fromkeys(sorted(done), -1)
            waiting, met = sorted(done), -1
            for one in waiting:
                if one in group and one not in done:
                    met = one
                    break
                more = sorted((self.near[one] & open_) - came.keys())
                came.update(dict.fromkeys(more, one))
                waiting += more
            if met < 0:
                return None
            while met not in done:
                done.add(met)
                used |= {met} - group
                met = came[met]
        return frozenset(used)


def none_joined(groups: Sequence[Group], ways: Ways, zones: int) -> bool:
    """
    Return whether zones that hold all things cannot be these groups, whatever their borders.

    Each choice of `zones` groups with every thing in one of them has two that clash, or several
    that cannot all be joined. False where there are too many choices.

    Examples
    --------
    Four things round an empty place, which joins those that face each other:

    >>> cross = Ways(4, [{4}, {4}, {4}, {4}, {0, 1, 2, 3}])
    >>> none_joined([frozenset({0, 2}), frozenset({1, 3})], cross, 2)
    True
    """
    choices = _choices(groups, ways.things, zones)
    return choices is not None and all(
        ways.together(one)
        or any(ways.clash(a, b) for a, b in itertools.combinations(sorted(one, key=sorted), 2))
        for one in choices
    )


def _choices(groups: Sequence[Group], things: int, zones: int) -> list[tuple[Group, ...]] | None:
    """Return each choice of groups with every thing in one of them; None if they are many."""
    by_first: list[list[Group]] = [[] for _ in range(things)]
    for one in sorted(groups, key=sorted):
        by_first[min(one)].append(one)
    found: list[tuple[Group, ...]] = []
    waiting: list[tuple[Group, tuple[Group, ...]]] = [(frozenset(), ())]
    looked = 0
    while waiting:
        done, chosen = waiting.pop()
        looked += 1
        if len(done) == things:
            found += [chosen] if len(chosen) == zones else []
        elif len(chosen) < zones:
            first = next(one for one in range(things) if one not in done)
            waiting += [(done | one, (*chosen, one)) for one in by_first[first] if not one & done]
        if looked > _MOST_LOOKED or len(found) > _MOST_CHOICES:
            return None
    return found
