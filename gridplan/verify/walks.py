"""The walks of a plan, to committees and to rooms, as its layers allow checking them."""

from __future__ import annotations

from gridplan.verify import codes, siting, sums
from gridplan.verify.findings import Checked, joined
from gridplan.verify.world import World


def committee_walks_of(world: World) -> Checked:
    """Check the walks of a plan to committees: ids, reasons, straight lines, sums."""
    demand, committees = world.layers["demand"], world.layers["committees"]
    parts = [
        codes.check_ids(committees, "committee_id", layer="committees"),
        sums.check_nearest(demand, tolerances=world.tolerances),
    ]
    for walk, column in (
        ("committee", "residents_own"),
        ("nearest_committee", "residents_nearest"),
    ):
        parts += [
            sums.check_distances(
                demand,
                walk,
                sums.with_service_points(committees, "committee_id", world.get("in_facilities")),
                "committee_id",
                tolerances=world.tolerances,
            ),
            sums.check_totals(
                demand,
                f"{walk}_id",
                committees,
                column,
                layer="committees",
                tolerances=world.tolerances,
            ),
        ]
    return joined(parts)


def room_walks_of(world: World) -> Checked:
    """Check the walks of a plan to rooms."""
    demand, rooms = world.layers["demand"], world.layers["rooms"]
    places = sums.with_service_points(rooms, "site_id", world.get("in_facilities"))
    return joined(
        [
            codes.check_ids(rooms, "site_id", layer="rooms"),
            sums.check_distances(demand, "room", places, "site_id", tolerances=world.tolerances),
            siting.check_room_figures(rooms, demand, tolerances=world.tolerances),
        ]
    )
