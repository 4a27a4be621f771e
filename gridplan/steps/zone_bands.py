"""Size bands that no number of zones satisfies: refused with what could be."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gridplan.errors import InfeasibleError, Message

_ROUNDING = 1e-9
_ANY = 1e6


def check_band(band: tuple[float, float], totals: Sequence[float], *, weight: str, k: int) -> None:
    """
    Refuse a size band within which no zones can be.

    Parameters
    ----------
    band : (float, float)
        Least and most that a zone may have of the weight.
    totals : sequence of float
        What each body of land has: communities where zones lie inside them, else one.
    weight : str
    k : int
        Number of zones that is asked for; 0: any.

    Raises
    ------
    InfeasibleError
        If no body can have a number of zones within the band, or not `k` of them.

    Examples
    --------
    >>> check_band((300, 500), [1000.0], weight="households", k=0)
    >>> check_band((600, 900), [1000.0], weight="households", k=0)
    Traceback (most recent call last):
        ...
    gridplan.errors.InfeasibleError: No number of zones has 600 to 900 households each: ...
    """
    least, most = band
    total = math.fsum(totals)
    if not total > 0:
        return
    if k:
        if k in _numbers(total, band):
            return
        each = f"{total / k:,.6g}"
        raise InfeasibleError(
            Message(
                en=f"{k} zones cannot have {least:g} to {most:g} {weight} each: there are "
                f"{total:,.6g}, {each} for a zone in the mean. Ask for another `k`, leave it "
                f"out, or take {each} into `band`.",
                zh=f"{k} 个分区无法各有 {least:g} 至 {most:g}（{weight}）：共 {total:,.6g}，"
                f"平均每区 {each}。请另定 `k`、不填 `k`，或使 `band` 包含 {each}。",
            )
        )
    if any(_numbers(one, band) for one in totals):
        return
    largest = max(totals)
    near = sorted({max(1, math.floor(largest / most)), max(1, math.ceil(largest / most))})
    told = ", ".join(f"{one} × {largest / one:,.6g}" for one in near)
    raise InfeasibleError(
        Message(
            en=f"No number of zones has {least:g} to {most:g} {weight} each: the largest land that "
            f"zones divide has {largest:,.6g}, which makes {told}. Widen `band` so that it takes "
            f"one of these in.",
            zh=f"没有任何分区数能使各区有 {least:g} 至 {most:g}（{weight}）：可划分的最大用地有 "
            f"{largest:,.6g}，可分为 {told}。请放宽 `band` 以包含其一。",
        )
    )


def _numbers(total: float, band: tuple[float, float]) -> range:
    """Return the numbers of zones that a load can have within a band."""
    least, most = band
    # Without a least, the most zones are as many as one likes.
    largest = total / least if least > 0 else total / most + _ANY
    slack = _ROUNDING * max(largest, 1.0)
    return range(max(1, math.ceil(total / most - slack)), math.floor(largest + slack) + 1)
