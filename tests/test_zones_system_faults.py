"""What no zone system can be made of: faults and contradictions, each with its message."""

import dataclasses

import numpy as np
import pytest

from gridplan.errors import CrsError, InfeasibleError, InputError, SettingsError
from gridplan.zones import SystemOptions, SystemRules, zone_system
from tests.test_zones_system import QUICK, assert_system, cells_of, squares, table

CELLS = cells_of(squares(4, 4), community_id=["a"] * 15 + [None])
WEIGHTS = table(CELLS)
FAULTS = [
    ({"k": -1}, {}, SettingsError, "number of zones is -1"),
    ({"tolerances": {"shops": 0.1}}, {}, SettingsError, r"given for \['shops'\]"),
    ({"tolerances": {"cases": 0.0}}, {}, SettingsError, "tolerance of `cases` is 0"),
    ({"band": (5.0, 3.0)}, {}, SettingsError, "size band is 5 to 3"),
    ({"nest": "beside"}, {}, InputError, "`nest` is 'beside'"),
    ({"islands": "sunk"}, {}, SettingsError, "`islands` is 'sunk'"),
    ({"starts": 0}, {}, SettingsError, "`starts` is 0"),
    ({"seed": -1}, {}, SettingsError, "seed is -1"),
    ({"nest": "inside"}, {}, InputError, "1 of 16 cells has no `community_id`: c0015"),
    ({}, {"estates": "estate"}, InputError, "no column `estate`"),
    ({}, {"anchors": {"A": "x"}}, InputError, "1 of 1 anchors are in no cell: A → x"),
    ({}, {"locked": {"y": "Z"}}, InputError, "1 of 1 locked cells do not exist: y"),
    ({"kept": ["old"]}, {}, InputError, "1 zone is to be kept, but no cell"),
    ({}, {"parted": np.zeros(3, bool)}, InputError, "tells of 3 borders, the cells have 24"),
    ({"k": 17}, {}, InfeasibleError, "17 zones are asked for, but there are 16 cells"),
    (
        {"k": 1},
        {"anchors": {"A": "c0000", "B": "c0003"}},
        InfeasibleError,
        r"anchors \(2\) and locks begin 2 zones; 1 connected",
    ),
    ({}, {"anchors": {"A": "c0000", "B": "c0000"}}, InfeasibleError, "anchors A and B are in one"),
    (
        {},
        {"anchors": {"A": "c0000", "B": "c0001"}, "locked": {"c0000": "N", "c0001": "N"}},
        InfeasibleError,
        "anchors A and B are in one locked zone",
    ),
    (
        {"k": 4},
        {"locked": {"c0000": "N", "c0001": "S", "c0004": "S", "c0005": "S", "c0015": "N"}},
        InfeasibleError,
        "2 units locked to N are not connected",
    ),
]


@pytest.mark.parametrize(("option", "rule", "error", "message"), FAULTS)
def test_faults_are_named(option, rule, error, message):
    options = dataclasses.replace(SystemOptions(k=4, **QUICK), **option)
    with pytest.raises(error, match=message) as caught:
        zone_system(CELLS, WEIGHTS, rules=SystemRules(**rule), options=options)
    assert all(fault.zh for fault in caught.value.faults)


@pytest.mark.parametrize("band", [None, (1.0, 5.0)])
def test_more_zones_than_locked_land_has_room_for_are_refused(band):
    halves = {uid: "N" if at < 8 else "S" for at, uid in enumerate(CELLS["cell_uid"])}
    free = {uid: name for uid, name in halves.items() if uid != "c0000"}
    options = SystemOptions(k=4, band=band, **QUICK)
    for locked, most in ((halves, 2), (free, 3)):
        rules = SystemRules(locked=locked)
        with pytest.raises(InfeasibleError, match=f"possible number of zones is {most}"):
            zone_system(CELLS, WEIGHTS, rules=rules, options=options)
        proposed = dataclasses.replace(options, k=0, proposed=9)
        assert zone_system(CELLS, WEIGHTS, rules=rules, options=proposed).k <= most
    unions = CELLS.assign(community_id=[f"m{at // 4}" for at in range(16)])
    rules = SystemRules(locked={"c0000": "N", "c0004": "N", "c0008": "N"})
    for k, error in ((3, True), (0, False)):
        asked = dataclasses.replace(options, k=k, proposed=9, nest="unions")
        if error:
            with pytest.raises(InfeasibleError, match="possible number of zones is 2"):
                zone_system(unions, WEIGHTS, rules=rules, options=asked)
        else:
            assert zone_system(unions, WEIGHTS, rules=rules, options=asked).k <= 2


def test_an_estate_locked_to_two_zones_is_divided_there_with_a_note():
    cells = cells_of(squares(4, 4), estate_id=["花园"] * 3 + ["院"] + ["院"] + [None] * 11)
    locked = {"c0000": "N", "c0001": "S", "c0004": "N"}
    rules = SystemRules(estates="estate_id", locked=locked)
    weights = table(cells)
    plan = zone_system(cells, weights, rules=rules, options=SystemOptions(k=3, **QUICK))
    assert_system(plan, cells, weights)
    assert {uid: plan.zone_of[uid] for uid in locked} == locked
    [note] = plan.notes
    assert (note.code, note.ids) == ("zones_estate_given", ("花园",))
    assert "1 estate lies across zones that are given" in note.message.en


def test_negative_weights_are_named_by_their_column():
    weights = WEIGHTS.assign(cases=-1.0)
    with pytest.raises(InputError, match="cases: 16 of 16 weights are missing, negative"):
        zone_system(CELLS, weights, options=SystemOptions(k=4))


def test_degrees_are_refused():
    with pytest.raises(CrsError):
        zone_system(CELLS.set_crs(4326, allow_override=True), WEIGHTS)
