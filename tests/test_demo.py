"""The demo town keeps its promises, at three sizes."""

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridplan.place import SCHEMAS, make_place
from gridplan.sources.demo import DemoOptions, make_town
from gridplan.sources.demo.options import POPULATION_HEADERS

SIZES = {
    "default": DemoOptions(),
    "toy": DemoOptions(population=4_000, area_km2=1.0, seed=3),
    "city": DemoOptions(population=220_000, area_km2=40.0, seed=11),
}


@pytest.fixture(scope="module", params=list(SIZES))
def town(request):
    return make_town(SIZES[request.param])


def shapes(town, layer, **where):
    frame = town.layers[layer]
    for column, value in where.items():
        frame = frame[frame[column] == value]
    return frame.geometry.to_numpy()


def vertices(lines):
    coords, owner = shapely.get_coordinates(lines, return_index=True)
    return coords, owner


def components(streets):
    """Label the vertices of streets by connectedness over equal coordinates."""
    coords, owner = vertices(streets.geometry.to_numpy())
    _, node = np.unique(coords, axis=0, return_inverse=True)
    node = node.ravel()
    along = owner[1:] == owner[:-1]
    start, end = node[:-1][along], node[1:][along]
    size = node.max() + 1
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(size, size))
    count, label = connected_components(graph, directed=False)
    length = np.hypot(*(coords[1:] - coords[:-1])[along].T)
    return count, np.bincount(label[start], weights=length)


# The table


def test_population_adds_up(town):
    table, options = town.population, town.options
    assert tuple(table.columns) == POPULATION_HEADERS
    assert table["常住人口"].sum() == options.population
    assert table["0-14岁"].sum() == round(0.1529 * options.population)
    assert table["60岁及以上"].sum() == round(0.1230 * options.population)
    ages = table["0-14岁"] + table["15-59岁"] + table["60岁及以上"]
    assert (ages == table["常住人口"]).all()
    counts = table.drop(columns=["社区编码", "社区名称"])
    assert (counts > 0).all().all()
    assert (table["户籍人口"] < table["常住人口"]).all()


def test_households_of_the_table_are_those_of_the_buildings(town):
    buildings, communities = town.layers["buildings"], town.layers["communities"]
    inside = shapely.STRtree(communities.geometry.to_numpy()).query(
        buildings.geometry.centroid.to_numpy(), predicate="within"
    )
    assert len(inside[0]) == len(buildings)
    households = np.bincount(inside[1], weights=buildings["households"].to_numpy()[inside[0]])
    table = town.population.set_index("社区编码")["户数"]
    assert households.tolist() == table[communities["community_id"]].tolist()
    per_estate = buildings.groupby("estate_id")["households"].sum()
    estates = town.layers["estates"].set_index("estate_id")["households"]
    assert per_estate[estates.index].tolist() == estates.tolist()
    assert per_estate.sum() == buildings["households"].sum()


def test_persons_per_household_are_plausible(town):
    assert 2.4 < town.population["常住人口"].sum() / town.population["户数"].sum() < 2.9


# The layers


def test_layers_make_a_place(town):
    assert set(town.layers) == set(SCHEMAS) - {"weights", "cells", "cases", "earlier_zones"}
    for name, layer in town.layers.items():
        assert layer.crs.to_epsg() == 4549, name
        assert layer[SCHEMAS[name].key].is_unique or SCHEMAS[name].repeats
        assert shapely.is_valid(layer.geometry.to_numpy()).all(), name
        assert not shapely.is_empty(layer.geometry.to_numpy()).any(), name
    population = pd.DataFrame({"level": ["total"], "unit_id": ["t"], "population": [1]})
    place = make_place(
        name="demo",
        crs=pyproj.CRS.from_epsg(4549),
        as_of=dt.date(2026, 6, 30),
        layers=town.layers,
        population=population,
    )
    assert len(place.buildings) == len(town.layers["buildings"])


def test_streets_come_without_node_ids(town):
    assert not {"u", "v"} & set(town.layers["streets"].columns)


def test_coordinates_lie_on_the_millimetre_grid(town):
    for name, layer in town.layers.items():
        coords = shapely.get_coordinates(layer.geometry.to_numpy())
        assert np.abs(coords - np.round(coords, 3)).max() < 1e-7, name


