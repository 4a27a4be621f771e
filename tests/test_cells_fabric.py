"""Cells that follow the city: what must hold on any ground, and planted situations."""

from __future__ import annotations

import dataclasses
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import shapely.affinity
import shapely.ops
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.cells import CellOptions, Land, managed_communities, plan_cells
from gridplan.cells.land import border_lines
from gridplan.cells.shapes import Pieces, settled_cells
from gridplan.errors import InputError, SettingsError
from gridplan.verify import verify_plan

CRS = "EPSG:4549"
X, Y = 593_000.0, 3_483_000.0
FABRIC = CellOptions(method="fabric")


def box(x0, y0, x1, y1):
    return shapely.box(X + x0, Y + y0, X + x1, Y + y1)


def line(*places):
    return shapely.LineString([(X + x, Y + y) for x, y in places])


def frame(shapes, **columns):
    data = {name: pd.Series(values, dtype="object") for name, values in columns.items()}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(list(shapes), crs=CRS), crs=CRS)


def communities_of(*shapes):
    return frame(shapes, community_id=[f"99990100100{i + 1}" for i in range(len(shapes))])


def land_of(*, streets=(), ways=(), water=(), walls=(), buildings=(), estates=()):
    lines = [*streets, *ways]
    return Land(
        streets=frame(lines, highway=["residential"] * len(streets) + ["footway"] * len(ways)),
        water=frame(water, water_id=[f"w{i}" for i in range(len(water))]),
        barriers=frame(walls, kind=["wall"] * len(walls)),
        buildings=frame(buildings, building_id=[f"b{i:04d}" for i in range(len(buildings))]),
        estates=frame(
            estates,
            estate_id=[f"e{i}" for i in range(len(estates))],
            walled=[True] * len(estates),
        ),
    )


def grid(width, height, step_x, step_y):
    """Return streets every `step_x` and `step_y` metres."""
    upright = [line((x, -50), (x, height + 50)) for x in np.arange(step_x, width, step_x)]
    level = [line((-50, y), (width + 50, y)) for y in np.arange(step_y, height, step_y)]
    return [*upright, *level]


def rows_of_houses(width, height, *, every=(27.5, 23.75), size=(14, 10)):
    return [
        box(x, y, x + size[0], y + size[1])
        for x in np.arange(8, width - size[0], every[0])
        for y in np.arange(8, height - size[1], every[1])
    ]


def proofs(plan, communities, land):
    """Return what the independent verifier measures."""
    outline = shapely.union_all(communities.geometry.to_numpy())
    layers = {
        "boundary": frame([outline], name=["place"]),
        "communities": plan.communities,
        "cells": plan.cells.assign(cell_uid=[f"c{i}" for i in range(len(plan.cells))]),
        "buildings": land.buildings,
    }
    return verify_plan(layers, cells_method="fabric")


def assert_sound(plan, communities, land):
    report = proofs(plan, communities, land)
    assert report.proofs["tiling_error_m2"] <= 0.01
    assert report.proofs["buildings_cut"] == 0
    assert report.proofs["communities_crossed"] == 0
    rules = {one.rule for one in report.findings if one.layer == "cells"}
    assert rules <= {"column_missing", "sliver", "hole"}, [
        one.message.en for one in report.findings
    ]
    cells = plan.cells.geometry.to_numpy()
    assert shapely.coverage_is_valid(cells)
    assert set(shapely.get_type_id(cells)) == {3}


@pytest.fixture(scope="module")
def town():
    """Houses on a grid of streets 110 m by 95 m, in two communities."""
    place = communities_of(box(0, 0, 660, 570), box(660, 0, 1320, 570))
    land = land_of(streets=grid(1320, 570, 110, 95), buildings=rows_of_houses(1320, 570))
    return place, land, plan_cells(place, land, options=FABRIC)


def test_a_town_is_tiled_and_cuts_no_building(town):
    place, land, plan = town
    assert_sound(plan, place, land)


def test_areas_are_near_the_target(town):
    area = town[2].cells["area_m2"].to_numpy()
    assert 0.8 * 10_000 <= np.median(area) <= 1.2 * 10_000
    assert np.mean(np.abs(area / 10_000 - 1) <= 0.5) >= 0.95


