"""Tests of `gridplan.sources.osm`: the layers that are read, and where streets are cut."""

from __future__ import annotations

import itertools
from collections import Counter

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.sources.osm import kinds_from_landuse, read_osm
from gridplan.sources.osm_lines import DEGREE, Vertices, make_pieces
from tests.osm_world import HOLE, LAYERS, LINE, RING, ROAD, SQUARE, World, area_world, ends, note


class TestStreets:
    def test_are_split_where_ways_share_a_node(self, tmp_path):
        ways = [(4, [2, 7, 8], ROAD), (5, [1, 2, 3], ROAD)]
        extract = World(LINE, ways).read(tmp_path)
        assert ends(extract) == [
            ("w4-0", "n2", "n8"),
            ("w5-0", "n1", "n2"),
            ("w5-1", "n2", "n3"),
        ]
        assert shapely.get_num_coordinates(extract.streets.geometry).tolist() == [3, 2, 2]
        assert extract.streets.crs.to_epsg() == 4326

    def test_are_split_where_a_way_meets_itself(self, tmp_path):
        extract = World(LINE, [(5, [1, 2, 3, 4, 2], ROAD)]).read(tmp_path)
        assert ends(extract) == [("w5-0", "n1", "n2"), ("w5-1", "n2", "n2")]

    def test_a_ring_without_junction_is_one_piece(self, tmp_path):
        extract = World(LINE | SQUARE, [(5, RING, ROAD)]).read(tmp_path)
        assert ends(extract) == [("w5-0", "n21", "n21")]

    def test_are_cut_at_absent_nodes_and_never_joined(self, tmp_path):
        extract = World(LINE, [(5, [1, 2, 70, 71, 3, 4], ROAD)]).read(tmp_path)
        assert ends(extract) == [("w5-0", "n1", "n2"), ("w5-1", "n3", "n4")]
        assert [line.length for line in extract.streets.geometry] == pytest.approx([0.001, 0.001])
        assert note(extract, "osm_ways_cut") == (1, ("w5",))
        assert note(extract, "osm_nodes_absent") == (2, ("n70", "n71"))

    def test_what_is_left_of_a_cut_way_still_meets_others(self, tmp_path):
        ways = [(5, [1, 2, 70, 3, 4], ROAD), (6, [2, 9], ROAD), (7, [70, 3], ROAD)]
        extract = World(LINE, ways).read(tmp_path)
        assert ends(extract) == [
            ("w5-0", "n1", "n2"),
            ("w5-1", "n3", "n4"),
            ("w6-0", "n2", "n9"),
        ]
        assert note(extract, "osm_ways_pointless") == (1, ("w7",))

    def test_nodes_at_one_place_are_one(self, tmp_path):
        nodes = LINE | {90: LINE[2]}
        ways = [(5, [1, 90, 2, 3], ROAD), (6, [90, 7], ROAD), (7, [2, 8], ROAD)]
        extract = World(nodes, ways).read(tmp_path)
        assert [(u, v) for _, u, v in ends(extract)] == [
            ("n1", "n2"),
            ("n2", "n3"),
            ("n2", "n7"),
            ("n2", "n8"),
        ]
        assert (shapely.length(extract.streets.geometry) > 0).all()
        assert note(extract, "osm_nodes_merged") == (1, ("n90",))

    def test_repeated_nodes_leave_no_piece_without_length(self, tmp_path):
        extract = World(LINE, [(5, [1, 1, 2, 2, 3], ROAD), (6, [2, 4], ROAD)]).read(tmp_path)
        assert ends(extract)[:2] == [("w5-0", "n1", "n2"), ("w5-1", "n2", "n3")]

    def test_carry_their_tags(self, tmp_path):
        tags = {
            "highway": "footway", "name:zh": " 长江\n路 ", "bridge": "viaduct", "tunnel": "no",
            "layer": "-1", "foot": "designated", "access": "private", "service": "alley",
        }  # fmt: skip
        street = World(LINE, [(5, [1, 2], tags)]).read(tmp_path).streets.iloc[0]
        assert street["name"] == "长江 路"
        assert (bool(street["bridge"]), bool(street["tunnel"]), street["layer"]) == (
            True,
            False,
            -1,
        )
        assert (street["foot"], street["access"], street["service"]) == (
            "designated", "private", "alley",
        )  # fmt: skip

    def test_prefer_name_and_leave_it_null_without_one(self, tmp_path):
        ways = [(5, [1, 2], ROAD | {"name": "A", "name:zh": "甲"}), (6, [2, 3], ROAD)]
        assert World(LINE, ways).read(tmp_path).streets["name"].tolist() == ["A", None]

    def test_that_are_not_there_or_areas_are_counted(self, tmp_path):
        ways = [
            (1, [1, 2], ROAD),
            (2, [2, 3], {"highway": "proposed"}),
            (3, [3, 4], {"highway": "construction"}),
            (4, RING, {"highway": "pedestrian", "area": "yes"}),
            (5, RING, {"highway": "pedestrian"}),
        ]
        extract = World(LINE | SQUARE, ways).read(tmp_path)
        assert extract.streets["osm_id"].tolist() == ["w1", "w5"]
        assert note(extract, "osm_highways_not_there") == (2, ("w2", "w3"))
        assert note(extract, "osm_highway_areas") == (1, ("w4",))

    def test_of_a_way_given_twice_are_read_once(self, tmp_path):
        ways = [(5, [1, 2], ROAD), (5, [1, 2, 3], ROAD), (4, [3, 4], ROAD)]
        path = tmp_path / "twice.osm"
        newer = '<way id="5" version="2"><nd ref="1" /><nd ref="2" /><nd ref="3" />'
        xml = World(LINE, ways).xml()
        path.write_text(xml.replace(newer.replace("2", "1", 1), newer), encoding="utf-8")
        extract = read_osm(path)
        assert ends(extract) == [("w4-0", "n3", "n4"), ("w5-0", "n1", "n3")]
        assert note(extract, "osm_repeated") == (1, ("w5",))


