"""Good plans for most coverage: one open site after the other is drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from gridplan.siting.cover import Cover
from gridplan.siting.ledger import Ledger
from gridplan.siting.matrix import Flags, Floats, Positions

_DRAWS_PER_STEP = 40
_DRAWS_AT_ONCE = 50
# Rows of noise drawn together, and how far apart two uses of a row start.
_NOISE_ROWS, _NOISE_SHIFT = 64, 61
_CLOSED = -1e300
# Numbers that are kept of what neighbouring sites share, row by row; the rest is made when asked.
_MOST_KEPT = 40_000_000
# Sums of whole numbers up to this are exact in single precision.
_EXACT_SINGLE = 2.0**24


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
        by_site = csr_array(cover.covers.T.astype(np.float32))
        self._rows = _parts(by_site)
        self._near = _parts(csr_array(by_site @ by_site.T))
        exact = bool((cover.weights % 1.0 == 0).all()) and cover.weights.sum() < _EXACT_SINGLE
        self._weights = cover.weights.astype(np.float32 if exact else np.float64)
        self._local: list[npt.NDArray[np.floating] | None] = [None] * len(cover.sites)
        self._room = _MOST_KEPT
        self.reset(np.empty(0, dtype=np.intp))

    def reset(self, chosen: Positions) -> None:
        """Open these sites and no others."""
        n, m = self.cover.covers.shape
        self.count = np.zeros(n, dtype=np.int32)
        self.gain = self.cover.covers.T @ self.cover.weights
        self.value = 0.0
        self.open = np.zeros(m, dtype=np.bool_)
        for site in chosen.tolist():
            self.add(site)

    def add(self, site: int) -> None:
        """Open a site."""
        self.value += float(self.gain[site])
        rows = self._rows[site]
        held = self.count[rows]
        self.count[rows] = held + 1
        self.gain[self._near[site]] -= self._shared(site) @ (held == 0)
        self.open[site] = True

    def remove(self, site: int) -> None:
        """Close a site."""
        rows = self._rows[site]
        held = self.count[rows] - 1
        self.count[rows] = held
        self.gain[self._near[site]] += self._shared(site) @ (held == 0)
        self.value -= float(self.gain[site])
        self.open[site] = False

    def _shared(self, site: int) -> npt.NDArray[np.floating]:
        """Return the weight that each row of a site has for each site near it."""
        known = self._local[site]
        if known is not None:
            return known
        rows = self._rows[site]
        within = self.cover.covers[np.ix_(rows, self._near[site])].T
        made = np.where(within, self._weights[rows], self._weights.dtype.type(0))
        if made.size <= self._room:
            self._local[site] = made
            self._room -= made.size
        return made

    @property
    def alone(self) -> float:
        """Weight that just one open site covers."""
        return float(self.cover.weights[self.count == 1].sum())


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
    best, kept = state.value, slots.copy()
    if not len(slots) or len(slots) == m:
        return best, kept
    picks = rng.integers(len(slots), size=cooling.draws)
    heat, free = cooling.first, state.cover.side.empty
    for draw, slot in enumerate(picks.tolist()):
        if draw % _DRAWS_AT_ONCE == 0:
            ledger.spend(_DRAWS_AT_ONCE / _DRAWS_PER_STEP)
            heat = cooling.first * (cooling.last / cooling.first) ** (draw / cooling.draws)
        if draw % (_NOISE_ROWS * _NOISE_SHIFT) == 0:
            noise = rng.gumbel(size=(_NOISE_ROWS, m + _NOISE_SHIFT))
        closed = int(slots[slot])
        state.remove(closed)
        shift = draw % _NOISE_SHIFT
        drawn = noise[draw % _NOISE_ROWS, shift : shift + m] * heat
        drawn += state.gain
        if free:
            again = drawn[closed]
            drawn[slots] = _CLOSED
            drawn[closed] = again
        else:
            drawn[~_allowed(state, closed)] = _CLOSED
        opened = int(drawn.argmax())
        slots[slot] = opened
        state.add(opened)
        if state.value > best:
            best, kept = state.value, slots.copy()
    return best, np.sort(kept)


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


def _parts(rows: csr_array) -> list[Positions]:
    """Return the columns of each row."""
    columns = rows.indices.astype(np.intp)
    return np.split(columns, rows.indptr[1:-1]) if rows.shape[0] else []
