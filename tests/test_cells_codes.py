"""Codes in reading order, capacity, faults of codes; identifiers that stay."""

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.cells import (
    GB_T_30428,
    CellOptions,
    CodeProfile,
    assign_codes,
    cell_uids,
    code_faults,
    partition,
)
from gridplan.cells.order import reading_order
from gridplan.errors import InfeasibleError, InputError
from gridplan.verify import check_codes

CRS = 4549
NARROW = CodeProfile(name="narrow", parts=(("community", 12), ("sequence", 1)))


def town(*boxes):
    ids = [f"320583999{number:03d}" for number in range(1, len(boxes) + 1)]
    return gpd.GeoDataFrame({"community_id": ids}, geometry=list(boxes), crs=CRS)


@pytest.fixture(scope="module")
def cells():
    return partition(town(shapely.box(0, 0, 530, 410), shapely.box(530, 0, 900, 410)))


def test_codes_run_west_to_east_and_north_to_south(cells):
    codes = assign_codes(cells)
    assert codes.name == "cell_id"
    assert codes.index.equals(cells.index)
    assert codes.map(type).eq(str).all()
    assert codes.str.len().eq(15).all()
    assert (codes.str[:12] == cells["community_id"]).all()
    centre = cells.centroid
    for _, own in cells.groupby("community_id"):
        in_order = own.loc[codes[own.index].sort_values().index]
        assert codes[in_order.index].str[12:].astype(int).tolist() == list(range(1, len(own) + 1))
        row = np.floor(centre.y[in_order.index] / 100)
        assert row.is_monotonic_decreasing
        for _, x in centre.x[in_order.index].groupby(row):
            assert x.is_monotonic_increasing


def test_the_partition_is_in_the_order_of_its_codes(cells):
    assert assign_codes(cells).is_monotonic_increasing


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_codes_do_not_depend_on_row_order(cells, seed):
    shuffled = cells.sample(frac=1, random_state=seed)
    pd.testing.assert_series_equal(assign_codes(shuffled).sort_index(), assign_codes(cells))
    pd.testing.assert_series_equal(cell_uids(shuffled).sort_index(), cell_uids(cells))


def test_a_row_is_where_it_is_whatever_else_there_is():
    x, y = np.array([10.0, 20.0, 30.0, 5.0]), np.array([199.9, 100.1, 201.0, 99.0])
    assert reading_order(x, y, row_height_m=100.0).tolist() == [2, 0, 1, 3]
    assert reading_order(x[1:], y[1:], row_height_m=100.0).tolist() == [1, 0, 2]


def test_points_in_one_place_are_told_apart_by_the_tie():
    same = np.zeros(3)
    assert reading_order(same, same, row_height_m=1.0, ties=["c", "a", "b"]).tolist() == [1, 2, 0]


def test_overflow_names_the_community_its_count_and_a_target_that_does():
    wide = shapely.box(0, 0, 3150, 3550)
    small = shapely.box(4000, 0, 4500, 500)
    cells = partition(town(wide, small))
    with pytest.raises(InfeasibleError, match=r"Community 320583999001 has 11\d\d cells") as caught:
        assign_codes(cells)
    assert caught.value.exit_status == 3
    [message] = caught.value.lines("en")
    assert "at most 999" in message
    target = float(message.split("`target_m2` of about ")[1].split(" ")[0].replace(",", ""))
    coarser = partition(town(wide, small), options=CellOptions(method="square", target_m2=target))
    assert assign_codes(coarser, target_m2=target).is_unique
    assert target < 12_500


@settings(max_examples=20)
@given(st.integers(600, 1500), st.integers(600, 1500), st.integers(0, 90))
def test_the_relaxation_named_is_enough(width, height, turn):
    land = shapely.affinity.rotate(shapely.box(0, 0, width, height), turn)
    with pytest.raises(InfeasibleError) as caught:
        assign_codes(partition(town(land)), profile=NARROW)
    text = caught.value.lines("en")[0].split("`target_m2` of about ")[1].split(" ")[0]
    target = float(text.replace(",", ""))
    assert target < 1.6 * max(land.area / 9, 10_000)
    assert target > 0.6 * land.area / 9


def test_every_community_that_overflows_is_named():
    cells = partition(town(shapely.box(0, 0, 400, 400), shapely.box(400, 0, 900, 400)))
    with pytest.raises(InfeasibleError) as caught:
        assign_codes(cells, profile=NARROW)
    assert [line.split()[1] for line in caught.value.lines("en")] == [
        "320583999001",
        "320583999002",
    ]


@pytest.mark.parametrize("code", ["32058399900", "3205839990011", "32058399900A", None])
def test_a_community_code_of_another_shape(cells, code):
    with pytest.raises(InputError, match="does not have the 12 digits of GB/T 30428"):
        assign_codes(cells.assign(community_id=code))


