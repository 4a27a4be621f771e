"""Buildings at the edge of the place, and on land that other buildings cut off."""

from __future__ import annotations

import shapely

from gridplan.cells import plan_cells
from tests.test_cells_fabric import (
    FABRIC,
    assert_sound,
    box,
    communities_of,
    grid,
    land_of,
    rows_of_houses,
)


def test_buildings_that_overlap_beyond_the_place_are_two():
    """As one they would hold a cell together that lies in two parts of the place."""
    west = box(50, -20, 60, 10)
    east = shapely.union_all([box(55, -20, 350, -12), box(340, -20, 350, 10)])
    both = shapely.union_all([west, east])
    houses = [one for one in rows_of_houses(400, 200) if one.distance(both) > 1]
    place = communities_of(box(0, 0, 400, 200))
    land = land_of(buildings=[west, east, *houses], streets=grid(400, 200, 100, 100))
    assert_sound(plan_cells(place, land, options=FABRIC), place, land)


def test_a_building_on_land_that_is_cut_off_goes_with_it():
    """A wall of 120 m cuts the southern part off; the house in it is of the other community now."""
    place = communities_of(box(0, 0, 40, 300), box(40, 0, 600, 300))
    land = land_of(
        buildings=[box(0, 100, 120, 115), box(10, 40, 25, 60)], streets=grid(600, 300, 100, 50)
    )
    plan = plan_cells(place, land, options=FABRIC)
    assert_sound(plan, plan.communities, land)
