"""Zone systems as tables: how good each is, the zones of each, and what every zone holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present.tables_places import ACROSS, anchor_names, main_zones
from gridplan.present.words import percent, same, word
from gridplan.present.zone_limits import range_text, ranges, zone_limits
from gridplan.present.zone_weights import weight_unit, weight_word, zone_weights
from gridplan.terms import term

TITLES = {
    "zone_systems": Message(en="Zone systems", zh="网格体系"),
    "zone_ranges": Message(en="Allowed by community", zh="各社区允许范围"),
    "zones_more": Message(en="Zones of other systems", zh="其他体系分区"),
    "zone_estates": Message(en="Estates of zones", zh="责任区清单"),
    "zone_estates_more": Message(en="Estates, other systems", zh="其他体系清单"),
    "zone_moves": Message(en="Zones changed", zh="分区变动"),
}

_EFFORT = term("effort", "column")

ABOUT = {
    "zone_systems": Message(
        en="Each zone system: what its zones share evenly and within which bounds, how even and "
        "how round they are, the share of their borders on streets and water, the walk from the "
        f"farthest cell to the committee. {_EFFORT.message.en}: {_EFFORT.definition.en}",
        zh="各网格体系：均衡的内容与允许范围、均衡程度与紧凑度、界线沿路沿水比例、"
        f"最远网格到居委会的步行距离。{_EFFORT.message.zh}：{_EFFORT.definition.zh}",
    ),
    "zone_ranges": Message(
        en="What a zone may have, where it differs by community (or by zone of the system above): "
        "the tolerance is of the mean of the zones there. Named are the zones beyond it.",
        zh="允许范围按社区（或上级责任区）不同时逐一列出：以该处各区均值加减容差计；"
        "末列为超出的责任区。",
    ),
    "zones_more": Message(
        en="The zones of the other systems, system by system.", zh="其他体系的分区，按体系列出。"
    ),
    "zone_estates": Message(
        en="Every zone of the main system with its estates, buildings, households and residents; "
        "the ids of the buildings are in `zone_estates` of plan.gpkg.",
        zh="主体系各责任区的小区、建筑、户数与居民；建筑编号见 plan.gpkg 的 zone_estates 表。",
    ),
    "zone_estates_more": Message(
        en="The same for the other systems.", zh="其他体系各分区的同样清单。"
    ),
    "zone_moves": Message(
        en="What is in another zone than in the earlier plan ([place].earlier_zones).",
        zh="与原方案（[place].earlier_zones）相比改变分区的网格与居民。",
    ),
}

WORKBOOK_ONLY = ("zone_estates_more",)
"""Too long for a page: as many rows as pairs of zone and estate, in every system."""

_OUTSIDE = Message(en="outside estates", zh="小区以外")
_SPANS = (
    "system", "zone_id", "parent_zone_id", "community", "cells", "area_m2", "population",
    "households", "evenly", "workload", "allowed", "beyond_allowed", "compactness", "estates",
    "buildings", "anchor", "reach_m",
)  # fmt: skip


def zone_tables() -> dict[str, Callable[[Plan], pd.DataFrame]]:
    """Return what makes each table."""
    return {
        "zone_systems": systems_table,
        "zone_ranges": ranges_table,
        "zones_more": zones_more,
        "zone_estates": lambda plan: _listed(plan, main=True),
        "zone_estates_more": lambda plan: _listed(plan, main=False),
        "zone_moves": zone_moves,
    }


def zone_headings() -> dict[str, Message]:
    """Return the headings of these tables that no term gives."""
    return {
        "system": Message(en="system", zh="体系"),
        "zones_count": Message(en="zones", zh="分区数"),
        "evenly": Message(en="even in", zh="均衡内容"),
        "allowed": Message(en="allowed", zh="允许范围"),
        "zones_beyond": Message(en="beyond", zh="超出个数"),
        "beyond_allowed": Message(en="beyond what is allowed", zh="超出允许范围"),
        "beyond_ids": Message(en="zones beyond", zh="超出的责任区"),
        "zone_before": Message(en="zone before", zh="原分区"),
        "zone_now": Message(en="zone now", zh="现分区"),
        "estate_name": Message(en="name of the estate", zh="小区名称"),
    }


def system_label(name: str) -> Message:
    """Return what a zone system is called: a preset in words, else its own name."""
    return word("kind", name) if name in _KNOWN else same(name)


def _labels(frame: pd.DataFrame) -> pd.Series:
    found = [system_label(str(one)) for one in frame["zone_system"]]
    return pd.Series(found, index=frame.index, dtype=object)


_KNOWN = ("enforcement", "social_grid", "patrol", "unified")


def systems_of(plan: Plan) -> Mapping[str, Any]:
    """Return the figures of each zone system; of an older plan there are fewer."""
    systems: Mapping[str, Any] = (plan.summary.get("zones") or {}).get("systems") or {}
    return systems


def systems_table(plan: Plan) -> pd.DataFrame:
    """Return a row per zone system and weight."""
    rows = []
    for name, figures in systems_of(plan).items():
        for place, (weight, balance) in enumerate((figures.get("weights") or {}).items()):
            whole = figures if place == 0 else {}
            rows.append(
                {
                    "system": system_label(name),
                    "zones_count": whole.get("count"),
                    "evenly": weight_word(weight),
                    "allowed": _allowed(figures, balance, first=place == 0),
                    "max_over_mean": balance["max_over_mean"],
                    "cv": balance["cv"],
                    "zones_beyond": len(balance["missed"]),
                    "compactness_median": whole.get("compactness_median"),
                    "border_share": whole.get("border_share"),
                    "reach_median_m": whole.get("reach_median_m"),
                    "reach_max_m": whole.get("reach_max_m"),
                }
            )
    return pd.DataFrame(rows)


def _allowed(figures: Mapping[str, Any], balance: Mapping[str, Any], *, first: bool) -> Message:
    """
    Return the bounds of a weight: a band as it is, else its own tolerance and what that makes.

    Of zones inside communities, each is bound by the mean of its own part: the range is that
    of all of them, and wider than the tolerance.
    """
    told = range_text(balance["least"], balance["most"])
    if first and figures.get("band"):
        return same(told)
    nested = figures.get("nest") == "inside" or figures.get("parent")
    tolerance = balance.get("tolerance")
    en = [] if tolerance is None else [f"±{percent(tolerance, 'en', 0)}"]
    zh = [] if tolerance is None else [f"±{percent(tolerance, 'zh', 0)}"]
    if nested:
        en = [*en, "each by the mean of its own part"]
        zh = [*zh, "按所在范围均值"]
    if not en:
        return same(told)
    return Message(en=f"{told} ({', '.join(en)})", zh=f"{told}（{'，'.join(zh)}）")


def ranges_table(plan: Plan) -> pd.DataFrame:
    """Return what zones may have by community, of the systems where that differs."""
    names = plan.layers["communities"].set_index("community_id")["name"]
    rows = []
    for one in ranges(plan):
        home, above = one["community_id"], one["parent_zone_id"]
        rows.append(
            {
                "system": system_label(one["zone_system"]),
                "parent_zone_id": None if pd.isna(above) else str(above),
                "community": ACROSS if pd.isna(home) else str(names.get(home, home)),
                "zones_count": one["zones"],
                "evenly": weight_word(one["load_kind"]),
                "allowed": range_text(one["least"], one["most"]),
                "zones_beyond": len(one["beyond"]),
                "beyond_ids": ", ".join(one["beyond"]) or None,
            }
        )
    return pd.DataFrame(rows)


def zones_more(plan: Plan) -> pd.DataFrame:
    """Return the zones of all systems but the main one."""
    zones = plan.layers.get("zones")
    main = main_zones(plan)
    if zones is None or main is None:
        return pd.DataFrame()
    others = pd.DataFrame(zones[~zones.index.isin(main.index)]).drop(columns="geometry")
    if others.empty:
        return pd.DataFrame()
    names = plan.layers["communities"].set_index("community_id")["name"]
    community = [
        ACROSS if pd.isna(one) else str(names.get(one, one)) for one in others["community_id"]
    ]
    told = others.assign(
        system=_labels(others),
        community=pd.Series(community, index=others.index, dtype=object),
        evenly=first_weights(plan, others),
        **zone_limits(plan, others),
    )
    if "anchor" in told:
        told["anchor"] = anchor_names(plan, told["anchor"])
    return told[[one for one in _SPANS if one in told]].reset_index(drop=True)


def first_weights(plan: Plan, zones: pd.DataFrame) -> pd.Series:
    """Return in words what the workload of each zone counts: the first weight of its system."""
    found = {
        name: weight_word(zone_weights(plan, own)[0][0])
        for name, own in zones.groupby("zone_system", sort=False)
    }
    told = [found[one] for one in zones["zone_system"]]
    return pd.Series(told, index=zones.index, dtype=object)


def zone_moves(plan: Plan) -> pd.DataFrame:
    """Return what is in another zone than in an earlier plan; empty without one."""
    moves = plan.layers.get("zone_moves")
    if moves is None or moves.empty:
        return pd.DataFrame()
    told = moves.assign(system=_labels(moves), zone_before=moves["from_zone_id"],
                        zone_now=moves["to_zone_id"])  # fmt: skip
    return told[["system", "zone_before", "zone_now", "cells", "population"]]


def _listed(plan: Plan, *, main: bool) -> pd.DataFrame:
    """Return the estates, buildings, households and residents of zones."""
    table, first = plan.layers.get("zone_estates"), main_zones(plan)
    if table is None or first is None or first.empty:
        return pd.DataFrame()
    own = table["zone_system"] == first["zone_system"].iloc[0]
    chosen = pd.DataFrame(table[own if main else ~own])
    estates = plan.place.estates
    names = dict(zip(estates["estate_id"], estates["name"], strict=True))
    estate = [
        _OUTSIDE if pd.isna(one) else str(one if pd.isna(names.get(one)) else names[one])
        for one in chosen["estate_id"]
    ]
    told = chosen.assign(
        system=_labels(chosen),
        estate_name=pd.Series(estate, index=chosen.index, dtype=object),
    )
    columns = ["zone_id", "estate_name", "estate_id", "buildings", "households", "population"]
    return told[columns if main else ["system", *columns]].reset_index(drop=True)


_FIGURES: Mapping[str, Message] = {
    "count": Message(en="zones", zh="分区数"),
    "least": Message(en="least allowed", zh="允许最少"),
    "most": Message(en="most allowed", zh="允许最多"),
    "mean": Message(en="mean", zh="均值"),
}
_SHARES = Message(en="share", zh="比例")
_INDICATORS = (
    "tolerance", "max_deviation_share", "max_over_mean", "cv", "compactness_median",
    "border_share", "reach_median_m", "reach_max_m",
)  # fmt: skip


def system_row(path: tuple[str, ...], value: object) -> dict[str, Any] | None:
    """
    Return the row of the summary sheet of one figure of a zone system, None where it is no figure.

    Parameters
    ----------
    path : tuple of str
        Of the figure in ``summary.json``: ``zones``, ``systems``, the name, what follows.
    """
    name, key = path[2], path[-1]
    if key in _FIGURES:
        figure, unit = _FIGURES[key], ""
    elif key in _INDICATORS:
        figure, unit = word("indicator", key), term(key, "indicator").unit
    else:
        return None
    if "weights" in path[:-1]:
        weight = weight_word(path[-2])
        figure = Message(en=f"{weight.en}: {figure.en}", zh=f"{weight.zh}：{figure.zh}")
        unit = unit or weight_unit(path[-2])
    label = system_label(name)
    return {
        "block": Message(en=f"zones: {label.en}", zh=f"责任区：{label.zh}"),
        "figure": figure,
        "value": value,
        "unit": _SHARES if unit == "share" else unit or None,
        "key": ".".join(path),
    }
