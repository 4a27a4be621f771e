"""Tests of `gridplan.sources.osm` on files: formats, order, box, date, and what is refused."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
from pathlib import Path

import osmium
import pytest
from geopandas.testing import assert_geodataframe_equal

from gridplan.errors import InputError, MissingInputError
from gridplan.sources.osm import OsmExtract, read_osm
from tests.osm_world import HOLE, LAYERS, LINE, RING, ROAD, SQUARE, World, note


class TestBoxAndDate:
    WORLD = World(LINE, [(1, [1, 9], ROAD)])

    def test_box_is_the_declared_one(self, tmp_path):
        head = '<bounds minlat="-1" minlon="-2" maxlat="1" maxlon="2"/>'
        extract = self.WORLD.read(tmp_path, head)
        assert (extract.box, extract.box_source) == ((-2, -1, 2, 1), "declared")

    def test_box_is_else_the_extent(self, tmp_path):
        extract = self.WORLD.read(tmp_path)
        assert extract.box_source == "extent"
        assert extract.box == pytest.approx((0.001, 0, 0.009, 0))

    def test_a_box_of_half_the_earth_is_not_believed(self, tmp_path):
        head = '<bounds minlat="0" minlon="0" maxlat="90" maxlon="180"/>'
        extract = self.WORLD.read(tmp_path, head)
        assert extract.box_source == "extent"
        assert note(extract, "osm_box_implausible")[0] == 1

    def test_date_is_that_of_the_header(self, tmp_path):
        extract = self.WORLD.read(tmp_path, '<meta osm_base="2024-05-06T07:08:09Z"/>')
        assert extract.timestamp == dt.date(2024, 5, 6)

    def test_date_is_else_that_of_the_newest_object(self, tmp_path):
        path = tmp_path / "dated.osm"
        xml = self.WORLD.xml().replace(
            '<way id="1"', '<way id="1" timestamp="2023-02-01T00:00:00Z"'
        )
        path.write_text(xml, encoding="utf-8")
        assert read_osm(path).timestamp == dt.date(2023, 2, 1)

    def test_date_is_null_where_nothing_is_dated(self, tmp_path):
        assert self.WORLD.read(tmp_path).timestamp is None


def assert_same(one: OsmExtract, other: OsmExtract) -> None:
    for layer in LAYERS:
        assert_geodataframe_equal(getattr(one, layer), getattr(other, layer))
    assert (one.box, one.notes) == (other.box, other.notes)


class TestFiles:
    WORLD = World(
        LINE | SQUARE,
        [
            (5, [1, 2, 70, 3, 4], ROAD | {"name": "人民路"}),
            (6, [2, 9], ROAD),
            (7, RING, {"building": "house"}),
            (8, HOLE, {"landuse": "residential"}),
        ],
    )

    def test_all_formats_give_the_same(self, tmp_path):
        expected = self.WORLD.read(tmp_path)
        plain = tmp_path / "world.osm"
        packed = {
            "a.osm.gz": gzip.compress(plain.read_bytes()),
            "b.osm.bz2": bz2.compress(plain.read_bytes()),
            "c.pbf": plain.read_bytes(),  # the name says nothing
        }
        with osmium.SimpleWriter(str(tmp_path / "d.osm.pbf")) as writer:
            for one in osmium.FileProcessor(str(plain)):
                writer.add(one)
        for name, content in packed.items():
            (tmp_path / name).write_bytes(content)
        for name in (*packed, "d.osm.pbf"):
            assert_same(read_osm(tmp_path / name), expected)

    def test_order_of_objects_does_not_matter(self, tmp_path):
        expected = self.WORLD.read(tmp_path)
        turned = self.WORLD._replace(
            nodes=dict(reversed(self.WORLD.nodes.items())), ways=self.WORLD.ways[::-1]
        )
        assert_same(turned.read(tmp_path), expected)

    def test_a_folder_with_a_chinese_name_is_read(self, tmp_path):
        folder = tmp_path / "新镇 数据"
        folder.mkdir()
        assert len(self.WORLD.read(folder).streets) == 3


def truncated_pbf(folder: Path) -> Path:
    whole, cut = folder / "whole.osm.pbf", folder / "cut.osm.pbf"
    nodes = {node: (node / 1e4, 0.0) for node in range(1, 3000)}
    (folder / "big.osm").write_text(World(nodes, [(1, [1, 2], ROAD)]).xml(), encoding="utf-8")
    with osmium.SimpleWriter(str(whole)) as writer:
        for one in osmium.FileProcessor(str(folder / "big.osm")):
            writer.add(one)
    cut.write_bytes(whole.read_bytes()[:-100])
    return cut


class TestFaults:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", r"bad\.osm is no OpenStreetMap file: it is empty"),
            (b"hello", r"it begins with b'hello'\. Expected \.osm\.pbf"),
            (b"<osm version='0.6'><node id='1'", r"XML parsing error at line 1, column"),
            (b"<html></html>", r"Unknown top-level element: html"),
            (b"<osm version='0.6'><node id='1' lat='x' lon='1'/></osm>", r"wrong format"),
            (b"\x1f\x8b\x08broken", r"gzip error"),
            (b"<osm version='0.6'/>", r"has no streets .* only 0 areas and 0 points"),
        ],
    )
    def test_what_cannot_be_read_is_said(self, tmp_path, content, message):
        path = tmp_path / "bad.osm"
        path.write_bytes(content)
        with pytest.raises(InputError, match=message) as caught:
            read_osm(path)
        assert all(fault.zh != fault.en for fault in caught.value.faults)

    def test_a_truncated_pbf_is_refused(self, tmp_path):
        with pytest.raises(InputError, match=r"cut\.osm\.pbf cannot be read .* PBF error"):
            read_osm(truncated_pbf(tmp_path))

    def test_no_such_file(self, tmp_path):
        with pytest.raises(MissingInputError, match=r"There is no file .*nope\.osm\.pbf"):
            read_osm(tmp_path / "nope.osm.pbf")

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(InputError, match="cannot be opened"):
            read_osm(tmp_path)

    def test_streets_without_nodes_are_refused(self, tmp_path):
        with pytest.raises(InputError, match=r"None of the 1 streets .* has two nodes"):
            World(LINE, [(1, [70, 71], ROAD)]).read(tmp_path)

    def test_ids_of_an_editor_are_refused(self, tmp_path):
        world = World({-1: (0, 0), -2: (0, 1)}, [(-3, [-1, -2], ROAD)])
        with pytest.raises(InputError, match=r"2 street nodes .* negative ids \(n-1, n-2\)"):
            world.read(tmp_path)
