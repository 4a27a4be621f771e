"""A clean world has no finding, in whatever order and form its rows come."""

import copy
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from shapely import Point, box

from gridplan.terms import TERMS
from gridplan.verify import REASONS, verify_plan

EAST, NORTH, SIDE = 593_000.0, 3_483_000.0, 100.0
COLUMNS, ROWS = 6, 4
WEST_ID, EAST_ID = "320583102001", "320583102002"


def at(x, y):
    return Point(EAST + x, NORTH + y)


def square(x0, y0, x1, y1):
    return box(EAST + x0, NORTH + y0, EAST + x1, NORTH + y1)


def code(column, row):
    """Code of the cell in a column from the west and a row from the north."""
    community = WEST_ID if column < 3 else EAST_ID
    return f"{community}{row * 3 + column % 3 + 1:03d}"


def uid(column, row):
    return f"u{column}{row}"


def frame(rows, names):
    table = pd.DataFrame(rows, columns=names)
    if "geometry" not in names:
        return table
    return gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:4549")


def walk(one, other):
    return abs(one.x - other.x) + abs(one.y - other.y)


def make_demand(committees, rooms):
    rows = []
    for n in range(20):
        column, row = n % COLUMNS, n // COLUMNS
        home = at(column * SIDE + 50, (ROWS - 1 - row) * SIDE + 50)
        own = 0 if column < 3 else 1
        walks = [walk(home, one) for one in committees.geometry]
        near = int(np.argmin(walks))
        to_room = {one: walk(home, where) for one, where in zip(rooms, rooms.values(), strict=True)}
        room = min(to_room, key=lambda one: (to_room[one], one))
        rows.append(
            (
                f"d{n:02d}",
                10 * (n + 1),
                n,
                (WEST_ID, EAST_ID)[own],
                uid(column, row),
                f"c{own + 1}",
                walks[own],
                None,
                f"c{near + 1}",
                walks[near],
                None,
                room,
                to_room[room],
                None,
                home,
            )
        )
    rows.append(("d99", 7, 1, WEST_ID, None) + (None, math.nan, "unplaced") * 3 + (None,))
    walks = [
        f"{one}_{end}"
        for one in ("committee", "nearest_committee", "room")
        for end in ("id", "m", "reason")
    ]
    return frame(
        rows,
        ["demand_id", "population", "elderly", "community_id", "cell_uid", *walks, "geometry"],
    )


def make_cells(demand):
    residents = demand.groupby("cell_uid")["population"].sum()
    rows = [
        (uid(c, r), code(c, r), code(c, r)[:12], "W" if c < 3 else "E", SIDE**2,
         int(residents.get(uid(c, r), 0)),
         square(c * SIDE, (3 - r) * SIDE, (c + 1) * SIDE, (4 - r) * SIDE))
        for r in range(ROWS) for c in range(COLUMNS)
    ]  # fmt: skip
    return frame(
        rows,
        ["cell_uid", "cell_id", "community_id", "zone_id", "area_m2", "population", "geometry"],
    )


def make_zones(cells):
    column, row = cells["cell_uid"].str[1].astype(int), cells["cell_uid"].str[2].astype(int)
    half = pd.Series(np.where(row < 2, "N", "S"), cells.index)
    systems = {"enforcement": cells["zone_id"], "patrol": cells["zone_id"] + half}
    assert (column < 3).equals(cells["zone_id"] == "W")
    members, zones = [], []
    for system, names in systems.items():
        members += list(zip(cells["cell_uid"], [system] * len(cells), names, strict=True))
        for name, inside in cells.groupby(names):
            parent = None if system == "enforcement" else name[0]
            zones.append(
                (
                    system,
                    name,
                    parent,
                    inside["community_id"].iloc[0],
                    len(inside),
                    inside["area_m2"].sum(),
                    inside["population"].sum(),
                    shapely.union_all(inside.geometry.to_numpy()),
                )
            )
    return (
        frame(members, ["cell_uid", "zone_system", "zone_id"]),
        frame(
            zones,
            [
                "zone_system",
                "zone_id",
                "parent_zone_id",
                "community_id",
                "cells",
                "area_m2",
                "population",
                "geometry",
            ],
        ),
    )


def make_history(cells):
    """Return a change: one old cell split in two, one left the place, the rest as they were."""
    line = ["parent_uid", "child_uid", "area_share", "population_share", "kind", "changed_on"]
    day = "2026-06-30"
    split = [("old", "u00", 0.25, 0.4, "split", day), ("old", "u10", 0.75, 0.6, "split", day)]
    gone = [("away", None, 1.0, math.nan, "left", day)]
    rest = [one for one in cells["cell_uid"] if one not in {"u00", "u10"}]
    born = [(None, one, math.nan, math.nan, "new", "2025-06-30") for one in rest]
    return {
        "cell_lineage": frame([*split, *gone, *born], line),
        "cells_retired": frame(
            [("old", f"{WEST_ID}900"), ("away", f"{EAST_ID}900")], ["cell_uid", "cell_id"]
        ),
    }


