"""Tables of walks in depth: equity, minutes, kinds of facility, farthest walks, cut-off pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from gridplan.errors import Message, counted
from gridplan.plan import Plan
from gridplan.present import aggregate
from gridplan.present.goals import GIVEN, PLACE
from gridplan.present.words import NONE, TOTAL, number, reason_label, word

_SPREAD = ("mean_m", "median_m", "p90_m", "max_m")
_OWN = Message(en="own committee", zh="本社区居委会")
_WITH_PLAN = Message(en=f"nearest {PLACE.en}, with the plan", zh=f"最近的{PLACE.zh}（方案）")
_WITH_GIVEN = Message(en=f"{GIVEN.en}, with the plan", zh=f"{GIVEN.zh}（方案）")
_BASES = {"committee": _OWN, "room": _WITH_PLAN}
_ALL = "all"


def equity_table(plan: Plan) -> pd.DataFrame:
    """
    Return, for each walk, its mean and p90, how evenly it is spread, and both kinds of share.

    ``gini`` is 0 where all walk equally far; ``ede_m`` is the walk that, if everybody had
    it, would be as bad as the real ones. Shares are of all residents: within the norm on
    foot, and within the same radius as the crow flies.
    """
    rows = []
    for label, key, metres in (
        (_OWN, "access", "committee_m"),
        (_WITH_PLAN, "access_after", "room_m"),
        (_WITH_GIVEN, "access_assigned", "assigned_m"),
    ):
        figures = plan.summary.get(key) or {}
        if "gini" not in figures:
            continue
        row: dict[str, Any] = {"walk": label}
        row |= {name: figures.get(name) for name in ("mean_m", "p90_m", "ede_m", "gini", "detour")}
        for norm in aggregate.norms_m(plan):
            row[f"within_{norm:g}_share"] = figures["within"].get(f"{norm:g}")
            row[f"line_{norm:g}_share"] = figures["straight_line_within"].get(f"{norm:g}")
        rows.append(row | _missing(aggregate.missing(plan.layers["demand"], metres)))
    return _whole(rows)


def _missing(missing: Mapping[str, Any]) -> dict[str, Any]:
    return {f"missing_{code}": count for code, count in missing.items()}


def _whole(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as a table; residents that a row does not count for a reason are none."""
    table = pd.DataFrame(rows)
    for column in [one for one in map(str, table) if one.startswith("missing_")]:
        table[column] = table[column].fillna(0).astype("int64")
    return table


def minutes_table(plan: Plan) -> pd.DataFrame:
    """Return the minutes to the own committee at each group's pace, and who has no way."""
    minutes = plan.summary["access"].get("minutes") or {}
    speeds = (plan.settings.get("access") or {}).get("speeds") or {}
    without = aggregate.missing(plan.layers["demand"], "committee_m")
    rows = [
        {"group": word("group", group), "speed": speeds.get(group), **figures, **_missing(without)}
        for group, figures in minutes.items()
    ]
    return _whole(rows)


def kinds_table(plan: Plan) -> pd.DataFrame:
    """Return the walk to the nearest facility of each kind, for the whole place."""
    units = plan.layers.get("access_by_unit")
    if units is None or not len(units):
        return pd.DataFrame()
    whole = units[(units["level"] == _ALL) & (units["group"] == _ALL)]
    others = whole[~whole["basis"].isin(list(_BASES))]
    facilities = plan.place.facilities
    by_kind = facilities.groupby("kind")["facility_id"]
    count, points = by_kind.nunique(), by_kind.size()
    rows = []
    for row in others.to_dict("records"):
        kind = str(row["basis"])
        told: dict[str, Any] = {"kind": word("kind", kind), "places": count.get(kind)}
        told["facility_points"] = points.get(kind)
        told |= {name: row[name] for name in _SPREAD}
        for norm in aggregate.norms_m(plan):
            told[f"within_{norm:g}_share"] = row.get(f"within_{norm:g}_share")
            told[f"line_{norm:g}_share"] = row.get(f"straight_{norm:g}_share")
        lost = {str(key): n for key, n in row.items() if str(key).startswith("missing_") and n}
        rows.append(told | lost)
    return _whole(rows)


