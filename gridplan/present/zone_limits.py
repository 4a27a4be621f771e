"""What each zone may have of what its system shares evenly, and which zones are beyond that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Message, amount
from gridplan.plan import Plan
from gridplan.present.zone_weights import weight_word, zone_weights

_KEY = ["zone_system", "zone_id"]
_DECIMALS = 6
_BOUNDS = {"least", "most"}


def range_text(least: float, most: float) -> str:
    """
    Return what is allowed, as it is printed everywhere.

    Examples
    --------
    >>> range_text(411.12, 502.48), range_text(8.55, 10.45)
    ('411–502', '8.6–10.4')
    """
    return f"{amount(least)}–{amount(most)}"


def zone_limits(plan: Plan, zones: pd.DataFrame) -> pd.DataFrame:
    """
    Return what each zone may have of the first weight of its system, and by what it is beyond.

    Parameters
    ----------
    zones : DataFrame
        ``zone_system`` and ``zone_id``, of one or several systems.

    Returns
    -------
    DataFrame, indexed like `zones`
        ``allowed``; ``beyond_allowed``: how much more (+) or less (−) than allowed of which weight,
        None for a zone that is within. Without the table `zone_loads`, None throughout.
    """
    found = pd.DataFrame({"allowed": None, "beyond_allowed": None}, index=zones.index, dtype=object)
    loads = plan.layers.get("zone_loads")
    if loads is None or not len(loads) or not set(loads) >= _BOUNDS:
        return found
    beyond = _beyond(plan, loads)
    for name, own in zones.groupby("zone_system", sort=False):
        first = zone_weights(plan, own)[0][0]
        table = loads[(loads["zone_system"] == name) & (loads["load_kind"] == first)]
        told = {
            str(zone): range_text(least, most)
            for zone, least, most in table[["zone_id", "least", "most"]].itertuples(index=False)
        }
        ids = own["zone_id"].astype(str)
        found.loc[own.index, "allowed"] = ids.map(told)
        found.loc[own.index, "beyond_allowed"] = ids.map(
            {zone: _joined(said) for (system, zone), said in beyond.items() if system == name}
        )
    return found.where(found.notna(), None)


def _beyond(plan: Plan, loads: pd.DataFrame) -> dict[tuple[str, str], list[Message]]:
    """Return, by system and zone, what each zone has more or less than is allowed."""
    found: dict[tuple[str, str], list[Message]] = {}
    columns = [*_KEY, "load_kind", "load", "least", "most"]
    for name, zone, weight, load, least, most in loads[columns].itertuples(index=False):
        if str(zone) in _missed(plan, str(name), str(weight)):
            more = load > most
            away = load - most if more else least - load
            what, sign = weight_word(str(weight)), "+" if more else "−"
            told = Message(
                en=f"{sign}{amount(away)} {what.en}", zh=f"{what.zh} {sign}{amount(away)}"
            )
            found.setdefault((str(name), str(zone)), []).append(told)
    return found


def ranges(plan: Plan) -> Iterator[Mapping[str, Any]]:
    """
    Yield what zones may have by part of the land, of systems where that differs between parts.

    Each with ``zone_system``, ``load_kind``, ``community_id``, ``parent_zone_id``, ``zones``
    (how many there are), ``least``, ``most`` and ``beyond`` (ids of the zones beyond).
    """
    loads, zones = plan.layers.get("zone_loads"), plan.layers.get("zones")
    if loads is None or zones is None or not len(loads) or not set(loads) >= _BOUNDS:
        return
    known = pd.DataFrame(zones)[[*_KEY, "community_id", "parent_zone_id"]]
    table = pd.DataFrame(loads).merge(known, on=_KEY, how="left")
    rounded = table[["least", "most"]].astype(float).round(_DECIMALS)
    table[["least", "most"]] = rounded
    parts = ["parent_zone_id", "community_id", "least", "most"]
    for (name, weight), own in table.groupby(["zone_system", "load_kind"], sort=False):
        if len(own[["least", "most"]].drop_duplicates()) == 1:
            continue
        missed = _missed(plan, str(name), str(weight))
        for key, rows in own.groupby(parts, dropna=False, sort=True):
            yield {
                "zone_system": str(name),
                "load_kind": str(weight),
                **dict(zip(parts, key, strict=True)),
                "zones": len(rows),
                "beyond": sorted(str(one) for one in rows["zone_id"] if str(one) in missed),
            }


def _missed(plan: Plan, system: str, weight: str) -> frozenset[str]:
    """Return the zones that the summary says to be beyond, of one system and weight."""
    systems = (plan.summary.get("zones") or {}).get("systems") or {}
    told = ((systems.get(system) or {}).get("weights") or {}).get(weight) or {}
    return frozenset(map(str, told.get("missed") or ()))


def _joined(told: list[Message]) -> Message | None:
    if not told:
        return None
    if len(told) == 1:
        return told[0]
    return Message(en=", ".join(one.en for one in told), zh="、".join(one.zh for one in told))
