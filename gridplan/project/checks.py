"""Faults that only show when the layers stand side by side: all that a run would refuse."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from gridplan.cells import community_code_faults
from gridplan.errors import FaultList, counted, first_ids, ids_zh
from gridplan.geometry import line_scale
from gridplan.network import NetworkOptions, is_walkable
from gridplan.place import PAIR_COLUMNS, as_text, normal_layer
from gridplan.project.facility_checks import check_facilities
from gridplan.project.reading import Reading

_SITE_KINDS = ("existing", "candidate", "required")
_FAR_SHARE = 0.1
_ODD_SCALE, _WORST_SCALE = 0.0015, 0.02
"""In its own zone of 3 or 6 degrees no place is off by more than the first; the second misleads."""


def check_place(reading: Reading, population: pd.DataFrame | None) -> None:
    """Add the faults and notes of the layers taken together."""
    _check_scale(reading)
    _check_codes(reading)
    _check_sites(reading)
    _check_committees(reading)
    if "facilities" in reading.layers:
        check_facilities(
            reading.layers["facilities"],
            committees=reading.layers.get("committees"),
            sites=reading.layers.get("sites"),
            faults=reading.faults,
        )
    _check_streets(reading)
    if population is not None and int(population["population"].sum()) == 0:
        reading.faults.add(
            en="The population table holds no residents. Give [place].population a total or a "
            "table with counts.",
            zh="人口表中没有居民。请在 [place].population 中给出总数或含人数的表。",
        )


def _check_scale(reading: Reading) -> None:
    """Refuse a CRS in which lengths at the place are far from those on the ground."""
    if reading.outline is None:
        return
    centre = reading.outline.centroid
    low, high = line_scale(reading.crs, centre.x, centre.y)
    off = max(abs(low - 1), abs(high - 1))
    name = f"{reading.crs.to_string()} ({reading.crs.name})"
    found_en = (
        f"In {name} lengths at this place are {low:.4f} to {high:.4f} times those on the ground"
    )
    found_zh = f"在 {name} 中，本地长度为实地长度的 {low:.4f} 至 {high:.4f} 倍"
    if off > _WORST_SCALE:
        reading.faults.add(
            en=f"{found_en}. Set [place].crs to a zone of the place, or leave it out.",
            zh=f"{found_zh}。请将 [place].crs 设为当地分带，或不填。",
        )
    elif off > _ODD_SCALE:
        reading.note(
            "crs_of_another_zone",
            [],
            count=1,
            en=f"{found_en}: the zone is that of another longitude.",
            zh=f"{found_zh}：所用分带与当地经度不符。",
        )


def _check_codes(reading: Reading) -> None:
    communities = reading.layers.get("communities")
    if "cells" in reading.left:  # the rule of codes is not known
        return
    if communities is not None and "community_id" in communities:
        codes = as_text(communities["community_id"])
        # Empty ids are a fault of the layer itself.
        given = codes[codes.notna() & (codes != "")]
        reading.faults.extend(community_code_faults(given, reading.config.cells.profile))


def _check_sites(reading: Reading) -> None:
    sites, committees = reading.layers.get("sites"), reading.layers.get("committees")
    if sites is None:
        return
    kinds = sites["kind"].astype("string")
    odd = sorted(set(kinds.fillna("")) - set(_SITE_KINDS))
    if odd:
        odd = [one or '""' for one in odd]
        reading.faults.add(
            en=f"`sites`.`kind` has values that are none of {', '.join(_SITE_KINDS)}: "
            f"{first_ids(odd)}.",
            zh=f"`sites`.`kind` 的取值应为 {'、'.join(_SITE_KINDS)}，发现：{ids_zh(odd)}。",
        )
    candidates = int((kinds == "candidate").sum())
    asked = reading.config.siting
    p_new = asked.p
    # With a budget, or another answer, the number decides nothing: a run goes on with a note.
    if asked.numbered and p_new > candidates and "siting" not in reading.left:
        reading.faults.add(
            en=f"[siting].p = {p_new}, but there are {candidates} candidate sites. Lower p or "
            f"add sites ([place].sites; not set: the largest building of each estate and every "
            f"public building).",
            zh=f"[siting].p = {p_new}，但候选点只有 {candidates} 个。请减小 p 或增加候选点"
            f"（[place].sites；不填则取各小区最大建筑与所有公共建筑）。",
        )
    if committees is not None and "site_id" in sites and "committee_id" in committees:
        site_ids, committee_ids = as_text(sites["site_id"]), as_text(committees["committee_id"])
        both = sorted(set(site_ids.dropna()) & set(committee_ids.dropna()))
        if both:
            reading.faults.add(
                en=f"{counted(len(both), 'id is', 'ids are')} used for a site and a committee: "
                f"{first_ids(both)}.",
                zh=f"{len(both)} 个编号同时用于活动室点与居委会：{ids_zh(both)}。",
            )


def _check_committees(reading: Reading) -> None:
    """Refuse committees of a community that is not in the place."""
    communities, committees = reading.layers.get("communities"), reading.layers.get("committees")
    if communities is None or committees is None:
        return
    if "community_id" not in communities or "community_id" not in committees:
        return
    known = set(as_text(communities["community_id"]))
    named = as_text(committees["community_id"])
    unknown = sorted(set(named[named.notna() & (named != "")]) - known)
    if unknown:
        reading.faults.add(
            en=f"`committees`.`community_id` names "
            f"{counted(len(unknown), 'community that is', 'communities that are')} not in the "
            f"layer `communities`: {first_ids(unknown)}. Codes must be equal as text; leave it "
            f"empty to go by where the committee stands.",
            zh=f"`committees`.`community_id` 中有 {len(unknown)} 个编码不在社区图层中："
            f"{ids_zh(unknown)}。编码须逐字一致；留空则按所在位置归属。",
        )


def _check_streets(reading: Reading) -> None:
    """Refuse streets nobody can walk on, or that no building is near; note many far ones."""
    streets, options = reading.layers.get("streets"), _network_options(reading)
    if streets is None:
        return
    own = FaultList()
    normal = normal_layer(streets, "streets", crs=reading.crs, faults=own)
    if own.faults:
        return  # reported with the layer
    walkable = is_walkable(normal, options)
    if not walkable.any():
        classes = normal["highway"].value_counts().index.tolist()
        reading.faults.add(
            en=f"None of the {len(normal)} streets near the place can be walked along (they are "
            f"{first_ids(classes)}). Check the layer `streets` and [network].not_walkable.",
            zh=f"区域附近的 {len(normal)} 条道路均不可步行（类别：{ids_zh(classes)}）。"
            f"请检查 streets 图层与 [network].not_walkable 设置。",
        )
        return
    _check_reach(reading, normal[walkable], options.max_leg_m)


def _check_reach(reading: Reading, walkable: gpd.GeoDataFrame, max_leg_m: float) -> None:
    buildings = reading.layers.get("buildings")
    if buildings is None:
        return
    points = shapely.centroid(buildings.geometry.to_numpy())
    tree = shapely.STRtree(walkable.geometry.to_numpy())
    reached, _ = tree.query_nearest(points, max_distance=max_leg_m, all_matches=False)
    far = len(points) - len(reached)
    share = far / len(points)
    if share <= _FAR_SHARE:
        return
    found_en = (
        f"{far:,} of {len(points):,} buildings ({share:.0%}) have no street to walk on within "
        f"{max_leg_m:,.0f} m"
    )
    found_zh = (
        f"{len(points):,} 栋建筑中有 {far:,} 栋（{share:.0%}）在 {max_leg_m:,.0f} 米内"
        f"没有可步行的道路"
    )
    advice_en = (
        "Streets are missing there, or streets and buildings are in different coordinate systems "
        "(datum, e.g. GCJ-02 against CGCS2000)."
    )
    advice_zh = "可能缺少道路，或道路与建筑的坐标系（基准，如 GCJ-02 与 CGCS2000）不一致。"
    if far == len(points):
        reading.faults.add(en=f"{found_en}. {advice_en}", zh=f"{found_zh}。{advice_zh}")
    else:
        reading.note(
            "buildings_far_from_streets",
            [],
            count=far,
            en=f"{found_en}. {advice_en}",
            zh=f"{found_zh}。{advice_zh}",
        )


def _network_options(reading: Reading) -> NetworkOptions:
    return NetworkOptions(**reading.config.network.model_dump())


def checked_pairs(reading: Reading, table: pd.DataFrame, *, what: str) -> pd.DataFrame:
    """
    Return the pairs of community and committee as text; what does not fit is a fault.

    Parameters
    ----------
    table : DataFrame
        With the columns of `PAIR_COLUMNS`, one pair a row.
    what : str
        Name of the file, for the messages.
    """
    lacking = [name for name in PAIR_COLUMNS if name not in table]
    if lacking:
        reading.faults.add(
            en=f"{what} lacks the columns {lacking}; it has {[str(one) for one in table.columns]}. "
            f"Rename with `rename = {{…}}` under [place].community_committees.",
            zh=f"{what} 缺少字段 {lacking}；现有字段 {[str(one) for one in table.columns]}。"
            f"请在 [place].community_committees 中用 `rename = {{…}}` 对应。",
        )
        return table.iloc[:0].reindex(columns=list(PAIR_COLUMNS))
    pairs = pd.DataFrame({name: as_text(table[name]).str.strip() for name in PAIR_COLUMNS})
    _pair_faults(reading, pairs, what)
    return pairs


def _pair_faults(reading: Reading, pairs: pd.DataFrame, what: str) -> None:
    empty = pairs.isna().any(axis="columns") | (pairs == "").any(axis="columns")
    if empty.any():
        rows = [f"row {row + 1}" for row in pairs.index[empty]]
        reading.faults.add(
            en=f"{what}: {counted(len(rows), 'row lacks', 'rows lack')} a community or a "
            f"committee: {first_ids(rows)}.",
            zh=f"{what}：{len(rows)} 行缺少社区或居委会：{ids_zh(rows)}。",
        )
    whole = pairs[~empty]
    twice = whole[whole.duplicated()]
    if len(twice):
        shown = sorted({f"{a} / {b}" for a, b in twice.itertuples(index=False)})
        reading.faults.add(
            en=f"{what}: {counted(len(shown), 'pair occurs', 'pairs occur')} more than once: "
            f"{first_ids(shown)}.",
            zh=f"{what}：{len(shown)} 对重复出现：{ids_zh(shown)}。",
        )
    for column, one, layer, zh_word in (
        ("community_id", "community", "communities", "社区"),
        ("committee_id", "committee", "committees", "居委会"),
    ):
        frame = reading.layers.get(layer)
        if frame is None or column not in frame:
            continue
        known = set(as_text(frame[column]).dropna())
        unknown = sorted(set(whole[column]) - known)
        if unknown:
            reading.faults.add(
                en=f"{what} names {counted(len(unknown), f'{one} that is', f'{layer} that are')} "
                f"not in the layer `{layer}`: {first_ids(unknown)}.",
                zh=f"{what} 中有 {len(unknown)} 个{zh_word}不在图层 `{layer}` 中："
                f"{ids_zh(unknown)}。",
            )
        if layer == "communities" and len(whole):
            _note_lonely(reading, sorted(known - set(whole[column])), what)


def _note_lonely(reading: Reading, lonely: list[str], what: str) -> None:
    if lonely:
        reading.note(
            "communities_without_committee",
            lonely,
            en=f"{what} gives {counted(len(lonely), 'community', 'communities')} no committee; the "
            f"residents have none of their own: {first_ids(lonely)}.",
            zh=f"{what} 中有 {len(lonely)} 个社区没有居委会，其居民没有所属居委会："
            f"{ids_zh(lonely)}。",
        )