def farthest_table(plan: Plan) -> pd.DataFrame:
    """
    Return who walks farthest to the own committee, and why; then who has no walk, by reason.

    One row per place (an estate, else a community), by its farthest home.
    """
    walks = plan.layers.get("walks")
    if walks is None or not len(walks):
        return pd.DataFrame()
    names = {
        key: dict(zip(layer[key], layer["name"], strict=True))
        for key, layer in (
            ("estate_id", plan.layers["estates"]),
            ("community_id", plan.layers["communities"]),
            ("committee_id", plan.layers["committees"]),
        )
    }
    rows: list[dict[str, Any]] = [
        {
            "rank": walk["rank"],
            "place": _named(walk, names),
            "committee": _name(names["committee_id"], walk["committee_id"]),
            "population": walk["residents"],
            "walk_m": walk["walk_m"],
            "straight_m": walk["straight_m"],
            "detour": walk["detour"],
            "cause": Message(en=str(walk["why_en"]), zh=str(walk["why"])),
        }
        for walk in pd.DataFrame(walks.drop(columns="geometry", errors="ignore")).to_dict("records")
    ]
    missing = aggregate.missing(plan.layers["demand"], "committee_m")
    rows += [{"place": reason_label(code), "population": count} for code, count in missing.items()]
    table = pd.DataFrame(rows)
    table["rank"] = table["rank"].astype("Int64")
    return table


def _named(walk: Mapping[Any, Any], names: Mapping[str, Mapping[Any, Any]]) -> str:
    """Return the place of a walk: its estate with its id where the name is none, its community."""
    for key in ("estate_id", "community_id"):
        if not pd.isna(walk[key]):
            return _name(names[key], walk[key])
    return str(walk["demand_id"])


def _name(names: Mapping[Any, Any], key: object) -> str:
    found: Any = names.get(key)
    return str(key) if pd.isna(found) else str(found)


def pieces_table(plan: Plan) -> pd.DataFrame:
    """Return the pieces of the network that are cut off, with what would join each."""
    ledger = plan.layers.get("ledger")
    if ledger is None or not len(ledger):
        return pd.DataFrame()
    table = pd.DataFrame(
        {
            "component": ledger["component"].astype("int64"),
            "population": ledger["residents"].astype("int64"),
            "length_m": ledger["length_m"],
            "facility_ids": ledger["facility_ids"].where(ledger["facility_ids"] != "", None),
            "to_main_m": ledger["to_main_m"],
            "between": [_word(one, _BETWEEN) for one in ledger["between"]],
            "link": [_word(one, _LINKS) for one in ledger["kind"]],
        }
    ).sort_values(["population", "component"], ascending=[False, True], kind="stable")
    # A row of "none" is no link: where a hard border lies between, nothing would join them.
    total = {"component": TOTAL, "population": int(table["population"].sum())}
    return pd.DataFrame([*table.astype(object).to_dict("records"), total])


def _word(code: str | None, words: Mapping[str, Message]) -> Message:
    return NONE if not isinstance(code, str) else words.get(code, word("kind", code))


_BETWEEN = {
    "water": Message(en="water", zh="水面"),
    "rail": Message(en="railway", zh="铁路"),
    "wall": Message(en="wall", zh="围墙"),
    "border": Message(en="hard border", zh="不可通行边界"),
}
_LINKS = {
    "bridge": Message(en="a bridge", zh="桥梁"),
    "crossing": Message(en="a crossing", zh="过街或道口"),
    "gate": Message(en="a gate", zh="出入口"),
    "join": Message(en="joining the ends", zh="连接道路端点"),
}


def placement_rows(plan: Plan) -> pd.DataFrame:
    """Return as given and as placed, of residents, register and groups, for each unit."""
    given = plan.layers.get("placement")
    if given is None or not len(given):
        return pd.DataFrame()
    names = _unit_names(plan)
    return pd.DataFrame(
        {
            "of_unit": [
                TOTAL if level == "total" else names.get((level, unit), str(unit))
                for level, unit in zip(given["level"], given["unit_id"], strict=True)
            ],
            "counted": [_counted(str(one)) for one in given["figure"]],
            **{one: given[one] for one in ("given", "placed", "unplaced", "difference")},
            **{one: given[one] for one in ("grade", "as_of", "source")},
        }
    )


def _counted(figure: str) -> Message:
    family = "column" if figure in {"population", "population_register"} else "group"
    return word("column", figure) if family == "column" else word("group", figure)


def _unit_names(plan: Plan) -> dict[tuple[str, Any], str]:
    found: dict[tuple[str, Any], str] = {}
    for level, key in (("community", "community_id"), ("estate", "estate_id")):
        layer = plan.layers["communities" if level == "community" else "estates"]
        pairs = zip(layer[key], layer["name"], strict=True)
        found |= {(level, one): str(name) for one, name in pairs if not pd.isna(name)}
    return found


