"""Which demand only new sites reach, and how many of them that takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridplan.siting.matrix import Flags, Floats, Positions


@dataclass(frozen=True, slots=True)
class Part:
    """
    Demand that no open site reaches, with the candidates that do.

    Attributes
    ----------
    sites : tuple of int
        Positions of the candidates, ascending.
    rows : tuple of int
        Positions of the demand.
    weight : float
        Its residents.
    """

    sites: tuple[int, ...]
    rows: tuple[int, ...]
    weight: float


def separate_parts(
    cost: Floats, weights: Floats, *, opened: Positions, candidates: Positions
) -> list[Part]:
    """
    Return demand out of reach of the open sites, in parts that no candidate shares.

    Each part needs a site of its own: with fewer new sites than parts, no plan serves
    everybody. On a walking network that can be walked both ways these are its pieces. Where
    far pairs are absent, candidates overlap; then parts that none shares are picked, those of
    the fewest candidates first, and more sites may be needed than there are parts.

    Parameters
    ----------
    cost : float array, shape (n_demand, n_sites)
        ``inf`` where there is no path.
    weights : float array, shape (n_demand,)
    opened, candidates : int arrays
        Positions of the sites that are open already, and of those that may be.

    Examples
    --------
    >>> far = np.inf
    >>> cost = np.array([[1.0, far, far], [far, 2.0, far], [far, far, 3.0]])
    >>> parts = separate_parts(
    ...     cost, np.array([5.0, 6.0, 7.0]), opened=np.array([0]), candidates=np.array([1, 2])
    ... )
    >>> [(part.sites, part.weight) for part in parts]
    [((1,), 6.0), ((2,), 7.0)]

    Somebody whom both reach asks for no third:

    >>> both = np.vstack([cost, [far, 4.0, 4.0]])
    >>> len(separate_parts(both, np.ones(4), opened=np.array([0]), candidates=np.array([1, 2])))
    2
    """
    lost: Flags = (weights > 0) & ~np.isfinite(cost[:, opened]).any(axis=1)
    reach = np.isfinite(cost[:, candidates])
    rows = np.flatnonzero(lost & reach.any(axis=1))
    found: dict[bytes, list[int]] = {}
    for row in rows.tolist():
        found.setdefault(reach[row].tobytes(), []).append(row)
    taken = np.zeros(len(candidates), dtype=np.bool_)
    apart = []
    for own in sorted(found.values(), key=lambda rows: int(reach[rows[0]].sum())):
        if not (taken & reach[own[0]]).any():
            taken |= reach[own[0]]
            apart.append(own)
    return [
        Part(
            sites=tuple(np.asarray(candidates)[reach[own[0]]].tolist()),
            rows=tuple(own),
            weight=float(weights[own].sum()),
        )
        for own in sorted(apart)
    ]
