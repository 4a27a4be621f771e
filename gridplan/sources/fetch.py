"""An OpenStreetMap extract from the network, by OSMnx: all that a place needs, in one file."""

from __future__ import annotations

import datetime as dt
import json
import re
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import shapely

from gridplan.errors import (
    FaultList,
    InputError,
    Message,
    MissingPackageError,
    OutputError,
    SettingsError,
)
from gridplan.geometry import choose_crs

Box = tuple[float, float, float, float]
Element = dict[str, Any]

WANTED: Mapping[str, bool | str | list[str]] = {
    "highway": True,
    "building": True,
    "landuse": True,
    "natural": "water",
    "waterway": ["river", "canal", "riverbank", "dock"],
    "railway": "rail",
    "barrier": True,
    "entrance": True,
    "amenity": True,
    "leisure": True,
    "office": True,
    "shop": True,
    # Sub-districts and communities; provinces and counties would come with all their border.
    "admin_level": ["8", "9", "10", "11"],
}
"""Tags of the objects asked for: those that `read_osm` reads."""

_BOX = re.compile(r"\s*,\s*".join([r"\s*(-?\d+(?:\.\d+)?)"] * 4) + r"\s*")
_LOOKS_LIKE_BOX = re.compile(r"[-\d.,\s]+")
_MAX_LON, _MAX_LAT = 180.0, 90.0
_MAX_KM2 = 2_000.0
_M2_PER_KM2 = 1e6
_PROBE_SECONDS = (10, 30)
_KINDS = ("node", "way", "relation")
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def fetch_extract(place: str, out: Path | str, *, buffer_m: float = 1_000.0) -> dt.date:
    """
    Get the streets, buildings, land use … of a place and write them as one OSM file.

    The only function of gridplan that uses the network. The file holds the raw
    answer of the Overpass service: all objects with a tag of `WANTED` in the
    place and around it, and all nodes and ways they refer to.

    Parameters
    ----------
    place : str
        A name that the OpenStreetMap geocoder knows as an area, or a box in
        degrees, ``"west,south,east,north"``.
    out : path of the ``.osm`` file to write
        An earlier file of the name is replaced, once the new one is whole.
    buffer_m : float, default 1000
        How far beyond the place to read, since people walk across its edge. The
        bounds in the file are those of the place without it.

    Returns
    -------
    date
        Of the data, as the service states it; it is in the file, too.

    Raises
    ------
    MissingPackageError
        If OSMnx is not installed.
    SettingsError
        If the box is no box, the place too large, or `out` not named ``.osm``.
    OutputError
        If the file cannot be written.
    InputError
        If there is no network, the service gives no whole answer, the place is
        not known, or there are no streets.
    """
    target = Path(out)
    box = parse_box(place)
    _check_target(target)
    osmnx = _osmnx()
    with _quiet_settings(osmnx) as cache, _network_errors():
        outline = shapely.box(*box) if box else _geocoded(osmnx, place)
        around = _widened(outline, buffer_m)
        _probe(osmnx)
        _download(osmnx, around)
        answer = _answer(cache, place)
    dated = _date_of(answer)
    elements = _unique(answer["elements"])
    _require_streets(elements, place)
    _write(target, elements, stamp=answer["osm3s"]["timestamp_osm_base"], box=outline.bounds)
    return dated


def parse_box(text: str) -> Box | None:
    """
    Return a box written as ``west,south,east,north`` in degrees; None for a name.

    Raises
    ------
    SettingsError
        If the text consists of numbers but is no box.

    Examples
    --------
    >>> parse_box("120.9, 31.4, 121.0, 31.5"), parse_box("昆山市周市镇") is None
    ((120.9, 31.4, 121.0, 31.5), True)
    """
    if not _LOOKS_LIKE_BOX.fullmatch(text):
        return None
    found = _BOX.fullmatch(text)
    if found:
        west, south, east, north = map(float, found.groups())
        ordered = -_MAX_LON <= west < east <= _MAX_LON and -_MAX_LAT <= south < north <= _MAX_LAT
        if ordered:
            return west, south, east, north
    raise SettingsError(
        Message(
            en=f"{text!r} is no box. Write west,south,east,north in degrees, e.g. "
            f"120.95,31.44,121.00,31.48.",
            zh=f"{text!r} 不是有效的范围。请按“西,南,东,北”以度书写，例如 "
            f"120.95,31.44,121.00,31.48。",
        )
    )


