"""Every rule, once broken, is found and named."""

import json
import math

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely import MultiPolygon, Point, Polygon, box
from shapely.affinity import translate

from gridplan.verify import RULES, verify_plan
from tests.test_verify import EAST_ID, WEST_ID, code, frame, world

KEY = {"cells": "cell_id", "zones": "zone_id", "demand": "demand_id", "rooms": "site_id",
       "committees": "committee_id", "communities": "community_id", "boundary": "name",
       "in_boundary": "name",
       "in_buildings": "building_id", "cell_lineage": "child_uid", "cells_retired": "cell_uid",
       "community_committees": "community_id", "frontier": "p",
       "room_options": "answer", "left_behind": "residents", "room_reasons": "site_id",
       "staffing": "place_id"}  # fmt: skip


def put(layer, key, column, value):
    """Plant a value (or what a function makes of the old one) in one row."""

    def plant(layers, summary):  # noqa: ARG001
        table = layers[layer]
        values = table[column].astype(object).tolist()
        place = table[KEY[layer]].tolist().index(key)
        values[place] = value(values[place]) if callable(value) else value
        if column == "geometry":
            layers[layer] = table.assign(geometry=gpd.GeoSeries(values, crs=table.crs))
        else:
            layers[layer] = table.assign(**{column: pd.Series(values, dtype=object)})

    return plant


def shape(key, change):
    return put("cells", key, "geometry", change)


def several(*plants):
    def plant(layers, summary):
        for one in plants:
            one(layers, summary)

    return plant


def drop(layer, key):
    def plant(layers, summary):  # noqa: ARG001
        table = layers[layer]
        layers[layer] = table[table[KEY[layer]] != key].reset_index(drop=True)

    return plant


def again(layer, key):
    def plant(layers, summary):  # noqa: ARG001
        table = layers[layer]
        layers[layer] = pd.concat([table, table[table[KEY[layer]] == key]], ignore_index=True)

    return plant


def without(layer, column=None):
    def plant(layers, summary):  # noqa: ARG001
        if column is None:
            del layers[layer]
        else:
            layers[layer] = layers[layer].drop(columns=column)

    return plant


def zone_of(cell, zone, *, extra=False, system="patrol"):
    """Move a cell to a zone, to none, or into one more."""

    def plant(layers, summary):  # noqa: ARG001
        rows = layers["cell_zones"]
        old = (rows["cell_uid"] == cell) & (rows["zone_system"] == system)
        new = frame([(cell, system, zone)] if zone else [], list(rows.columns))
        layers["cell_zones"] = pd.concat([rows if extra else rows[~old], new], ignore_index=True)

    return plant


def say(**claims):
    def plant(layers, summary):  # noqa: ARG001
        objective = summary["siting"]["objective"]
        summary["siting"].update(
            {key: one(objective) if callable(one) else one for key, one in claims.items()}
        )

    return plant


def table(layer, columns, *rows):
    """Add a table that the world of the tests does not have."""

    def plant(layers, summary):  # noqa: ARG001
        layers[layer] = frame(list(rows), columns.split())

    return plant


PLACEMENT = "level unit_id figure given placed unplaced"
AREAS = "facility_id kind norm_m area_m2 residents"
WALKS_BY_KIND = "demand_id kind facility_id metres reason"
RANGES = "level unit_id figure base low high"
BOUNDS = "level unit_id side text_zh text_en length_m named_share"
PLANS = "plan budget cost objective lower_bound unreachable measures"


def mixed(*, cost=70.0, objective=80.0, bound=80.0, named="g1 s3"):
    """Add the tables of a mix of two measures beside rooms alone."""
    plans = table(
        "measure_plans", PLANS, ("today", None, 0.0, 120.0, None, 0, ""),
        ("rooms_alone", 90.0, 60.0, 100.0, 100.0, 0, "s4"),
        ("mix", 90.0, cost, objective, bound, 0, named),
    )  # fmt: skip
    rows = table(
        "measures", "measure_id in_plan cost", ("g1", True, 10.0), ("g2", False, 30.0),
        ("s3", True, 60.0),
    )  # fmt: skip
    return several(plans, rows)