def test_borders_follow_the_streets(town):
    place, land, plan = town
    streets = shapely.union_all(land.streets.geometry.to_numpy()).buffer(0.5)
    outline = shapely.union_all(place.geometry.to_numpy()).boundary.buffer(0.5)
    inner = shapely.difference(shapely.union_all(shapely.boundary(plan.cells.geometry)), outline)
    assert shapely.length(shapely.intersection(inner, streets)) / shapely.length(inner) > 0.8


def test_row_order_does_not_matter(town):
    place, land, plan = town
    rng = np.random.default_rng(3)

    def shuffled(layer):
        return layer.iloc[rng.permutation(len(layer))].reset_index(drop=True)

    turned = Land(
        **{
            name: shuffled(getattr(land, name))
            for name in ("streets", "water", "barriers", "buildings", "estates")
        }
    )
    again = plan_cells(shuffled(place), turned, options=FABRIC)
    assert shapely.to_wkb(again.cells.geometry).tolist() == (
        shapely.to_wkb(plan.cells.geometry).tolist()
    )
    assert again.cells.drop(columns="geometry").equals(plan.cells.drop(columns="geometry"))


@settings(max_examples=12)
@given(
    step_x=st.integers(60, 260),
    step_y=st.integers(60, 260),
    houses=st.lists(
        st.tuples(st.integers(0, 560), st.integers(0, 560), st.integers(4, 90), st.integers(4, 90)),
        max_size=40,
    ),
    cut=st.integers(50, 550),
)
def test_any_ground_is_tiled_without_cutting_a_building(step_x, step_y, houses, cut):
    place = communities_of(box(0, 0, cut, 600), box(cut, 0, 600, 600))
    land = land_of(
        streets=grid(600, 600, step_x, step_y),
        ways=[line((30, -10), (570, 610))],
        buildings=[box(x, y, x + w, y + h) for x, y, w, h in houses],
    )
    plan = plan_cells(place, land, options=FABRIC)
    managed, moves = managed_communities(place, land.buildings)
    assert_sound(plan, place, land)
    assert shapely.equals_exact(
        shapely.normalize(managed.geometry.to_numpy()),
        shapely.normalize(plan.communities.geometry.to_numpy()),
    ).all()
    assert len(moves) == len(plan.line_moves)


def slanted(seed):
    """Return two communities on a slanted line, with houses and streets at any angle."""
    rng = np.random.default_rng(seed)

    def places(count):
        return [(float(x), float(y)) for x, y in rng.integers(0, [60, 40], (count, 2)) * 10]

    left, right = (float(rng.integers(5, 35) * 10) for _ in range(2))
    cut = line((-10, left), (610, right))
    shapes = shapely.get_parts(shapely.ops.split(box(0, 0, 600, 400), cut))
    turns = zip(places(25), rng.integers(0, 180, 25), strict=True)
    houses = [
        shapely.affinity.rotate(box(x, y, x + 40, y + 12), float(turn)) for (x, y), turn in turns
    ]
    streets = [line(*places(2)) for _ in range(8)]
    return communities_of(*shapes), land_of(streets=streets, buildings=houses)


@pytest.mark.parametrize("seed", [31, 53, 78, 99, 117])
def test_a_needle_at_the_line_of_a_community_stays_on_its_side(seed):
    """Where halfway up a piece there is only a needle, a point of it may be the neighbour's."""
    place, land = slanted(seed)
    for target_m2 in (2_000.0, 10_000.0):
        plan = plan_cells(place, land, options=CellOptions(target_m2=target_m2))
        report = proofs(plan, place, land)
        assert report.proofs["communities_crossed"] == 0
        assert report.proofs["tiling_error_m2"] <= 0.01
        assert report.proofs["buildings_cut"] == 0


@pytest.mark.parametrize("loose", [False, True])
def test_a_scrap_of_rounding_joins_no_cells_of_two_communities(loose):
    """It may lie in either cell; a small cell, or land without one, does not cross by it."""
    shapes = [box(0, 0, 100, 100), box(100, 0, 100 + 1e-6, 100), box(100 + 1e-6, 0, 140, 100)]
    pieces = Pieces(
        polygons=np.array(shapes, dtype=object),
        unit=np.arange(3),
        community=np.array([0, 0, 1]),
        cell=np.array([0, 0, -1 if loose else 1]),
    )
    lines = border_lines(land_of(), borders="all")
    found = settled_cells(pieces, lines, least_m2=5_000.0, most_m2=15_000.0)
    assert found[0] != found[2]