def _check_target(target: Path) -> None:
    faults = FaultList()
    if target.suffix.lower() != ".osm":
        faults.add(
            en=f"{target.name} does not end in .osm, which is what is written. Name it so.",
            zh=f"{target.name} 的扩展名不是 .osm；写出的是 .osm 文件，请改名。",
        )
    faults.raise_if_any(SettingsError)
    if not target.parent.is_dir() or target.is_dir():
        raise OutputError(
            Message(
                en=f"{target} cannot be written: {target.parent} is no folder, or the name is "
                f"one. Make the folder first.",
                zh=f"无法写入 {target}：{target.parent} 不是文件夹，或该名称本身是文件夹。"
                f"请先建立文件夹。",
            )
        )


def _osmnx() -> ModuleType:
    try:
        import osmnx  # takes 5 s
    except ImportError as error:
        raise MissingPackageError(
            Message(
                en='Fetching from OpenStreetMap needs OSMnx: pip install "gridplan[osmnx]".',
                zh='下载 OpenStreetMap 数据需要 OSMnx：pip install "gridplan[osmnx]"。',
            )
        ) from error
    return osmnx


@contextmanager
def _quiet_settings(osmnx: ModuleType) -> Iterator[Path]:
    """Let OSMnx keep raw answers in a folder of our own; put all back afterwards."""
    settings = osmnx.settings
    names = ("use_cache", "cache_only_mode", "cache_folder", "doh_url_template")
    before = {name: getattr(settings, name) for name in names}
    resolve = socket.getaddrinfo  # OSMnx replaces it
    with tempfile.TemporaryDirectory(prefix="gridplan-") as folder:
        try:
            # Its own "download only" mode leaves the answer as the service gave it.
            settings.use_cache = settings.cache_only_mode = True
            settings.cache_folder = folder
            settings.doh_url_template = None
            yield Path(folder)
        finally:
            socket.getaddrinfo = resolve
            for name, value in before.items():
                setattr(settings, name, value)


@contextmanager
def _network_errors() -> Iterator[None]:
    import requests  # comes with OSMnx

    try:
        yield
    except requests.exceptions.RequestException as error:
        raise InputError(
            Message(
                en=f"OpenStreetMap cannot be reached ({type(error).__name__}). Check the network "
                f"and proxy, or bring an extract (.osm.pbf) from another machine.",
                zh=f"无法连接 OpenStreetMap（{type(error).__name__}）。"
                f"请检查网络与代理，或从其他电脑拷贝 .osm.pbf 数据文件。",
            )
        ) from error


def _geocoded(osmnx: ModuleType, place: str) -> shapely.Geometry:
    try:
        found = osmnx.geocode_to_gdf(place)
    except (ValueError, TypeError) as error:  # the bases of OSMnx's own errors
        raise InputError(
            Message(
                en=f"The geocoder knows no area named {place!r}. Write the name as on "
                f"openstreetmap.org, or a box west,south,east,north.",
                zh=f"地名服务中没有名为 {place!r} 的区域。请按 openstreetmap.org 上的名称书写，"
                f"或给出范围“西,南,东,北”。",
            )
        ) from error
    outline: shapely.Geometry = found.geometry.iloc[0]
    return outline


def _widened(outline: shapely.Geometry, buffer_m: float) -> shapely.Geometry:
    """Return one polygon around the place, as the service takes it."""
    middle = outline.centroid
    hull = gpd.GeoSeries([outline.convex_hull], crs="EPSG:4326")
    metres = hull.to_crs(choose_crs(middle.x, middle.y)).buffer(buffer_m, quad_segs=2)
    km2 = float(metres.area.iloc[0]) / _M2_PER_KM2
    if km2 > _MAX_KM2:
        raise SettingsError(
            Message(
                en=f"The place is {km2:,.0f} km², too large for the service (limit "
                f"{_MAX_KM2:,.0f} km²). Name a sub-district, or download an extract of the region.",
                zh=f"该区域约 {km2:,.0f} km²，超出服务允许的范围（上限 {_MAX_KM2:,.0f} km²）。"
                f"请指定街道范围，或下载该地区的数据文件。",
            )
        )
    around: shapely.Geometry = metres.to_crs("EPSG:4326").iloc[0]
    return around


