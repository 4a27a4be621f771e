"""Needles between lines that meet at almost no angle: no cell ends in one."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridplan.cells import plan_cells
from gridplan.cells.spikes import without_spikes
from gridplan.verify.sizes import check_spikes
from gridplan.verify.tiling import check_overlaps
from tests.test_cells_fabric import (
    FABRIC,
    assert_sound,
    box,
    communities_of,
    frame,
    grid,
    land_of,
    line,
    proofs,
    rows_of_houses,
)

NONE = np.empty(0, dtype=object)


def cut_by(*lines, width=200.0, height=100.0):
    """Return the pieces that lines cut a box into."""
    noded = shapely.union_all([shapely.box(0, 0, width, height).exterior, *lines])
    return shapely.normalize(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))


def rules_of(cells):
    layer = frame(cells, cell_id=[str(at) for at in range(len(cells))])
    return {
        one.rule for check in (check_spikes(layer, layer="cells"), check_overlaps(layer))
        for one in check.findings
    }  # fmt: skip


def sound(cells, before):
    assert shapely.coverage_is_valid(cells)
    assert shapely.is_valid(cells).all()
    assert set(shapely.get_type_id(cells)) == {3}
    assert math.fsum(shapely.area(cells)) == pytest.approx(math.fsum(shapely.area(before)))
    assert shapely.area(shapely.difference(cells, before)).max() < 0.5 * 200


angles = st.floats(0.35, 0.95)


@given(
    degrees=st.lists(angles, min_size=1, max_size=4),
    start=st.integers(0, 60),
    floor=st.sampled_from([0.0, 50.0]),
)
def test_no_cell_has_a_spike_where_lines_fan_out_of_one(degrees, start, floor):
    """Along a street inside the place, or along its boundary, where nobody is on one side."""
    fan = [
        shapely.LineString(
            [(start, floor), (200, floor + math.tan(math.radians(one)) * (200 - start))]
        )
        for one in np.cumsum(degrees)
    ]
    level = [shapely.LineString([(0, 50), (200, 50)])]
    before = cut_by(*fan, *level)
    cells = without_spikes(before, np.zeros(len(before), dtype=np.intp), NONE)
    sound(cells, before)
    assert "spike" in rules_of(before)
    assert not rules_of(cells) & {"spike", "edges_differ"}


def test_a_needle_goes_to_the_neighbour_of_its_own_community():
    slanted = shapely.LineString([(0, 50), (200, 51)])
    before = cut_by(shapely.LineString([(0, 50), (200, 50)]), slanted)
    needle = int(np.argmin(shapely.area(before)))
    north = int(np.argmax(shapely.get_y(shapely.centroid(before))))
    south = 3 - needle - north
    community = np.zeros(3, dtype=np.intp)
    for other, host in ((south, north), (north, south)):
        community[:] = 0
        community[other] = 1
        cells = without_spikes(before, community, NONE)
        sound(cells, before)
        grown = shapely.area(cells) - shapely.area(before)
        assert grown[host] == pytest.approx(-grown[needle], abs=1e-6)
        assert grown[host] > 10.0
        assert abs(grown[other]) < 1e-6


def test_a_needle_with_nobody_of_its_community_beside_it_stays():
    before = cut_by(
        shapely.LineString([(0, 50), (200, 50)]), shapely.LineString([(0, 50), (200, 51)])
    )
    cells = without_spikes(before, np.arange(3, dtype=np.intp), NONE)
    assert shapely.equals_identical(cells, before).all()


def test_a_needle_within_a_cell_closes():
    """A line that runs out and back again at almost the same place."""
    needle = shapely.Polygon([(200, 50), (20, 50.5), (200, 51)])
    rest = shapely.difference(shapely.box(0, 0, 200, 100), needle)
    before = shapely.normalize(np.array([rest, needle], dtype=object))
    cells = without_spikes(before, np.zeros(2, dtype=np.intp), NONE)
    sound(cells, before)
    assert "spike" not in rules_of(cells)


def test_a_needle_that_holds_a_building_stays():
    before = cut_by(
        shapely.LineString([(0, 50), (200, 50)]), shapely.LineString([(0, 50), (200, 51)])
    )
    house = np.array([shapely.box(60, 50.05, 70, 50.25)], dtype=object)
    cells = without_spikes(before, np.zeros(3, dtype=np.intp), house)
    assert shapely.equals_identical(cells, before).all()


def test_a_needle_beside_a_cell_in_several_parts_stays():
    before = cut_by(
        shapely.LineString([(0, 50), (200, 50)]), shapely.LineString([(0, 50), (200, 51)])
    )
    south = int(np.argmin(shapely.get_y(shapely.centroid(before))))
    before[south] = shapely.MultiPolygon([before[south], shapely.box(300, 0, 310, 10)])
    cells = without_spikes(before, np.zeros(3, dtype=np.intp), NONE)
    assert shapely.equals(cells, before).all()
    assert shapely.coverage_is_valid(cells)


def test_a_drawn_grid_has_no_fault_of_its_own_check():
    """A street along the boundary, one along the community's line, two that part slowly."""
    place = communities_of(box(0, 0, 660, 570), box(660, 0, 1320, 570))
    slow = [
        line((-50, 0.4), (1400, -0.9)),
        line((660.3, -50), (659.2, 620)),
        line((100, 190), (1320, 201)),
        line((100, 190), (1320, 196)),
    ]
    houses = [
        one for one in rows_of_houses(1320, 570)
        if not any(one.dwithin(street, 2.0) for street in slow)
    ]  # fmt: skip
    land = land_of(streets=[*grid(1320, 570, 110, 95), *slow], buildings=houses)
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, place, land)
    rules = {one.rule for one in proofs(plan, place, land).findings}
    assert not rules & {"spike", "edges_differ"}