@pytest.mark.parametrize("size", ["default", "toy"])
def test_two_calls_give_equal_frames(size):
    town, again = make_town(SIZES[size]), make_town(SIZES[size])
    pd.testing.assert_frame_equal(again.population, town.population)
    for name, layer in town.layers.items():
        assert (again.layers[name].geometry.to_wkb() == layer.geometry.to_wkb()).all(), name
        plain = layer.drop(columns="geometry")
        pd.testing.assert_frame_equal(again.layers[name].drop(columns="geometry"), plain)


def test_another_seed_gives_another_town():
    one, other = (
        make_town(DemoOptions(population=4_000, area_km2=1.0, seed=seed)).layers["boundary"]
        for seed in (1, 2)
    )
    assert not one.geometry.iloc[0].equals(other.geometry.iloc[0])


# Boundary and communities


def test_boundary_has_the_area_asked_for_at_kunshan(town):
    boundary = town.layers["boundary"].geometry.iloc[0]
    assert boundary.geom_type == "Polygon"
    assert boundary.area == pytest.approx(town.options.area_m2, rel=0.02)
    x, y = boundary.centroid.coords[0]
    assert abs(x - 593_000) < 2_500
    assert abs(y - 3_483_000) < 2_500
    # Not a rectangle: it fills much less than the smallest rectangle around it.
    assert boundary.area / boundary.minimum_rotated_rectangle.area < 0.88


def test_communities_tile_the_boundary_exactly(town):
    areas = shapes(town, "communities")
    assert shapely.coverage_is_valid(areas)
    assert set(shapely.get_type_id(areas)) == {3}
    whole = shapely.coverage_union_all(areas)
    boundary = town.layers["boundary"].geometry.iloc[0]
    assert shapely.equals(whole, boundary)
    own = {tuple(xy) for xy in shapely.get_coordinates(whole)}
    assert own == {tuple(xy) for xy in shapely.get_coordinates(boundary)}


def test_community_lines_follow_canals_and_arterials(town):
    edges = shapely.boundary(shapes(town, "communities"))
    outer = shapely.boundary(shapes(town, "boundary"))[0]
    inner = shapely.difference(shapely.union_all(edges), outer)
    streets = town.layers["streets"]
    arterial = streets["highway"].isin(["primary", "secondary", "tertiary"])
    guides = np.concatenate([shapes(town, "water", kind="canal"), streets.geometry[arterial]])
    followed = shapely.intersection(inner, shapely.buffer(shapely.union_all(guides), 16.0))
    assert inner.length > 500
    assert followed.length > 0.99 * inner.length


def test_codes_have_the_real_shape_in_a_range_of_no_county(town):
    codes = town.layers["communities"]["community_id"]
    assert codes.str.fullmatch(r"990583199\d{3}").all()
    assert codes.tolist() == town.population["社区编码"].tolist()
    names = town.layers["communities"]["name"]
    assert names.is_unique
    assert names.tolist() == town.population["社区名称"].tolist()


def test_each_community_has_a_committee_near_a_street(town):
    communities, committees = town.layers["communities"], town.layers["committees"]
    assert sorted(committees["community_id"]) == sorted(communities["community_id"])
    area = communities.set_index("community_id").geometry
    own = committees.geometry.within(area[committees["community_id"]].set_axis(committees.index))
    assert own.all()
    distance = shapely.distance(
        committees.geometry.to_numpy(), shapely.union_all(shapes(town, "streets"))
    )
    assert distance.max() <= 60
    assert committees["name"].is_unique
    residents = town.population.set_index("社区编码")["常住人口"]
    norm = 18 * residents[committees["community_id"]].to_numpy() / 10_000
    assert (committees["staff"].to_numpy() <= np.maximum(3, 0.9 * norm)).all()
    assert (committees["staff"] >= 3).all()


# Streets, canals, bridges


def test_streets_that_meet_share_a_vertex(town):
    lines = shapes(town, "streets")
    one, other = shapely.STRtree(lines).query(lines, predicate="intersects")
    one, other = one[one < other], other[one < other]
    meetings = shapely.intersection(lines[one], lines[other])
    assert set(shapely.get_type_id(meetings)) <= {0, 4}
    points, pair = shapely.get_coordinates(meetings, return_index=True)
    owned = [{tuple(xy) for xy in shapely.get_coordinates(line)} for line in lines]
    for point, left, right in zip(points, one[pair], other[pair], strict=True):
        assert tuple(point) in owned[left]
        assert tuple(point) in owned[right]


