"""Weights that a place lacks, and size bands that no number of zones satisfies."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gridplan.config import Config
from gridplan.errors import FaultList, InfeasibleError, Message, SettingsError
from gridplan.place import Place
from gridplan.terms import Family, known, term
from gridplan.zones import CELL_LOADS

_LAYERS = ("components", "cases")
"""Weights that need a layer of their own."""

_ROUNDING = 1e-9
_ANY = 1e6


def check_weights(place: Place, config: Config) -> None:
    """
    Refuse weights that the place does not have.

    Raises
    ------
    SettingsError
        With a message per system and kind of fault.
    """
    faults, known = FaultList(), [*CELL_LOADS, *place.groups]
    told = ", ".join(known)
    for name, settings in config.zones.named:
        unknown = [one for one in settings.weights if one not in known]
        if unknown:
            faults.add(
                en=f"Zone system {name}: there are no such weights: {', '.join(unknown)}; there "
                f"are {told}. Groups of residents are columns of the population table.",
                zh=f"网格体系 {name}：没有这些权重：{'、'.join(unknown)}；可选 {told}。"
                f"人群为人口表中的列。",
            )
        bare = [one for one in _LAYERS if one in settings.weights and not len(getattr(place, one))]
        if bare:
            faults.add(
                en=f"Zone system {name}: zones are to share {', '.join(bare)} evenly, but the "
                f"place has none. Give [place].{bare[0]}, or take out the weight.",
                zh=f"网格体系 {name}：要求均衡 {'、'.join(bare)}，但没有相应数据。"
                f"请填写 [place].{bare[0]}，或去掉该权重。",
            )
    faults.raise_if_any(SettingsError)


def load_word(weight: str) -> Message:
    """Return what zones share evenly in words, as far as the terms know it."""
    if weight == "population":
        # A number of them is told by this word.
        return Message(en="residents", zh="居民数")
    family: Family = "column" if known(weight, "column") else "group"
    named = known(weight, family)
    return term(weight, family).message if named else Message(en=weight, zh=weight)


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
    what = load_word(weight)
    if k:
        if k in _numbers(total, band):
            return
        each = f"{total / k:,.6g}"
        raise InfeasibleError(
            Message(
                en=f"{k} zones cannot have {least:g} to {most:g} {what.en} each: there are "
                f"{total:,.6g}, {each} for a zone in the mean. Ask for another `k`, leave it "
                f"out, or take {each} into `band`.",
                zh=f"{k} 个分区无法各有 {least:g} 至 {most:g}（{what.zh}）：共 {total:,.6g}，"
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
            en=f"No number of zones has {least:g} to {most:g} {what.en} each: the largest land "
            f"that zones divide has {largest:,.6g}, which makes {told}. Widen `band` so that it "
            f"takes one of these in.",
            zh=f"没有任何分区数能使各区有 {least:g} 至 {most:g}（{what.zh}）：可划分的最大用地有 "
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
