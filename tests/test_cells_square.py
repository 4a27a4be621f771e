"""Cells as squares cut at community lines: exact tiling, slivers, order, faults."""

import time

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.cells import CellOptions, partition
from gridplan.errors import CrsError, InputError, SettingsError

CRS = 4549
WEST, SOUTH = 593_012.345, 3_483_067.891


def communities_of(polygons):
    ids = [f"320583999{number:03d}" for number in range(1, len(polygons) + 1)]
    return gpd.GeoDataFrame({"community_id": ids}, geometry=list(polygons), crs=CRS)


def moved(polygon):
    return shapely.transform(polygon, lambda xy: xy + np.array([WEST, SOUTH]))


def square(**options):
    return CellOptions(method="square", **options)


def cut_by(polygon, line):
    """Return the faces of `polygon` on either side of `line`, which share no vertices on it."""
    return list(shapely.ops.split(polygon, line).geoms)


@st.composite
def towns(draw, *, cuts=3):
    """Return communities: a polygon with a bent outline, cut by straight lines across it."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    angle = np.linspace(0, 2 * np.pi, 17, endpoint=False)
    radius = rng.uniform(250, 700, len(angle))
    outline = np.c_[radius * np.cos(angle), radius * np.sin(angle)].round(3)
    pieces = [moved(shapely.Polygon(outline))]
    for _ in range(cuts):
        turn, offset = rng.uniform(0, np.pi), rng.uniform(-200, 200, 2)
        reach = 3000 * np.array([np.cos(turn), np.sin(turn)])
        middle = np.array([WEST, SOUTH]) + offset
        line = shapely.LineString([middle - reach, middle + reach])
        pieces = [part for piece in pieces for part in cut_by(piece, line)]
    return communities_of(pieces)


def area_between(cells, communities):
    """Return the area of the symmetric difference, by an overlay that shares no code."""
    whole = shapely.union_all(communities.geometry.to_numpy())
    covered = shapely.union_all(cells.geometry.to_numpy())
    return shapely.area(shapely.symmetric_difference(whole, covered))


def assert_exact_tiling(cells, communities):
    shapes = cells.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert set(shapely.get_type_id(shapes)) == {shapely.GeometryType.POLYGON}
    assert shapely.coverage_is_valid(shapes, gap_width=0.01)
    assert area_between(cells, communities) < 1e-4
    assert cells["area_m2"].sum() == pytest.approx(communities.area.sum(), abs=1e-4)
    inside = gpd.overlay(cells[["geometry", "community_id"]], communities, keep_geom_type=True)
    crossing = inside[inside["community_id_1"] != inside["community_id_2"]]
    assert crossing.area.sum() < 1e-4


@settings(max_examples=25)
@given(towns())
def test_cells_tile_the_communities_exactly(communities):
    assert_exact_tiling(partition(communities), communities)


@settings(max_examples=15)
@given(towns())
def test_slivers_are_gone_unless_alone_in_their_community(communities):
    cells = partition(communities)
    small = cells["area_m2"] < 5000
    assert (small == (cells["exception"] == "sliver")).all()
    for _, cell in cells[small].iterrows():
        others = cells[cells["community_id"] == cell["community_id"]].drop(index=cell.name)
        shared = shapely.length(shapely.intersection(others.geometry.to_numpy(), cell.geometry))
        assert not (shared > 0.001).any()


@settings(max_examples=15)
@given(towns(), st.integers(0, 10**6))
def test_row_order_does_not_matter(communities, seed):
    shuffled = communities.sample(frac=1, random_state=seed).set_index(
        np.arange(len(communities)) + 7
    )
    first, second = partition(communities), partition(shuffled)
    assert_geodataframe_equal(first, second)
    assert first.to_wkb().equals(second.to_wkb())


def test_the_input_is_not_changed():
    communities = communities_of([shapely.box(0, 0, 250, 250)])
    before = communities.copy()
    partition(communities)
    assert_geodataframe_equal(communities, before)


def test_squares_follow_the_multiples_of_the_side():
    cells = partition(communities_of([shapely.box(200, 300, 500, 500)]))
    lattice = [shapely.box(x, y, x + 100, y + 100) for y in (400, 300) for x in (200, 300, 400)]
    assert cells["area_m2"].tolist() == [10_000.0] * 6
    assert [a.equals(b) for a, b in zip(cells.geometry, lattice, strict=True)] == [True] * 6
    assert cells["exception"].isna().all()
    assert cells.crs == CRS


def test_the_side_follows_the_target():
    cells = partition(
        communities_of([shapely.box(0, 0, 400, 400)]), options=square(target_m2=40_000)
    )
    assert cells["area_m2"].tolist() == [40_000.0] * 4


def test_a_sliver_joins_the_neighbour_with_the_longest_border():
    # the strip x 200..230 is cut into slivers; each borders the square to its west by 100 m
    cells = partition(communities_of([shapely.box(0, 0, 230, 200)]))
    assert sorted(cells["area_m2"]) == [10_000.0, 10_000.0, 13_000.0, 13_000.0]
    wide = cells[cells["area_m2"] > 12_000]
    assert wide.bounds[["minx", "maxx"]].to_numpy().tolist() == [[100.0, 230.0]] * 2


def test_of_equal_borders_the_smaller_neighbour_takes_the_sliver():
    # an L: the corner piece 100..140 x 100..140 borders 40 m on either side
    west, south = shapely.box(0, 100, 100, 140), shapely.box(100, 20, 140, 100)
    corner, aside = shapely.box(100, 100, 140, 140), shapely.box(500, 500, 700, 700)
    land = shapely.union_all([west, south, corner, aside])
    cells = partition(communities_of([land]), options=square(min_share=0.3))
    joined = cells[cells.intersects(shapely.Point(120, 120))]
    assert joined["area_m2"].tolist() == [40 * 80 + 40 * 40.0]
    assert joined.geometry.iloc[0].equals(shapely.box(100, 20, 140, 140))


def test_a_sliver_never_crosses_a_community_line():
    land = [shapely.box(0, 0, 200, 100), shapely.box(200, 0, 230, 100)]
    cells = partition(communities_of(land))
    assert cells["area_m2"].tolist() == [10_000.0, 10_000.0, 3_000.0]
    assert cells["exception"].tolist() == [None, None, "sliver"]


def test_islands_and_holes_of_a_community():
    ring = shapely.difference(shapely.box(0, 0, 900, 900), shapely.box(250, 250, 650, 650))
    island = shapely.MultiPolygon([ring, shapely.box(2000, 0, 2040, 40)])
    communities = communities_of([island, shapely.box(250, 250, 650, 650)])
    cells = partition(communities)
    assert_exact_tiling(cells, communities)
    assert cells.loc[cells["exception"] == "sliver", "area_m2"].tolist() == [1600.0]


def test_a_community_line_along_and_just_beside_the_lattice():
    for x in (300.0, 300.0005, 299.999, 300.000000001):
        land = [shapely.box(0, 0, x, 400), shapely.box(x, 0, 700, 400)]
        communities = communities_of(land)
        cells = partition(communities)
        assert_exact_tiling(cells, communities)
        assert cells["exception"].isna().all()


def test_lines_without_common_vertices_leave_neither_gap_nor_overlap():
    # the second side has a vertex half a millimetre off the straight line of the first
    west = shapely.Polygon([(0, 0), (1000, 3), (1000, 1000), (0, 1000)])
    for off in (0.0005, -0.0005):
        east = shapely.Polygon([(0, 0), (500, 1.5 + off), (1000, 3), (1000, -900), (0, -900)])
        cells = partition(communities_of([moved(west), moved(east)]))
        shapes = cells.geometry.to_numpy()
        assert shapely.coverage_is_valid(shapes, gap_width=0.01)
        whole = shapely.coverage_union_all(shapes)
        assert whole.geom_type == "Polygon"
        assert shapely.get_num_interior_rings(whole) == 0
        frame = [(0, -900), (1000, -900), (1000, 3), (1000, 1000), (0, 1000)]
        assert abs(whole.area - shapely.Polygon(frame).area) < 1e-3


def test_land_outside_the_boundary_is_not_taken_for_a_gap():
    # the boundary runs half a millimetre beside a lattice line
    communities = communities_of([shapely.box(0.0005, 0, 300, 300)])
    assert partition(communities).total_bounds[0] == 0.0005


def test_a_real_hole_stays_a_hole():
    land = shapely.difference(shapely.box(0, 0, 300, 300), shapely.box(110, 110, 112, 112))
    communities = communities_of([land])
    assert_exact_tiling(partition(communities), communities)


def test_a_geometry_column_of_another_name():
    communities = communities_of([shapely.box(0, 0, 200, 200)]).rename_geometry("shape")
    assert len(partition(communities)) == 4


def test_sixty_square_kilometres_take_seconds():
    side = 7746.0
    land = [shapely.box(x, 0, x + side / 6, side) for x in np.arange(6) * side / 6]
    started = time.process_time()
    cells = partition(communities_of([moved(one) for one in land]))
    assert time.process_time() - started < 5
    assert len(cells) > 5500


# Faults

SQUARE, BESIDE = shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)
BOW = shapely.Polygon([(0, 0), (900, 900), (900, 0), (0, 500)])


@pytest.mark.parametrize(
    ("polygons", "message"),
    [
        ([], "There is no community"),
        ([SQUARE, shapely.Polygon()], "1 of 2 communities has no area.*: 320583999002"),
        ([SQUARE, None], "1 of 2 communities has no area.*: 320583999002"),
        ([SQUARE, shapely.LineString([(0, 0), (1, 1)])], "1 of 2 communities has no area"),
        ([BOW], "1 of 1 communities is no valid polygon.*: 320583999001"),
        (
            [SQUARE, shapely.box(990, 0, 2000, 1000), shapely.box(1000, 0, 1500, 10)],
            (
                r"2 pairs of communities overlap, by 15,000 m² in all: 320583999001 / 320583999002 "
                r"\(10,000 m²\), 320583999002 / 320583999003 \(5,000 m²\)"
            ),
        ),
    ],
    ids=["none", "empty", "null", "line", "bow tie", "overlap"],
)
def test_communities_at_fault(polygons, message):
    with pytest.raises(InputError, match=message):
        partition(communities_of(polygons))


def test_an_overlap_of_rounding_is_no_fault():
    land = [SQUARE, shapely.box(999.9995, 0, 2000, 1000)]
    cells = partition(communities_of(land))
    assert shapely.coverage_is_valid(cells.geometry.to_numpy())


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "a"], "1 community id occurs more than once: a"),
        (["a", None], "1 of 2 communities has no `community_id`"),
    ],
)
def test_ids_at_fault(ids, message):
    communities = communities_of([SQUARE, BESIDE]).assign(community_id=ids)
    with pytest.raises(InputError, match=message):
        partition(communities)


def test_no_id_column():
    communities = communities_of([SQUARE]).drop(columns="community_id")
    with pytest.raises(InputError, match="lack the column `community_id`"):
        partition(communities)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (square(target_m2=0), "target area is 0 m²"),
        (square(target_m2=-5), "target area is -5 m²"),
        (square(target_m2=float("nan")), "target area is nan m²"),
        (square(target_m2=2e6), "2,000,000 m², is larger than the place, 1,000,000 m²"),
        (square(target_m2=0.5), "about 2,000,000 cells; the limit is 1,000,000"),
        (square(min_share=1.5), "`min_share` is 1.5"),
        (square(max_cells=0), "`max_cells` is 0"),
        (CellOptions(method="hexagon"), "method `hexagon` is unknown.*square"),
    ],
)
def test_settings_at_fault(options, message):
    with pytest.raises(SettingsError, match=message):
        partition(communities_of([SQUARE]), options=options)


def test_all_faults_are_reported_together():
    communities = communities_of([SQUARE, SQUARE, shapely.Polygon()])
    with pytest.raises(InputError) as caught:
        partition(communities, options=square(target_m2=0, min_share=-1))
    assert len(caught.value.lines("en")) == 3
    assert all(any("一" <= sign <= "鿿" for sign in line) for line in caught.value.lines("zh"))


@pytest.mark.parametrize("crs", [None, 4326, 3857])
def test_no_metric_crs(crs):
    communities = gpd.GeoDataFrame({"community_id": ["a"]}, geometry=[SQUARE], crs=crs)
    with pytest.raises(CrsError, match="communities"):
        partition(communities)
