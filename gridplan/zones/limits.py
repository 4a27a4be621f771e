"""What the cells alone rule out, before any partition is tried."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridplan.errors import Message
from gridplan.geometry import Floats


@dataclass(frozen=True, slots=True)
class BalanceLimit:
    """
    Why no partition into so many zones can be balanced.

    Attributes
    ----------
    most : int
        The largest number of zones that this does not rule out, 1 or more.
    message : Message
        One sentence, to follow the one that says what was missed.
    """

    most: int
    message: Message


def balance_limit(
    loads: Floats, ids: pd.Series[str], k: int, tolerance: float
) -> BalanceLimit | None:
    """
    Return why no partition of the cells into `k` zones meets the tolerance, if that is certain.

    A zone has at least the load of its heaviest cell: one cell above
    ``(1 + tolerance)`` times the mean load puts its zone beyond the tolerance. And
    where fewer cells have a load than there are zones, some zone has none.

    Parameters
    ----------
    loads : float array, shape (n,), with a positive sum
    ids : Series of str, shape (n,)

    Examples
    --------
    >>> names = pd.Series(["a", "b", "c"])
    >>> balance_limit(np.array([6.0, 3.0, 3.0]), names, 3, 0.2).most
    2
    >>> balance_limit(np.array([6.0, 3.0, 3.0]), names, 2, 0.2) is None
    True
    """
    heaviest = int(loads.argmax())
    load, total = float(loads[heaviest]), math.fsum(loads)
    # A share of a part in 1e9 beyond the limit is rounding.
    by_weight = math.floor((1 + tolerance) * total / load * (1 + 1e-9))
    with_load = int(np.count_nonzero(loads)) if tolerance < 1 else len(loads)
    if k <= min(by_weight, with_load):
        return None
    most = max(1, min(by_weight, with_load))
    if with_load < min(k, by_weight):
        return BalanceLimit(
            most,
            Message(
                en=f"No division into {k} zones can be balanced: only {with_load} cells have "
                f"any load. Ask for at most {most} zones.",
                zh=f"划分为 {k} 区无法达到均衡：只有 {with_load} 个单元网格有负荷。"
                f"责任区数量应不超过 {most}。",
            ),
        )
    uid = ids.iloc[heaviest]
    return BalanceLimit(
        most,
        Message(
            en=f"No division into {k} zones can be balanced: cell {uid} alone has {load:,.0f}, "
            f"the mean of a zone is {total / k:,.0f}. Ask for at most {most} zones, or accept "
            f"a wider tolerance.",
            zh=f"划分为 {k} 区无法达到均衡：单元网格 {uid} 一格即有 {load:,.0f}，而每区均值为 "
            f"{total / k:,.0f}。责任区数量应不超过 {most}，或放宽容差。",
        ),
    )
