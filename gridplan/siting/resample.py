"""Good plans for most coverage: one open site after the other is drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from gridplan.siting.cover import Cover
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions

_DRAWS_PER_STEP = 20
_DRAWS_AT_ONCE = 50
# Rows of noise drawn together, and how far apart two uses of a row start.
_NOISE_ROWS, _NOISE_SHIFT = 64, 61
_CLOSED = -1e300


@dataclass(frozen=True)
class Cooling:
    """Draws of one run, and its first and last temperature, in units of weight."""

    draws: int
    first: float
    last: float


class Coverage:
    """
    What opening each site would bring, and closing each would lose, kept up to date.

    `gain[j]` is the weight that j covers and no open site does.
    """

    def __init__(self, cover: Cover) -> None:
        self.cover = cover
        n, m = cover.covers.shape
        self._rows = [np.flatnonzero(cover.covers[:, at]) for at in range(m)]
        by_row = csr_array(cover.covers)
        self._columns = np.split(by_row.indices, by_row.indptr[1:-1]) if n else []
        self._paid = [np.full(len(one), w) for one, w in zip(self._columns, cover.weights)]  # noqa: B905 (no rows: no columns)
        # What a site shares with others: most of a site that opens is covered by it alone, so
        # that its whole share, less that of the few other rows, is the shorter sum.
        shared = csr_array(by_row.T.astype(np.float64) @ (by_row * cover.weights[:, None]))
        ends = shared.indptr[1:-1]
        self._others = np.split(shared.indices, ends) if m else []
        self._shares = np.split(shared.data, ends) if m else []
        self.reset(np.empty(0, dtype=np.intp))

    def reset(self, chosen: Positions) -> None:
        """Open these sites and no others."""
        n, m = self.cover.covers.shape
        self.count = np.zeros(n, dtype=np.intp)
        self.gain = self.cover.covers.T @ self.cover.weights
        self.value = 0.0
        self.open = np.zeros(m, dtype=np.bool_)
        for site in chosen.tolist():
            self.add(site)

    def add(self, site: int) -> None:
        """Open a site."""
        rows = self._rows[site]
        fresh = self.count[rows] == 0
        self.count[rows] += 1
        self.value += self.cover.weights[rows[fresh]].sum()
        self._spread(site, fresh, -1.0)
        self.open[site] = True

    def remove(self, site: int) -> None:
        """Close a site."""
        rows = self._rows[site]
        self.count[rows] -= 1
        lost = self.count[rows] == 0
        self.value -= self.cover.weights[rows[lost]].sum()
        self._spread(site, lost, 1.0)
        self.open[site] = False

    @property
    def alone(self) -> float:
        """Weight that just one open site covers."""
        return float(self.cover.weights[self.count == 1].sum())

    def _spread(self, site: int, which: Flags, sign: float) -> None:
        """Tell all sites that the weight of some rows of one is to be had, or not any more."""
        rows = self._rows[site][which]
        if 2 * len(rows) > len(which):
            self.gain[self._others[site]] += sign * self._shares[site]
            rows, sign = self._rows[site][~which], -sign
        if len(rows):
            columns = np.concatenate([self._columns[row] for row in rows])
            paid = np.concatenate([self._paid[row] for row in rows])
            self.gain += sign * np.bincount(columns, paid, minlength=len(self.gain))


def greedy_most(state: Coverage, ledger: Ledger) -> Positions:
    """Open, one after the other, the site that brings most, within the side rows."""
    cover = state.cover
    used = cover.side.matrix @ state.open.astype(np.float64)
    while cover.slots is None or state.open.sum() < cover.slots:
        ledger.spend(1.0)
        fits = (used[:, None] + cover.side.matrix <= cover.side.most[:, None]).all(axis=0)
        gain = np.where(fits & ~state.open, state.gain, _CLOSED)
        best = int(gain.argmax()) if len(gain) else -1
        if best < 0 or gain[best] <= (0.0 if cover.slots is None else _CLOSED):
            break
        state.add(best)
        used += cover.side.matrix[:, best]
    return np.flatnonzero(state.open)


def anneal(state: Coverage, cooling: Cooling, ledger: Ledger) -> tuple[float, Positions]:
    """
    Close a random open site and draw where to open it again, colder and colder.

    The new place is drawn from all allowed sites with the probability that heat-bath
    (Gibbs) sampling gives a plan of that coverage at the present temperature [1]_,
    by the largest of the gains with Gumbel noise. A draw costs no more than looking
    at one interchange, since the gains of all places are kept up to date.

    Returns
    -------
    (weight, columns) of the best plan that was met.

    References
    ----------
    .. [1] Geman, S. and Geman, D. (1984). Stochastic relaxation, Gibbs distributions,
       and the Bayesian restoration of images. *IEEE Transactions on Pattern Analysis
       and Machine Intelligence*, 6(6), 721-741.
       https://doi.org/10.1109/TPAMI.1984.4767596
    """
    rng, m = ledger.rng, len(state.gain)
    slots = np.flatnonzero(state.open)
    best, kept = state.value, state.open.copy()
    if not len(slots) or len(slots) == m:
        return best, slots
    noise = rng.gumbel(size=(_NOISE_ROWS, m + _NOISE_SHIFT))
    picks = rng.integers(len(slots), size=cooling.draws)
    heat = cooling.first
    for draw, slot in enumerate(picks.tolist()):
        if draw % _DRAWS_AT_ONCE == 0:
            ledger.spend(_DRAWS_AT_ONCE / _DRAWS_PER_STEP)
            heat = cooling.first * (cooling.last / cooling.first) ** (draw / cooling.draws)
        if draw % (_NOISE_ROWS * _NOISE_SHIFT) == 0 and draw:
            noise = rng.gumbel(size=(_NOISE_ROWS, m + _NOISE_SHIFT))
        state.remove(int(slots[slot]))
        shift = draw % _NOISE_SHIFT
        drawn = state.gain + heat * noise[draw % _NOISE_ROWS, shift : shift + m]
        drawn[~_allowed(state, int(slots[slot]))] = _CLOSED
        slots[slot] = int(drawn.argmax())
        state.add(int(slots[slot]))
        if state.value > best:
            best, kept = state.value, state.open.copy()
    return best, np.flatnonzero(kept)


def _allowed(state: Coverage, closed: int) -> Flags:
    """Return the sites that may take the place of one that has just been closed."""
    side = state.cover.side
    if side.empty:
        return ~state.open
    used: Floats = side.matrix[:, state.open].sum(axis=1)
    after = used[:, None] + side.matrix
    good = (after <= side.most[:, None]) & (after >= side.least[:, None])
    # Where the plan was, it may always be again.
    allowed: Flags = good.all(axis=0) & ~state.open
    allowed[closed] = True
    return allowed