def sensitivity_rows(plan: Plan) -> pd.DataFrame:
    """
    Return how residents and mean walks move when each per-person figure is 30 % off.

    One row per community, the whole place last; empty where nothing moves anything.
    """
    table = plan.layers.get("sensitivity")
    if table is None or not len(table) or not (table["spread"] > 0).any():
        return pd.DataFrame()
    names = _unit_names(plan)
    rows = []
    for (level, unit), own in _by_unit(table):
        row: dict[str, Any] = {
            "of_unit": TOTAL if level == _ALL else names.get((level, unit), unit)
        }
        for figure, suffix in (("residents", ""), ("committee_m", "_m")):
            [line] = own[own["figure"] == figure].to_dict("records")
            whole = figure == "residents"
            values = {name: line[name] for name in ("base", "low", "high")}
            row |= {
                f"{name}{suffix or '_residents'}": round(value) if whole else value
                for name, value in values.items()
            }
            row[f"driver{suffix}"] = driver_words(line["driver"])
        rows.append(row)
    return pd.DataFrame(rows)


def sensitivity_line(plan: Plan) -> Message | None:
    """Return how many residents live where households are known, and so little can move."""
    table, place = plan.layers.get("sensitivity"), plan.place
    if table is None or not len(table):
        return None
    demand = plan.layers["demand"]
    homes = place.buildings["building_id"][place.buildings["households"].notna()]
    estates = place.estates["estate_id"][place.estates["households"].notna()]
    counted_in = demand["demand_id"].isin(homes) | demand["estate_id"].isin(estates)
    people = aggregate.people(demand)
    known, whole = (number(round(people[rows].sum())) for rows in (counted_in, people > 0))
    where = Message(
        en=f"{known} of {whole} residents live where the households are known, which come before "
        f"floor space per resident",
        zh=f"{whole} 名居民中有 {known} 名住在户数已知的住房内，户数优先于人均面积",
    )
    if (table["spread"] > 0).any():
        return Message(en=f"{where.en}.", zh=f"{where.zh}。")
    return Message(
        en=f"Moving the per-person figures by ±30 % changes no community's residents or walks: all "
        f"spreads are 0. {where.en}; totals are given, and between homes that are alike nothing "
        f"moves.",
        zh=f"人均指标变动 ±30% 不影响任何社区的居民数与步行距离，变动范围均为 0：{where.zh}；"
        f"总数已给定，同类住房之间人数不变。",
    )


def _by_unit(table: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Yield the rows of each unit, the whole place last."""
    units = table[["level", "unit_id"]].drop_duplicates()
    ordered = sorted(units.itertuples(index=False, name=None), key=lambda one: one[0] == _ALL)
    for level, unit in ordered:
        yield (
            (str(level), str(unit)),
            table[(table["level"] == level) & (table["unit_id"] == unit)],
        )


def driver_words(driver: str | None) -> Message | None:
    """Return the figure that moves a row most, in words: ``village -30%``."""
    if not isinstance(driver, str):
        return None
    name, _, change = str(driver).rpartition(" ")
    label = _ASSUMED.get(name) or word("kind", name)
    sign = change.replace("-", "−").rstrip("%")
    return Message(en=f"{label.en} {sign} %", zh=f"{label.zh} {sign}%")


_ASSUMED = {
    "persons_per_household": Message(en="residents per household", zh="户均人口"),
    "floors": Message(en="storeys assumed", zh="默认层数"),
}


def unknown_capacity(plan: Plan) -> Message | None:
    """Return how many facilities share nothing because nobody knows their capacity, in words."""
    table = plan.layers.get("catchments")
    if table is None or not len(table):
        return None
    unknown = int(table["reason"].notna().sum())
    if not unknown:
        return None
    return Message(
        en=f"The capacity of {unknown} of {counted(len(table), 'facility', 'facilities')} is not "
        f"known (no staff, no checked floor space); what is not known is not shared, so that "
        f"figures per resident are too low, or absent.",
        zh=f"{len(table)} 处设施中有 {unknown} 处容量不明（没有工作人员数或经核实的面积），"
        f"未计入分享，人均数值因此偏低或缺失。",
    )


def capacity_rows(plan: Plan) -> pd.DataFrame:
    """Return the capacity within reach per 1,000 residents, by community and kind."""
    scores = plan.layers.get("catchment_scores")
    if scores is None or not len(scores):
        return pd.DataFrame()
    names = plan.layers["communities"].set_index("community_id")["name"]
    rows: dict[Any, dict[str, Any]] = {}
    for line in scores.to_dict("records"):
        unit = line["community_id"]
        label = NONE if pd.isna(unit) else TOTAL if unit == _ALL else str(names.get(unit, unit))
        row = rows.setdefault(unit, {"of_unit": label, "population": line["residents"]})
        row[f"{line['kind']}_per_1000"] = line["per_1000"]
        row[f"{line['kind']}_without"] = line["without"]
    ordered = [row for unit, row in rows.items() if unit != _ALL]
    return pd.DataFrame([*ordered, rows[_ALL]])
