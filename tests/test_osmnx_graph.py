"""Tests of `gridplan.sources.osmnx_graph`: graphs, GraphML and feature frames of OSMnx."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import pandas as pd
import pyproj
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from gridplan.errors import CrsError, InputError, MissingInputError
from gridplan.sources.osm import read_osm
from gridplan.sources.osmnx_graph import layers_from_features, read_graphml, streets_from_graph

GEOD = pyproj.Geod(ellps="WGS84")


BENT = shapely.LineString([(0, 0), (0.001, 0.002), (0.003, 0)])


def small_graph() -> nx.MultiDiGraph:
    """Two ways between 1 and 2, one street on to 10, a loop at 10; both directions of some."""
    graph = nx.MultiDiGraph(crs="epsg:4326")
    for node, place in {1: (0, 0), 2: (0.003, 0), 10: (0.006, 0)}.items():
        graph.add_node(node, x=place[0], y=place[1])
    straight = {"osmid": 5, "highway": "residential", "name": "人民路", "oneway": False}
    bent = {"osmid": [8, 7], "highway": ["footway", "steps"], "bridge": ["yes"], "layer": "1"}
    graph.add_edge(1, 2, **straight, reversed=False)
    graph.add_edge(2, 1, **straight, reversed=True)
    graph.add_edge(1, 2, **bent, geometry=BENT)
    graph.add_edge(2, 1, **bent | {"osmid": [7, 8]}, geometry=BENT.reverse())
    graph.add_edge(10, 2, osmid=9, highway="service", access="private", tunnel="no")
    loop = shapely.LineString([(0.006, 0), (0.007, 0.001), (0.007, -0.001), (0.006, 0)])
    graph.add_edge(10, 10, osmid=11, highway="service", geometry=loop)
    graph.add_edge(10, 10, osmid=11, highway="service", geometry=loop.reverse())
    return graph


class TestStreetsFromGraph:
    def test_each_street_is_there_once(self):
        streets = streets_from_graph(small_graph())
        shown = streets[["street_id", "osm_id", "u", "v", "highway"]].to_numpy().tolist()
        assert shown == [
            ["n1-n2-0", "w5", "n1", "n2", "residential"],
            ["n1-n2-1", "w7;w8", "n1", "n2", "footway"],
            ["n10-n10-0", "w11", "n10", "n10", "service"],
            ["n10-n2-0", "w9", "n10", "n2", "service"],
        ]
        assert streets.crs.to_epsg() == 4326

    def test_attributes_are_as_in_the_reader(self, tmp_path):
        streets = streets_from_graph(small_graph()).set_index("street_id")
        assert streets["name"].tolist() == ["人民路", None, None, None]
        assert streets["bridge"].tolist() == [False, True, False, False]
        assert streets["tunnel"].tolist() == [False] * 4
        assert streets.loc["n1-n2-1", "layer"] == 1
        assert streets.loc["n10-n2-0", "access"] == "private"
        osm = tmp_path / "a.osm"
        osm.write_text(
            '<osm version="0.6"><node id="1" lon="0" lat="0"/><node id="2" lon="1" lat="0"/>'
            '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way></osm>',
            encoding="utf-8",
        )
        read = read_osm(osm).streets
        own = streets_from_graph(small_graph())
        assert own.columns.tolist() == read.columns.tolist()
        assert own.dtypes.tolist() == read.dtypes.tolist()

    def test_lines_run_from_u_to_v(self):
        graph = small_graph()
        streets = streets_from_graph(graph)
        for row in streets.itertuples():
            for node, place in ((row.u, row.geometry.coords[0]), (row.v, row.geometry.coords[-1])):
                data = graph.nodes[int(node[1:])]
                assert place == (data["x"], data["y"])

    def test_order_of_edges_does_not_matter(self):
        graph = small_graph()
        turned = nx.MultiDiGraph(**graph.graph)
        turned.add_nodes_from(reversed(list(graph.nodes(data=True))))
        turned.add_edges_from(reversed(list(graph.edges(data=True))))
        assert_geodataframe_equal(streets_from_graph(turned), streets_from_graph(graph))

    def test_a_projected_graph_comes_back_in_degrees(self):
        graph = nx.MultiDiGraph(crs="EPSG:4549")
        graph.add_node(1, x=593_000.0, y=3_483_000.0)
        graph.add_node(2, x=593_100.0, y=3_483_000.0)
        graph.add_edge(1, 2, osmid=1, highway="path")
        (line,) = streets_from_graph(graph).geometry
        assert line.coords[0] == pytest.approx((120.98, 31.47), abs=0.02)

    def test_the_graph_is_not_changed(self):
        graph = small_graph()
        streets_from_graph(graph)
        assert nx.utils.graphs_equal(graph, small_graph())

    def test_a_missing_system_is_refused(self):
        graph = small_graph()
        del graph.graph["crs"]
        with pytest.raises(CrsError, match=r'graph\.graph\["crs"\] is None'):
            streets_from_graph(graph)

    def test_no_edges_are_refused(self):
        with pytest.raises(InputError, match="has no edges"):
            streets_from_graph(nx.MultiDiGraph(crs=4326))

    def test_nodes_without_place_are_refused(self):
        graph = small_graph()
        del graph.nodes[2]["x"]
        graph.nodes[1]["y"] = "north"
        with pytest.raises(InputError, match=r"2 of 3 nodes of the graph have no x, y: 1, 2\."):
            streets_from_graph(graph)

    def test_faults_of_edges_are_told_together(self):
        graph = small_graph()
        graph.add_edge(1, 10, osmid=1, highway="path", geometry="LINESTRING (0 0")
        graph.add_edge(1, 10, osmid=2)
        with pytest.raises(InputError) as caught:
            streets_from_graph(graph)
        assert [fault.en.split(":")[0] for fault in caught.value.faults] == [
            "1 edge of the graph has a geometry that is no line",
            "1 edge of the graph has no `highway`",
        ]


class TestGraphml:
    def test_text_throughout_gives_the_same(self, tmp_path):
        graph = small_graph()
        texts = nx.MultiDiGraph(crs="epsg:4326")
        for node, data in graph.nodes(data=True):
            texts.add_node(node, **{key: str(value) for key, value in data.items()})
        for start, end, data in graph.edges(data=True):
            texts.add_edge(start, end, **{key: str(value) for key, value in data.items()})
        path = tmp_path / "图.graphml"
        nx.write_graphml(texts, path)
        assert_geodataframe_equal(read_graphml(path), streets_from_graph(graph))

    def test_no_such_file(self, tmp_path):
        with pytest.raises(MissingInputError, match=r"There is no file .*a\.graphml"):
            read_graphml(tmp_path / "a.graphml")

    @pytest.mark.parametrize("content", ["", "<graphml", "<html/>"])
    def test_another_file_is_refused(self, tmp_path, content):
        path = tmp_path / "a.graphml"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"a\.graphml cannot be read as GraphML"):
            read_graphml(path)

    @pytest.mark.real
    def test_futian_keeps_its_length(self, shared):
        path = shared("cn_osm/shenzhen_futian.graphml")
        streets = read_graphml(path)
        graph = nx.read_graphml(path, force_multigraph=True)
        assert (len(graph), graph.number_of_edges()) == (1_751, 4_009)
        # Oracle: the published lengths, each pair of directions once.
        lengths = {
            (*sorted((start, end)), "".join(sorted(data["osmid"])), round(float(data["length"]), 3))
            for start, end, data in graph.edges(data=True)
        }
        assert len(streets) == len(lengths)
        total = sum(length for *_, length in lengths)
        assert sum(map(GEOD.geometry_length, streets.geometry)) == pytest.approx(total, rel=2e-3)
        assert set(streets["u"]) | set(streets["v"]) == {f"n{node}" for node in graph}
        assert "景田路" in set(streets["name"])
        assert not streets["highway"].str.startswith("[").any()
        assert not streets["street_id"].duplicated().any()


def features() -> gpd.GeoDataFrame:
    square = shapely.box(120.0, 31.0, 120.001, 31.001)
    rows = {
        ("way", 3): ({"building": "yes", "building:levels": "6", "name": "居委会"}, square),
        ("way", 4): ({"landuse": "residential", "name": "花园新村"}, square.buffer(0.001)),
        ("relation", 5): ({"natural": "water"}, shapely.MultiPolygon([square])),
        ("way", 6): ({"waterway": "canal"}, shapely.LineString([(120, 31), (120.1, 31)])),
        ("way", 7): ({"railway": "rail", "tunnel": "yes"}, shapely.LineString([(0, 0), (1, 1)])),
        ("node", 1): ({"barrier": "gate"}, shapely.Point(120, 31)),
        ("node", 2): ({"amenity": "community_centre"}, shapely.Point(120, 31.5)),
    }
    return gpd.GeoDataFrame(
        pd.DataFrame([tags for tags, _ in rows.values()]),
        geometry=[shape for _, shape in rows.values()],
        crs=4326,
    ).set_index(pd.MultiIndex.from_tuples(list(rows), names=["element", "id"]))


class TestLayersFromFeatures:
    def test_objects_go_to_their_layers(self):
        layers = layers_from_features(features())
        assert layers["buildings"][["building_id", "kind", "floors"]].to_numpy().tolist() == [
            ["w3", "unknown", 6.0]
        ]
        assert layers["residential"][["estate_id", "name"]].to_numpy().tolist() == [
            ["w4", "花园新村"]
        ]
        assert layers["water"]["osm_id"].tolist() == ["r5"]
        assert layers["barriers"][["barrier_id", "kind"]].to_numpy().tolist() == [["w6-0", "canal"]]
        assert layers["gates"]["gate_id"].tolist() == ["n1"]
        assert layers["pois"][["osm_id", "source", "key"]].to_numpy().tolist() == [
            ["n2", "node", "amenity"],
            ["w3", "area", "building"],
        ]
        assert layers["areas"].empty
        assert all(layer.crs.to_epsg() == 4326 for layer in layers.values())

    def test_columns_are_those_of_the_reader(self, tmp_path):
        osm = tmp_path / "a.osm"
        osm.write_text(
            '<osm version="0.6"><node id="1" lon="0" lat="0"/><node id="2" lon="1" lat="0"/>'
            '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way></osm>',
            encoding="utf-8",
        )
        extract = read_osm(osm)
        for name, layer in layers_from_features(features()).items():
            read = getattr(extract, name)
            assert layer.columns.tolist() == read.columns.tolist()

    def test_another_system_is_brought_to_degrees(self):
        layers = layers_from_features(features().to_crs(4549))
        assert layers["gates"].geometry.iloc[0].x == pytest.approx(120)

    def test_a_missing_system_is_refused(self):
        with pytest.raises(CrsError, match="no coordinate system"):
            layers_from_features(features().set_crs(None, allow_override=True))

    def test_another_index_is_refused(self):
        with pytest.raises(InputError, match=r"not \(element, id\)"):
            layers_from_features(features().reset_index(drop=True))

    def test_copies_are_refused(self):
        twice = pd.concat([features(), features().iloc[:1]])
        with pytest.raises(InputError, match=r"1 object occurs twice .*: w3\."):
            layers_from_features(twice)