def make_world():
    committees = frame([("c1", at(110, 210)), ("c2", at(420, 130))], ["committee_id", "geometry"])
    rooms = {"s1": at(60, 340), "s2": at(250, 60), "s3": at(540, 310)}
    demand = make_demand(committees, rooms)
    cells = make_cells(demand)
    cell_zones, zones = make_zones(cells)
    for walked, column in (("committee_id", "residents_own"),
                           ("nearest_committee_id", "residents_nearest")):  # fmt: skip
        sums = demand.groupby(walked)["population"].sum()
        committees[column] = committees["committee_id"].map(sums)
    by_room = demand.assign(metres=demand["population"] * demand["room_m"]).groupby("room_id")
    mean_m = by_room["metres"].sum() / by_room["population"].sum()
    max_m = by_room["room_m"].max()
    layers = {
        "boundary": frame([("New Town", square(0, 0, 600, 400))], ["name", "geometry"]),
        "in_boundary": frame([("New Town", square(0, 0, 600, 400))], ["name", "geometry"]),
        "communities": frame(
            [(WEST_ID, square(0, 0, 300, 400)), (EAST_ID, square(300, 0, 600, 400))],
            ["community_id", "geometry"],
        ),
        "cells": cells,
        "cell_zones": cell_zones,
        "zones": zones,
        "demand": demand,
        "committees": committees,
        "rooms": frame(
            [
                (one, kind, by_room["population"].sum()[one], mean_m[one], max_m[one], rooms[one])
                for one, kind in zip(rooms, ("existing", "required", "proposed"), strict=True)
            ],
            ["site_id", "kind", "residents", "mean_m", "max_m", "geometry"],
        ),
        "in_sites": frame(
            [("s1", "existing"), ("s2", "required"), ("s3", "candidate"), ("s4", "candidate"),
             ("s5", "forbidden")],
            ["site_id", "kind"],
        ),
        "in_buildings": frame(
            [(f"b{n:02d}", one.buffer(10, cap_style="square"))
             for n, one in enumerate(demand.geometry[:20])],
            ["building_id", "geometry"],
        ),
    }  # fmt: skip
    layers |= make_history(cells)
    layers["community_committees"] = frame(
        [(WEST_ID, "c1"), (EAST_ID, "c2")], ["community_id", "committee_id"]
    )
    layers["frontier"] = frame(
        [(1, 300.0, 290.0, "nested", "s1"), (2, 200.0, 200.0, "nested", "s1 s2"),
         (3, 200.0, 150.0, "nested", "s1 s2 s3")],
        ["p", "objective", "lower_bound", "sequence", "sites"],
    )  # fmt: skip
    layers |= make_room_tables(layers)
    sums = demand.groupby("community_id")[["population", "elderly"]].sum()
    layers["communities"] = layers["communities"].join(sums, on="community_id")
    layers["in_population"] = frame(
        [("community", one, *sums.loc[one]) for one in (WEST_ID, EAST_ID)]
        + [("total", "place", *sums.sum())],
        ["level", "unit_id", "population", "elderly"],
    )
    objective = float((demand["population"] * demand["room_m"]).sum())
    summary = {
        "residents": int(demand["population"].sum()),
        "cells": {"count": 24},
        "proofs": {"tiling_error_m2": 0.0, "buildings_cut": 0, "communities_crossed": 0,
                   "zones_disconnected": 0},
        "norms": [{"key": "workers_per_10000", "value": 18.0}],
        "siting": {"model": "p_median", "objective": objective, "lower_bound": objective,
                   "gap": 0.0, "status": "proven"},
    }  # fmt: skip
    return layers, summary


def make_room_tables(layers):
    """Two answers, who is left, reasons of the new rooms and staff by 18 per 10,000."""
    residents = float(layers["demand"]["population"].sum())
    new = layers["rooms"][layers["rooms"]["kind"] != "existing"]
    return {
        "room_options": frame(
            [("A", residents - 7.0, 5.0, 2.0, 3.0, 3.0), ("C", residents, 0.0, 0.0, 900.0, 890.0)],
            ["answer", "within", "beyond", "unreachable", "objective", "lower_bound"],
        ),
        "left_behind": frame([("A", 4.0), ("A", 3.0)], ["answer", "residents"]),
        "room_reasons": new[["site_id", "residents"]].reset_index(drop=True),
        "staffing": frame(
            [("c1", "committee", residents, 3.0, residents * 18 / 1e4, residents * 18 / 1e4 - 3),
             ("s1", "existing", 60.0, None, 1.0, None)],
            ["place_id", "kind", "residents", "existing", "needed", "gap"],
        ),
    }  # fmt: skip