def _probe(osmnx: ModuleType) -> None:
    # Without network OSMnx would wait a minute before it tries at all.
    import requests

    url = osmnx.settings.overpass_url.rstrip("/") + "/status"
    requests.get(url, timeout=_PROBE_SECONDS, **osmnx.settings.requests_kwargs)


def _download(osmnx: ModuleType, around: shapely.Geometry) -> None:
    try:
        osmnx.features_from_polygon(around, dict(WANTED))
    except InterruptedError:  # how it ends when it only downloads
        return
    except ValueError as error:  # the base of OSMnx's own errors
        raise InputError(_no_answer()) from error


def _answer(cache: Path, place: str) -> Mapping[str, Any]:
    """Return the answer that OSMnx kept; it keeps none that the service cut short."""
    kept = [json.loads(one.read_text(encoding="utf-8")) for one in sorted(cache.iterdir())]
    answers = [one for one in kept if isinstance(one, dict) and "elements" in one]
    if len(answers) != 1 or "timestamp_osm_base" not in answers[0].get("osm3s", {}):
        raise InputError(_no_answer())
    if not answers[0]["elements"]:
        raise InputError(_nothing_there(place))
    return answers[0]


def _no_answer() -> Message:
    return Message(
        en="The OpenStreetMap service gave no whole answer: it is busy, or the place too large. "
        "Try again later, or with a smaller box.",
        zh="OpenStreetMap 服务未返回完整数据：服务繁忙或区域过大。请稍后重试，或缩小范围。",
    )


def _nothing_there(place: str) -> Message:
    return Message(
        en=f"OpenStreetMap has no streets in {place!r}. Check the order: west,south,east,north.",
        zh=f"OpenStreetMap 在 {place!r} 中没有道路。请检查顺序：西,南,东,北。",
    )


def _date_of(answer: Mapping[str, Any]) -> dt.date:
    return dt.datetime.fromisoformat(answer["osm3s"]["timestamp_osm_base"]).date()


def _unique(elements: Iterable[Element]) -> list[Element]:
    """Return each object once, nodes first, by id, as readers of OSM files expect."""
    found = {(_KINDS.index(one["type"]), int(one["id"])): one for one in elements}
    return [found[key] for key in sorted(found)]


def _require_streets(elements: Iterable[Element], place: str) -> None:
    if not any(one["type"] == "way" and "highway" in one.get("tags", {}) for one in elements):
        raise InputError(_nothing_there(place))


def _write(target: Path, elements: Iterable[Element], *, stamp: str, box: Box) -> None:
    root = ET.Element("osm", version="0.6", generator="gridplan fetch (OSMnx, Overpass API)")
    note = "Data (c) OpenStreetMap contributors, ODbL 1.0, https://www.openstreetmap.org/copyright"
    ET.SubElement(root, "note").text = note
    ET.SubElement(root, "meta", osm_base=stamp)
    sides = zip(("minlon", "minlat", "maxlon", "maxlat"), box, strict=True)
    ET.SubElement(root, "bounds", {side: f"{value:.7f}" for side, value in sides})
    for element in elements:
        root.append(_xml(element))
    ET.indent(root, space=" ")
    aside = target.with_name(target.name + ".part")
    try:
        aside.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise OutputError(
            Message(
                en=f"{target} cannot be written ({error.strerror}). Choose another place.",
                zh=f"无法写入 {target}（{error.strerror}）。请另选位置。",
            )
        ) from error


def _xml(element: Element) -> ET.Element:
    one = ET.Element(element["type"], id=str(element["id"]))
    if element["type"] == "node":
        one.set("lat", f"{element['lat']:.7f}")
        one.set("lon", f"{element['lon']:.7f}")
    for ref in element.get("nodes", ()):
        ET.SubElement(one, "nd", ref=str(ref))
    for member in element.get("members", ()):
        keys = ("type", "ref", "role")
        ET.SubElement(one, "member", {key: _clean(member[key]) for key in keys})
    for key, value in element.get("tags", {}).items():
        ET.SubElement(one, "tag", k=_clean(key), v=_clean(value))
    return one


def _clean(value: object) -> str:
    return _NOT_IN_XML.sub("", str(value))
