"""Worlds of a few objects as OpenStreetMap files, and what tests ask of an extract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gridplan.sources.osm import OsmExtract, read_osm

LAYERS = (
    "streets", "buildings", "landuse", "residential", "water", "barriers", "gates", "pois",
    "areas",
)  # fmt: skip


class World(NamedTuple):
    """Nodes as {id: (lon, lat, tags)}, ways as (id, refs, tags), relations likewise."""

    nodes: dict[int, tuple]
    ways: Sequence[tuple] = ()
    relations: Sequence[tuple] = ()

    def xml(self, head: str = "") -> str:
        root = ET.Element("osm", version="0.6", generator="test")
        for node, (lon, lat, *tags) in self.nodes.items():
            one = ET.SubElement(root, "node", id=str(node), lon=str(lon), lat=str(lat), version="1")
            _tag(one, tags[0] if tags else {})
        for way, refs, tags in self.ways:
            one = ET.SubElement(root, "way", id=str(way), version="1")
            for ref in refs:
                ET.SubElement(one, "nd", ref=str(ref))
            _tag(one, tags)
        for relation, members, tags in self.relations:
            one = ET.SubElement(root, "relation", id=str(relation), version="1")
            for ref, role in members:
                ET.SubElement(one, "member", type="way", ref=str(ref), role=role)
            _tag(one, tags)
        text = ET.tostring(root, encoding="unicode")
        return text.replace('generator="test">', f'generator="test">{head}', 1)

    def read(self, folder: Path, head: str = "") -> OsmExtract:
        path = folder / "world.osm"
        path.write_text(self.xml(head), encoding="utf-8")
        return read_osm(path)


def _tag(parent: ET.Element, tags: dict[str, str]) -> None:
    for key, value in tags.items():
        ET.SubElement(parent, "tag", k=key, v=value)


ROAD = {"highway": "residential"}
LINE = {node: (node / 1000, 0.0) for node in range(1, 10)}
SQUARE = {
    21: (0.1, 0.1), 22: (0.2, 0.1), 23: (0.2, 0.2), 24: (0.1, 0.2),
    31: (0.12, 0.12), 32: (0.14, 0.12), 33: (0.14, 0.14), 34: (0.12, 0.14),
}  # fmt: skip
RING, HOLE = [21, 22, 23, 24, 21], [31, 32, 33, 34, 31]


def area_world(*tags: dict[str, str]) -> World:
    """One street, and the square with each of the tags."""
    areas = [(100 + row, RING, one) for row, one in enumerate(tags)]
    return World(LINE | SQUARE, [(1, [1, 2], ROAD), *areas])


def note(extract: OsmExtract, code: str) -> tuple[int, tuple[str, ...]]:
    return next(((one.count, one.ids) for one in extract.notes if one.code == code), (0, ()))


def ends(extract: OsmExtract) -> list[tuple[str, str, str]]:
    streets = extract.streets
    return list(zip(streets["street_id"], streets["u"], streets["v"], strict=True))
