"""What of the layers can matter: homes inside the boundary, streets and obstacles near it."""

from __future__ import annotations

import geopandas as gpd
import shapely

from gridplan.errors import agreed, both_ids, counted, first_ids, ids_zh
from gridplan.geometry import Floats
from gridplan.place import as_text
from gridplan.project.reading import Flags, Reading, ids_of

_WORDS = {
    "buildings": ("building", "buildings", "栋建筑"),
    "estates": ("estate", "estates", "个小区"),
    "weights": ("weighted cell", "weighted cells", "个人口权重单元"),
    "zonings": ("zone of a department", "zones of departments", "个部门分区"),
    "earlier_zones": ("zone of an earlier plan", "zones of an earlier plan", "个原分区"),
    "streets": ("street", "streets", "条道路"),
    "water": ("water area", "water areas", "个水面"),
    "barriers": ("barrier", "barriers", "条阻隔"),
    "gates": ("gate", "gates", "个出入口"),
    "sites": ("site", "sites", "个活动室点"),
    "committees": ("committee", "committees", "个居委会"),
    "facilities": ("service point of a facility", "service points of facilities", "个设施服务点"),
    "components": ("municipal component", "municipal components", "个部件"),
    "cases": ("case", "cases", "个案件"),
}
_INSIDE = ("buildings", "estates", "weights", "zonings", "earlier_zones", "components",
           "cases")  # fmt: skip
_NEAR = ("streets", "water", "barriers", "gates")


def select_near(reading: Reading) -> None:
    """Keep homes, estates, weights inside, streets, water, barriers, gates within the buffer."""
    outline = reading.outline
    if outline is None:
        return
    _refuse_far(reading, "gates")
    near = outline.buffer(reading.config.network.buffer_m)
    shapely.prepare(outline)
    shapely.prepare(near)
    for layers, area in ((_INSIDE, outline), (_NEAR, near)):
        for layer in layers:
            if layer in reading.layers:
                kept = shapely.intersects(area, reading.layers[layer].geometry.to_numpy())
                _keep(reading, layer, kept)
    for layer, en, zh in (
        ("streets", "street lies within the buffer of the boundary", "边界缓冲区内没有道路"),
        ("buildings", "building lies inside the boundary", "边界内没有建筑"),
    ):
        if layer in reading.layers and reading.layers[layer].empty:
            reading.faults.add(
                en=f"No {en}. Check the layer `{layer}` and its coordinate system.",
                zh=f"{zh}。请检查图层 `{layer}` 及其坐标系。",
            )
            del reading.layers[layer]


def _keep(reading: Reading, layer: str, kept: Flags) -> None:
    frame = reading.layers[layer]
    reading.layers[layer] = frame[kept].reset_index(drop=True)
    none_left = layer in {"streets", "buildings"} and not kept.any()  # a fault, not a note
    if kept.all() or none_left:
        return
    ids = ids_of(frame, layer, ~kept)
    _, en, zh = _WORDS[layer]
    buffer_m = reading.config.network.buffer_m
    inside = layer in _INSIDE
    where_en = "outside the boundary" if inside else f"more than {buffer_m:,.0f} m outside"
    where_zh = "在边界以外" if inside else f"在边界外 {buffer_m:,.0f} 米以外"
    reading.note(
        f"{layer}_outside",
        ids,
        en=f"{len(ids)} of {len(frame)} {en} {agreed(len(ids), 'lies', 'lie')} {where_en}, left "
        f"out: {first_ids(ids)}.",
        zh=f"{len(frame)} {zh}中有 {len(ids)} 个{where_zh}，未采用：{ids_zh(ids)}。",
    )


def select_components(reading: Reading) -> None:
    """Keep the components inside the boundary; a layer with none inside lies elsewhere."""
    if reading.outline is None:
        return
    frame = reading.layers["components"]
    kept = shapely.intersects(reading.outline, frame.geometry.to_numpy())
    if kept.any():
        _keep(reading, "components", kept)
        return
    ids, ids_zh = both_ids(ids_of(frame, "components", ~kept))
    reading.faults.add(
        en=f"None of the {len(frame)} municipal components lies inside the boundary: {ids}. Check "
        f"the layer `components` and its coordinate system, or leave it out.",
        zh=f"{len(frame)} 个部件均不在边界内：{ids_zh}。请检查图层 `components` 及其坐标系，"
        f"或不使用该图层。",
    )