WALKS = st.lists(st.lists(st.integers(0, 11), min_size=2, max_size=7), min_size=1, max_size=6)


class TestPieces:
    """`make_pieces` against a plain loop over the same ways."""

    @staticmethod
    def vertices(walks: list[list[int]], absent: set[int]) -> Vertices:
        line = [row for row, walk in enumerate(walks) for _ in walk]
        ref = np.array([one for walk in walks for one in walk])
        known = ~np.isin(ref, sorted(absent))
        x = np.where(known, ref * ref * DEGREE // 10, np.iinfo(np.int32).max)
        return Vertices(np.array(line), ref, x, np.where(known, ref * DEGREE // 10, x))

    @given(walks=WALKS, absent=st.sets(st.integers(0, 11), max_size=4))
    @settings(max_examples=60, deadline=None)
    def test_hold_each_known_step_once_and_no_other(self, walks, absent):
        pieces, faults = make_pieces(self.vertices(walks, absent), at_junctions=True)
        expected = Counter(
            (row, *sorted(step))
            for row, walk in enumerate(walks)
            for step in itertools.pairwise(walk)
            if step[0] != step[1] and not absent & set(step)
        )
        steps: Counter[tuple[int, ...]] = Counter()
        for way, line in zip(pieces.way.tolist(), pieces.lines, strict=True):
            refs = np.rint(shapely.get_coordinates(line)[:, 1] * 10).astype(int).tolist()
            steps.update((way, *sorted(step)) for step in itertools.pairwise(refs))
        assert steps == expected
        used = {ref for walk in walks for ref in walk}
        assert faults.absent_nodes.tolist() == sorted(used & absent)
        touched = [row for row, walk in enumerate(walks) if absent & set(walk)]
        assert faults.cut_ways.tolist() == touched

    @given(walks=WALKS, absent=st.sets(st.integers(0, 11), max_size=4))
    @settings(max_examples=60, deadline=None)
    def test_meet_only_at_their_ends(self, walks, absent):
        pieces, _ = make_pieces(self.vertices(walks, absent), at_junctions=True)
        inner: list[float] = []
        outer: set[float] = set()
        for u, v, line in zip(pieces.u, pieces.v, pieces.lines, strict=True):
            places = (shapely.get_coordinates(line)[:, 1] * 10).round().tolist()
            assert (places[0], places[-1]) == (u, v)
            inner.extend(places[1:-1])
            outer |= {places[0], places[-1]}
        assert len(inner) == len(set(inner))
        assert not outer & set(inner)

    def test_are_numbered_along_the_way(self):
        walks = [[0, 1, 2, 3], [1, 4], [2, 5]]
        pieces, _ = make_pieces(self.vertices(walks, set()), at_junctions=True)
        assert list(zip(pieces.way.tolist(), pieces.part.tolist(), strict=True)) == [
            (0, 0), (0, 1), (0, 2), (1, 0), (2, 0),
        ]  # fmt: skip

    def test_of_nothing_are_nothing(self):
        none = np.empty(0, dtype=np.int64)
        pieces, faults = make_pieces(Vertices(none, none, none, none), at_junctions=True)
        assert len(pieces.lines) == len(faults.cut_ways) == 0


class TestAreas:
    @pytest.mark.parametrize(
        ("tags", "kind"),
        [
            ({"building": "apartments"}, "residential"),
            ({"building": "dormitory"}, "dormitory"),
            ({"building": "farm"}, "village"),
            ({"building": "warehouse"}, "industrial"),
            ({"building": "kindergarten"}, "public"),
            ({"building": "retail"}, "commercial"),
            ({"building": "garage"}, "other"),
            ({"building": "yes"}, "unknown"),
            ({"building": "明德楼"}, "unknown"),
            ({"building": "yes", "amenity": "hospital"}, "public"),
            ({"building": "yes", "amenity": "restaurant"}, "commercial"),
            ({"building": "yes", "amenity": "parking"}, "other"),
            ({"building": "yes", "shop": "mall"}, "commercial"),
            ({"building": "yes", "office": "government"}, "public"),
            ({"building": "yes", "office": "company"}, "commercial"),
            ({"building": "yes", "leisure": "sports_centre"}, "public"),
            ({"building": "yes", "landuse": "industrial"}, "industrial"),
            ({"building": "yes", "man_made": "works"}, "industrial"),
        ],
    )
    def test_a_building_has_the_kind_its_tags_tell(self, tmp_path, tags, kind):
        buildings = area_world(tags).read(tmp_path).buildings
        assert buildings["kind"].tolist() == [kind]
        assert buildings["building"].tolist() == [tags["building"]]

    def test_floors_that_cannot_be_read_are_null_and_noted(self, tmp_path):
        world = area_world(
            {"building": "yes", "building:levels": "6"},
            {"building": "yes", "building:levels": "many"},
            {"building": "yes", "building:levels": "0"},
            {"building": "yes"},
        )
        extract = world.read(tmp_path)
        assert extract.buildings["floors"].fillna(-1).tolist() == [6, -1, -1, -1]
        assert note(extract, "osm_floors_unread") == (2, ("w101", "w102"))

    def test_a_relation_has_its_hole(self, tmp_path):
        world = World(
            LINE | SQUARE,
            [(1, [1, 2], ROAD), (2, RING, {}), (3, HOLE, {})],
            [(7, [(2, "outer"), (3, "inner")], {"type": "multipolygon", "building": "school"})],
        )
        buildings = world.read(tmp_path).buildings
        assert buildings["building_id"].tolist() == ["r7"]
        assert shapely.area(buildings.geometry).tolist() == pytest.approx([0.01 - 0.0004])
        assert buildings.geom_type.tolist() == ["Polygon"]

    def test_two_outer_rings_make_a_multipolygon(self, tmp_path):
        apart = {node + 20: (lon + 1, lat) for node, (lon, lat) in SQUARE.items()}
        world = World(
            LINE | SQUARE | apart,
            [(1, [1, 2], ROAD), (2, RING, {}), (3, [ref + 20 for ref in RING], {})],
            [(7, [(2, "outer"), (3, "outer")], {"type": "multipolygon", "landuse": "forest"})],
        )
        assert world.read(tmp_path).landuse.geom_type.tolist() == ["MultiPolygon"]

    def test_that_do_not_close_or_lack_parts_are_counted(self, tmp_path):
        world = World(
            LINE | SQUARE,
            [
                (1, [1, 2], ROAD),
                (2, RING[:-1], {"building": "yes"}),
                (3, [21, 22, 99, 21], {"building": "yes"}),
                (4, [21, 23, 22, 24, 21], {"landuse": "grass"}),
            ],
            [(7, [(55, "outer")], {"type": "boundary", "boundary": "administrative"})],
        )
        extract = world.read(tmp_path)
        assert extract.buildings.empty
        assert note(extract, "osm_areas_open") == (1, ("w2",))
        assert note(extract, "osm_areas_incomplete") == (3, ("r7", "w3", "w4"))

    def test_go_to_their_layers(self, tmp_path):
        extract = area_world(
            {"landuse": "residential", "name": "花园新村", "residential": "urban"},
            {"landuse": "industrial"},
            {"natural": "water", "water": "pond", "name": "塘"},
            {"landuse": "reservoir"},
            {"boundary": "administrative", "admin_level": "10", "name": "新镇", "ref": "12"},
        ).read(tmp_path)
        assert extract.residential[["estate_id", "name", "kind"]].to_numpy().tolist() == [
            ["w100", "花园新村", "urban"]
        ]
        assert extract.residential["walled"].isna().all()
        assert extract.landuse["kind"].tolist() == ["residential", "industrial", "reservoir"]
        assert extract.water[["water_id", "kind"]].to_numpy().tolist() == [
            ["w102", "pond"],
            ["w103", "reservoir"],
        ]
        areas = extract.areas[["osm_id", "admin_level", "name", "ref"]]
        assert areas.to_numpy().tolist() == [["w104", "10", "新镇", "12"]]

    def test_empty_layers_have_their_columns(self, tmp_path):
        extract = World(LINE, [(1, [1, 2], ROAD)]).read(tmp_path)
        for layer in LAYERS[1:]:
            frame = getattr(extract, layer)
            assert len(frame) == 0
            assert "osm_id" in frame
            assert frame.crs.to_epsg() == 4326


class TestPointsAndBarriers:
    def test_points_of_interest_come_from_nodes_and_areas(self, tmp_path):
        world = area_world(
            {"building": "yes", "amenity": "community_centre", "name": "活动室"},
            {"building": "house"},
            {"building": "yes", "name": "居委会"},
        )
        world.nodes[50] = (0.3, 0.4, {"office": "government", "name": "街道办"})
        pois = world.read(tmp_path).pois
        shown = pois[["osm_id", "source", "key", "value", "name"]].to_numpy().tolist()
        assert shown == [
            ["n50", "node", "office", "government", "街道办"],
            ["w100", "area", "amenity", "community_centre", "活动室"],
            ["w102", "area", "building", "yes", "居委会"],
        ]
        assert pois["amenity"].tolist() == [None, "community_centre", None]
        assert shapely.box(0.1, 0.1, 0.2, 0.2).contains(pois.geometry.iloc[1])

    def test_gates_have_their_kind(self, tmp_path):
        nodes = LINE | {
            50: (0.3, 0.4, {"barrier": "gate", "access": "private"}),
            51: (0.3, 0.5, {"barrier": "lift_gate"}),
            52: (0.3, 0.6, {"entrance": "main"}),
            53: (0.3, 0.7, {"barrier": "bollard"}),
        }
        gates = World(nodes, [(1, [1, 2], ROAD)]).read(tmp_path).gates
        assert gates[["gate_id", "kind", "access", "status"]].to_numpy().tolist() == [
            ["n50", "gate", "private", "mapped"],
            ["n51", "lift_gate", None, "mapped"],
            ["n52", "entrance", None, "mapped"],
        ]

    def test_barriers_are_lines_above_ground(self, tmp_path):
        ways = [
            (1, [1, 2], ROAD),
            (2, [2, 3, 4], {"barrier": "wall"}),
            (3, [3, 70, 5, 6], {"waterway": "canal", "name": "塘河"}),
            (4, [3, 4], {"railway": "rail", "tunnel": "yes"}),
            (5, [3, 4], {"waterway": "ditch"}),
            (6, RING, {"landuse": "residential", "barrier": "fence"}),
        ]
        extract = World(LINE | SQUARE, ways).read(tmp_path)
        assert extract.barriers[["barrier_id", "kind", "name"]].to_numpy().tolist() == [
            ["w2-0", "wall", None],
            ["w3-0", "canal", "塘河"],
            ["w6-0", "fence", None],
        ]
        assert len(extract.residential) == 1
        assert note(extract, "osm_ways_cut") == (1, ("w3",))
        assert note(extract, "osm_barriers_underground") == (1, ("w4",))


class TestKindsFromLanduse:
    @staticmethod
    def frame(columns: dict[str, list], boxes: list[tuple]) -> gpd.GeoDataFrame:
        shapes = [shapely.box(*box) for box in boxes]
        return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)

    def test_unknown_ones_take_the_kind_of_the_smallest_land_around(self):
        buildings = self.frame(
            {"kind": ["unknown"] * 4 + ["public"]},
            [(1, 1, 2, 2), (11, 1, 12, 2), (21, 1, 22, 2), (99, 1, 100, 2), (1, 3, 2, 4)],
        )
        buildings.index = pd.Index(list("abcde"))
        landuse = self.frame(
            {"kind": ["industrial", "grass", "retail"]},
            [(0, 0, 30, 30), (20, 0, 23, 3), (1, 1, 1.2, 1.2)],
        )
        residential = self.frame({}, [(0, 0, 5, 5)])
        refined = kinds_from_landuse(buildings, residential, landuse)
        assert refined["kind"].to_dict() == {
            "a": "residential", "b": "industrial", "c": "other", "d": "other", "e": "public",
        }  # fmt: skip
        assert refined["kind_from"].tolist() == ["landuse"] * 4 + ["tag"]
        assert buildings["kind"].tolist() == ["unknown"] * 4 + ["public"]

    def test_without_land_all_unknown_are_other(self):
        buildings = self.frame({"kind": ["unknown", "residential"]}, [(0, 0, 1, 1)] * 2)
        none = self.frame({"kind": []}, [])
        refined = kinds_from_landuse(buildings, none, none)
        assert refined["kind"].tolist() == ["other", "residential"]
