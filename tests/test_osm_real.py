"""Tests of `gridplan.sources.osm` on real towns, against counts made another way."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import osmium
import pytest
import shapely

from gridplan.sources.osm import OsmExtract, read_osm
from tests.osm_world import LAYERS, note


def raw_highways(path: Path) -> tuple[dict[int, tuple[int, ...]], dict[int, str]]:
    """Nodes and class of each highway way, by a plain loop."""
    only = osmium.FileProcessor(str(path), osmium.osm.WAY)
    nodes, classes = {}, {}
    for way in only.with_filter(osmium.filter.KeyFilter("highway")):
        nodes[way.id] = tuple(node.ref for node in way.nodes)
        classes[way.id] = way.tags["highway"]
    return nodes, classes


def steps_of(extract: OsmExtract) -> int:
    return int((shapely.get_num_coordinates(extract.streets.geometry) - 1).sum())


@pytest.fixture(scope="module")
def newport(shared: Callable[[str], Path]) -> OsmExtract:
    return read_osm(shared("newport/newport.osm.pbf"))


@pytest.mark.real
class TestRealPlaces:
    def test_newport_has_the_counts_measured_elsewhere(self, newport):
        assert len(newport.buildings) == 34_100
        assert len(newport.residential) == 91
        assert newport.areas["admin_level"].tolist() == ["10"] * 7
        assert int((newport.pois["amenity"] == "community_centre").sum()) == 18
        assert newport.box_source == "extent"

    def test_newport_has_each_step_of_each_highway(self, newport, shared):
        nodes, _ = raw_highways(shared("newport/newport.osm.pbf"))
        assert len({ref for refs in nodes.values() for ref in refs}) == 48_760
        assert sum(len(refs) - 1 for refs in nodes.values()) == 52_584
        left_out = [
            int(osm_id[1:])
            for code in ("osm_highways_not_there", "osm_highway_areas")
            for osm_id in note(newport, code)[1]
        ]
        steps = steps_of(newport) + sum(len(nodes[way]) - 1 for way in left_out)
        assert steps == 52_584

    def test_newport_has_no_invalid_shape_and_no_id_twice(self, newport):
        for layer in LAYERS:
            frame = getattr(newport, layer)
            assert frame.geometry.is_valid.all()
            assert not frame.geometry.is_empty.any()
            assert not frame.iloc[:, 0].duplicated().any()

    @pytest.mark.slow
    def test_heidelberg_is_read(self, shared):
        extract = read_osm(shared("heidelberg/heidelberg.osm.pbf"))
        nodes, _ = raw_highways(shared("heidelberg/heidelberg.osm.pbf"))
        left_out = {
            int(osm_id[1:])
            for code in ("osm_highways_not_there", "osm_highway_areas")
            for osm_id in note(extract, code)[1]
        }
        kept = {way: refs for way, refs in nodes.items() if way not in left_out}
        merged, _ = note(extract, "osm_nodes_merged")
        steps = sum(len(refs) - 1 for refs in kept.values())
        assert merged == 1
        assert steps_of(extract) == steps - merged
        assert extract.timestamp == dt.date(2024, 9, 8)

    def test_beijing_has_chinese_names_and_its_box(self, shared):
        extract = read_osm(shared("cn_osm/beijing_haidian_tsinghua.osm"))
        assert len(extract.buildings) == 521
        assert len(extract.residential) == 6
        assert "中关村东路" in set(extract.streets["name"])
        assert (extract.box, extract.box_source) == (
            (116.3084, 39.9905, 116.332, 40.0123),
            "declared",
        )

    def test_beijing_clipped_to_its_box_is_cut_there(self, tmp_path, shared):
        """Ways run past the box; without the nodes outside, as a clipping tool leaves it."""
        tree = ET.parse(shared("cn_osm/beijing_haidian_tsinghua.osm"))  # noqa: S314
        root = tree.getroot()
        west, south, east, north = 116.3084, 39.9905, 116.332, 40.0123
        for node in root.findall("node"):
            lon, lat = float(node.get("lon")), float(node.get("lat"))
            if not (west <= lon <= east and south <= lat <= north):
                root.remove(node)
        tree.write(tmp_path / "clipped.osm", encoding="utf-8")
        known = {int(node.get("id")) for node in root.findall("node")}
        extract = read_osm(tmp_path / "clipped.osm")
        kept = {int(osm_id[1:]) for osm_id in extract.streets["osm_id"]}
        nodes, _ = raw_highways(tmp_path / "clipped.osm")
        expected = sum(
            {first, second} <= known
            for way in sorted(kept)
            for first, second in itertools.pairwise(nodes[way])
        )
        cut = {int(osm_id[1:]) for osm_id in note(extract, "osm_ways_cut")[1]}
        assert len(cut & set(nodes)) > 50
        assert steps_of(extract) == expected - note(extract, "osm_nodes_merged")[0]
        inside = shapely.box(west, south, east, north)
        assert (
            inside.contains(extract.streets.geometry).all()
            or inside.covers(extract.streets.geometry).all()
        )