def select_facilities(reading: Reading, layer: str, *, chosen: bool) -> None:
    """
    Keep committees, sites, facilities within the buffer; those of a table must lie there.

    Parameters
    ----------
    chosen : bool
        By tags of an OSM file, which holds the neighbours' too: those are left out.
    """
    if reading.outline is None or layer not in reading.layers:
        return
    if not chosen:
        _refuse_far(reading, layer)
    frame = reading.layers[layer]
    away_m = _away_m(reading, frame)
    within = away_m <= reading.config.network.buffer_m
    beside = within & (away_m > 0)
    if chosen and not within.all():
        _keep(reading, layer, within)
    if beside.any():
        ids = ids_of(frame, layer, beside)
        one, many, zh = _WORDS[layer]
        reading.note(
            f"{layer}_beside",
            ids,
            en=f"{counted(len(ids), f'{one} stands', f'{many} stand')} outside the boundary, "
            f"within the buffer, and {agreed(len(ids), 'counts', 'count')}: {first_ids(ids)}.",
            zh=f"{len(ids)} {zh}位于边界外的缓冲区内，已计入：{ids_zh(ids)}。",
        )


def _refuse_far(reading: Reading, layer: str) -> None:
    if layer not in reading.layers or layer not in reading.from_file:
        return
    frame = reading.layers[layer]
    away_m = _away_m(reading, frame)
    buffer_m = reading.config.network.buffer_m
    beyond = away_m > buffer_m
    # Of a buffer that is at fault nothing is said.
    if not beyond.any() or "network" in reading.left:
        return
    named = [
        f"{key} ({metres:,.0f} m)"
        for key, metres in zip(ids_of(frame, layer, beyond), away_m[beyond], strict=True)
    ]
    one, many, zh = _WORDS[layer]
    reading.faults.add(
        en=f"{counted(len(named), f'{one} lies', f'{many} lie')} more than {buffer_m:,.0f} m "
        f"outside the boundary: {first_ids(named)}. Check their coordinates and coordinate system, "
        f"or raise [network].buffer_m.",
        zh=f"{len(named)} {zh}在边界外 {buffer_m:,.0f} 米以外：{ids_zh(named)}。"
        f"请检查坐标及坐标系，或增大 [network].buffer_m。",
    )


def _away_m(reading: Reading, frame: gpd.GeoDataFrame) -> Floats:
    metres: Floats = shapely.distance(frame.geometry.to_numpy(), reading.outline)
    return metres


def drop_unknown_estates(reading: Reading) -> None:
    """Take back names of estates that the place does not have, and say so."""
    estates = reading.layers.get("estates")
    if estates is not None and "estate_id" not in estates:
        return  # the layer's own fault says so
    known = set() if estates is None else set(as_text(estates["estate_id"]).dropna())
    for layer in ("buildings", "gates", "sites"):
        frame = reading.layers.get(layer)
        if frame is None or "estate_id" not in frame:
            continue
        named = as_text(frame["estate_id"])
        unknown = (named.notna() & (named != "") & ~named.isin(known)).to_numpy(dtype=bool)
        if not unknown.any():
            continue
        names = sorted(named[unknown].unique())
        reading.layers[layer] = frame.assign(estate_id=named.where(~unknown, None))
        one, many, zh = _WORDS[layer]
        reading.note(
            f"{layer}_estates_unknown",
            names,
            count=int(unknown.sum()),
            en=f"{counted(int(unknown.sum()), f'{one} names', f'{many} name')} "
            f"{counted(len(names), 'estate that is', 'estates that are')} not in the place "
            f"({first_ids(names)}), to be counted as of the estate around, if any.",
            zh=f"{int(unknown.sum())} {zh}所属的 {len(names)} 个小区不在本区域"
            f"（{ids_zh(names)}），改按所在位置归属。",
        )
