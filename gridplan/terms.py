"""Every column, indicator and closed list once: label, unit, direction, definition; zh and en."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Literal, cast

from gridplan.errors import GridplanError, Language, Message

Better = Literal["higher", "lower", "none"]
Family = Literal[
    "layer",
    "column",
    "indicator",
    "reason",
    "exception",
    "group",
    "kind",
    "status",
    "lineage",
    "norm",
    "cell_fault",
]

_TABLE = "terms.csv"
_SUGGESTIONS = 3


@dataclass(frozen=True, slots=True)
class Term:
    """
    One word of the house.

    Attributes
    ----------
    key : str
        As in frames and in ``summary.json``.
    family : str
        The closed list it belongs to: a column, an indicator, a reason …
    zh, en : str
        Label, as printed in tables and legends, without the unit.
    unit : str
        ``m``, ``m²``, ``min``, ``share`` (0 to 1), ``residents`` …; empty for text.
    better : {"higher", "lower", "none"}
        Which direction is better.
    definition : Message
        One sentence in each language.
    """

    key: str
    family: Family
    zh: str
    en: str
    unit: str
    better: Better
    definition: Message

    def label(self, lang: Language) -> str:
        """Return the label in Chinese or English."""
        return self.zh if lang == "zh" else self.en

    @property
    def message(self) -> Message:
        """The label as a pair of languages."""
        return Message(en=self.en, zh=self.zh)


class UnknownTermError(GridplanError, KeyError):
    """A column or word is printed that the house does not know."""


def term(key: str, family: Family | None = None) -> Term:
    """
    Return the term of a key.

    Parameters
    ----------
    key : str
        A column, indicator, reason …
    family : str, optional
        Which list is meant, where a word occurs in several (``water`` is a layer
        and an exception); without it, the first family that knows the word, in the
        order of `FAMILIES`.

    Raises
    ------
    UnknownTermError
        If no family, or not the one asked for, has the key; the nearest are named.

    Examples
    --------
    >>> term("area_m2").zh, term("unreachable", "reason").en
    ('面积', 'no walking route')
    """
    families = FAMILIES if family is None else (family,)
    for one in families:
        if key in TERMS.get(one, {}):
            return TERMS[one][key]
    known = sorted({name for one in families for name in TERMS.get(one, {})})
    near = ", ".join(difflib.get_close_matches(key, known, _SUGGESTIONS)) or ", ".join(
        known[:_SUGGESTIONS]
    )
    where_en = f"{family} " if family else ""
    raise UnknownTermError(
        Message(
            en=f"`{key}` is no known {where_en}term; the nearest are: {near}. "
            f"Add it to {_TABLE} with label, unit and definition in both languages.",
            zh=f"术语表中没有“{key}”；最接近的是：{near}。"
            f"请在 {_TABLE} 中补充其中英文名称、单位与定义。",
        )
    )


def known(key: str, family: Family) -> bool:
    """Return whether a family has a key; for columns a planner added, which have no term."""
    return key in TERMS.get(family, {})


def _read() -> Mapping[Family, Mapping[str, Term]]:
    found: dict[Family, dict[str, Term]] = {family: {} for family in FAMILIES}
    text = resources.files("gridplan").joinpath(_TABLE).read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        family = cast("Family", row["family"])
        found[family][row["key"]] = Term(
            key=row["key"],
            family=family,
            zh=row["zh"],
            en=row["en"],
            unit=row["unit"],
            better=cast("Better", row["better"]),
            definition=Message(en=row["definition_en"], zh=row["definition_zh"]),
        )
    return MappingProxyType({one: MappingProxyType(terms) for one, terms in found.items()})


FAMILIES: tuple[Family, ...] = (
    "column",
    "indicator",
    "reason",
    "exception",
    "group",
    "kind",
    "status",
    "lineage",
    "layer",
    "norm",
    "cell_fault",
)
"""Order in which a bare key is looked up."""

TERMS = _read()
"""Terms by family and key."""
