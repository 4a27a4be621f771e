"""How evenly the walks are spread over the residents."""

from __future__ import annotations

import numpy as np

from gridplan.geometry import Floats

_LARGEST_POWER = 1_000

AVERSION = 1.0
"""Aversion to inequality of `kolm_pollak_ede` where none is given, as in the literature."""


def gini(metres: Floats, residents: Floats) -> float:
    r"""
    Return the Gini index of the walks.

    .. math:: G = \frac{\sum_i \sum_j n_i n_j |d_i - d_j|}{2 N^2 \bar d}

    for :math:`n_i` residents with the walk :math:`d_i`. Range 0 to 1, lower is more
    even: 0 if all walk equally far (also if nobody walks at all) [1]_. It says how the
    walk is shared, not how long it is.

    Parameters
    ----------
    metres, residents : float arrays, shape (n,)
        Finite walks, weights not negative; ``nan`` for nobody.

    References
    ----------
    .. [1] Gastwirth, J. L. (1972). The estimation of the Lorenz curve and Gini index.
       *The Review of Economics and Statistics*, 54(3), 306-316.
       https://doi.org/10.2307/1937992

    Examples
    --------
    >>> gini(np.array([0.0, 100.0]), np.array([1.0, 1.0]))
    0.5
    """
    metres, _ = _near_one(metres)
    order = np.argsort(metres, kind="stable")
    weight = residents[order]
    walked = np.cumsum(weight * metres[order])
    total = float(weight.sum())
    if total <= 0:
        return float("nan")
    if walked[-1] <= 0:
        return 0.0
    before = np.concatenate([[0.0], walked[:-1]])
    share = float(np.dot(weight, walked + before)) / (total * float(walked[-1]))
    return max(0.0, 1.0 - share)


def kolm_pollak_ede(
    metres: Floats,
    residents: Floats,
    *,
    aversion: float = AVERSION,
    kappa_per_m: float | None = None,
) -> float:
    r"""
    Return the equally distributed equivalent walk of Kolm and Pollak, in metres.

    .. math::
        E = \frac{1}{\kappa} \ln \frac{1}{N} \sum_i n_i e^{\kappa d_i}, \quad
        \kappa = \alpha \varepsilon, \quad
        \alpha = \frac{\sum_i n_i d_i}{\sum_i n_i d_i^2}

    The walk that, if all had it, would be as good as the walks as they are [1]_, for a
    burden [2]_: from the mean walk (all walk equally far) up to the longest; lower is
    better. The aversion :math:`\varepsilon` > 0 (1 if not given [2]_) says how
    much the long walks count; near 0, E is the mean.

    Parameters
    ----------
    metres, residents : float arrays, shape (n,)
        Finite walks, weights not negative; ``nan`` for nobody.
    aversion : float
    kappa_per_m : float, optional
        :math:`\kappa` itself, above 0. Taken from the walks, it differs from plan to plan:
        plans that are ranked by E need one and the same.

    References
    ----------
    .. [1] Sheriff, G. and Maguire, K. B. (2020). Health risk, inequality indexes, and
       environmental justice. *Risk Analysis*, 40(12), 2661-2674.
       https://doi.org/10.1111/risa.13562
    .. [2] Logan, T. M., Anderson, M. J., Williams, T. G. and Conrow, L. (2021). Measuring
       inequalities in urban systems: An approach for evaluating the distribution of
       amenities and burdens. *Computers, Environment and Urban Systems*, 86, 101590.
       https://doi.org/10.1016/j.compenvurbsys.2020.101590

    Examples
    --------
    >>> round(kolm_pollak_ede(np.array([100.0, 300.0]), np.array([1.0, 1.0])), 1)
    219.5
    """
    # A walk that nobody has must not steer the figure, nor overflow the exponent.
    metres, residents = metres[residents > 0], residents[residents > 0]
    total = float(residents.sum())
    if total <= 0:
        return float("nan")
    metres, unit_m = _near_one(metres)
    squares = float(np.dot(residents, metres**2))
    if squares <= 0:
        return 0.0
    own = aversion * float(np.dot(residents, metres)) / squares
    kappa = own if kappa_per_m is None else kappa_per_m * unit_m
    # The longest walk is taken out of the exponent, so that none overflows.
    longest = float(metres.max())
    spread = float(np.dot(residents, np.exp(kappa * (metres - longest)))) / total
    return unit_m * (longest + float(np.log(spread)) / kappa)


def _near_one(metres: Floats) -> tuple[Floats, float]:
    """
    Return the walks in a unit that is a power of 2, so that no square overflows, and the unit.

    Dividing by such a unit rounds nothing.
    """
    longest = float(metres.max(initial=0.0))
    if not 0.0 < longest < np.inf:
        return metres, 1.0
    unit_m = 2.0 ** float(np.clip(np.frexp(longest)[1], -_LARGEST_POWER, _LARGEST_POWER))
    return metres / unit_m, unit_m