CLEAN = make_world()


def world():
    layers, summary = CLEAN
    return {name: one.copy() for name, one in layers.items()}, copy.deepcopy(summary)


def test_a_clean_world_has_no_finding():
    layers, summary = world()
    report = verify_plan(layers, summary)
    assert report.findings == ()
    assert report.ok
    assert dict(report.skipped) == {"summary_copy": ("gridplan_meta.key", "gridplan_meta.value")}
    assert dict(report.proofs) == {
        "tiling_error_m2": 0, "buildings_cut": 0, "communities_crossed": 0, "zones_disconnected": 0,
    }  # fmt: skip


def test_reasons_are_those_of_the_house():
    # Some reasons of the house are of a capacity or of a measure, not of a walk.
    others = {"capacity_not_known", "no_cost", "over_budget", "beyond_limit"}
    assert set(REASONS) == set(TERMS["reason"]) - others


OPTIONAL = {
    ("boundary", "name"), ("in_boundary", "name"), ("in_boundary", "geometry"),
    ("communities", "population"), ("communities", "elderly"),
    ("cells", "zone_id"), ("cells", "area_m2"),
    ("zones", "parent_zone_id"), ("zones", "community_id"),
    ("committees", "geometry"), ("rooms", "geometry"), ("rooms", "kind"), ("in_sites", "kind"),
    ("in_buildings", "building_id"), ("in_population", "elderly"),
    ("cells_retired", "cell_id"), ("cell_lineage", "changed_on"), ("frontier", "lower_bound"),
    ("frontier", "sequence"), ("frontier", "sites"),
}  # fmt: skip
"""Columns without which nothing hard is left unverified, or which hand-drawn layers lack."""


@pytest.mark.parametrize(
    ("layer", "column"), [(name, one) for name, table in CLEAN[0].items() for one in table]
)
def test_a_missing_column_is_named(layer, column):
    layers, summary = world()
    layers[layer] = pd.DataFrame(layers[layer]).drop(columns=column)
    found = verify_plan(layers, summary).of_rule("column_missing")
    named = {one for finding in found for one in finding.ids}
    assert named == (set() if (layer, column) in OPTIONAL else {column})


@pytest.mark.parametrize("layer", CLEAN[0])
def test_a_missing_layer_leaves_the_rest_verified(layer):
    layers, summary = world()
    del layers[layer]
    report = verify_plan(layers, summary)
    # Without its layer a figure is unknown; what remains is as clean as before.
    expected = {
        "cells": {"layer_missing"},
        "demand": {"objective_unchecked"},
        "cells_retired": {"lineage_unknown"},
    }
    assert {one.rule for one in report.findings} == expected.get(layer, set())


def test_an_empty_plan_says_what_it_lacks():
    report = verify_plan({})
    assert {one.layer for one in report.of_rule("layer_missing")} == {"boundary", "cells"}
    assert set(report.proofs.values()) == {None}
    assert report.checked == ()


def test_plain_tables_serve_as_well_as_geographic_ones():
    layers, summary = world()
    plain = {name: pd.DataFrame(one) for name, one in layers.items()}
    assert verify_plan(plain, summary) == verify_plan(layers, summary)


def test_nothing_given_is_changed():
    layers, summary = world()
    verify_plan(layers, summary)
    before, said = CLEAN
    assert summary == said
    for name, one in layers.items():
        assert_frame_equal(pd.DataFrame(one), pd.DataFrame(before[name]))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_rows_does_not_matter(seed):
    layers, summary = world()
    # Two faults, so that there is something to report in an order.
    layers["cells"] = layers["cells"].iloc[:-2]
    shuffled = {name: one.sample(frac=1, random_state=seed) for name, one in layers.items()}
    one, other = verify_plan(layers, summary), verify_plan(shuffled, summary)
    assert [(f.rule, f.severity, sorted(f.ids)) for f in one.findings] == [
        (f.rule, f.severity, sorted(f.ids)) for f in other.findings
    ]
    assert one.proofs == pytest.approx(dict(other.proofs))


def test_hard_findings_come_first():
    layers, summary = world()
    layers["cells"] = layers["cells"].iloc[1:]
    report = verify_plan(layers, summary)
    severities = [one.severity for one in report.findings]
    assert severities == sorted(severities)
    assert {"hard", "soft"} <= {*severities, "soft"}
    assert not report.ok


def test_numbering_is_left_alone_after_a_change():
    layers, summary = world()
    codes = layers["cells"]["cell_id"].tolist()
    codes[0], codes[18] = codes[18], codes[0]
    layers["cells"]["cell_id"] = codes
    history = layers.pop("cell_lineage")
    assert verify_plan(layers, summary).of_rule("code_order")
    layers["cell_lineage"] = history
    assert not verify_plan(layers, summary).of_rule("code_order")