NO_CLINIC = table("in_facilities", "facility_id kind", ("f1", "clinic"))
SHARES = (
    table("catchments", "facility_id kind capacity residents", ("c1", "committee", 9.0, 100)),
    table(
        "catchment_scores",
        "kind community_id residents per_1000",
        ("committee", "all", 100, 50.0),
    ),
)


def claim(section, key, value):
    def plant(layers, summary):  # noqa: ARG001
        summary[section][key] = value

    return plant


def bowtie(cell):
    x0, y0, x1, y1 = cell.bounds
    return Polygon([(x0, y0), (x1, y1), (x1, y0), (x0, y1)])


def narrowed(metres):
    return lambda cell: box(cell.bounds[0], cell.bounds[1], cell.bounds[2] - metres, cell.bounds[3])


def pierced(cell):
    return cell.difference(cell.centroid.buffer(5))


def in_two_parts(cell):
    x0, y0, x1, y1 = cell.bounds
    return MultiPolygon([box(x0, y0, x0 + 40, y1), box(x0 + 60, y0, x1, y1)])


def strip(layers, summary):
    shape(code(0, 0), narrowed(99.0))(layers, summary)
    shape(code(1, 0), lambda cell: box(cell.bounds[0] - 99, *cell.bounds[1:]))(layers, summary)


def extra_vertex(cell):
    middle = (cell.bounds[2], (cell.bounds[1] + cell.bounds[3]) / 2)
    return shapely.snap(cell, Point(middle), 0.001)


def grown(metres):
    return lambda cell: cell.buffer(metres, cap_style="square", join_style="mitre")


def spike(cell):
    """Draw a thorn 30 m long and 1 cm wide into the neighbour."""
    x0, y0, x1, y1 = cell.bounds
    thorn = [(x1, y0 + 50), (x1 + 30, y0 + 50.005), (x1, y0 + 50.01)]
    return Polygon([(x0, y0), (x1, y0), *thorn, (x1, y1), (x0, y1)])


def with_exceptions(layers, summary):
    """Let cells have reasons for their size, as drawn by hand: no settings say how large."""
    layers["cells"] = layers["cells"].assign(exception=None)
    summary.clear()


def forgotten(cell):
    """Let nothing say what became of a retired cell."""

    def plant(layers, summary):  # noqa: ARG001
        lines = layers["cell_lineage"]
        layers["cell_lineage"] = lines[lines["parent_uid"] != cell]

    return plant


def swapped(one, other):
    return several(
        put("cells", one, "cell_id", "x"), put("cells", other, "cell_id", one),
        put("cells", "x", "cell_id", other),
    )  # fmt: skip


def edited_copy(layers, summary):
    """Give the plan a copy of its summary, then edit the summary beside it."""
    layers["gridplan_meta"] = frame([("summary", json.dumps(summary))], ["key", "value"])
    summary["residents_unplaced"] = 5