@pytest.mark.parametrize(
    ("side", "most_m2", "close", "joined"),
    [
        (100.0, 16_000.0, True, True),
        (100.0, 14_000.0, True, False),
        (100.0, 16_000.0, False, False),
        (130.0, 30_000.0, True, False),
        (30.0, 11_000.0, True, True),
    ],
    ids=["small", "large", "estates", "at the rim", "within open land"],
)
def test_a_cell_within_another_is_joined_to_it_where_both_are_one_cell(
    side, most_m2, close, joined
):
    inner = box(10, 10, 10 + side, 110)
    around = shapely.difference(box(0, 0, 125, 120), inner)
    pieces = Pieces(
        polygons=np.array([inner, around], dtype=object),
        unit=np.arange(2),
        community=np.array([0, 0]),
        cell=np.array([0, 1]),
    )
    lines = border_lines(land_of(), borders="all")
    found = settled_cells(pieces, lines, least_m2=1_000.0, most_m2=most_m2, close_rings=close)
    assert (found[0] == found[1]) == joined


# ---- planted situations ----


def test_no_lines_at_all():
    place = communities_of(box(0, 0, 500, 400))
    land = land_of(buildings=rows_of_houses(500, 400))
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    assert len(plan.cells) == pytest.approx(20, abs=4)


def test_nothing_at_all():
    place = communities_of(box(0, 0, 500, 400))
    plan = plan_cells(place, land_of(), options=CellOptions(method="fabric", open_factor=1))
    assert_sound(plan, place, land_of())
    assert len(plan.cells) == pytest.approx(20, abs=3)


def test_of_a_building_across_the_boundary_only_the_inner_part_is_built_up_land():
    place = communities_of(box(0, 0, 200, 190))
    land = land_of(buildings=[box(-400, 50, 8, 150)])
    plan = plan_cells(place, land, options=FABRIC)
    assert plan.cells["exception"].tolist() == ["rural"]


def test_a_building_across_the_line_goes_to_its_larger_part_and_the_move_is_listed():
    place = communities_of(box(0, 0, 300, 300), box(300, 0, 600, 300))
    land = land_of(buildings=[box(270, 100, 310, 140), *rows_of_houses(200, 300)])
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    moves = plan.line_moves
    assert moves[["building_id", "from_community_id", "to_community_id"]].to_numpy().tolist() == [
        ["b0000", "999901001002", "999901001001"]
    ]
    assert moves["area_m2"].tolist() == pytest.approx([400.0])
    areas = plan.communities.geometry.area.tolist()
    assert areas == pytest.approx([90_400.0, 89_600.0])


def test_of_equal_parts_the_first_community_gets_the_building():
    place = communities_of(box(0, 0, 300, 300), box(300, 0, 600, 300))
    _, moves = managed_communities(place, land_of(buildings=[box(290, 10, 310, 30)]).buildings)
    assert moves["to_community_id"].tolist() == ["999901001001"]


def test_a_building_across_the_boundary_counts_by_its_inner_part():
    place = communities_of(box(0, 0, 300, 300), box(300, 0, 600, 300))
    land = land_of(buildings=[box(280, -50, 340, 20)])
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    assert plan.line_moves["area_m2"].sum() == pytest.approx(20 * 20)


def test_land_that_a_moved_building_cuts_off_goes_along():
    # A building that reaches from the line to the edge of its new community's corner.
    place = communities_of(box(0, 0, 300, 300), box(300, 0, 600, 300))
    land = land_of(buildings=[shapely.union(box(200, 50, 330, 60), box(320, 0, 330, 60))])
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    assert set(shapely.get_type_id(plan.communities.geometry.to_numpy())) == {3}
    assert plan.line_moves["building_id"].isna().sum() == 1


