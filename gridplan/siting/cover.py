"""What a covering problem still has to decide, made smaller without losing the best plan."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from gridplan.siting.highs import Model
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.problem import Problem
from gridplan.siting.search import Look

# Sets that are compared with all others between two looks at the clock.
_SETS_AT_ONCE = 1_000
# Members that are looked up first.
_FIRST_MEMBERS = 8
# A cover with more pairs is reduced once more only if that left at most this share of it.
_MOST_REPEATED, _WORTH = 2_000_000, 0.9
_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Side:
    """Rows besides coverage: budget, counts of groups; for the free sites alone."""

    matrix: Floats
    least: Floats
    most: Floats

    def of(self, columns: Flags | Positions) -> Side:
        """Return the rows for some of the columns."""
        return replace(self, matrix=self.matrix[:, columns])

    @property
    def empty(self) -> bool:
        """There are none."""
        return not len(self.least)


@dataclass(frozen=True)
class Cover:
    """
    Free sites, and the demand that the sites open for certain leave uncovered.

    Attributes
    ----------
    covers : ndarray of bool, shape (n, m)
        Whether a free site covers a demand point.
    weights : ndarray, shape (n,)
    needs : ndarray of int, shape (n,)
        How many of the free sites each demand point still needs.
    cost : ndarray, shape (m,)
        What a set of sites is charged for: 1 each, or the opening cost.
    sites : ndarray, shape (m,)
        Positions of the free sites in the problem.
    opened : ndarray
        Positions of the sites that are open for certain.
    slots : int or None
        Free sites to open; None: any number.
    side : Side
    exact : bool
        Just `slots` are to be opened; otherwise at most, since further ones do no harm.
    done : float
        Weight that is covered already.
    """

    covers: Flags
    weights: Floats
    needs: Floats
    cost: Floats
    sites: Positions
    opened: Positions
    slots: int | None
    side: Side
    exact: bool
    done: float

    @property
    def free(self) -> bool:
        """Any set of sites is allowed."""
        return self.side.empty and not self.exact

    def positions(self, chosen: Positions) -> Positions:
        """Return all open sites of a plan as positions in the problem."""
        return np.sort(np.concatenate([self.opened, self.sites[chosen]]))

    def covered(self, chosen: Positions) -> float:
        """Return the weight that some free sites cover with those open for certain."""
        within = self.covers[:, chosen].any(axis=1)
        return self.done + math.fsum(self.weights[within])

    def where(self, rows: Flags, columns: Flags) -> Cover:
        """Return the cover of some demand and sites."""
        return replace(
            self,
            covers=self.covers[np.ix_(rows, columns)],
            weights=self.weights[rows],
            needs=self.needs[rows],
            cost=self.cost[columns],
            sites=self.sites[columns],
            side=self.side.of(columns),
        )


def make_cover(
    problem: Problem, within: Flags, counted: Flags, *, p: int | None, backup: int = 1
) -> Cover:
    """
    Return what is left to decide when the sites that must be open are.

    Parameters
    ----------
    within : ndarray of bool, shape (n_demand, n_sites)
        Whether a site covers a demand point.
    counted : ndarray of bool, shape (n_demand,)
        Demand that is to be covered.
    """
    free = problem.may_open & ~problem.must_open
    opened = np.flatnonzero(problem.must_open)
    held = within[:, opened].sum(axis=1)
    left = counted & (held < backup)
    matrix, least, most = problem.conditions.rows(len(free))
    taken = matrix[:, opened].sum(axis=1)
    cost = problem.conditions.cost
    return Cover(
        covers=within[np.ix_(left, free)],
        weights=problem.weights[left],
        needs=(backup - held[left]).astype(np.float64),
        cost=np.ones(int(free.sum())) if cost is None else cost[free],
        sites=np.flatnonzero(free),
        opened=opened,
        slots=None if p is None else p - len(opened),
        side=Side(matrix[:, free], least - taken, most - taken),
        exact=problem.conditions.binding,
        done=math.fsum(problem.weights[counted & ~left]),
    )


def merged(cover: Cover) -> Cover:
    """Return the cover with demand that the same sites cover made one, weights added."""
    if not cover.covers.shape[1] or not len(cover.weights):
        return cover.where(_any(cover.covers), np.ones(len(cover.sites), dtype=np.bool_))
    packed = np.packbits(cover.covers, axis=1)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    weights = np.bincount(which.ravel(), cover.weights, minlength=len(first)).astype(np.float64)
    order = np.argsort(first, kind="stable")
    rows = first[order]
    within = cover.covers[rows]
    kept = _any(within)
    return replace(
        cover,
        covers=within[kept],
        weights=weights[order][kept],
        needs=cover.needs[rows][kept],
    )


def _any(flags: Flags) -> Flags:
    return np.asarray(flags.any(axis=1), dtype=np.bool_)


def without_dominated(cover: Cover, look: Look | None = None) -> Cover:
    """
    Return the cover without sites that another makes needless.

    A site is dropped if another one covers all that it does, at no higher cost;
    of equal sites the first stays. Only where any set of sites is allowed and no
    demand needs two of them.
    """
    if not cover.free or (cover.needs > 1).any():
        return cover
    covers = np.ascontiguousarray(cover.covers.T)
    kept = _outermost(covers, cover.cost, look)
    return cover.where(np.ones(len(cover.weights), dtype=np.bool_), kept)


def without_implied(cover: Cover, look: Look | None = None) -> Cover:
    """Return the cover without demand that is covered whenever some other demand is."""
    kept = _innermost(cover.covers, cover.needs, look)
    return cover.where(kept, np.ones(len(cover.sites), dtype=np.bool_))


def _outermost(sets: Flags, cost: Floats, look: Look | None) -> Flags:
    """Return which sets no other one contains that costs no more; of equal sets the first."""
    count, size = len(sets), sets.sum(axis=1)
    kept = np.ones(count, dtype=np.bool_)
    # Small sets first, so that what contains them is still there; of equal ones the last first.
    for at, having in _containing(sets, np.lexsort((-np.arange(count), size)), look):
        others = having[kept[having] & (cost[having] <= cost[at])]
        kept[at] = len(others) == 1
    return kept


def _innermost(sets: Flags, needs: Floats, look: Look | None) -> Flags:
    """Return which sets contain no other one that needs as much; of equal sets the first."""
    count, size = len(sets), sets.sum(axis=1)
    kept = np.ones(count, dtype=np.bool_)
    for at, having in _containing(sets, np.lexsort((np.arange(count), -needs, size)), look, kept):
        kept[having[needs[having] <= needs[at]]] = False
        kept[at] = True
    return kept


def _containing(
    sets: Flags, order: Positions, look: Look | None, among: Flags | None = None
) -> Iterator[tuple[int, Positions]]:
    """Yield each set with all that contain it, itself included: bits of members, met at once."""
    members = [np.flatnonzero(one) for one in sets]
    holders, bits = np.packbits(sets.T, axis=1), np.packbits(sets, axis=1)
    everyone = np.packbits(np.ones(len(sets), dtype=np.bool_))
    for done, at in enumerate(order.tolist()):
        if look is not None and done % _SETS_AT_ONCE == 0:
            look()
        if among is not None and not among[at]:
            continue
        # Few sets hold some of the members, spread over all; those are looked at in full.
        some = members[at][:: len(members[at]) // _FIRST_MEMBERS + 1]
        octets = np.bitwise_and.reduce(holders[some], axis=0, initial=255) & everyone
        where = np.flatnonzero(octets)
        found = np.unpackbits(octets[where]).nonzero()[0]
        having = where[found >> 3] * 8 + (found & 7)
        if len(some) < len(members[at]):
            having = having[(bits[having] & bits[at] == bits[at]).all(axis=1)]
        yield at, having


def reduced(cover: Cover, look: Look | None = None) -> Cover:
    """
    Drop implied demand and dominated sites in turn, for a problem that covers everybody.

    Parameters
    ----------
    look : callable, optional
        Called now and then, and may raise.
    """
    cover = replace(cover)
    while True:
        if look is not None:
            look()
        before = cover.covers.size
        cover = without_dominated(without_implied(cover, look), look)
        small = before <= _MOST_REPEATED
        if cover.covers.size == before or not (small or cover.covers.size < _WORTH * before):
            return cover


def greedy_cover(cover: Cover) -> Positions:
    """Return columns that cover everybody, each time the site that covers most for its cost."""
    left, chosen = cover.needs.copy(), []
    price = np.maximum(cover.cost, 1e-9)
    closed = np.ones(len(cover.sites), dtype=np.bool_)
    # Demand is taken off the count once, when it needs no more.
    count = _counted(cover.covers, np.flatnonzero(left > 0))
    while (left > 0).any():
        gain = count * closed / price
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        chosen.append(best)
        closed[best] = False
        short = left > 0
        left -= cover.covers[:, best]
        count -= _counted(cover.covers, np.flatnonzero(short & (left <= 0)))
    return np.array(sorted(chosen), dtype=np.intp)


def _counted(covers: Flags, rows: Positions) -> Positions:
    """Return how many of some demand points each site covers, a few rows at a time."""
    count = np.zeros(covers.shape[1], dtype=np.intp)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        count += covers[rows[first : first + _ROWS_AT_ONCE]].sum(axis=0)
    return count


def _listed(covers: Flags) -> csr_array:
    """Return what covers what as a list of pairs: few of all that could be, as a rule."""
    row, site = np.nonzero(covers)
    start = np.concatenate([[0], np.cumsum(covers.sum(axis=1))])
    return csr_array((np.ones(len(row)), site, start), shape=covers.shape)


def set_model(cover: Cover, cost: Floats) -> Model:
    """Return the model that covers all demand at least cost; with `slots` open if given."""
    m = len(cover.sites)
    rows = [_listed(cover.covers), csr_array(cover.side.matrix)]
    least = [cover.needs, cover.side.least]
    most = [np.full(len(cover.needs), np.inf), cover.side.most]
    if cover.slots is not None:
        rows.append(csr_array(np.ones((1, m))))
        least.append(np.array([float(cover.slots) if cover.exact else 0.0]))
        most.append(np.array([float(cover.slots)]))
    return Model(
        cost=cost,
        rows=csr_array(vstack(rows, format="csr")),
        least=np.concatenate(least),
        most=np.concatenate(most),
        lower=np.zeros(m),
        upper=np.ones(m),
        whole=np.ones(m, dtype=np.bool_),
    )


def most_model(cover: Cover) -> Model:
    r"""
    Return the model that covers most weight.

    .. math::
        \min -\sum_i w_i z_i \quad \text{s.t.} \quad z_i \le \sum_{j \in N_i} y_j,
        \quad \sum_j y_j = p, \quad y_j \in \{0, 1\},\; 0 \le z_i \le 1

    Columns are the sites, then the demand.
    """
    n, m = cover.covers.shape
    side = csr_array(np.hstack([cover.side.matrix, np.zeros((len(cover.side.least), n))]))
    within = _listed(cover.covers)
    rows = [hstack([within, -eye_array(n)], format="csr"), side]
    least, most = [np.zeros(n), cover.side.least], [np.full(n, np.inf), cover.side.most]
    if cover.slots is not None:
        count = np.concatenate([np.ones(m), np.zeros(n)])
        rows.append(csr_array(count[None, :]))
        least.append(np.array([float(cover.slots) if cover.exact else 0.0]))
        most.append(np.array([float(cover.slots)]))
    return Model(
        cost=np.concatenate([np.zeros(m), -cover.weights]),
        rows=csr_array(vstack(rows, format="csr")),
        least=np.concatenate(least),
        most=np.concatenate(most),
        lower=np.zeros(m + n),
        upper=np.ones(m + n),
        whole=np.concatenate([np.ones(m, dtype=np.bool_), np.zeros(n, dtype=np.bool_)]),
    )


def filled(problem: Problem, chosen: Positions, p: int | None) -> Positions:
    """Return a plan with the first sites that may be open added, until there are p."""
    short = 0 if p is None else p - len(chosen)
    if short <= 0:
        return chosen
    spare = problem.may_open.copy()
    spare[chosen] = False
    return np.sort(np.concatenate([chosen, np.flatnonzero(spare)[:short]]))
