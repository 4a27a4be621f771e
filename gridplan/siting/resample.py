"""Good plans for most coverage: one open site after the other is drawn again."""

from __future__ import annotations

import math
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
_CLOSED = -1e30
# Numbers that are kept of what neighbouring sites share, row by row; the rest is made when asked.
_MOST_KEPT = 80_000_000
# A product of a matrix beyond this is split by BLAS among threads that wait for each other.
_MOST_AT_ONCE = 8_000
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
        near = csr_array(by_site @ by_site.T)
        near.sort_indices()
        self._near = _parts(near)
        exact = bool((cover.weights % 1.0 == 0).all()) and cover.weights.sum() < _EXACT_SINGLE
        weights = cover.weights.astype(np.float32 if exact else np.float64)
        self._weights = [weights[rows] for rows in self._rows]
        self._nothing = weights.dtype.type(0)
        self._local: list[npt.NDArray[np.floating] | None] = [None] * len(cover.sites)
        self._room = _MOST_KEPT
        self.count = np.zeros(len(weights), dtype=np.int32)
        self.gain = (cover.covers.T @ cover.weights).astype(weights.dtype)
        self.value = 0.0
        self.open = np.zeros(len(cover.sites), dtype=np.bool_)

    def reset(self, chosen: Positions) -> None:
        """Open these sites and no others."""
        wanted = np.zeros(len(self.open), dtype=np.bool_)
        wanted[chosen] = True
        for site in np.flatnonzero(self.open & ~wanted).tolist():
            self.remove(site)
        for site in np.flatnonzero(wanted & ~self.open).tolist():
            self.add(site)

    def near(self, site: int) -> Positions:
        """Return the sites that share demand with one, itself among them."""
        return self._near[site]

    def lost(self, site: int) -> npt.NDArray[np.floating]:
        """Return what closing an open site would add to the gains of the sites near it."""
        return self._weighed(site, self.count[self._rows[site]] == 1)

    def add(self, site: int) -> None:
        """Open a site."""
        self.value += float(self.gain[site])
        rows = self._rows[site]
        held = self.count[rows]
        self.count[rows] = held + 1
        self.gain[self._near[site]] -= self._weighed(site, held == 0)
        self.open[site] = True

    def remove(self, site: int, lost: npt.NDArray[np.floating] | None = None) -> None:
        """Close a site; what is `lost` may be known."""
        if lost is None:
            lost = self.lost(site)
        self.count[self._rows[site]] -= 1
        self.gain[self._near[site]] += lost
        self.value -= float(self.gain[site])
        self.open[site] = False

    def _weighed(self, site: int, rows: Flags) -> npt.NDArray[np.floating]:
        """Return the weight of some rows of a site that each site near it covers."""
        weights = np.where(rows, self._weights[site], self._nothing)
        sums: npt.NDArray[np.floating] = np.matmul(self._shared(site), weights)
        return sums.ravel()[: len(self._near[site])]

    def _shared(self, site: int) -> npt.NDArray[np.floating]:
        """Return 1 where a site near a site covers a row of it, shape (parts, near, rows)."""
        known = self._local[site]
        if known is not None:
            return known
        rows, near = self._rows[site], self._near[site]
        parts = max(1, math.ceil(len(rows) * len(near) / _MOST_AT_ONCE))
        size = math.ceil(len(near) / parts)
        flat = np.zeros((parts * size, len(rows)), dtype=self.gain.dtype)
        flat[: len(near)] = self.cover.covers[np.ix_(rows, near)].T
        made = flat.reshape(parts, size, len(rows))
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


# All is finite; kernels of BLAS that read whole vectors at a time may flag what lies beyond.
@np.errstate(invalid="ignore")
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
    warmth, free = state.gain.dtype.type, state.cover.side.empty
    heat, drawn = warmth(cooling.first), np.empty_like(state.gain)
    for draw, slot in enumerate(picks.tolist()):
        if draw % _DRAWS_AT_ONCE == 0:
            ledger.spend(_DRAWS_AT_ONCE / _DRAWS_PER_STEP)
            heat = warmth(cooling.first * (cooling.last / cooling.first) ** (draw / cooling.draws))
        if draw % (_NOISE_ROWS * _NOISE_SHIFT) == 0:
            noise = rng.gumbel(size=(_NOISE_ROWS, m + _NOISE_SHIFT)).astype(warmth)
        closed = int(slots[slot])
        lost, near = state.lost(closed), state.near(closed)
        shift = draw % _NOISE_SHIFT
        np.multiply(noise[draw % _NOISE_ROWS, shift : shift + m], heat, out=drawn)
        drawn += state.gain
        drawn[near] += lost
        again = drawn[closed]
        drawn[slots if free else ~_allowed(state, closed)] = _CLOSED
        drawn[closed] = again
        opened = int(drawn.argmax())
        if opened == closed:
            continue
        state.remove(closed, lost)
        state.add(opened)
        slots[slot] = opened
        if state.value > best:
            best, kept = state.value, slots.copy()
    return best, np.sort(kept)


def _allowed(state: Coverage, closed: int) -> Flags:
    """Return the closed sites that may take the place of an open one."""
    side = state.cover.side
    kept = state.open.copy()
    kept[closed] = False
    used: Floats = side.matrix[:, kept].sum(axis=1)
    after = used[:, None] + side.matrix
    good = (after <= side.most[:, None]) & (after >= side.least[:, None])
    allowed: Flags = good.all(axis=0) & ~state.open
    return allowed


def _parts(rows: csr_array) -> list[Positions]:
    """Return the columns of each row."""
    columns = rows.indices.astype(np.intp)
    return np.split(columns, rows.indptr[1:-1]) if rows.shape[0] else []