@pytest.mark.parametrize(("estates", "cells"), [("whole", 1), ("cut", 3)])
def test_a_walled_estate_is_one_cell_or_divided_inside_itself(estates, cells):
    wall = box(110, 110, 290, 290)
    place = communities_of(box(0, 0, 400, 400))
    houses = [box(x, y, x + 40, y + 12) for x in (120, 180, 240) for y in range(120, 280, 25)]
    around = [h for h in rows_of_houses(400, 400) if not h.intersects(box(90, 90, 310, 310))]
    land = land_of(
        streets=[
            *(line((x, -5), (x, 405)) for x in (100, 300)),
            *(line((-5, y), (405, y)) for y in (100, 300)),
        ],
        buildings=[*houses, *around],
        estates=[wall],
    )
    plan = plan_cells(place, land, options=CellOptions(method="fabric", estates=estates))
    assert_sound(plan, place, land)
    shapes = plan.cells.geometry
    inside = shapely.area(shapely.intersection(shapes, wall)) > 1.0
    assert inside.sum() == pytest.approx(cells, abs=1 if estates == "cut" else 0)
    # What an estate's cells have beside it is the strip to the streets around.
    assert shapely.union_all(shapes[inside]).within(box(99, 99, 301, 301))
    if estates == "whole":
        assert plan.cells["exception"][inside].tolist() == ["estate"]


@pytest.mark.parametrize("plots", [1, 2])
def test_the_strip_round_walled_yards_goes_with_them(plots):
    """Four blocks of yards, each with a strip of 12 m to the street that rings them all."""
    place = communities_of(box(0, 0, 400, 400))
    wide = (176 - 4 * (plots - 1)) / plots
    yards = [
        box(x + at * (wide + 4), y, x + at * (wide + 4) + wide, y + 176)
        for x in (12, 212)
        for y in (12, 212)
        for at in range(plots)
    ]
    inside = shapely.union_all([yard.buffer(-2) for yard in yards])
    houses = [h for h in rows_of_houses(400, 400) if h.within(inside)]
    land = land_of(
        streets=grid(400, 400, 200, 200), walls=[y.exterior for y in yards], buildings=houses
    )
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    round_ = 4 * math.pi * plan.cells.area / plan.cells.length**2
    assert round_.min() > 0.4
    # Along the street between two blocks no cell has land on both sides.
    for shape in plan.cells.geometry:
        west, east = (
            shape.intersection(box(*x)).area for x in ((0, 0, 200, 400), (200, 0, 400, 400))
        )
        assert min(west, east) < 1.0


def test_land_between_two_carriageways_goes_with_the_blocks_beside_it():
    place = communities_of(box(0, 0, 800, 300))
    streets = [
        *(line((-50, y), (850, y)) for y in (140, 155)),
        *(line((x, -50), (x, 350)) for x in (100, 200, 300, 400, 500, 600, 700)),
    ]
    houses = [h for h in rows_of_houses(800, 300) if not h.intersects(box(0, 135, 800, 160))]
    land = land_of(streets=streets, buildings=houses)
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    between = box(0, 140, 800, 155)
    share = shapely.area(shapely.intersection(plan.cells.geometry, between)) / plan.cells.area
    assert share.max() < 0.5


@pytest.mark.parametrize("depth", [15, 25, 40, 60])
def test_a_bank_without_a_bridge_is_no_part_of_a_cell_across_the_water(depth):
    place = communities_of(box(0, 0, 500, 240))
    canal = box(-10, 240 - depth - 12, 510, 240 - depth)
    houses = rows_of_houses(500, 240 - depth - 20)
    streets = [line((x, -50), (x, 240 - depth - 14)) for x in (125, 250, 375)]
    land = land_of(streets=streets, water=[canal], buildings=houses)
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    south, north = box(0, 0, 500, 240 - depth - 12), box(0, 240 - depth, 500, 240)
    for shape in plan.cells.geometry:
        assert min(shape.intersection(south).area, shape.intersection(north).area) < 500.0


def test_a_park_within_a_cell_is_taken_together_with_it():
    """A cell around another would have a hole; both are divided anew."""
    place = communities_of(box(0, 0, 300, 300))
    ring = shapely.Polygon(box(70, 70, 230, 230).exterior, [box(100, 100, 200, 200).exterior])
    land = land_of(
        streets=[box(70, 70, 230, 230).exterior, box(100, 100, 200, 200).exterior],
        buildings=[h for h in rows_of_houses(300, 300) if not h.intersects(ring.boundary)],
    )
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    assert sum(shapely.get_num_interior_rings(plan.cells.geometry)) == 0