def test_the_profile_adds_up():
    assert (GB_T_30428.length, GB_T_30428.community_length) == (15, 12)
    assert (GB_T_30428.sequence_length, GB_T_30428.capacity) == (3, 999)


GOOD = "320583999001001"


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        ([GOOD, None], "1 of 2 codes are empty"),
        ([GOOD, ""], "1 of 2 codes are empty"),
        ([GOOD, 320583999001002], "1 of 2 codes are numbers, not text: 320583999001002"),
        ([GOOD, GOOD[1:]], "1 of 2 codes do not have the 15 digits of GB/T 30428: 20583999001001"),
        ([GOOD, GOOD + "1"], "1 of 2 codes do not have the 15 digits"),
        ([GOOD, GOOD[:-1] + "A"], "1 of 2 codes do not have the 15 digits"),
        ([GOOD, GOOD[:-1] + "１"], "1 of 2 codes do not have the 15 digits"),
        ([GOOD, GOOD + "\n"], "1 of 2 codes do not have the 15 digits"),
        ([GOOD, GOOD[:12] + "000"], "1 of 2 codes have the sequence 0"),
        ([GOOD, GOOD], "2 of 2 codes occur more than once: 320583999001001"),
    ],
)
def test_codes_at_fault(codes, found):
    [fault] = code_faults(pd.Series(codes, dtype="object"))
    assert fault.en.startswith(found)
    assert fault.zh


def test_assigned_codes_are_without_fault(cells):
    assert code_faults(assign_codes(cells)) == []


def test_every_swap_in_a_community_is_found_where_the_height_of_rows_is_known(cells):
    """Of two neighbours the later one may lie north-east of the other: some height explains it."""
    codes = assign_codes(cells)
    order = {}
    for height in (100.0, None):
        coded = pd.DataFrame({"cell_id": codes, "geometry": cells.geometry})
        assert not check_codes(coded, row_height_m=height).findings
        found = []
        for one, other in combinations(range(int((codes.str[:12] == codes[0][:12]).sum())), 2):
            swapped = codes.copy()
            swapped.iloc[[one, other]] = codes.iloc[[other, one]].to_numpy()
            report = check_codes(coded.assign(cell_id=swapped), row_height_m=height)
            named = {code for late in report.findings for code in late.ids}
            assert {late.rule for late in report.findings} <= {"code_order"}
            found.append(not named.isdisjoint(codes.iloc[[one, other]]))
        order[height] = found
    assert all(order[100.0])
    assert not all(order[None])


@given(seed=st.integers(0, 10**6), moved=st.integers(0, 3))
def test_what_is_out_of_order_is_the_rest_of_a_longest_run(seed, moved):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 400, 9), rng.uniform(0, 300, 9)
    order = reading_order(x, y, row_height_m=100.0)
    order = np.concatenate([order[moved:], order[:moved]]) if moved else order
    codes = pd.Series([f"320583999001{number:03d}" for number in range(1, 10)])
    shapes = shapely.buffer(shapely.points(x[order], y[order]), 1.0)
    [*late] = check_codes(
        pd.DataFrame({"cell_id": codes, "geometry": shapes}), row_height_m=100.0
    ).findings
    assert sum(one.count for one in late) == min(moved, 9 - moved)


# Identifiers


def test_identifiers_are_unique_short_text(cells):
    uids = cell_uids(cells)
    assert uids.is_unique
    assert uids.str.fullmatch("c[0-9a-f]{12}").all()


def test_an_identifier_encodes_neither_community_nor_order_of_vertices(cells):
    turned = cells.assign(community_id="x", geometry=cells.geometry.reverse())
    pd.testing.assert_series_equal(cell_uids(turned), cell_uids(cells))


def test_noise_below_the_grid_does_not_change_an_identifier(cells):
    noisy = cells.assign(geometry=cells.geometry.translate(1e-8, -1e-8))
    pd.testing.assert_series_equal(cell_uids(noisy), cell_uids(cells))


def test_other_places_have_other_identifiers(cells):
    elsewhere = cells.set_crs(4547, allow_override=True)
    moved = cells.assign(geometry=cells.geometry.translate(100, 0))
    assert not set(cell_uids(elsewhere)) & set(cell_uids(cells))
    same_squares = set(cells.geometry.normalize().to_wkb()) & set(
        moved.geometry.normalize().to_wkb()
    )
    assert len(set(cell_uids(moved)) & set(cell_uids(cells))) == len(same_squares)


def test_an_identifier_in_use_is_not_given_again(cells):
    first = cell_uids(cells)
    second = cell_uids(cells, taken=first.tolist()[:3])
    assert second.iloc[3:].equals(first.iloc[3:])
    assert not set(second.iloc[:3]) & set(first)


def test_two_cells_of_one_shape_are_told_apart(cells):
    twice = pd.concat([cells, cells])
    assert cell_uids(twice).is_unique
