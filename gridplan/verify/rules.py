"""How a finding is made of a rule and what breaks it."""

from __future__ import annotations

from collections.abc import Iterable

import shapely

from gridplan.errors import Message, first_ids, ids_zh
from gridplan.verify.findings import Finding, Severity
from gridplan.verify.wording import RULES

_PLAIN_FROM, _PLAIN_TO = 0.001, 1000.0


def finding(
    rule: str,
    ids: Iterable[str],
    *,
    layer: str,
    severity: Severity | None = None,
    amount: float = 0.0,
    detail: str | Message = "",
    where: shapely.Geometry | None = None,
) -> list[Finding]:
    """
    Return the finding that objects break a rule, as a list: empty if there are none.

    Parameters
    ----------
    rule : str
        Key of `RULES`.
    ids : iterable of str
        What breaks it, in the order to be shown.
    severity : {"hard", "soft"}, optional
        Instead of the rule's own.
    amount : float
        How much is wrong, in the rule's unit.
    detail : str or Message
        What the rule's words leave open, in both languages if they differ.
    where : geometry, optional
        The places.

    Examples
    --------
    >>> finding("zone_empty", ["patrol/7"], layer="zones")[0].message.en
    'Zones without a cell: 1 (patrol/7). Delete them, or give them cells.'
    >>> finding("zone_empty", [], layer="zones")
    []
    """
    found = tuple(ids)
    if not found:
        return []
    known = RULES[rule]
    words = {
        "count": len(found),
        "layer": layer,
        "amount": figure(amount),
    }
    said = detail if isinstance(detail, Message) else Message(en=detail, zh=detail)
    message = Message(
        en=known.en.format(detail=said.en, ids=first_ids(found), **words),
        zh=known.zh.format(detail=said.zh, ids=ids_zh(found), **words),
    )
    return [
        Finding(
            rule=rule,
            severity=severity or known.severity,
            count=len(found),
            ids=found,
            message=message,
            layer=layer,
            amount=float(amount),
            unit=known.unit,
            where=where,
        )
    ]


def figure(number: float) -> str:
    """
    Return a figure as it is printed in a message.

    Examples
    --------
    >>> figure(0.0001), figure(12.5), figure(81234.4)
    ('0.0001', '12.5', '81,234')
    """
    size = abs(number)
    if size >= _PLAIN_TO:
        return f"{number:,.0f}"
    if 0 < size < _PLAIN_FROM:
        return f"{number:.3g}"
    return f"{number:.3f}".rstrip("0").rstrip(".")