def test_no_cell_has_land_on_both_sides_of_a_canal():
    canal = box(-10, 190, 610, 215)
    place = communities_of(box(0, 0, 600, 400))
    houses = [h for h in rows_of_houses(600, 400) if not h.intersects(canal.buffer(5))]
    land = land_of(streets=grid(600, 400, 150, 400), water=[canal], buildings=houses)
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    south, north = box(0, 0, 600, 190), box(0, 215, 600, 400)
    for shape in plan.cells.geometry:
        assert min(shape.intersection(south).area, shape.intersection(north).area) < 1.0


def test_a_courtyard_belongs_to_the_cell_of_its_building():
    ring = shapely.difference(box(150, 150, 250, 250), box(165, 165, 235, 235))
    place = communities_of(box(0, 0, 400, 400))
    land = land_of(streets=grid(400, 400, 200, 200), buildings=[ring, box(180, 180, 200, 200)])
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    holes = shapely.get_num_interior_rings(plan.cells.geometry.to_numpy())
    assert holes.sum() == 0


def test_a_building_larger_than_a_cell_is_kept_whole_and_says_so():
    place = communities_of(box(0, 0, 500, 400))
    hall = box(20, 20, 230, 180)
    land = land_of(
        streets=grid(500, 400, 250, 200),
        buildings=[hall, *(h for h in rows_of_houses(500, 400) if not h.intersects(hall))],
    )
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    holds = plan.cells.geometry.covers(hall.buffer(-0.01))
    assert plan.cells["exception"][holds].tolist() == ["large_building"]


def test_a_community_smaller_than_a_cell_is_one_cell():
    place = communities_of(box(0, 0, 60, 60), box(60, 0, 600, 400), box(0, 60, 60, 400))
    land = land_of(streets=grid(600, 400, 150, 100), buildings=rows_of_houses(600, 400))
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    own = plan.cells[plan.cells["community_id"] == "999901001001"]
    assert own["exception"].tolist() == ["small_community"]


def test_overlapping_and_nested_buildings_stay_together():
    place = communities_of(box(0, 0, 400, 400))
    chain = [box(20 + 40 * i, 195, 65 + 40 * i, 205) for i in range(8)]
    land = land_of(
        streets=grid(400, 400, 100, 200), buildings=[*chain, box(30, 197, 35, 203), chain[0]]
    )
    assert_sound(plan_cells(place, land, options=FABRIC), place, land)


def test_doubled_and_self_crossing_lines_change_nothing():
    place = communities_of(box(0, 0, 400, 300))
    streets = grid(400, 300, 100, 100)
    houses = rows_of_houses(400, 300)
    plain = plan_cells(place, land_of(streets=streets, buildings=houses), options=FABRIC)
    loop = line((50, 50), (60, 60), (60, 50), (50, 60))
    again = plan_cells(
        place, land_of(streets=[*streets, streets[0], loop], buildings=houses), options=FABRIC
    )
    assert_sound(again, place, land_of(buildings=houses))
    assert len(again.cells) == len(plain.cells)


def test_the_recognisable_preset_uses_more_of_the_streets():
    place = communities_of(box(0, 0, 900, 720))
    streets = grid(900, 720, 150, 60)
    land = land_of(streets=streets, buildings=rows_of_houses(900, 720))

    def used(preset):
        plan = plan_cells(place, land, options=CellOptions(method="fabric", preset=preset))
        assert_sound(plan, place, land)
        edges = shapely.union_all(shapely.boundary(plan.cells.geometry)).buffer(0.5)
        lines = shapely.intersection(shapely.union_all(streets), place.geometry[0])
        return shapely.length(shapely.intersection(lines, edges)) / shapely.length(lines)

    assert used("recognisable") >= used("uniform") > 0.6


def test_paths_are_borders_only_where_asked_for():
    place = communities_of(box(0, 0, 200, 100))
    land = land_of(ways=[line((90, -5), (90, 105))])
    sides = {}
    for borders in ("all", "major"):
        options = CellOptions(method="fabric", borders=borders, open_factor=1)
        cells = plan_cells(place, land, options=options).cells
        assert_sound(plan_cells(place, land, options=options), place, land)
        sides[borders] = {round(x - X) for shape in cells.geometry for x in shape.bounds[::2]}
    assert 90 in sides["all"]


