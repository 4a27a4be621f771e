"""P-medians under a budget, counts by group and a share near a site; several objectives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from gridplan.siting import Limits, Reach, Rules, lexicographic, p_median

_SIDE_M = 3000.0
_SIZES = ((300, 30), (800, 60), (1500, 120), (4000, 300))
_BUDGET, _FIXED, _MORE = 1000.0, 3, 5


def bench_conditions(seconds: str = "60") -> None:
    """Solve towns of up to 4,000 homes by 300 sites under each kind of condition."""
    for homes, sites in _SIZES:
        rng = np.random.default_rng(0)
        points, places = rng.uniform(0, _SIDE_M, (homes, 2)), rng.uniform(0, _SIDE_M, (sites, 2))
        metres = np.rint(np.abs(points[:, None] - places[None]).sum(axis=2))
        residents = rng.integers(1, 90, homes).astype(float)
        price = dict(enumerate(rng.integers(20, 200, sites).astype(float)))
        paid: dict[str, Any] = {"cost_of": price, "budget": _BUDGET}
        counted: dict[str, Any] = {
            "groups": {one: one % 5 for one in range(sites)},
            "at_least": {0: 2, 1: 2},
            "at_most": {2: 2},
        }
        p, limits = _FIXED + _MORE, Limits(time_s=float(seconds))
        for name, number, extra in (
            ("budget", None, paid),
            ("budget and p", p, paid),
            ("counts", p, counted),
            ("share", None, paid | {"reach": Reach(500.0, 0.6)}),
        ):
            rules = Rules(fixed=range(_FIXED), **extra)
            began = time.perf_counter()
            plan = p_median(metres, residents, p=number, rules=rules, limits=limits)
            seconds_taken = time.perf_counter() - began
            print(
                f"{homes:5d} x {sites:<5d}{name:14s}{plan.status:11s}gap {plan.gap:9.2e}   "
                f"{seconds_taken:7.2f} s"
            )
        began = time.perf_counter()
        found = lexicographic(
            metres, residents, objectives=("share", "mean"), p=p, limits=limits,
            rules=Rules(fixed=range(_FIXED)),
        )  # fmt: skip
        seconds_taken = time.perf_counter() - began
        print(f"{homes:5d} x {sites:<5d}share, mean   {found.status:15s}{seconds_taken:20.2f} s")


FAMILIES: dict[str, Callable[..., None]] = {"conditions": bench_conditions}
