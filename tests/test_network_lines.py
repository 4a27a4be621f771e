"""Lines without nodes, classes of ways, hard borders, and pieces that are cut off."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridplan.network import NetworkOptions, reachability_ledger
from gridplan.pipeline import STEPS
from gridplan.project import read_project
from gridplan.steps.work import Work
from tests import tiny
from tests.worlds import streets, walk, world


def note_of(place, code):
    return next((note for note in place.network.notes if note.code == code), None)


# Ends that nearly meet


def test_joined_ends_are_told_with_the_largest_gap():
    place = world(streets([(0, 0), (200, 0)], [(100, 0.03), (100, 90)], [(50, 0.04), (50, 90)]))
    note = note_of(place, "ends_joined")
    assert note.count == 2
    assert note.ids == ("s1", "s2")
    assert "2 street ends within 0.05 m" in note.message.en
    assert "the largest gap was 0.040 m" in note.message.en


def test_ends_just_beyond_the_tolerance_are_suggested():
    lines = streets([(0, 0), (200, 0)], [(100, 0.3), (100, 90)], [(50, 1.5), (50, 90)])
    note = note_of(world(lines), "ends_nearly_meet")
    assert note.count == 2
    assert "stop up to 1.50 m short" in note.message.en
    assert "s1 (100.0, 0.3; 0.30 m), s2 (50.0, 1.5; 1.50 m)" in note.message.en
    wider = world(lines, options=NetworkOptions(join_m=1.6))
    assert note_of(wider, "ends_nearly_meet") is None
    assert note_of(wider, "ends_joined").count == 2
    assert wider.walks([(100, 90)], [(50, 90)])[0, 0] == pytest.approx(90 + 50 + 90, abs=2)


def test_ends_far_from_everything_are_no_near_miss():
    assert (
        note_of(world(streets([(0, 0), (200, 0)], [(100, 5), (100, 90)])), "ends_nearly_meet")
        is None
    )


@pytest.mark.parametrize("gap_m", [0.3, 0.0])
def test_bridge_is_not_joined_to_the_street_below_however_wide_the_tolerance(gap_m):
    # The bridge passes over the street; its head lies 1 m past the street's end.
    ways = streets(
        [(100, -100), (100, -gap_m)],
        [(0, 0), (200, 0)],
        bridge=[False, True],
        layer=[0, 1],
    )
    place = world(ways, options=NetworkOptions(join_m=2.0))
    assert np.isinf(place.walks([(100, -50)], [(0, 0)])[0, 0])


def test_street_beside_the_head_of_a_bridge_is_not_what_it_comes_down_to():
    ways = streets(
        [(0, 0), (100, 0)],
        [(101, -100), (101, 100)],
        bridge=[True, False],
        layer=[1, 0],
    )
    place = world(ways, options=NetworkOptions(join_m=2.0))
    assert np.isinf(place.walks([(0, 0)], [(101, 100)])[0, 0])


def test_bridge_goes_on_in_the_street_that_ends_a_hand_before_it():
    ways = streets([(0, 0), (100, 0)], [(100.03, 0), (200, 0)], bridge=[True, False], layer=[1, 0])
    assert walk(ways, (0, 0), (200, 0)) == pytest.approx(200, abs=0.1)


# Classes and tags


@pytest.mark.parametrize(
    ("tags", "walked"),
    [
        ({"highway": "motorway"}, False),
        ({"highway": "motorway", "foot": "yes"}, True),
        ({"highway": "footway", "foot": "no"}, False),
        ({"highway": "service", "access": "no"}, False),
        ({"highway": "service", "access": "no", "foot": "designated"}, True),
        ({"highway": "service", "access": "private"}, True),
        ({"highway": "trunk"}, True),
        ({"highway": "trunk", "motorroad": "yes"}, False),
        ({"highway": "trunk", "sidewalk": "no"}, True),
        ({"highway": "ferry", "foot": "yes"}, False),
        ({"highway": "footway", "route": "ferry"}, False),
        ({"highway": "steps"}, True),
    ],
)
def test_who_may_walk_where(tags, walked):
    extra = {
        key: [value] for key, value in tags.items() if key in {"motorroad", "sidewalk", "route"}
    }
    known = {key: ["residential", value] for key, value in tags.items() if key not in extra}
    ways = streets([(0, 0), (100, 0)], [(0, 50), (100, 50)], **{"foot": [None, None], **known})
    ways = ways.assign(**{key: [None, *value] for key, value in extra.items()})
    edges = world(ways).network.edges.set_index("edge_id")
    assert edges["walkable"].tolist() == [True, walked]
    assert edges["steps"].tolist() == [False, tags["highway"] == "steps"]


# Hard borders


BORDER = [(-500, 50), (500, 50)]


def test_streets_are_cut_at_a_hard_border_bridges_too():
    ways = streets(
        [(0, 0), (0, 100)],
        [(50, 0), (50, 100)],
        [(0, 0), (50, 0)],
        [(0, 100), (50, 100)],
        bridge=[False, True, False, False],
    )
    assert walk(ways, (0, 0), (50, 100)) == pytest.approx(150)
    place = world(ways, borders=[BORDER])
    assert np.isinf(place.walks([(0, 0)], [(50, 100)])[0, 0])
    assert place.walks([(0, 0)], [(50, 40)])[0, 0] == pytest.approx(90)
    note = note_of(place, "streets_cut_at_borders")
    assert (note.count, note.ids) == (2, ("s0-0", "s1-0"))
    assert "2 streets cross a hard border, to be cut there" in note.message.en


def test_streets_that_meet_on_the_border_are_joined_on_each_side_only():
    ways = streets([(0, 50), (-40, 0)], [(0, 50), (40, 0)], [(0, 50), (0, 100)])
    place = world(ways, borders=[BORDER])
    metres = place.walks([(-40, 0)], [(40, 0), (0, 100)])[0]
    assert metres[0] == pytest.approx(2 * np.hypot(40, 50))
    assert np.isinf(metres[1])


def test_no_leg_crosses_a_hard_border():
    place = world(streets([(0, 0), (100, 0)], [(0, 100), (100, 100)]), borders=[BORDER])
    found = place.snap((50, 55))
    assert found.leg_m.tolist() == pytest.approx([45])
    over = world(streets([(0, 0), (100, 0)], [(0, 200), (100, 200)]), borders=[BORDER])
    found = over.snap((50, 60))
    assert (found.leg_m.tolist(), found.detour.tolist()) == ([140.0], ["border"])


# Cut-off pieces


def ledger_of(place, homes, residents, goals=()):
    return reachability_ledger(
        place.network,
        doors=place.snap(*homes),
        residents=np.array(residents, dtype=float),
        facilities=place.snap(*goals),
        names=[f"k{i}" for i in range(len(goals))],
        blocks=place.blocks,
    )


MAIN = [(0, 0), (1000, 0)]


@pytest.mark.parametrize(
    ("layers", "between", "kind"),
    [
        ({}, None, "join"),
        ({"water": [shapely.box(-500, 40, 1500, 60)]}, "water", "bridge"),
        ({"walls": [[(-500, 50), (1500, 50)]]}, "wall", "gate"),
        ({"borders": [[(-500, 50), (1500, 50)]]}, "border", None),
    ],
)
def test_cut_off_residents_are_a_line_of_the_ledger(layers, between, kind):
    place = world(streets(MAIN, [(0, 100), (300, 100)]), **layers)
    ledger = ledger_of(place, [(50, 110), (60, 110), (0, -5)], [30, 12, 500], [(300, 100)])
    row = ledger.iloc[0]
    assert len(ledger) == 1
    assert (row["component"], row["residents"], row["facilities"]) == (1, 42, 1)
    assert row["facility_ids"] == "k0"
    assert row["length_m"] == pytest.approx(300)
    assert row["to_main_m"] == pytest.approx(100) == row.geometry.length
    assert (row["between"], row["kind"]) == (between, kind)


def test_pieces_without_residents_or_facilities_are_not_in_the_ledger():
    place = world(streets(MAIN, [(0, 100), (300, 100)]))
    assert ledger_of(place, [(50, 5)], [10]).empty
    assert ledger_of(place, [(50, 105)], [0]).empty


def test_home_with_a_way_to_the_main_piece_is_not_cut_off():
    estate = shapely.box(0, 10, 200, 210)
    place = world(
        streets(MAIN, [(0, 230), (200, 230)]),
        estates=[estate],
        gates=[(100, 10), (100, 210)],
        options=NetworkOptions(gate_link_m=40),
    )
    assert ledger_of(place, [(100, 190)], [10]).empty


# The edge of the map


@pytest.mark.parametrize(("buffer_m", "met"), [(0.0, False), (100.0, True)])
def test_streets_beyond_the_boundary_count_within_the_buffer(tmp_path, buffer_m, met):
    # The committee's street meets the home's by a street that lies 60 m outside only.
    frames = tiny.town()
    ways = (
        [(100, 0), (100, -60)],
        [(100, -60), (300, -60)],
        [(300, -60), (300, 0)],
    )
    inside = ([(100, 200), (100, 0)], [(300, 200), (300, 0)])
    names = ["out0", "out1", "out2", "in0", "in1"]
    frames["streets"] = gpd.GeoDataFrame(
        {"street_id": names, "highway": "residential"},
        geometry=[tiny.line(*one) for one in (*ways, *inside)],
        crs=tiny.CRS,
    )
    toml = tiny.TOML + f"\n[network]\nbuffer_m = {buffer_m}\n"
    place, config = read_project(tiny.write(tmp_path / "town", frames, toml=toml))
    work = Work(place=place, config=config)
    for step in STEPS[:1]:
        step.function(work)
    edges = work.found["network"].edges
    assert edges["edge_id"].str.startswith("out1").any() == met
    assert (edges["component"].max() == 0) == met
