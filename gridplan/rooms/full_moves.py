"""Where a room could move to, and what that costs, where no place may hold too many households."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gridplan.rooms.full_assignment import Assignment, FullPlaces
from gridplan.rooms.question import Floats, Positions
from gridplan.siting.result import Status

MOST_TRIED = 8
"""Sites that an assignment is looked for with, for one room."""

_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Move:
    """
    The best of some sites for one room, as far as it was looked for.

    Attributes
    ----------
    site : int or None
        Its position; None where none was found.
    found : Assignment or None
        With it and the other places.
    bound : float
        What no site is better than; ``inf`` where none holds everybody.
    status : {"proven", "gap", "infeasible", "stopped"}
    """

    site: int | None
    found: Assignment | None
    bound: float
    status: Status


def best_move(
    full: FullPlaces,
    rest: Positions,
    closed: Positions,
    start: Assignment,
    keeps: Callable[[Assignment], bool],
) -> Move:
    """
    Return the site with which everybody walks least beside the places that stay.

    Who is stranded comes first, then the total walk; of equal sites the first. Sites are tried
    by their bounds, the least first, until no other can be better or as many were tried as may.

    Parameters
    ----------
    rest, closed : int arrays
        Positions of the places that stay, and of the sites that may be opened.
    start : Assignment
        To the places that stay.
    keeps : callable
        Whether an assignment keeps what else was asked for.
    """
    bounds = full.bounds(rest, closed, start.prices)
    search = _Search()
    for among in _by_stranded(full, rest, closed):
        order = among[np.lexsort((closed[among], bounds[among]))]
        for at in order:
            if not math.isfinite(bounds[at]) or search.beaten(float(bounds[at])):
                break
            if search.tried == MOST_TRIED:
                search.leave(float(bounds[at]))
                break
            opened = np.sort(np.append(rest, closed[at]))
            search.offer(int(closed[at]), full.assign(opened, start.prices, start.given), keeps)
        if search.best is not None:
            break
    return search.result


class _Search:
    """The best site so far, and what those that were not settled may come to."""

    def __init__(self) -> None:
        self.best: tuple[int, Assignment] | None = None
        self.tried, self.least = 0, math.inf
        self.doubtful = False

    @property
    def value(self) -> float:
        return math.inf if self.best is None else self.best[1].objective

    @property
    def result(self) -> Move:
        if self.best is None:
            status: Status = "stopped" if self.doubtful else "infeasible"
            return Move(None, None, self.least, status)
        site, found = self.best
        proven = not self.doubtful and not self._below(self.least)
        bound = found.objective if proven else min(self.least, found.objective)
        return Move(site, found, bound, "proven" if proven else "gap")

    def beaten(self, bound: float) -> bool:
        """No site with this bound is as good as the best one."""
        return bound > self.value + _SAME * max(abs(self.value), 1.0)

    def leave(self, bound: float) -> None:
        """Take note of sites that are not looked at."""
        self.least = min(self.least, bound)
        self.doubtful = True

    def offer(self, site: int, found: Assignment, keeps: Callable[[Assignment], bool]) -> None:
        """Look at the assignment with a site."""
        self.tried += 1
        if found.status == "infeasible":
            return
        self.least = min(self.least, found.bound)
        if not found.planned or not keeps(found):
            # Another assignment may keep it.
            self.doubtful = True
            return
        equal = not self._below(found.objective) and not self.beaten(found.objective)
        first = self.best is None or site < self.best[0]
        if self._below(found.objective) or (equal and first):
            self.best = (site, found)

    def _below(self, value: float) -> bool:
        if math.isinf(self.value):
            return math.isfinite(value)
        return value < self.value - _SAME * max(abs(self.value), 1.0)


def _by_stranded(full: FullPlaces, rest: Positions, closed: Positions) -> Iterator[Positions]:
    """Yield sites of which each strands as many, the fewest first."""
    reach = np.isfinite(full.question.metres)
    alone = full.served & ~reach[:, rest].any(axis=1)
    counted: Floats = full.question.counted
    lost = counted[alone] @ ~reach[np.ix_(alone, closed)]
    left = np.arange(len(closed))
    while len(left):
        least = float(lost[left].min())
        same = lost[left] <= least + _SAME * max(least, 1.0)
        yield left[same]
        left = left[~same]