# ---- faults ----


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("method", "hexagon", "`hexagon` is unknown"),
        ("preset", "pretty", "`preset` is 'pretty'"),
        ("borders", "none", "`borders` is 'none'"),
        ("estates", "split", "`estates` is 'split'"),
        ("open_factor", 0.5, "`open_factor` is 0.5"),
        ("open_factor", math.nan, "`open_factor` is nan"),
        ("open_share", 1.5, "`open_share` is 1.5"),
        ("target_m2", 100.0, "at least 400 m²"),
        ("target_m2", 1e9, "larger than the place"),
    ],
)
def test_fault_of_the_settings(key, value, message):
    options = CellOptions(**{"method": "fabric", key: value})
    with pytest.raises(SettingsError, match=message):
        plan_cells(communities_of(box(0, 0, 500, 400)), land_of(), options=options)


def test_fault_of_overlapping_communities():
    place = communities_of(box(0, 0, 300, 300), box(250, 0, 600, 300))
    with pytest.raises(InputError, match="overlaps, by 15,000 m²"):
        plan_cells(place, land_of(), options=FABRIC)


def test_fault_of_a_community_that_lies_under_a_building_of_another():
    place = communities_of(box(0, 0, 300, 300), box(300, 100, 306, 106))
    land = land_of(buildings=[box(250, 90, 310, 110)])
    for drawn in (
        lambda: plan_cells(place, land, options=FABRIC),
        lambda: managed_communities(place, land.buildings),
    ):
        with pytest.raises(InputError, match=r"1 community lies as a whole .*: 999901001002"):
            drawn()


def test_a_lake_around_an_island_is_parted_rather_than_a_cell_with_a_hole():
    place = communities_of(box(0, 0, 600, 600))
    lake = box(150, 150, 450, 450).difference(box(240, 240, 360, 360))
    houses = [
        one for one in rows_of_houses(600, 600) if not one.intersects(box(140, 140, 460, 460))
    ]
    land = land_of(streets=grid(600, 600, 150, 150), water=[lake], buildings=houses)
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    assert not shapely.get_num_interior_rings(plan.cells.geometry.to_numpy()).any()


@pytest.mark.parametrize("which", ["all", "land", "communities"])
def test_a_precision_grid_on_what_is_given_steers_no_overlay(which):
    """A grid left on geometries snaps every line that is drawn on them, and buildings are cut."""

    def turned(layer):
        turn = layer.rotate(0.3, origin=(X + 300, Y + 250), use_radians=True)
        return layer.set_geometry(turn)

    def gridded(layer):
        return layer.set_geometry(layer.geometry.set_precision(0.001))

    names = ("streets", "water", "barriers", "buildings", "estates")
    plain = land_of(
        streets=grid(440, 330, 130, 115),
        buildings=rows_of_houses(440, 330, every=(31, 27)),
        water=[box(100, 100, 180, 160)],
    )
    land = Land(**{name: turned(getattr(plain, name)) for name in names})
    place = turned(communities_of(box(0, 0, 200, 330), box(200, 0, 440, 330)))
    given_place = place if which == "land" else gridded(place)
    if which != "communities":
        land = Land(**{name: gridded(getattr(land, name)) for name in names})
    plan = plan_cells(given_place, land, options=FABRIC)
    assert not shapely.get_precision(plan.cells.geometry.to_numpy()).any()
    assert_sound(plan, plan.communities, land.plain())
    managed, moves = managed_communities(given_place, land.buildings)
    assert managed.area.sum() == pytest.approx(place.area.sum(), abs=0.5)
    assert len(moves)


@pytest.mark.parametrize("estates", ["whole", "cut"])
def test_the_order_of_overlapping_estates_does_not_matter(estates):
    """Land in two of them belongs to the one with the first id."""
    place = communities_of(box(0, 0, 400, 300))
    land = land_of(
        streets=grid(400, 300, 130, 110),
        buildings=rows_of_houses(400, 300),
        estates=[box(125, 122, 290, 257), box(69, 114, 239, 190)],
    )
    options = CellOptions(method="fabric", estates=estates)
    turned = dataclasses.replace(land, estates=land.estates.iloc[::-1].reset_index(drop=True))
    one, other = (plan_cells(place, own, options=options).cells for own in (land, turned))
    assert one.geometry.to_wkb().tolist() == other.geometry.to_wkb().tolist()
