"""How much departments' zonings differ, as one number and for each pair."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment

from gridplan.geometry import Floats
from gridplan.unify.overlay import Refinement, Zoning

DISAGREEMENT_COLUMNS = (
    "department", "other", "information_bits", "information_share", "mass_apart"
)  # fmt: skip


def disagreement(refinement: Refinement, zonings: tuple[Zoning, ...], mass: Floats) -> pd.DataFrame:
    r"""
    Return how much each pair of departments disagrees about what belongs together.

    The variation of information [1]_ of two divisions :math:`A, B` of the same mass is

    .. math::
        VI(A, B) = H(A \mid B) + H(B \mid A) = 2 H(A, B) - H(A) - H(B)

    in bits: 0 where both draw the same borders, whatever the names; it is a metric. As a
    share it is divided by :math:`H(A, B)`, so that 1 means that neither zoning says
    anything of the other. Land that a department leaves out is a zone of its own;
    where two of its zones overlap, each has an equal part.

    Parameters
    ----------
    refinement : Refinement
    zonings : tuple of Zoning
        Those to compare.
    mass : array of float, shape (n,)
        Residents, or m², of each piece.

    Returns
    -------
    DataFrame, one row for each pair
        ``department``, ``other``, ``information_bits`` (0 or more, lower is better),
        ``information_share`` (0 to 1, lower is better), ``mass_apart``: the least mass
        that one of them has to hand over, within itself, to have the other's borders,
        zones named one to one.

    References
    ----------
    .. [1] Meila, M. (2007). Comparing clusterings - an information based distance.
       *Journal of Multivariate Analysis*, 98(5), 873-895.
       https://doi.org/10.1016/j.jmva.2006.11.013
    """
    names = [one.department for one in zonings]
    shares = {name: _shares(refinement.claims[name]) for name in names}
    rows = []
    for one, other in itertools.combinations(shares, 2):
        joint = (shares[one] * mass[:, None]).T @ shares[other]
        both, first, second = (_bits(part) for part in (joint, joint.sum(1), joint.sum(0)))
        apart = max(0.0, 2 * both - first - second)
        rows.append((one, other, apart, apart / both if both > 0 else 0.0, _apart(joint)))
    return pd.DataFrame(rows, columns=list(DISAGREEMENT_COLUMNS))


def mean_disagreement(pairs: pd.DataFrame) -> float:
    """Return the mean share over all pairs, 0 to 1; 0 for a single department."""
    return float(pairs["information_share"].mean()) if len(pairs) else 0.0


def _shares(held: npt.NDArray[np.bool_]) -> Floats:
    """Return how each piece is shared by the zones and, last, by nobody."""
    nobody = ~held.any(axis=1, keepdims=True)
    all_of = np.hstack([held, nobody]).astype(np.float64)
    shares: Floats = all_of / all_of.sum(axis=1, keepdims=True)
    return shares


def _bits(mass: Floats) -> float:
    total = math.fsum(mass.ravel())
    if total <= 0:
        return 0.0
    share = mass[mass > 0] / total
    return -math.fsum(share * np.log2(share))


def _apart(joint: Floats) -> float:
    one, other = linear_sum_assignment(-joint)
    return max(0.0, math.fsum(joint.ravel()) - math.fsum(joint[one, other]))
