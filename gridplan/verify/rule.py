"""A rule of a plan: how grave its breach is, and its words."""

from __future__ import annotations

from dataclasses import dataclass

from gridplan.verify.findings import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A rule in words: what was found, what was expected, what to do next.

    `en` and `zh` have the places ``{count}``, ``{ids}``, ``{layer}``, ``{amount}`` and
    ``{detail}``.
    """

    severity: Severity
    en: str
    zh: str
    unit: str = ""


def hard(en: str, zh: str, unit: str = "") -> Rule:
    """Return a rule whose breach makes a plan invalid."""
    return Rule("hard", en, zh, unit)


def soft(en: str, zh: str, unit: str = "") -> Rule:
    """Return a rule whose breach is a remark."""
    return Rule("soft", en, zh, unit)
