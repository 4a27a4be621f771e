"""Tables about the whole plan: its figures in words, and the sums that must agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Message
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.goals import GIVEN, PLACE
from gridplan.present.keys import TILING_SHARE
from gridplan.present.tables_places import rooms_table, zones_table
from gridplan.present.tables_zones import system_row
from gridplan.present.words import before_basis, number, reason_label, same, spoken, word
from gridplan.terms import Family, known, term

_BALANCED = 1e-6
_LEAST_M2 = 0.01
_AREAS = Message(en="area of the cells = area of the place (m²)", zh="网格面积合计 = 辖区面积 (m²)")
_SKIPPED = frozenset({"contract", "basis", "caveats", "targets_missed", "norms", "key"})


def reconcile_table(plan: Plan) -> pd.DataFrame:
    """Return the sums that must agree, both sides, and whether they do."""
    summary, layers = plan.summary, plan.layers
    demand, cells = layers["demand"], layers["cells"]
    people = aggregate.people(demand)
    placed = people[demand["cell_uid"].notna()].sum()
    checks = [
        ("居民点居民合计 = 居民总数", "residents in demand = residents read",
         people.sum(), summary["residents"]),
        ("已落位 + 未落位 = 居民总数", "placed + not placed = residents read",
         summary["residents_placed"] + summary["residents_unplaced"], summary["residents"]),
        ("网格居民合计 = 落在网格内的居民", "residents of the cells = residents in a cell",
         aggregate.people(cells).sum(), placed),
        (_AREAS.zh, _AREAS.en,
         pd.to_numeric(cells["area_m2"]).sum(), summary["place"]["area_m2"]),
        ("网格数 = 概要中的网格数", "cells in the layer = cells in the summary",
         len(cells), summary["cells"]["count"]),
    ]  # fmt: skip
    components = plan.place.components
    if len(components):
        checks.append(
            ("网格部件合计 + 未计入网格的部件 = 部件总数",
             "components of the cells + in no cell = components read",
             cells["components"].sum() + summary["cells"]["components_in_no_cell"],
             len(components))
        )  # fmt: skip
    zones = zones_table(plan)
    if len(zones):
        checks.append(
            ("责任区居民合计 = 网格居民合计", "residents of the zones = residents of the cells",
             zones["population"].iloc[-1], aggregate.people(cells).sum())
        )  # fmt: skip
    rooms = rooms_table(plan)
    if len(rooms):
        checks.append(
            ("各居委会与活动室服务居民 + 无处可去的居民 = 居民总数",
             "residents by committee or room + without = residents read",
             rooms["residents"].iloc[-1], summary["residents"])
        )  # fmt: skip
    rows = [
        {"check": Message(en=en, zh=zh), "left": float(left), "right": float(right)}
        for zh, en, left, right in checks
    ]
    table = pd.DataFrame(rows)
    table["difference"] = table["left"] - table["right"]
    allowed = _BALANCED * table["right"].abs().clip(lower=1.0)
    # Land is not only balanced: a gap of a few square metres is one.
    allowed[table["check"] == _AREAS] = max(_LEAST_M2, TILING_SHARE * summary["place"]["area_m2"])
    table["ok"] = table["difference"].abs() <= allowed
    return table


def summary_table(plan: Plan) -> pd.DataFrame:
    """
    Return the figures of ``summary.json`` in words.

    Columns: ``block`` (what it is about), ``figure``, ``value``, ``unit`` and ``key`` (its
    path in ``summary.json``). Norms are rows of their own, with their source as the figure;
    so are the targets missed and the caveats.
    """
    blocks = _blocks(plan)
    leaves = _leaves(plan.summary, ())
    if (plan.summary.get("siting") or {}).get("sense") == "maximise":
        # Of what is to be large, the bound is from above: it has a row under its plain name.
        leaves = [one for one in leaves if one[0] != ("siting", "lower_bound")]
    rows = [row for path, value in leaves if (row := _row(path, value, blocks))]
    rows += [_norm_row(norm) for norm in plan.summary.get("norms") or []]
    for key, label in (
        ("targets_missed", Message(en="target missed", zh="未达目标")),
        ("caveats", Message(en="to be careful of", zh="注意")),
    ):
        rows += [
            {"block": label, "figure": spoken(one), "key": f"{key}.{place}"}
            for place, one in enumerate(plan.summary.get(key) or [])
        ]
    return pd.DataFrame(rows, columns=["block", "figure", "value", "unit", "key"], dtype=object)


def _blocks(plan: Plan) -> dict[str, Message]:
    basis = before_basis(plan)
    return {
        "": Message(en="residents", zh="居民"),
        "place": Message(en="the place", zh="辖区"),
        "groups": Message(en="population groups", zh="人群"),
        "cells": Message(en="cells", zh="单元网格"),
        "exceptions": Message(en="cells: exceptions", zh="单元网格：例外"),
        "proofs": Message(en="proofs", zh="核验"),
        "access": Message(en="walk to own committee", zh="步行到本社区居委会"),
        "nearest": Message(en="walk to nearest committee", zh="步行到最近居委会"),
        "walls_unknown": Message(en="estates of unknown walls", zh="有无围墙不明的小区"),
        "open": Message(en="walk to own committee, unknown walls open",
                        zh="步行到本社区居委会（不明者按开放计）"),
        "walled": Message(en="walk to own committee, unknown walls closed",
                          zh="步行到本社区居委会（不明者按有围墙计）"),
        "before": Message(en=f"walk to {basis.en}, today", zh=f"步行到{basis.zh}（现状）"),
        "access_after": Message(en=f"walk to {PLACE.en}, with the plan",
                                zh=f"步行到最近的{PLACE.zh}（方案）"),
        "access_assigned": Message(en=f"walk to {GIVEN.en}, with the plan",
                                   zh=f"步行到{GIVEN.zh}（方案）"),
        "siting": Message(en="choice of rooms", zh="活动室选址"),
        "zones": Message(en="zones", zh="责任区"),
        "unify": Message(en="One boundary", zh="边界统一"),
        "network": Message(en="walking network", zh="步行网络"),
    }  # fmt: skip


def _leaves(node: Mapping[str, Any], path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for key, inner in node.items():
        if key in _SKIPPED:
            continue
        if isinstance(inner, dict):
            found += _leaves(inner, (*path, str(key)))
        elif not isinstance(inner, list | tuple):
            found.append(((*path, str(key)), inner))
    return found


def _row(path: tuple[str, ...], value: object, blocks: dict[str, Message]) -> dict[str, Any] | None:
    if value is None:
        return None
    if path[:2] == ("zones", "systems"):
        return system_row(path, value)
    if path[0] == "zones":
        return None
    block = next((blocks[one] for one in reversed(path[:-1]) if one in blocks), blocks[""])
    parent = path[-2] if len(path) > 1 else ""
    figure, unit = _label(path[-1], parent)
    shown = value if unit else _said(path[-1], value)
    return {"block": block, "figure": figure, "value": shown, "unit": unit, "key": ".".join(path)}


def _label(key: str, parent: str) -> tuple[Message, Message | str | None]:
    """Return what a figure of the summary is called, and its unit."""
    if parent in _WITHIN:
        metres, way = number(float(key)), _WITHIN[parent]
        en, zh = f"residents within {metres} m{way.en}", f"{way.zh}≤ {metres} m 的居民"
        return Message(en=en, zh=zh), _UNITS["share"]
    if parent in _FAMILIES:
        return _FAMILIES[parent](key), _UNITS["cells" if parent == "exceptions" else "residents"]
    if parent in _ASKED:
        label = word("group", key) if parent == "group_weights" else same(key)
        return Message(
            en=f"{_ASKED[parent].en}: {label.en}", zh=f"{_ASKED[parent].zh}：{label.zh}"
        ), None
    if known(key, "indicator"):
        found = term(key, "indicator")
        return found.message, _UNITS.get(found.unit, found.unit)
    if key == "area_m2":
        return term(key, "column").message, "m²"
    return _OTHER.get(key, same(key)), None


def _said(key: str, value: object) -> object:
    families: dict[str, Family] = {
        "model": "kind", "method": "kind", "sense": "kind", "status": "status",
        "capacity": "kind",
    }  # fmt: skip
    if key == "by":
        return _COUNTED_BY.get(str(value), value)
    return word(families[key], str(value)) if key in families else value


_WITHIN = {
    "within": Message(en="", zh=""),
    "straight_line_within": Message(en=" in a straight line", zh="直线 "),
}
_COUNTED_BY = {
    "residents": Message(en="residents", zh="居民数"),
    "area": Message(en="area (m²)", zh="面积 (m²)"),
}


def _norm_row(norm: Mapping[str, Any]) -> dict[str, Any]:
    key = str(norm["key"])
    unit = norm.get("unit")
    return {
        "block": Message(en="norm", zh="标准"),
        "figure": word("norm", key),
        "value": norm["value"],
        "unit": None if unit == "1" else unit,
        "key": f"norms.{key}",
    }


_UNITS = {
    "share": Message(en="share", zh="比例"),
    "residents": Message(en="residents", zh="人"),
    "sites": Message(en="sites", zh="处"),
    "cells": Message(en="cells", zh="个"),
    "buildings": Message(en="buildings", zh="栋"),
    "zones": Message(en="zones", zh="个"),
    "ways": Message(en="ways", zh="条"),
    "gates": Message(en="gates", zh="个"),
    "components": Message(en="components", zh="个"),
}
_FAMILIES: Mapping[str, Callable[[str], Message]] = {
    "missing": reason_label,
    "groups": lambda key: word("group", key),
    "exceptions": lambda key: word("exception", key),
}
_ASKED = {
    "group_weights": Message(en="weight", zh="权重"),
    "at_least": Message(en="rooms at least", zh="活动室至少"),
    "at_most": Message(en="rooms at most", zh="活动室至多"),
}
_OTHER = {
    "name": Message(en="name", zh="名称"),
    "crs": Message(en="coordinate system", zh="坐标系"),
    "as_of": Message(en="date of the data", zh="数据日期"),
    "codes_official": Message(en="official codes", zh="官方编码"),
    "residents_register": Message(en="registered residents", zh="户籍人口"),
    "method": Message(en="method", zh="方法"),
    "count": Message(en="number", zh="数量"),
    "code_profile": Message(en="rule of the codes", zh="编码规则"),
    "code_form": Message(en="widths of the parts of a code", zh="各码段位数"),
    "model": Message(en="model", zh="模型"),
    "capacity": Message(en="floor area by the norm", zh="面积与分级标准"),
    "sense": Message(en="the objective is to be", zh="目标值应"),
    "status": Message(en="what is proven", zh="证明情况"),
    "stopped_by": Message(en="stopped by", zh="停止原因"),
    "estates": Message(en="estates", zh="小区数"),
    "walkable_edges": Message(en="walkable edges", zh="可步行路段"),
}