def test_streets_do_not_cross_themselves_and_lie_in_the_boundary(town):
    lines = shapes(town, "streets")
    assert shapely.is_simple(lines).all()
    boundary = shapely.buffer(shapes(town, "boundary")[0], 0.01)
    assert shapely.within(lines, boundary).all()
    words = {"primary", "secondary", "tertiary", "residential", "service", "footway"}
    assert set(town.layers["streets"]["highway"]) <= words


def test_all_walkable_streets_are_connected(town):
    streets = town.layers["streets"]
    count, _ = components(streets[streets["foot"] != "no"])
    assert count == 1
    # All that walkers may not use are the yard roads of factories, one each.
    private = streets[streets["foot"] == "no"]
    assert len(private) == len(town.layers["barriers"])
    assert (private["access"] == "private").all()


def test_bridges_are_the_only_crossings_and_decide_distance(town):
    streets, water = town.layers["streets"], shapes(town, "water")
    wet = np.zeros(len(streets), dtype=bool)
    wet[shapely.STRtree(streets.geometry.to_numpy()).query(water, predicate="intersects")[1]] = True
    bridge = (streets["bridge"] == 1).to_numpy()
    assert (wet == bridge).all()
    assert bridge.any()
    on_foot = streets[(streets["foot"] != "no") & ~bridge]
    count, length = components(on_foot)
    assert count > 1
    assert length.max() < 0.97 * length.sum()


def test_water_share_is_that_of_canal_land(town):
    water = shapes(town, "water")
    assert 0.06 < shapely.area(water).sum() / town.options.area_m2 < 0.22
    assert shapely.within(water, shapely.buffer(shapes(town, "boundary")[0], 0.01)).all()
    # Where two canals meet, rounding to 1 mm leaves slivers of that width.
    assert overlap_m2(water) < 1


def overlap_m2(polygons):
    one, other = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    one, other = one[one < other], other[one < other]
    return shapely.area(shapely.intersection(polygons[one], polygons[other])).sum()


# Buildings


def test_buildings_keep_clear_of_everything(town):
    houses = shapes(town, "buildings")
    tree = shapely.STRtree(houses)
    one, other = tree.query(houses, predicate="intersects")
    assert (one == other).all()
    for layer in ("water", "streets", "barriers"):
        assert not len(tree.query(shapes(town, layer), predicate="intersects")[0]), layer
    inside = tree.query(shapes(town, "communities"), predicate="contains")[1]
    assert sorted(inside) == list(range(len(houses)))


def test_buildings_of_an_estate_lie_inside_it_and_others_outside(town):
    buildings, estates = town.layers["buildings"], town.layers["estates"]
    tree = shapely.STRtree(buildings.geometry.to_numpy())
    estate, house = tree.query(estates.geometry.to_numpy(), predicate="contains")
    found = buildings["estate_id"].iloc[house].to_numpy()
    assert (found == estates["estate_id"].to_numpy()[estate]).all()
    assert len(house) == buildings["estate_id"].notna().sum()
    touched = tree.query(estates.geometry.to_numpy(), predicate="intersects")[1]
    assert len(touched) == len(house)


def test_kinds_floors_and_homes(town):
    buildings = town.layers["buildings"]
    kinds = {"residential", "village", "dormitory", "industrial", "public", "commercial"}
    assert set(buildings["kind"]) <= kinds
    lived_in = buildings["kind"].isin(["residential", "village", "dormitory"])
    assert (buildings["households"][lived_in] > 0).all()
    assert (buildings["households"][~lived_in] == 0).all()
    assert (buildings["estate_id"].notna() == lived_in).all()
    assert buildings["floors"].between(1, 33).all()
    assert (buildings["beds"].notna() == (buildings["kind"] == "dormitory")).all()


def test_floor_space_per_household_is_plausible(town):
    buildings, estates = town.layers["buildings"], town.layers["estates"]
    floor = (buildings.area * buildings["floors"]).groupby(buildings["estate_id"]).sum()
    homes = estates.set_index("estate_id")["households"]
    kind = estates.set_index("estate_id")["kind"]
    per_home = floor / homes
    assert per_home[kind == "commodity"].between(90, 110.5).all()
    assert per_home[kind == "resettlement"].between(82, 102).all()
    assert (per_home[kind == "dormitory"] < 35).all()
    assert per_home[kind == "village"].between(60, 140).all()