A, B = code(1, 1), code(4, 1)
PLANTED = {
    "a missing layer": (several(without("boundary"), without("in_boundary")), "layer_missing",
                        "boundary"),
    "a missing column": (without("cells", "community_id"), "column_missing", "community_id"),
    "a lost uid": (put("cells", A, "cell_uid", None), "id_missing", A),
    "a repeated uid": (put("cells", A, "cell_uid", "u41"), "id_repeated", "u41"),
    "a repeated code": (put("cells", A, "cell_id", B), "id_repeated", B),
    "a repeated demand": (again("demand", "d03"), "id_repeated", "d03"),
    "a false proof": (claim("proofs", "buildings_cut", 3), "proof_differs", "buildings_cut: 3 / 0"),
    "a false count": (claim("cells", "count", 25), "proof_differs", "cells: 25 / 24"),
    "a boundary of its own": (put("in_boundary", "New Town", "geometry", grown(0.02)),
                              "boundary_moved", None),
    "a cell without shape": (shape(A, lambda _: None), "no_geometry", A),
    "a cell as a line": (shape(A, lambda cell: cell.exterior), "not_polygon", A),
    "a bow-tie": (shape(A, bowtie), "invalid", A),
    "a cell in two parts": (shape(A, in_two_parts), "multipart", A),
    "a cell with a hole": (shape(A, pierced), "hole", A),
    "a sliver": (strip, "sliver", code(0, 0)),
    "a wrong area": (put("cells", A, "area_m2", 10_001.0), "area_column", A),
    "a gap of 1 mm": (
        shape(A, narrowed(0.001)), "gap",
        f"{A} + {code(2, 1)}",
    ),
    "a gap of 1 mm, edges": (shape(A, narrowed(0.001)), "edges_differ", A),
    "a cell beyond the boundary": (shape(code(0, 0), grown(1)), "outside", code(0, 0)),
    "an overlap of 1 mm": (shape(A, narrowed(-0.001)), "overlap", f"{A} + {code(2, 1)}"),
    "a cell twice": (again("cells", A), "shape_repeated", A),
    "an unmatched vertex": (shape(A, extra_vertex), "edges_differ", A),
    "a cut building": (put("in_buildings", "b07", "geometry", lambda b: translate(b, 41)),
                       "building_cut", "b07"),
    "a broken building": (put("in_buildings", "b07", "geometry", bowtie), "invalid", "b07"),
    "a cell over the community line": (shape(code(2, 0), grown(0.01)), "community_crossed",
                                       code(2, 0)),
    "the wrong community": (put("cells", A, "community_id", EAST_ID), "community_crossed", A),
    "an unknown community": (put("cells", A, "community_id", "320583102009"),
                             "community_unknown", A),
    "overlapping communities": (put("communities", WEST_ID, "geometry", grown(1)), "overlap",
                                f"{WEST_ID} + {EAST_ID}"),
    "communities with a gap": (put("communities", WEST_ID, "geometry", narrowed(1)), "gap",
                               f"{WEST_ID} + {EAST_ID}"),
    "a code as number": (put("cells", A, "cell_id", float(A)), "code_not_text", str(float(A))),
    "a short code": (put("cells", A, "cell_id", A[:14]), "code_malformed", A[:14]),
    "a code of another community": (swapped(A, B), "code_community", A),
    "a swapped code": (
        several(without("cell_lineage"), swapped(A, code(0, 3))), "code_order", A),
    "a lost code": (put("cells", A, "cell_id", None), "id_missing", "u11"),
    "a letter in a code": (put("cells", A, "cell_id", f"{A[:-1]}A"), "code_malformed",
                           f"{A[:-1]}A"),
    "a retired code in use": (put("cells_retired", "old", "cell_id", A), "code_reused", A),
    "shares of 0.9": (put("cell_lineage", "u00", "area_share", 0.15), "lineage_shares", "old"),
    "shares of residents of 1.1": (
        put("cell_lineage", "u10", "population_share", 0.7), "lineage_shares", "old"),
    "shares beyond 0 to 1": (
        several(put("cell_lineage", "u00", "area_share", -0.5),
                put("cell_lineage", "u10", "area_share", 1.5)), "lineage_shares", "old"),
    "an unknown kind": (put("cell_lineage", "u20", "kind", "grown"), "lineage_kind", "- → u20"),
    "a split without parent": (put("cell_lineage", "u20", "kind", "split"), "lineage_ends",
                               "- → u20"),
    "an unknown parent": (put("cell_lineage", "u00", "parent_uid", "ghost"), "lineage_unknown",
                          "ghost"),
    "a cell from nowhere": (drop("cell_lineage", "u20"), "lineage_incomplete", "u20"),
    "a retired cell without end": (forgotten("away"), "lineage_incomplete", "away"),
    "an unknown committee in the table": (
        put("community_committees", WEST_ID, "committee_id", "c9"), "committee_unknown", "c9"),
    "an unknown community in the table": (
        put("community_committees", WEST_ID, "community_id", "x"), "community_unknown", "x"),
    "another community's committee": (
        put("demand", "d00", "committee_id", "c2"), "committee_not_own", "d00"),
    "more rooms, longer walks": (
        put("frontier", 3, "objective", 250.0), "frontier_rises", "nested p = 3"),
    "a bound above a step": (
        put("frontier", 2, "lower_bound", 201.0), "frontier_bound", "nested p = 2"),
    "a sequence that closes a room": (
        put("frontier", 3, "sites", "s1 s3 s4"), "nested_closes", "p = 3"),
    "an answer that loses residents": (
        put("room_options", "A", "within", 1.0), "answer_residents", "A"),
    "an answer below its bound": (
        put("room_options", "C", "lower_bound", 901.0), "frontier_bound", "C"),
    "somebody left and not listed": (drop("left_behind", 4.0), "left_differs", "A"),
    "reasons of other residents": (
        put("room_reasons", "s3", "residents", 1), "reasons_differ", "s3"),
    "a new room without reasons": (drop("room_reasons", "s3"), "reasons_differ", "s3"),
    "a gap without staff": (put("staffing", "s1", "gap", 1.0), "staff_gap", "s1"),
    "a wrong gap of staff": (put("staffing", "c1", "gap", 9.0), "staff_gap", "c1"),
    "staff not by the norm": (
        several(put("staffing", "c1", "needed", 4.0), put("staffing", "c1", "gap", 1.0)),
        "staff_norm", "4"),
    "a mix above its budget": (mixed(cost=95.0), "measures_budget", "mix"),
    "a mix that names another measure": (mixed(named="g1 g2"), "measures_differ", "g2"),
    "a mix of another cost": (mixed(cost=80.0), "measures_differ", "mix"),
    "a mix below its bound": (mixed(bound=81.0), "frontier_bound", "mix"),
    "a mix worse than rooms alone": (mixed(objective=110.0), "measures_worse", "mix"),
    "an empty polygon": (shape(A, lambda _: Polygon()), "no_geometry", A),
    "a spike": (shape(A, spike), "overlap", f"{A} + {code(2, 1)}"),
    "a spike of its own": (shape(A, spike), "spike", A),
    "a size without a reason": (
        several(with_exceptions, shape(A, narrowed(60.0))), "exception_missing", A),
    "an unknown exception": (
        several(with_exceptions, put("cells", A, "exception", "because")), "exception_unknown", A),
    "a missing cell": (drop("cells", code(0, 0)), "gap", f"{code(1, 0)} + {code(0, 1)}"),
    "a cell far outside": (shape(A, lambda cell: translate(cell, 5000)), "outside", A),
    "a placement that lost residents": (
        table("placement", PLACEMENT, ("community", WEST_ID, "population", 1, 1, 0)),
        "residents_lost", f"{WEST_ID} population"),
    "a placement that does not add up": (
        table("placement", PLACEMENT, ("total", "total", "population", 2107, 2100, 0)),
        "population_differs", "total population"),
    "a unit without its northern border": (
        table("bounds_words", BOUNDS, ("community", WEST_ID, "east", "东街", "East Rd", 1.0, 1.0)),
        "bounds_incomplete", f"community {WEST_ID}"),
    "a border that is too short": (
        table("bounds_words", BOUNDS, *(("community", WEST_ID, side, "路", "Rd", 1.0, 1.0)
                                        for side in ("east", "south", "west", "north"))),
        "bounds_length", f"community {WEST_ID}"),
    "a service area of nobody": (
        table("service_areas", AREAS, ("ghost", "room", 500.0, 1.0, 0)), "served_unknown", "ghost"),
    "a walk to a facility that is not there": (
        several(NO_CLINIC,
                table("facility_walks", WALKS_BY_KIND, ("d00", "clinic", "ghost", 10.0, None))),
        "served_unknown", "ghost"),
    "a walk by kind without a reason": (
        several(NO_CLINIC,
                table("facility_walks", WALKS_BY_KIND, ("d00", "clinic", None, None, None))),
        "distance_unexplained", "d00 clinic"),
    "capacity that went missing": (several(*SHARES), "capacity_lost", "committee"),
    "a figure outside its range": (
        table("sensitivity", RANGES, ("all", "all", "residents", 5.0, 6.0, 7.0)),
        "range_wrong", "all residents"),
    "an unknown community of demand": (
        put("demand", "d03", "community_id", "x"), "community_unknown", "d03"),
    "a wrong community sum": (put("communities", WEST_ID, "population", 1), "population_differs",
                              WEST_ID),
    "a wrong zone area": (put("zones", "WN", "area_m2", 1.0), "zone_sums", "patrol/WN"),
    "a zone without a name in cells": (put("cells", A, "zone_id", None), "cell_zone_differs", A),
    "residents as text": (put("demand", "d03", "population", "many"), "residents_invalid", "d03"),
    "a zone in two parts": (zone_of("u03", "EN"), "zone_disconnected", "patrol/EN (2)"),
    "a zone joined at a corner": (
        several(*(zone_of(one, "WS") for one in ("u10", "u20", "u01", "u21"))),
        "zone_disconnected", "patrol/WN (2)"),
    "a cell in two zones": (zone_of("u11", "WS", extra=True), "cell_in_two_zones", f"patrol/{A}"),
    "a cell in no zone": (zone_of("u11", None), "cell_without_zone", f"patrol/{A}"),
    "an unknown cell": (zone_of("u77", "WN"), "cell_unknown", "u77"),
    "an unknown zone": (zone_of("u11", "XX"), "zone_unknown", "patrol/XX"),
    "a lost cell": (drop("cells", A), "cell_unknown", "u11"),
    "an empty zone": (put("zones", "WN", "zone_id", "WX"), "zone_empty", "patrol/WX"),
    "another zone in cells": (put("cells", A, "zone_id", "E"), "cell_zone_differs", A),
    "a wrong zone shape": (put("zones", "WN", "geometry", grown(1)), "zone_polygon", "patrol/WN"),
    "a wrong zone sum": (put("zones", "WN", "population", 3), "zone_sums", "patrol/WN"),
    "a wrong zone count": (put("zones", "W", "cells", 13), "zone_sums", "enforcement/W"),
    "a zone under another parent": (put("zones", "WN", "parent_zone_id", "E"), "zone_not_nested",
                                    "patrol/WN"),
    "a zone of another community": (put("zones", "WN", "community_id", EAST_ID), "zone_community",
                                    "patrol/WN"),
    "residents lost": (drop("demand", "d03"), "residents_lost", "place: 2067 / 2107"),
    "a group lost": (put("demand", "d03", "elderly", 1), "residents_lost", "place: 189 / 191"),
    "negative residents": (put("demand", "d03", "population", -1), "residents_invalid", "d03"),
    "a wrong cell sum": (put("cells", A, "population", 1), "population_differs", A),
    "a wrong committee sum": (put("committees", "c1", "residents_own", 1), "population_differs",
                              "c1"),
    "demand in another cell": (put("demand", "d03", "geometry", lambda p: translate(p, 51)),
                               "demand_elsewhere", "d03"),
    "a negative distance": (put("demand", "d03", "committee_m", -1.0), "distance_negative", "d03"),
    "an infinite distance": (put("demand", "d03", "room_m", math.inf), "distance_infinite", "d03"),
    "a home in no cell": (put("demand", "d03", "cell_uid", None), "demand_in_no_cell", "d03"),
    "no distance, no reason": (put("demand", "d03", "committee_m", None), "distance_unexplained",
                               "d03"),
    "a distance and a reason": (put("demand", "d03", "room_reason", "no_room"),
                                "distance_and_reason", "d03"),
    "an unknown reason": (put("demand", "d99", "room_reason", "too lazy"), "reason_unknown", "d99"),
    "a nearest that is farther": (put("demand", "d03", "nearest_committee_m", 9_999.0),
                                  "nearest_farther", "d03"),
    "an unknown committee": (put("demand", "d03", "nearest_committee_id", "c9"),
                             "facility_unknown", "d03"),
    "a walk through walls": (put("demand", "d00", "committee_m", 20.0), "walk_too_short", "d00"),
    "a room at no site": (put("rooms", "s3", "site_id", "s9"), "room_not_a_site", "s9"),
    "an existing room dropped": (drop("rooms", "s1"), "room_dropped", "s1"),
    "a forbidden room": (put("rooms", "s3", "site_id", "s5"), "room_forbidden", "s5"),
    "a closed room serving": (put("demand", "d03", "room_id", "s4"), "room_closed", "d03"),
    "a wrong mean": (put("rooms", "s1", "mean_m", 1.0), "room_figures", "s1"),
    "a wrong maximum": (put("rooms", "s2", "max_m", 1.0), "room_figures", "s2"),
    "a wrong objective": (say(objective=lambda old: old - 1), "objective_differs", None),
    "an unknown model": (say(model="magic"), "objective_unchecked", None),
    "a bound above the objective": (say(lower_bound=lambda old: old + 1), "bound_wrong", None),
    "a wrong gap": (say(gap=0.1), "gap_wrong", "0"),
    "proven with a gap": (
        say(lower_bound=lambda old: old * 0.99, gap=0.01), "status_unproven", "0.01"),
    "an edited summary": (edited_copy, "summary_differs", "residents_unplaced"),
    "a boast": (say(status="optimal"), "status_unknown", "optimal"),
}  # fmt: skip
SOFT = {
    "hole",
    "sliver",
    "spike",
    "exception_missing",
    "exception_unknown",
    "edges_differ",
    "code_order",
    "demand_elsewhere",
    "walk_too_short",
    "objective_unchecked",
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_and_named(name):
    plant, rule, named = PLANTED[name]
    layers, summary = world()
    plant(layers, summary)
    found = verify_plan(layers, summary).of_rule(rule)
    assert found, f"{rule} not found"
    assert named is None or named in {one for finding in found for one in finding.ids}
    broken_building = name == "a broken building"
    assert {one.severity for one in found} == {
        "soft" if rule in SOFT or broken_building else "hard"
    }
    for one in found:
        assert one.count == len(one.ids) > 0
        assert one.ids[0] in one.message.en
        assert one.ids[0] in one.message.zh
        assert "{" not in one.message.en + one.message.zh


def test_every_rule_is_planted():
    # Those of a plan before it becomes layers are planted beside the solvers, in
    # test_siting_cover_faults and test_verify_capacity; of rooms in test_rooms_space,
    # test_rooms_counts, test_rooms_reasons, test_verify_given_reasons and test_rooms_several; of
    # one boundary for departments in test_unify_run; of components in test_cells_components; of
    # zone systems in test_zone_systems_run.
    elsewhere = {"siting_count", "siting_budget", "siting_group", "siting_uncovered"}
    elsewhere |= {"siting_share", "components_differ", "parted_building"}
    elsewhere |= {"room_space", "room_overfull", "assigned_wrong", "room_elsewhere"}
    elsewhere |= {"community_change", "walk_figures", "answer_walks"}
    elsewhere |= {"closing_differs", "decision_lost", "price_negative", "next_breaks"}
    elsewhere |= {"price_together", "given_closing"}
    elsewhere |= {"stage_differs", "backup_differs", "trade_off_beaten"}
    elsewhere |= {"conflict_sums", "handover_area", "successor_twice", "duty_not_one"}
    elsewhere |= {"zone_system_missing", "zone_balance_claim", "zone_band_wrong"}
    elsewhere |= {"zone_unbalanced", "zone_crosses_community", "zone_parent_unknown"}
    # Planted in test_verify_zone_lines.py.
    elsewhere |= {"zone_homes_outside"}
    elsewhere |= {"zone_anchors", "zone_not_kept", "zone_load_differs", "zone_listing"}
    elsewhere |= {"zone_estates_cut", "zone_not_locked", "zone_moves"}
    elsewhere |= {"zone_figures", "zone_summary", "zone_across"}
    elsewhere |= {"demand_nowhere", "demand_twice", "pair_barred", "site_overloaded"}
    planted = {rule for _, rule, _ in PLANTED.values()}
    assert planted | {"not_measured"} | elsewhere == set(RULES)


def test_at_least_thirty_kinds_of_fault_are_planted():
    assert len({rule for _, rule, _ in PLANTED.values()}) >= 30


ALONE = (
    "a false proof", "a false count", "a boundary of its own", "a wrong area",
    "an unmatched vertex", "a cut building", "a broken building", "a code as number",
    "a short code", "a code of another community", "a lost code", "a letter in a code",
    "a retired code in use", "shares of 0.9", "an unknown kind", "a split without parent",
    "a cell from nowhere", "a retired cell without end",
    "more rooms, longer walks", "a bound above a step", "another zone in cells",
    "a zone without a name in cells", "a wrong zone sum",
    "a zone under another parent", "a zone of another community", "a wrong committee sum",
    "demand in another cell", "no distance, no reason", "a distance and a reason",
    "an unknown reason", "a wrong mean", "a wrong maximum", "a boast",
)  # fmt: skip
"""Faults from which no other follows; of a false proof the measure is the fault's own."""


@pytest.mark.parametrize("name", ALONE)
def test_a_fault_is_found_under_its_own_name_only(name):
    plant, rule, _ = PLANTED[name]
    layers, summary = world()
    plant(layers, summary)
    found = {one.rule for one in verify_plan(layers, summary).findings}
    assert found - ({"proof_differs"} - {rule}) == {rule}
