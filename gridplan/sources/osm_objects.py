"""The loop over an OpenStreetMap file: copies what is needed, since objects die with it."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import osmium
from osmium.osm import Area, Changeset, Node, Relation, Way

from gridplan.errors import InputError, Message, MissingInputError
from gridplan.sources import osm_tags
from gridplan.sources.osm_lines import WayNodes

_KEYS = (
    "amenity", "barrier", "boundary", "building", "entrance", "highway", "landuse", "leisure",
    "natural", "office", "railway", "shop", "waterway",
)  # fmt: skip

_LINE_KEYS = ("highway", "barrier", "waterway", "railway")
_CLOSED_KEYS = ("building", "landuse")
"""Keys of areas only: an open way that has one was meant to close."""

_SNIFFED = 2048
_XML_DATES = (
    re.compile(rb'osm_base="(\d{4}-\d\d-\d\d)'),
    re.compile(rb'<osm\b[^>]*\btimestamp="(\d{4}-\d\d-\d\d)'),
)
_OUT_OF_ORDER = re.compile(r"out of order|twice in input|^Found a \w+ after")
_HEADER_DATES = ("osmosis_replication_timestamp", "timestamp")
_EPOCH_YEAR = 1970

Box = tuple[float, float, float, float]


class RawArea(NamedTuple):
    """A closed way or multipolygon: id (``w12``, ``r3``), tags, its layers, polygon as WKB."""

    osm_id: str
    tags: dict[str, str]
    layers: tuple[str, ...]
    wkb: str


class RawPoint(NamedTuple):
    """A tagged node: id such as ``n12``, tags, longitude and latitude in degrees."""

    osm_id: str
    tags: dict[str, str]
    lon: float
    lat: float


class RawWays(NamedTuple):
    """Line ways: their nodes, and the tags of each."""

    nodes: WayNodes
    tags: list[dict[str, str]]


@dataclass(slots=True)
class RawObjects:
    """
    What was copied out of one file.

    Attributes
    ----------
    coast : RawWays
        Coastlines, with the water on their right.
    open_water : dict of id to tags and members
        Relations of water, each with the ids of its ways.
    banks : dict of id to RawWays
        Of the relations of water that cannot be assembled, the ways that are there.
    skipped : dict of note code to list of ids
        Objects that were met and not read, by reason.
    expected_areas : set of id
        Closed ways and relations that should have become areas.
    declared_box : tuple (west, south, east, north) or None
        In degrees, as the file declares it.
    dated : date or None
        Of the file's header, else of its newest object.
    """

    streets: RawWays = field(default_factory=lambda: RawWays(WayNodes(), []))
    barriers: RawWays = field(default_factory=lambda: RawWays(WayNodes(), []))
    coast: RawWays = field(default_factory=lambda: RawWays(WayNodes(), []))
    banks: dict[str, RawWays] = field(default_factory=dict)
    open_water: dict[str, tuple[dict[str, str], tuple[int, ...]]] = field(default_factory=dict)
    areas: list[RawArea] = field(default_factory=list)
    points: list[RawPoint] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    expected_areas: set[str] = field(default_factory=set)
    declared_box: Box | None = None
    dated: dt.date | None = None


def read_objects(path: Path) -> RawObjects:
    """
    Read the objects that gridplan knows from a ``.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.

    The format is recognised by its first bytes, not by the file's name.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputError
        If the file is of another kind or broken; the message says what broke.
    """
    content = _content_of(path)
    form = _format_of(content, path)
    try:
        return _read_ordered(content, form)
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise InputError(
            Message(
                en=f"{path.name} cannot be read as OpenStreetMap data: {str(error).strip(' :')}. "
                f"The file is broken or cut short; get it again.",
                zh=f"{path.name} 无法作为 OpenStreetMap 数据读取：{str(error).strip(' :')}。"
                f"文件已损坏或不完整，请重新获取。",
            )
        ) from error


def _read_ordered(content: bytes, form: str) -> RawObjects:
    """Read objects, in the order of their ids if the file has them in another."""
    buffer = osmium.io.FileBuffer(content, form)
    raw = _with_header(buffer, content)
    source = buffer
    try:
        newest = _collect(buffer, raw)
    except RuntimeError as error:
        if not _OUT_OF_ORDER.search(str(error)):
            raise
        raw = _with_header(buffer, content)
        source = _in_order(content, form)
        newest = _collect(source, raw)
        raw.skipped["osm_repeated"] = _repeated(buffer)
    raw.dated = raw.dated or newest
    _collect_banks(source, raw)
    return raw


def _collect_banks(buffer: osmium.io.FileBuffer, raw: RawObjects) -> None:
    """Copy the members of water areas that leave the file: most carry no tags of their own."""
    made = {area.osm_id for area in raw.areas}
    wanted = {key: refs for key, (_, refs) in raw.open_water.items() if key not in made}
    if not wanted:
        return
    ids = sorted({ref for refs in wanted.values() for ref in refs})
    raw.banks = {key: RawWays(WayNodes(), []) for key in sorted(wanted)}
    ways = osmium.FileProcessor(buffer).with_locations()
    ways = ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
    for found in ways.with_filter(osmium.filter.IdFilter(ids)):
        for key, refs in wanted.items():
            if isinstance(found, Way) and found.id in refs:
                _add_line(found, {}, raw.banks[key])


def _in_order(content: bytes, form: str) -> osmium.io.FileBuffer:
    """Return the objects sorted, of each the newest version."""
    merger = osmium.MergeInputReader()
    merger.add_buffer(content, form)
    with tempfile.TemporaryDirectory(prefix="gridplan-") as folder:
        copy = Path(folder) / "sorted.osm.pbf"
        with osmium.SimpleWriter(str(copy)) as writer:
            merger.apply(writer)
        return osmium.io.FileBuffer(copy.read_bytes(), "pbf")


def _repeated(buffer: osmium.io.FileBuffer) -> list[str]:
    found = Counter(f"{one.type_str()}{one.id}" for one in osmium.FileProcessor(buffer))
    return sorted(osm_id for osm_id, times in found.items() if times > 1)


def _content_of(path: Path) -> bytes:
    # Bytes read by Python, and not a name handed to osmium, so that Chinese
    # folder names work on Windows.
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MissingInputError(
            Message(
                en=f"There is no file {path}. Name an OpenStreetMap extract (.pbf or .osm).",
                zh=f"找不到文件 {path}。请指定 OpenStreetMap 数据文件（.pbf 或 .osm）。",
            )
        ) from error
    except OSError as error:
        raise InputError(
            Message(
                en=f"{path.name} cannot be opened ({error.strerror}). Name an OpenStreetMap file "
                f"that you may read.",
                zh=f"无法打开 {path.name}（{error.strerror}）。请指定可读取的 OpenStreetMap 文件。",
            )
        ) from error


def _format_of(content: bytes, path: Path) -> str:
    if content.startswith(b"\x1f\x8b"):
        return "osm.gz"
    if content.startswith(b"BZh"):
        return "osm.bz2"
    head = content[:_SNIFFED]
    if b"OSMHeader" in head:
        return "pbf"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return "osm"
    found = "is empty" if not content else f"begins with {head[:8]!r}"
    found_zh = "是空文件" if not content else f"开头为 {head[:8]!r}"
    raise InputError(
        Message(
            en=f"{path.name} is no OpenStreetMap file: it {found}. Expected .osm.pbf, .osm, "
            f".osm.gz or .osm.bz2.",
            zh=f"{path.name} 不是 OpenStreetMap 文件：{found_zh}。"
            f"应为 .osm.pbf、.osm、.osm.gz 或 .osm.bz2。",
        )
    )


def _with_header(buffer: osmium.io.FileBuffer, content: bytes) -> RawObjects:
    raw = RawObjects()
    header = osmium.io.Reader(buffer, osmium.osm.NOTHING).header()
    box = header.box()
    if box.valid():
        low, high = box.bottom_left, box.top_right
        raw.declared_box = (low.lon, low.lat, high.lon, high.lat)
    stamps = [header.get(key) for key in _HEADER_DATES]
    dated = next((dt.date.fromisoformat(stamp[:10]) for stamp in stamps if stamp), None)
    raw.dated = _xml_date(content) or dated
    return raw


def _xml_date(content: bytes) -> dt.date | None:
    found = [pattern.search(content[:_SNIFFED]) for pattern in _XML_DATES]
    return next((dt.date.fromisoformat(hit[1].decode()) for hit in found if hit), None)


def _collect(buffer: osmium.io.FileBuffer, raw: RawObjects) -> dt.date | None:
    """Copy objects into `raw`; return the date of the newest."""
    wanted = osmium.filter.KeyFilter(*_KEYS)
    polygons = osmium.geom.WKBFactory()
    newest = dt.datetime(_EPOCH_YEAR, 1, 1, tzinfo=dt.UTC)
    for found in osmium.FileProcessor(buffer).with_areas(wanted).with_filter(wanted):
        if isinstance(found, Changeset) or found.deleted:
            continue
        newest = max(newest, found.timestamp)
        if isinstance(found, Way):
            _add_way(found, raw)
        elif isinstance(found, Node):
            _add_node(found, raw)
        elif isinstance(found, Area):
            _add_area(found, raw, polygons)
        elif isinstance(found, Relation):
            _expect_relation(found, raw)
    return newest.date() if newest.year > _EPOCH_YEAR else None


def _add_way(way: Way, raw: RawObjects) -> None:
    osm_id, closed = f"w{way.id}", way.is_closed()
    if closed and _areal(way):
        raw.expected_areas.add(osm_id)
    elif not closed and any(key in way.tags for key in _CLOSED_KEYS):
        raw.skipped["osm_areas_open"].append(osm_id)
    if way.tags.get("natural") == "coastline":
        _add_line(way, {}, raw.coast)
    if not any(key in way.tags for key in _LINE_KEYS):
        return
    tags = dict(way.tags)
    if "highway" in tags:
        _add_highway(way, tags, raw, closed=closed)
    elif osm_tags.barrier_kind(tags) is None:
        return
    elif osm_tags.flag_of(tags.get("tunnel")):
        raw.skipped["osm_barriers_underground"].append(osm_id)
    else:
        _add_line(way, tags, raw.barriers)


def _areal(found: Way | Relation) -> bool:
    if found.tags.get("building", "no") != "no":  # most areas by far: worth the short cut
        return True
    return bool(osm_tags.area_layers(dict(found.tags)))


def _add_highway(way: Way, tags: dict[str, str], raw: RawObjects, *, closed: bool) -> None:
    if tags["highway"] in osm_tags.NOT_A_WAY:
        raw.skipped["osm_highways_not_there"].append(f"w{way.id}")
    elif osm_tags.is_highway_area(tags, closed=closed):
        raw.skipped["osm_highway_areas"].append(f"w{way.id}")
    else:
        _add_line(way, tags, raw.streets)


def _add_line(way: Way, tags: dict[str, str], ways: RawWays) -> None:
    nodes = ways.nodes
    nodes.way_id.append(way.id)
    nodes.size.append(len(way.nodes))
    ways.tags.append(tags)
    for node in way.nodes:
        place = node.location
        nodes.ref.append(node.ref)
        nodes.x.append(place.x)
        nodes.y.append(place.y)


def _add_node(node: Node, raw: RawObjects) -> None:
    tags = dict(node.tags)
    relevant = osm_tags.gate_kind(tags) or osm_tags.poi_key(tags, area=False)
    if relevant and node.location.valid():
        raw.points.append(RawPoint(f"n{node.id}", tags, node.lon, node.lat))


def _add_area(area: Area, raw: RawObjects, polygons: osmium.geom.WKBFactory) -> None:
    tags = dict(area.tags)
    layers = osm_tags.area_layers(tags)
    if osm_tags.poi_key(tags, area=True):
        layers = (*layers, "pois")
    # osmium hands on an area that it could not assemble, without rings.
    if layers and area.num_rings()[0]:
        osm_id = f"{'w' if area.from_way() else 'r'}{area.orig_id()}"
        raw.areas.append(RawArea(osm_id, tags, layers, polygons.create_multipolygon(area)))


def _expect_relation(relation: Relation, raw: RawObjects) -> None:
    if relation.tags.get("type") in {"multipolygon", "boundary"} and _areal(relation):
        osm_id, tags = f"r{relation.id}", dict(relation.tags)
        raw.expected_areas.add(osm_id)
        if "water" in osm_tags.area_layers(tags):
            refs = tuple(member.ref for member in relation.members if member.type == "w")
            raw.open_water[osm_id] = (tags, refs)
