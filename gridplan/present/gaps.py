"""Gaps as printed: one that is not proven to be zero is never printed as zero."""

from __future__ import annotations

import math

from gridplan.errors import Language

_NOTHING = "–"
_ZERO = 1e-9
"""Gaps up to that are proven to be none."""
_WHOLE = 1e-6
"""By which a hundredth in floating point may be above itself."""
GAP_COLUMN = "gap_share"
WORKBOOK_FORMAT = '[<0.000000001]0.0%;[<0.0005]"< 0.1%";0.0%'


def gap_percent(gap: float | None, lang: Language, digits: int = 1) -> str:
    """
    Return a gap as it stands in a table: one above zero is less than the last digit, not 0.0.

    Examples
    --------
    >>> gap_percent(0.00016, "en"), gap_percent(0.0, "en"), gap_percent(0.0123, "zh")
    ('< 0.1 %', '0.0 %', '1.2%')
    """
    if gap is None or not math.isfinite(gap):
        return _NOTHING
    sign, shown = _sign(lang), f"{100 * gap:,.{digits}f}"
    if gap > _ZERO and 100 * gap < 0.5 * 10.0**-digits:
        return f"< {10.0**-digits:.{digits}f}{sign}"
    return f"{shown}{sign}"


def at_most_percent(gap: float | None, lang: Language, digits: int = 2) -> str:
    """
    Return a gap as it stands after "at most": rounded up.

    Examples
    --------
    >>> at_most_percent(0.00001, "en"), at_most_percent(0.0012, "zh"), at_most_percent(0.0, "en")
    ('0.01 %', '0.12%', '0.00 %')
    """
    if gap is None or not math.isfinite(gap):
        return _NOTHING
    steps = 0 if gap <= _ZERO else math.ceil(100 * gap * 10**digits - _WHOLE)
    return f"{steps / 10**digits:,.{digits}f}{_sign(lang)}"


def _sign(lang: Language) -> str:
    return " %" if lang == "en" else "%"