# Estates and gates


def test_estates_do_not_overlap_and_have_plausible_sizes(town):
    estates = town.layers["estates"]
    assert overlap_m2(estates.geometry.to_numpy()) == 0
    assert (
        not shapely.STRtree(shapes(town, "water"))
        .query(estates.geometry.to_numpy(), predicate="intersects")
        .size
    )
    kinds = {"commodity", "resettlement", "village", "dormitory"}
    assert set(estates["kind"]) <= kinds
    assert ((estates["kind"] != "village") == (estates["walled"] == 1)).all()
    walled = estates[estates["walled"] == 1]
    assert walled["households"].between(60, 3_000).all()
    assert estates["name"].is_unique
    beds = town.layers["buildings"].groupby("estate_id")["beds"].sum()
    dormitories = estates.loc[estates["kind"] == "dormitory", "estate_id"]
    assert beds[dormitories].between(500, 3_000).all()


def test_walls_are_passed_at_gates_only(town):
    estates, gates = town.layers["estates"], town.layers["gates"]
    walled = estates[estates["walled"] == 1]
    count = gates.groupby("estate_id").size()
    assert sorted(count.index) == sorted(walled["estate_id"])
    assert count.between(1, 4).all()
    streets = shapes(town, "streets")
    rings = shapely.boundary(walled.geometry.to_numpy())
    wall, street = shapely.STRtree(streets).query(rings, predicate="intersects")
    meetings = shapely.intersection(rings[wall], streets[street])
    points, pair = shapely.get_coordinates(meetings, return_index=True)
    crossed = {
        (walled["estate_id"].iloc[wall[k]], *np.round(point, 3))
        for point, k in zip(points, pair, strict=True)
    }
    where = shapely.get_coordinates(gates.geometry.to_numpy())
    assert crossed == {
        (estate, *np.round(xy, 3)) for estate, xy in zip(gates["estate_id"], where, strict=True)
    }


def test_gates_are_vertices_of_the_wall(town):
    outline = town.layers["estates"].set_index("estate_id").geometry
    gates = town.layers["gates"]
    for estate, gate in zip(gates["estate_id"], gates.geometry, strict=True):
        ring = shapely.get_coordinates(outline[estate].exterior)
        assert (ring == shapely.get_coordinates(gate)).all(axis=1).any()


def test_homes_stand_near_a_street_of_their_own_estate(town):
    buildings, estates = town.layers["buildings"], town.layers["estates"]
    outline = estates.set_index("estate_id").geometry
    lines = town.layers["streets"]
    walkable = lines.geometry[lines["foot"] != "no"].to_numpy()
    homes = buildings[buildings["estate_id"].notna()]
    tree = shapely.STRtree(walkable)
    for estate_id, houses in itertools.islice(homes.groupby("estate_id"), 60):
        inside = walkable[tree.query(outline[estate_id], predicate="intersects")]
        inner = shapely.intersection(inside, outline[estate_id])
        assert shapely.distance(houses.geometry.to_numpy(), shapely.union_all(inner)).max() < 80


# Rooms


def test_sites_stand_in_houses_near_a_street(town):
    sites = town.layers["sites"]
    points = sites.geometry.to_numpy()
    house = shapely.STRtree(shapes(town, "buildings")).query(points, predicate="within")
    assert house[0].tolist() == list(range(len(sites)))
    own = town.layers["buildings"]["estate_id"].to_numpy()[house[1]]
    assert (pd.Series(own).fillna("") == sites["estate_id"].fillna("")).all()
    streets = shapely.union_all(shapes(town, "streets"))
    assert shapely.distance(points, streets).max() <= 60
    assert set(sites["kind"]) == {"existing", "candidate"}
    assert (sites["assumed"] == 0).all()
    assert sites["area_m2"].between(40, 600).all()
    candidates = sites[sites["kind"] == "candidate"]
    assert (candidates["cost"] >= 30_000).all()
    assert (candidates["cost"] % 1_000 == 0).all()
    assert candidates["estate_id"].dropna().is_unique
