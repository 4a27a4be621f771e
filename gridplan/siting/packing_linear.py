"""The model of a packing with conditions: rows and columns, its relaxation, and what that drops."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, vstack

from gridplan.siting.highs import Model, Outcome, solve_model
from gridplan.siting.matrix import Flags, Floats, Positions
from gridplan.siting.packing import FITS
from gridplan.siting.packing_ruled import Ruled, RuledSearch
from gridplan.siting.search import OutOfEffortError

# Capacities and limited tolls are brought to these, so that tolerances mean the same everywhere.
_FULL, _LARGEST_TOLL = 1_000.0, 2.0**14
_LEAST_SHARE, _LEAST_ROOM = 1e-12, 1e-300
_HALF, _TOLERANCE = 0.5, 1e-6
# Pairs of each demand point that the relaxation begins with; small problems take all.
_FIRST_PAIRS, _SMALL_PAIRS = 12, 20_000
_ROUNDS = 60
# A rise of the bound by less than this share is not worth another round: the models of pairs that
# follow have all rows.
_RISE = 1e-5


@dataclass(frozen=True)
class Form:
    r"""
    The strong form over some pairs.

    .. math::
        \min \sum_{ij} c_{ij} x_{ij} \quad \text{s.t.} \quad \sum_j x_{ij} = 1, \quad
        \sum_i q_i x_{ij} \le Q_j y_j, \quad x_{ij} \le y_j, \quad \sum_j y_j = p, \quad
        \sum_{ij} v_{tij} x_{ij} \le V_t

    with the rows of the conditions on :math:`y`.

    Attributes
    ----------
    ruled : Ruled
    pairs : ndarray of bool, shape (n, m)
        Pairs with a column.
    opened : ndarray of bool, shape (n, m)
        Of these, those with the row that the site is open.
    sites : ndarray of bool, shape (m,)
        Sites that may be open.
    """

    ruled: Ruled
    pairs: Flags
    opened: Flags
    sites: Flags

    @property
    def scale(self) -> Floats:
        """What loads and capacity of each site are multiplied by, shape (m,)."""
        packing = self.ruled.packing
        if packing.grid.exact:
            return np.ones(len(packing.capacity))
        smallest = max(_LEAST_SHARE * float(packing.load.sum()), _LEAST_ROOM)
        return np.asarray(_FULL / np.maximum(packing.capacity * FITS, smallest))

    @property
    def toll_scale(self) -> Floats:
        """What each further toll is multiplied by."""
        largest = self.ruled.further.max(axis=(1, 2), initial=0.0)
        return np.where(largest > 0, _LARGEST_TOLL / np.where(largest > 0, largest, 1.0), 1.0)

    def model(self, cuts: list[tuple[Floats, Floats, float]] | None = None) -> Model:
        """
        Return the whole-number model.

        Parameters
        ----------
        cuts : list of (pairs of shape (n, m), sites of shape (m,), most), optional
            Rows besides.
        """
        ruled, packing = self.ruled, self.ruled.packing
        row, site = np.nonzero(self.pairs)
        n, m, k = len(packing.load), len(packing.capacity), len(row)
        pair, one = np.arange(k), np.ones(k)
        room = packing.capacity if packing.grid.exact else packing.capacity * FITS
        held = np.concatenate([packing.load[row] * self.scale[site], -room * self.scale])
        at = np.flatnonzero(self.opened[row, site])
        count, size = np.arange(len(at)), k + m
        parts = [
            csr_array((one, (row, pair)), shape=(n, size)),
            csr_array(
                (held, (np.concatenate([site, np.arange(m)]), np.arange(size))), shape=(m, size)
            ),
            csr_array(
                (
                    np.repeat([1.0, -1.0], len(at)),
                    (np.concatenate([count, count]), np.concatenate([at, k + site[at]])),
                ),
                shape=(len(at), size),
            ),
        ]
        least = [np.ones(n), np.full(m + len(at), -np.inf)]
        most = [np.ones(n), np.where(ruled.endless, np.inf, 0.0), np.zeros(len(at))]
        tolls = ruled.further[:, row, site] * self.toll_scale[:, None]
        beside = [np.zeros((0, size)), np.hstack([np.zeros((len(ruled.side.least), k)),
                                                  ruled.side.matrix])]  # fmt: skip
        beside.append(np.hstack([tolls, np.zeros((len(tolls), m))]))
        least += [ruled.side.least, np.full(len(tolls), -np.inf)]
        most += [ruled.side.most, ruled.allowed_most * self.toll_scale]
        if ruled.slots is not None:
            beside.append(np.concatenate([np.zeros(k), np.ones(m)])[None, :])
            least.append(np.array([float(ruled.slots)]))
            most.append(np.array([float(ruled.slots)]))
        for of_pairs, of_sites, bound in cuts or ():
            beside.append(np.concatenate([of_pairs[row, site], of_sites])[None, :])
            least.append(np.array([-np.inf]))
            most.append(np.array([bound]))
        return Model(
            cost=np.concatenate([packing.cost[row, site], np.zeros(m)]),
            rows=csr_array(vstack([*parts, csr_array(np.vstack(beside))], format="csr")),
            least=np.concatenate(least),
            most=np.concatenate(most),
            lower=np.concatenate([np.zeros(k), packing.must.astype(np.float64)]),
            upper=np.concatenate([one, self.sites.astype(np.float64)]),
            whole=np.ones(size, dtype=np.bool_),
        )

    def plan(self, values: Floats) -> tuple[Positions, Positions]:
        """Return the open sites and the assignment of a solution."""
        row, site = np.nonzero(self.pairs)
        used = np.flatnonzero(values[: len(row)] > _HALF)
        assigned = np.zeros(len(self.ruled.packing.load), dtype=np.intp)
        assigned[row[used]] = site[used]
        return np.flatnonzero(values[len(row) :] > _HALF), assigned


@dataclass(frozen=True)
class Linear:
    """
    What the linear relaxation says.

    Attributes
    ----------
    bound : float
        No plan costs less.
    lift : ndarray, shape (n, m)
        A plan that uses a pair costs at least so much more; ``inf`` where it may not be used.
    site_lift : ndarray, shape (m,)
        The same of opening a site; negative: of closing it.
    shares : ndarray, shape (m,)
        How far each site is open.
    prices : ndarray, shape (n_tolls,)
        What a unit of each further toll is worth.
    """

    bound: float
    lift: Floats
    site_lift: Floats
    shares: Floats
    prices: Floats

    def form(self, ruled: Ruled, more: float) -> Form:
        """Return the model of the plans that cost at most so much more than the bound."""
        open_in_all = ruled.packing.must
        sites = open_in_all | (self.site_lift <= more)
        allowed = np.isfinite(ruled.packing.cost)
        pairs = allowed & (self.lift <= more) & sites[None, :]
        return Form(ruled, pairs, pairs & ~open_in_all[None, :], sites)


def relax(ruled: Ruled, search: RuledSearch, first: Flags) -> Linear | None:
    """
    Solve the linear relaxation, with rows and pairs as they are needed; raise the bound.

    Parameters
    ----------
    first : ndarray of bool, shape (n, m)
        Pairs to begin with, beside the nearest.

    Returns
    -------
    Linear or None
        None where there is nothing between plan and bound, or HiGHS gave up.
    """
    packing = ruled.packing
    allowed = np.isfinite(packing.cost)
    form = Form(
        ruled,
        _nearest(packing.cost) | (first & allowed),
        np.zeros(allowed.shape, dtype=np.bool_),
        np.ones(len(packing.capacity), dtype=np.bool_),
    )
    best: Linear | None = None
    for _ in range(_ROUNDS):
        out = solve_model(form.model().relaxed, search)
        if out.answer == "infeasible":
            if (form.pairs == allowed).all():
                search.raise_bound(np.inf)
                return None
            form = replace(form, pairs=allowed)
            continue
        if out.stopped_by is not None:
            raise OutOfEffortError(out.stopped_by)
        if out.values is None or out.row_dual is None or out.reduced is None:
            return best
        found = _linear(form, out)
        slow = best is not None and found.bound - best.bound <= _RISE * abs(found.bound)
        best = found if best is None or found.bound >= best.bound else best
        search.raise_bound(found.bound)
        if search.closed:
            return None
        wider = _wider(form, out, found)
        if wider is None or slow:
            return best
        form = wider
    return best


def _nearest(cost: Floats) -> Flags:
    """Return the pairs to begin with: the cheapest few of each demand point, or all."""
    allowed = np.isfinite(cost)
    if allowed.sum() <= _SMALL_PAIRS or cost.shape[1] <= _FIRST_PAIRS:
        return allowed
    order = np.argsort(cost, axis=1, kind="stable")[:, :_FIRST_PAIRS]
    near = np.zeros(cost.shape, dtype=np.bool_)
    np.put_along_axis(near, order, values=True, axis=1)
    return near & allowed


def _linear(form: Form, out: Outcome) -> Linear:
    """Return the bound for all pairs, those without a column too, and what each adds to it."""
    if out.row_dual is None or out.reduced is None or out.values is None:
        msg = "a linear program has dual values"
        raise ValueError(msg)
    ruled, packing = form.ruled, form.ruled.packing
    n, m = packing.cost.shape
    row, site = np.nonzero(form.pairs)
    k, opened = len(row), int(form.opened.sum())
    price = np.minimum(out.row_dual[n : n + m], 0.0) * form.scale
    price[ruled.endless] = 0.0
    first = n + m + opened + len(ruled.side.least)
    tolls = np.minimum(out.row_dual[first : first + len(ruled.most)], 0.0) * form.toll_scale
    lift = packing.cost - out.row_dual[:n, None] - packing.load[:, None] * price[None, :]
    if len(tolls):
        lift = lift - np.tensordot(tolls, ruled.further, axes=1)
    lift[row, site] = out.reduced[:k]
    without = np.where(form.pairs, 0.0, np.minimum(lift, 0.0))
    bound = out.bound + float(without[np.isfinite(without)].sum())
    return Linear(bound, lift, out.reduced[k:], np.clip(out.values[k:], 0.0, 1.0), -tolls)


def _wider(form: Form, out: Outcome, found: Linear) -> Form | None:
    """Return the form with the rows and pairs that a solution asks for; None if there are none."""
    if out.values is None:
        return None
    packing = form.ruled.packing
    row, site = np.nonzero(form.pairs)
    k = len(row)
    over = out.values[:k] > out.values[k + site] + _TOLERANCE
    cheaper = np.isfinite(packing.cost) & ~form.pairs & (found.lift < -_TOLERANCE)
    if not over.any() and not cheaper.any():
        return None
    opened = form.opened.copy()
    opened[row[over], site[over]] = True
    return replace(form, pairs=form.pairs | cheaper, opened=opened)
