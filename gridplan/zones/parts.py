"""Connected parts of a graph whose border units can change part."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridplan.zones.contiguity import Ints

Move = tuple[int, int, int]
"""Unit, the part it leaves, the part it joins."""


class Parts:
    """
    A partition of a graph into connected parts.

    Moves that `may_leave` allows keep each part connected and not empty. The members
    of a part are kept in the order in which they joined it, so that a run can be
    repeated.
    """

    def __init__(self, left: Ints, right: Ints, part: Ints, k: int) -> None:
        self.near: list[list[tuple[int, int]]] = [[] for _ in part]
        for edge, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
            self.near[a].append((b, edge))
            self.near[b].append((a, edge))
        self.beside = [tuple([other for other, _ in own]) for own in self.near]
        self.left: list[int] = left.tolist()
        self.right: list[int] = right.tolist()
        self.part: list[int] = part.tolist()
        self.members: list[dict[int, None]] = [{} for _ in range(k)]
        for unit, own in enumerate(self.part):
            self.members[own][unit] = None
        cut = part[left] != part[right]
        self.cut: list[int] = np.flatnonzero(cut).tolist()
        self.cut_place: list[int] = np.where(cut, np.cumsum(cut) - 1, -1).tolist()

    def proposed(self, pick: float) -> Move:
        """Return the move across the border that `pick`, in [0, 1), stands for."""
        number = pick * 2 * len(self.cut)
        edge = self.cut[int(number / 2)]
        unit, other = self.left[edge], self.right[edge]
        if int(number) % 2:
            unit, other = other, unit
        return unit, self.part[unit], self.part[other]

    def moves_from(self, own: int) -> Iterator[Move]:
        """Return every move of a unit of one part to a part beside it, once each."""
        part, near = self.part, self.near
        for unit in self.members[own]:
            hosts = {part[other]: None for other, _ in near[unit]}
            for host in hosts:
                if host != own:
                    yield unit, own, host

    def may_leave(self, unit: int) -> bool:
        """Return whether the part of a unit stays connected, and not empty, without it."""
        part, beside = self.part, self.beside
        home = part[unit]
        own = [other for other in beside[unit] if part[other] == home]
        if len(own) < 2:  # noqa: PLR2004 - one neighbour: the end of a branch
            return bool(own)
        missing = set(own[1:])
        seen = {unit, own[0]}
        queue = own[:1]
        for one in queue:
            for other in beside[one]:
                if part[other] == home and other not in seen:
                    seen.add(other)
                    queue.append(other)
                    if other in missing:
                        missing.discard(other)
                        if not missing:
                            return True
        return False

    def apply(self, move: Move) -> None:
        """Let a unit change part."""
        unit, home, host = move
        self.part[unit] = host
        del self.members[home][unit]
        self.members[host][unit] = None
        for other, edge in self.near[unit]:
            if self.part[other] == host:
                self._drop_cut(edge)
            elif self.part[other] == home:
                self.cut_place[edge] = len(self.cut)
                self.cut.append(edge)

    def _drop_cut(self, edge: int) -> None:
        last = self.cut.pop()
        if last != edge:
            place = self.cut_place[edge]
            self.cut[place] = last
            self.cut_place[last] = place
        self.cut_place[edge] = -1
