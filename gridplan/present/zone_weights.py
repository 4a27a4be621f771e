"""What the zones of a system share evenly, in words with a unit, and how much each zone has."""

from __future__ import annotations

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.words import number, word
from gridplan.terms import Family, known, term

RESIDENTS = "population"

_OF_THE_PLACE = "‰"
_UNITS = ("m", "m²", "min", _OF_THE_PLACE)
"""Units that the label of a weight does not say by itself."""

_FEW = 100.0


def weight_word(weight: str) -> Message:
    """
    Return what a weight is called, with its unit; a group may be a column of the planner's own.

    Examples
    --------
    >>> weight_word("effort").en
    'patrol effort (‰)'
    >>> weight_word("population").zh
    '居民数'
    >>> weight_word("shops").zh
    'shops'
    """
    if weight == RESIDENTS:
        # A number of them is told by this word.
        return Message(en="residents", zh="居民数")
    family = _family(weight)
    if family is None:
        return Message(en=weight, zh=weight)
    label, unit = word(family, weight), weight_unit(weight)
    return Message(en=f"{label.en} ({unit})", zh=f"{label.zh}（{unit}）") if unit else label


def weight_unit(weight: str) -> str:
    """Return the unit of a weight; empty where its name counts something."""
    family = _family(weight)
    unit = "" if family is None else term(weight, family).unit
    return unit if unit in _UNITS else ""


def weight_definition(weight: str) -> Message | None:
    """Return what a weight is that its name and unit do not say; None for all others."""
    family = _family(weight)
    made_up = family is not None and weight_unit(weight) == _OF_THE_PLACE
    return term(weight, family).definition if family and made_up else None


def system_name(zones: pd.DataFrame) -> Message:
    """Return what the zone system of some zones is called."""
    key = str(zones["zone_system"].iloc[0])
    if known(key, "kind"):
        return word("kind", key)
    return Message(en=f"zones {key}", zh=f"责任区 {key}")


def load_digits(loads: pd.Series) -> int:
    """
    Return the decimals with which loads beside each other are printed, all alike.

    Examples
    --------
    >>> load_digits(pd.Series([12.0, 17.8])), load_digits(pd.Series([258.4, 301.0]))
    (1, 0)
    """
    small = loads[loads.abs() < _FEW]
    return int((small != small.round()).any())


def load_number(load: float, digits: int) -> str:
    """Return a load as printed; large ones are whole."""
    return number(load, digits if abs(load) < _FEW else 0)


def zone_weights(plan: Plan, zones: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """
    Return the weights of the system of some zones, the first one first, and each zone's load.

    Zones that no weights were asked of (those of one boundary) are told by their residents.
    """
    loads = plan.layers.get("zone_loads")
    if loads is not None and len(zones):
        own = loads[loads["zone_system"] == zones["zone_system"].iloc[0]]
        if len(own):
            return [
                (str(name), zones["zone_id"].map(of.set_index("zone_id")["load"]).astype(float))
                for name, of in own.groupby("load_kind", sort=False)
            ]
    return [(RESIDENTS, pd.to_numeric(zones[RESIDENTS], errors="coerce").astype(float))]


def _family(weight: str) -> Family | None:
    families: tuple[Family, ...] = ("column", "group")
    return next((one for one in families if known(weight, one)), None)
