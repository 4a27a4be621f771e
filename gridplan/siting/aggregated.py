"""Large p-medians under conditions: Benders cuts of neighbouring demand, over the sites alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from gridplan.siting.highs import Model, Options, Outcome, solve_model
from gridplan.siting.ladder import Ladder
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.pairs import Pairs

# The objective is brought near this, since HiGHS has absolute tolerances.
_SCALED_OBJECTIVE = 1e5
_HALFWAY = 0.5
_TOLERANCE = 1e-7
# Rounds of cuts for the linear relaxation, and the share of what is left between bound and best
# plan that a round has to bring; cuts idle for more solves are dropped.
_ROUNDS, _LEAST_PROGRESS, _STALLED = 150, 0.002, 5
_IDLE_SOLVES = 4
# Neighbours are grouped by the closest of about so many sites.
_GROUPS = 60
_ROOM_SHARE = 1e-12
# What rounding may add to the total of a toll, as `Ladder.allowed` has it.
_SLACK = 1e-9


@dataclass
class Cuts:
    r"""
    The problem over the sites and one cost for each group of demand.

    .. math::
        \min \sum_g \theta_g \quad \text{s.t.} \quad
        \theta_g \ge \sum_{i \in g} \Bigl(\lambda_i - \sum_j \max(0, \lambda_i - c_{ij})\,
        y_j\Bigr)

    with the rows of the conditions, and one for each demand point that no site open for
    certain serves: some site that does is open. Each toll that is limited has groups and cuts
    of its own, and a row for their sum. The cuts of any prices :math:`\lambda` hold;
    those that a solution violates are added [1]_.

    Attributes
    ----------
    ladder : Ladder
    ledger : Ledger
    pairs : tuple of Pairs
        Weighted costs, of each toll.
    group : ndarray, shape (n,)
    units : ndarray, shape (n_tolls,)
        In which the groups of each toll are counted.
    closed, opened : ndarray of bool, shape (m,)
        Sites that no better plan opens, or closes.

    References
    ----------
    .. [1] Duran-Mateluna, C., Ales, Z. and Elloumi, S. (2023). An efficient Benders
       decomposition for the p-median problem. *European Journal of Operational Research*,
       308(1), 84-96. https://doi.org/10.1016/j.ejor.2022.11.033
    """

    ladder: Ladder
    ledger: Ledger
    pairs: tuple[Pairs, ...]
    group: Positions
    covering: csr_array
    units: Floats
    opened: Flags
    closed: Flags
    sites: Floats = field(default_factory=lambda: np.empty((0, 0)))
    least: Floats = field(default_factory=lambda: np.empty(0))
    of: Positions = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    idle: Positions = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    barred: list[Positions] = field(default_factory=list)

    @property
    def groups(self) -> int:
        """Number of groups of one toll."""
        return int(self.group.max(initial=-1)) + 1

    @property
    def unit(self) -> float:
        """The unit of the objective."""
        return float(self.units[0])

    def model(self, *, whole: bool) -> Model:
        """Return the model with all cuts; columns are the sites, then the groups."""
        m, k, n_tolls = len(self.ladder.sites), self.groups, len(self.pairs)
        own, least, most = self._site_rows()
        theta = csr_array(
            (np.ones(len(self.of)), (np.arange(len(self.of)), self.of)),
            shape=(len(self.of), n_tolls * k),
        )
        unit = self.units[self.of // max(k, 1)]
        cuts = hstack([csr_array(self.sites.reshape(-1, m) / unit[:, None]), theta])
        sums = np.kron(np.eye(n_tolls)[1:], np.ones(k))
        limits = hstack([csr_array((n_tolls - 1, m)), csr_array(sums)])
        nothing = csr_array((own.shape[0], n_tolls * k))
        rows = vstack([hstack([own, nothing]), limits, cuts], format="csr")
        allowed = np.array([one + _SLACK * max(1.0, abs(one)) for one in self.ladder.most])
        allowed = allowed / self.units[1:]
        # No group of a better plan costs more than all may in that toll.
        highest = np.concatenate([[self.ledger.value / self.unit], np.maximum(allowed, 0.0)])
        unbounded = np.full(n_tolls - 1, -np.inf)
        return Model(
            cost=np.concatenate([np.zeros(m), np.ones(k), np.zeros((n_tolls - 1) * k)]),
            rows=csr_array(rows),
            least=np.concatenate([least, unbounded, self.least / unit]),
            most=np.concatenate([most, allowed, np.full(len(self.of), np.inf)]),
            lower=np.concatenate([self.opened.astype(np.float64), np.zeros(n_tolls * k)]),
            upper=np.concatenate([(~self.closed).astype(np.float64), np.repeat(highest, k)]),
            whole=np.concatenate([np.full(m, whole), np.zeros(n_tolls * k, dtype=np.bool_)]),
        )

    def _site_rows(self) -> tuple[csr_array, Floats, Floats]:
        """Return the rows over the sites alone: conditions, service, number, sets barred."""
        m, side, slots = len(self.ladder.sites), self.ladder.side, self.ladder.slots
        count = 0 if slots is None else 1
        others = [np.where(self.ladder.flags(one), -1.0, 1.0) for one in self.barred]
        rows = vstack(
            [
                csr_array(side.matrix),
                self.covering,
                csr_array(np.ones((count, m))),
                csr_array(np.array(others).reshape(-1, m)),
            ]
        )
        number = np.full(count, float(slots or 0))
        another = np.array([1.0 - len(one) for one in self.barred])
        open_end = np.full(self.covering.shape[0], np.inf)
        least = np.concatenate([side.least, np.ones(len(open_end)), number, another])
        most = np.concatenate([side.most, open_end, number, np.full(len(another), np.inf)])
        return csr_array(rows), least, most

    def value(self, shares: Floats) -> float:
        """Return the least cost of a choice of sites by the cuts there are."""
        lowest = np.zeros(self.groups * len(self.pairs))
        np.maximum.at(lowest, self.of, self.least - _sums(self.sites, shares))
        return math.fsum(lowest[: self.groups])

    def add(self, shares: Floats, at: Floats, theta: Floats) -> int:
        """Add the cuts of the prices at some shares that a solution violates; return how many."""
        added = 0
        for toll, pairs in enumerate(self.pairs):
            first = toll * self.groups
            own = theta[first : first + self.groups]
            added += self._add(pairs, shares, at, own, first=first)
        return added

    def _add(self, pairs: Pairs, shares: Floats, at: Floats, theta: Floats, *, first: int) -> int:
        prices = pairs.last_paid(shares)
        count = pairs.below(prices)
        near = pairs.prefix(count)
        saved = np.repeat(prices, count) - near.cost
        m, k = len(self.ladder.sites), self.groups
        cell = np.repeat(self.group * m, count) + near.site
        sites: Floats = np.bincount(cell, weights=saved, minlength=k * m).astype(np.float64)
        sites = sites.reshape(k, m)
        least = np.bincount(self.group, weights=prices, minlength=k)
        short = least - _sums(sites, at) - theta
        new = np.flatnonzero(short > _TOLERANCE * np.maximum(1.0, np.abs(least)))
        self.sites = np.vstack([self.sites.reshape(-1, m), sites[new]])
        self.least = np.concatenate([self.least, least[new]])
        self.of = np.concatenate([self.of, first + new])
        self.idle = np.concatenate([self.idle, np.zeros(len(new), dtype=np.intp)])
        return len(new)

    def purge(self, out: Outcome) -> None:
        """Drop the cuts that have not mattered in the last solves."""
        if out.row_dual is None:
            return
        dual = out.row_dual[len(out.row_dual) - len(self.of) :]
        self.idle = np.where(dual > 0, 0, self.idle + 1)
        kept = self.idle <= _IDLE_SOLVES
        self.sites, self.least = self.sites[kept], self.least[kept]
        self.of, self.idle = self.of[kept], self.idle[kept]

    def fix(self, out: Outcome, room: float) -> None:
        """Close and open the sites that every better plan closes and opens."""
        if out.reduced is None or not math.isfinite(out.bound):
            return
        reduced = out.reduced[: len(self.ladder.sites)] * self.unit
        # Of a site that is fixed already, the reduced cost says nothing.
        free = ~self.opened & ~self.closed
        beyond = free & (out.bound * self.unit + np.abs(reduced) > room * (1.0 + _ROOM_SHARE))
        self.closed |= beyond & (reduced > 0)
        self.opened |= beyond & (reduced < 0)


def _sums(sites: Floats, shares: Floats) -> Floats:
    """Return what the sites take off each cut; not by a BLAS, whose threads wait for each other."""
    return np.asarray((sites * shares).sum(axis=1))


def make_cuts(ladder: Ladder, ledger: Ledger, plan: Positions) -> Cuts:
    """Return the problem with the cuts of a plan."""
    own, m = ladder.pairs, len(ladder.sites)
    served = np.isfinite(ladder.base[0])
    some = own.count > 0
    every = []
    for values, lowest in zip(ladder.values, ladder.base, strict=True):
        cost = values[ladder.of_pair]
        dearest = np.zeros(len(served))
        dearest[some] = cost[own.start[1:][some] - 1]
        # Whoever has no base is served by a listed site: the dearest is the worst there is.
        base = np.where(served, lowest, dearest)
        every.append(Pairs(own.start, own.site, cost, base, own.n_sites))
    total = np.array([ledger.value, *ladder.most])
    nothing = np.zeros(m, dtype=np.bool_)
    cuts = Cuts(
        ladder=ladder,
        ledger=ledger,
        pairs=tuple(every),
        group=_grouping(ladder),
        covering=_covering(own, ~served),
        units=np.maximum(np.abs(total), 1.0) / _SCALED_OBJECTIVE,
        opened=nothing.copy(),
        closed=nothing.copy(),
        sites=np.empty((0, m)),
    )
    shares = ladder.flags(plan).astype(np.float64)
    cuts.add(shares, shares, np.full(cuts.groups * len(every), -np.inf))
    return cuts


def _covering(pairs: Pairs, lost: Flags) -> csr_array:
    """Return which sites serve the demand that has no base, each set of sites once."""
    rows = np.flatnonzero(lost)
    sets = sorted({tuple(sorted(pairs.site[pairs.start[i] : pairs.start[i + 1]])) for i in rows})
    column = np.array([one for own in sets for one in own], dtype=np.intp)
    row = np.repeat(np.arange(len(sets)), [len(own) for own in sets])
    return csr_array((np.ones(len(row)), (row, column)), shape=(len(sets), pairs.n_sites))


def _grouping(ladder: Ladder) -> Positions:
    """Return the group of each demand point: those closest to the same of some sites."""
    m = len(ladder.sites)
    used = np.unique(np.linspace(0, m - 1, min(m, _GROUPS)).astype(np.intp))
    closest = ladder.pairs.sites_at(ladder.pairs.first_open(ladder.flags(used)))
    _, group = np.unique(closest, return_inverse=True)
    return np.asarray(group, dtype=np.intp).reshape(-1)


def relax(cuts: Cuts, room: float, plan: Positions) -> None:
    """Raise the bound by the linear relaxation, and fix sites by it."""
    ledger, m = cuts.ledger, len(cuts.ladder.sites)
    centre = cuts.ladder.flags(plan).astype(np.float64)
    best, stalled = -math.inf, 0
    for _ in range(_ROUNDS):
        out = solve_model(cuts.model(whole=False), ledger)
        if out.answer == "infeasible":
            # With what was fixed, nothing is better than the best plan.
            ledger.bring_bound(ledger.value)
            return
        bound = out.bound * cuts.unit
        ledger.bring_bound(bound)
        ledger.heed(out.stopped_by)
        if ledger.closed or out.values is None:
            return
        cuts.fix(out, room)
        gained = bound - best
        stalled = 0 if gained > _LEAST_PROGRESS * (ledger.value - bound) else stalled + 1
        best = max(best, bound)
        shares = np.clip(out.values[:m], 0.0, 1.0)
        theta = out.values[m:] * np.repeat(cuts.units, cuts.groups)
        cuts.purge(out)
        centre = _HALFWAY * (shares + centre)
        if not cuts.add(centre, shares, theta) and not cuts.add(shares, shares, theta):
            return
        if stalled >= _STALLED:
            return


def finish(cuts: Cuts) -> None:
    """Close the gap: whole solutions of the cuts, and the cuts that these violate."""
    ledger, m = cuts.ledger, len(cuts.ladder.sites)
    refused: set[tuple[int, ...]] = set()
    while not ledger.closed:
        out = solve_model(cuts.model(whole=True), ledger, options=Options(gap=ledger.limits.gap))
        if out.answer == "infeasible":
            ledger.bring_bound(ledger.value)
            return
        chosen = out.chosen(m)
        bound = out.bound * cuts.unit
        if chosen is not None:
            shares = cuts.ladder.flags(chosen).astype(np.float64)
            if out.answer == "optimal" and not ledger.limits.gap:
                bound = cuts.value(shares)
            cuts.add(shares, shares, np.full(cuts.groups * len(cuts.pairs), -np.inf))
            if not _offer(cuts, chosen):
                # The second time, it is within the tolerances of HiGHS and not within ours.
                own = tuple(chosen.tolist())
                cuts.barred += [chosen] if own in refused else []
                refused.add(own)
        ledger.bring_bound(bound)
        ledger.heed(out.stopped_by)
        if out.answer == "stopped":
            return


def _offer(cuts: Cuts, chosen: Positions) -> bool:
    """Offer a solution; False if it is no plan."""
    ladder = cuts.ladder
    tolls = ladder.tolls(ladder.ranks(chosen))
    good = bool(np.isfinite(tolls[0])) and ladder.holds(chosen) and ladder.allowed(tolls)
    if good:
        cuts.ledger.offer(float(tolls[0]), np.concatenate([ladder.opened, ladder.sites[chosen]]))
    return good
