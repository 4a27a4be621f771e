"""One boundary for all departments: overlay, proposal, conflicts, handovers, duties."""

import itertools

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import CrsError, InputError, SettingsError
from gridplan.unify import (
    Barred,
    UnifyOptions,
    agreed_m2,
    conflicts,
    duties,
    handovers,
    mean_disagreement,
    propose_zones,
)
from gridplan.zones import rook_graph

CRS = 4549
SIDE_M = 100.0


def lattice(columns, rows):
    """Square cells, each of 100 m."""
    shapes = [
        shapely.box(x * SIDE_M, y * SIDE_M, (x + 1) * SIDE_M, (y + 1) * SIDE_M)
        for x in range(columns)
        for y in range(rows)
    ]
    uids = [f"c{number:03d}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({"cell_uid": uids}, geometry=shapes, crs=CRS)


def homes_in(cells, residents):
    """One home in the middle of each cell."""
    return gpd.GeoDataFrame(
        {"population": pd.array(residents, dtype="Int64")},
        geometry=cells.geometry.centroid,
        crs=CRS,
    )


def zoning_by_cell(department, cells, label):
    """Zones of whole cells; nothing is drawn where a label is below 0."""
    rows = [
        (department, f"{department}{zone}", shapely.union_all(cells.geometry[label == zone]))
        for zone in np.unique(label[label >= 0])
    ]
    return gpd.GeoDataFrame(
        pd.DataFrame([row[:2] for row in rows], columns=["department", "zone_id"], dtype=object),
        geometry=[row[2] for row in rows],
        crs=CRS,
    )


def boxes(department, *corners):
    """Zones that are rectangles."""
    return gpd.GeoDataFrame(
        {
            "department": [department] * len(corners),
            "zone_id": [f"{department}{number}" for number in range(len(corners))],
        },
        geometry=[shapely.box(*one) for one in corners],
        crs=CRS,
    )


def together(*zonings):
    return pd.concat(zonings, ignore_index=True)


def rook(cells):
    """Contiguity by common borders, worked out with shapely alone."""
    graph = nx.Graph()
    graph.add_nodes_from(cells["cell_uid"])
    pairs = itertools.combinations(zip(cells["cell_uid"], cells.geometry, strict=True), 2)
    graph.add_edges_from(
        (one, other) for (one, a), (other, b) in pairs if a.intersection(b).length > 0
    )
    return graph


@pytest.fixture
def town():
    cells = lattice(6, 4)
    return cells, homes_in(cells, np.arange(1, 25))


@pytest.fixture
def two_halves(town):
    """Two departments whose line is at x = 300 m and x = 400 m."""
    cells, homes = town
    zonings = together(
        boxes("fire", (0, 0, 300, 400), (300, 0, 600, 400)),
        boxes("parks", (0, 0, 400, 400), (400, 0, 600, 400)),
    )
    return cells, homes, zonings


def test_two_lines_become_one_and_only_the_strip_between_changes_hands(two_halves):
    cells, homes, zonings = two_halves
    unified = propose_zones(cells, homes, zonings)
    strip = homes[(homes.geometry.x > 300) & (homes.geometry.x < 400)]
    assert unified.changes == pytest.approx(strip["population"].sum(), abs=1.0)
    assert unified.bound == pytest.approx(unified.changes)
    assert unified.zone_of.nunique() == 2


def test_the_department_that_counts_more_keeps_its_line(two_halves):
    cells, homes, zonings = two_halves
    for one, line in (("fire", 300), ("parks", 400)):
        unified = propose_zones(cells, homes, zonings, options=UnifyOptions(importance={one: 3}))
        zones = cells.assign(zone=unified.zone_of.to_numpy()).dissolve("zone")
        assert sorted(zones.bounds["maxx"]) == [line, 600]


def test_places_of_dispute_gap_and_overlap_are_told_apart(town):
    cells, homes = town
    zonings = together(
        boxes("fire", (0, 0, 300, 400), (300, 0, 600, 400)),
        boxes("parks", (0, 0, 350, 400), (300, 0, 600, 300)),
    )
    unified = propose_zones(cells, homes, zonings)
    places = conflicts(unified, homes)
    by_kind = places.groupby("kind")["area_m2"].sum()
    assert by_kind["blank"] == pytest.approx(250 * 100)
    assert by_kind["overlap"] == pytest.approx(50 * 300)
    assert by_kind["dispute"] == pytest.approx(50 * 100)


def test_a_sliver_is_no_real_conflict(town):
    cells, homes = town
    zonings = together(
        boxes("fire", (0, 0, 300, 400), (300, 0, 600, 400)),
        boxes("parks", (0, 0, 301, 400), (301, 0, 600, 400)),
    )
    places = conflicts(propose_zones(cells, homes, zonings), homes)
    assert places["sliver"].tolist() == [True]
    assert places["width_m"].iloc[0] == pytest.approx(1.0, abs=0.01)
    narrow = conflicts(
        propose_zones(cells, homes, zonings), homes, options=UnifyOptions(sliver_m=0.5)
    )
    assert narrow["sliver"].tolist() == [False]


def test_equal_zonings_agree_whatever_the_names(town):
    cells, homes = town
    first = boxes("fire", (0, 0, 300, 400), (300, 0, 600, 400))
    second = boxes("parks", (300, 0, 600, 400), (0, 0, 300, 400))
    unified = propose_zones(cells, homes, together(first, second))
    assert unified.mean_disagreement == pytest.approx(0.0, abs=1e-12)
    assert unified.changes == pytest.approx(0.0, abs=1e-9)
    assert len(conflicts(unified, homes)) == 0
    assert len(handovers(unified, homes)) == 0


def test_each_department_gains_what_its_zones_give(two_halves):
    cells, homes, zonings = two_halves
    unified = propose_zones(cells, homes, zonings)
    moved = handovers(unified, homes)
    assert set(moved["kind"]) == {"handed"}
    assert moved["area_m2"].sum() == pytest.approx(100 * 400)
    assert moved["population"].sum() == pytest.approx(unified.changes, abs=1.0)


def test_land_that_nobody_claims_gets_a_body(town):
    cells, homes = town
    zonings = together(
        boxes("fire", (0, 0, 300, 400), (400, 0, 600, 400)),
        boxes("parks", (0, 0, 300, 400), (400, 0, 600, 400)),
    )
    unified = propose_zones(cells, homes, zonings)
    gaps = handovers(unified, homes)
    assert unified.zone_of.notna().all()
    assert set(gaps["kind"]) == {"blank"}
    assert gaps["from_zone_id"].isna().all()
    assert gaps["to_zone_id"].notna().all()
    assert conflicts(unified, homes)["kind"].tolist() == ["unclaimed"]


def test_a_zone_too_many_is_handed_over_whole(town):
    cells, homes = town
    zonings = together(
        boxes("fire", (0, 0, 300, 400), (300, 0, 600, 400)),
        boxes("parks", (0, 0, 300, 400), (300, 0, 600, 400)),
        boxes("roads", (0, 0, 300, 400), (300, 0, 500, 400), (500, 0, 600, 400)),
    )
    unified = propose_zones(cells, homes, zonings)
    assert unified.zone_of.nunique() == 2
    moved = handovers(unified, homes)
    assert moved[["department", "from_zone_id", "to_zone_id"]].to_numpy().tolist() == [
        ["roads", "roads2", "roads1"]
    ]


def test_a_department_with_fewer_zones_gets_new_ones(town):
    cells, homes = town
    zonings = together(
        boxes("fire", (0, 0, 200, 400), (200, 0, 400, 400), (400, 0, 600, 400)),
        boxes("roads", (0, 0, 200, 400), (200, 0, 400, 400), (400, 0, 600, 400)),
        boxes("parks", (0, 0, 600, 400)),
    )
    unified = propose_zones(cells, homes, zonings)
    assert unified.zone_of.nunique() == 3
    parks = unified.successors[unified.successors["department"] == "parks"]
    assert [one is None for one in parks["old_zone_id"]].count(True) == 2
    moved = handovers(unified, homes)
    assert set(moved["department"]) == {"parks"}
    assert set(moved["from_zone_id"]) == {"parks0"}
    assert moved["to_zone_id"].isna().all()
    assert len(conflicts(unified, homes)) == 2


def test_what_lies_outside_is_left_out_and_said(town):
    cells, homes = town
    zonings = together(
        boxes("fire", (-100, 0, 300, 400), (300, 0, 600, 400)),
        boxes("parks", (0, 0, 300, 400), (300, 0, 600, 400)),
    )
    unified = propose_zones(cells, homes, zonings)
    assert unified.outside["outside_m2"].tolist() == pytest.approx([100 * 400])
    assert "fire/fire0" in unified.notes[0].message.en


def test_a_tolerance_is_kept_where_it_can_be(town):
    cells, _ = town
    homes = homes_in(cells, np.full(24, 10))
    zonings = together(
        boxes("fire", (0, 0, 100, 400), (100, 0, 600, 400)),
        boxes("parks", (0, 0, 100, 400), (100, 0, 600, 400)),
    )
    loose = propose_zones(cells, homes, zonings)
    even = propose_zones(cells, homes, zonings, options=UnifyOptions(tolerance=0.1))
    assert loose.changes == pytest.approx(0.0, abs=1e-9)
    assert sorted(even.zone_of.value_counts()) in ([11, 13], [12, 12])
    assert even.changes >= 2 * 10 * 7 - 1
    assert [one.code for one in even.notes] == ["unified_price_of_balance"]


def test_a_tolerance_that_cannot_be_met_is_said(town):
    cells, _ = town
    homes = homes_in(cells, [1000, *[1] * 23])
    zonings = boxes("fire", (0, 0, 300, 400), (300, 0, 600, 400))
    unified = propose_zones(cells, homes, zonings, options=UnifyOptions(tolerance=0.1))
    assert unified.notes[0].message.en.startswith(
        "The zones of the proposal are not all within ±10% of the mean of 512 residents"
    )
    assert [one.code for one in unified.notes[1:]] == ["unified_price_of_balance"]


def test_islands_have_zones_of_their_own():
    shapes = [shapely.box(0, 0, 100, 100), shapely.box(500, 0, 600, 100)]
    cells = gpd.GeoDataFrame({"cell_uid": ["a", "b"]}, geometry=shapes, crs=CRS)
    unified = propose_zones(cells, homes_in(cells, [5, 7]), boxes("fire", (0, 0, 700, 100)))
    assert unified.zone_of.nunique() == 2


@st.composite
def departments(draw):
    """Some cells, residents, and two or three departments with random labels of the cells."""
    columns, rows = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    cells = lattice(columns, rows)
    numbers = st.lists(st.integers(0, 40), min_size=len(cells), max_size=len(cells))
    homes = homes_in(cells, draw(numbers))
    labels = st.lists(st.integers(-1, 2), min_size=len(cells), max_size=len(cells))
    zonings = []
    for name in ("fire", "parks", "roads")[: draw(st.integers(2, 3))]:
        label = np.array(draw(labels))
        label[0] = max(label[0], 0)
        zonings.append(zoning_by_cell(name, cells, label))
    return cells, homes, together(*zonings)


@settings(max_examples=40, deadline=None)
@given(departments())
def test_zones_are_connected_and_no_worse_than_any_departments(case):
    cells, homes, zonings = case
    unified = propose_zones(cells, homes, zonings)
    graph = rook(cells)
    assert unified.zone_of.notna().all()
    for _, members in unified.zone_of.groupby(unified.zone_of):
        assert nx.is_connected(graph.subgraph(members.index))
    assert unified.changes <= unified.adopted["changes_by_cells"].min() + 1e-6
    assert unified.bound <= unified.changes + 1e-6
    land_m2 = cells.area.sum()
    places = conflicts(unified, homes)
    assert agreed_m2(unified) + places["area_m2"].sum() == pytest.approx(land_m2, abs=1.0)


@settings(max_examples=25, deadline=None)
@given(departments(), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(case, random):
    cells, homes, zonings = case
    first = propose_zones(cells, homes, zonings)
    shuffled = [frame.sample(frac=1, random_state=random.randrange(2**31))
                for frame in (cells, homes, zonings)]  # fmt: skip
    again = propose_zones(*shuffled)
    assert again.zone_of.sort_index().equals(first.zone_of.sort_index())
    assert again.successors.equals(first.successors)
    assert again.changes == first.changes
    places = [conflicts(one, homes).drop(columns="geometry") for one in (first, again)]
    assert places[0].equals(places[1])


def least_by_enumeration(cells, homes, zonings, *, k):
    """The fewest residents that change hands, over all connected zones and all names."""
    graph, uids = rook(cells), cells["cell_uid"].tolist()
    people = homes["population"].to_numpy(dtype=float)
    held = {}
    for department, rows in zonings.groupby("department"):
        middle = homes.geometry.to_numpy()
        held[department] = np.array([shapely.intersects(one, middle) for one in rows.geometry])
    best = np.inf
    for label in map(np.array, itertools.product(range(k), repeat=len(uids))):
        if len(set(label)) < k or not all(
            nx.is_connected(graph.subgraph([uids[at] for at in np.flatnonzero(label == zone)]))
            for zone in range(k)
        ):
            continue
        total = 0.0
        for mine in held.values():
            kept = np.array([[people[one & (label == zone)].sum() for zone in range(k)]
                             for one in mine])  # fmt: skip
            size = max(kept.shape)
            padded = np.zeros((size, size))
            padded[: kept.shape[0], : kept.shape[1]] = kept
            most = max(
                padded[list(order), range(size)].sum()
                for order in itertools.permutations(range(size))
            )
            total += people[mine.any(axis=0)].sum() - most
        best = min(best, total)
    return best


def test_never_better_than_enumeration_and_mostly_as_good():
    cells, best = lattice(4, 2), []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        homes = homes_in(cells, rng.integers(0, 40, 8))
        labels = [np.append(0, rng.integers(0, 2, 7)) for _ in range(2)]
        zonings = together(
            *(zoning_by_cell(name, cells, label)
              for name, label in zip(("fire", "parks"), labels, strict=True))
        )  # fmt: skip
        unified = propose_zones(cells, homes, zonings)
        k = unified.zone_of.nunique()
        least = least_by_enumeration(cells, homes, zonings, k=k)
        # All land together counts as half a resident in each department.
        assert unified.changes >= least - 1e-6
        best.append(unified.changes <= least + 1.0)
    assert np.mean(best) >= 0.85


def test_disagreement_is_a_metric_and_as_published(town):
    cells, homes = town
    label = np.arange(24)
    zonings = together(
        zoning_by_cell("fire", cells, label // 12),
        zoning_by_cell("parks", cells, label // 6),
        zoning_by_cell("roads", cells, label % 2),
    )
    pairs = propose_zones(cells, homes, zonings, options=UnifyOptions(by="area")).disagreement
    bits = {(row.department, row.other): row.information_bits for row in pairs.itertuples()}
    # Halves against quarters of them: one bit; halves against stripes: two independent bits.
    assert bits["fire", "parks"] == pytest.approx(1.0)
    assert bits["fire", "roads"] == pytest.approx(2.0)
    assert bits["parks", "roads"] <= bits["fire", "parks"] + bits["fire", "roads"] + 1e-9
    assert mean_disagreement(pairs.iloc[:0]) == 0.0
    assert pairs["mass_apart"].iloc[0] == pytest.approx(12 * SIDE_M**2)


def test_every_class_has_one_body_in_every_zone(two_halves):
    cells, homes, zonings = two_halves
    unified = propose_zones(cells, homes, zonings)
    table = duties(
        unified.successors, {"street trade": "fire", "noise": None}, default="sub-district office"
    )
    assert not table.duplicated(["zone_id", "class"]).any()
    assert table[table["class"] == "noise"]["department"].unique().tolist() == [
        "sub-district office"
    ]
    assert table[table["class"] == "street trade"]["old_zone_id"].tolist() == ["fire0", "fire1"]


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (lambda z: z.to_crs(4490), CrsError, r"zonings are in .*Convert"),
        (lambda z: z.drop(columns="zone_id"), InputError, r"need the columns"),
        (lambda z: z.iloc[:0], InputError, r"there are 0 rows"),
        (lambda z: z.assign(zone_id=["a", None, "b", " "]), InputError, r"2 of 4 .*no `zone_id`"),
        (lambda z: z.assign(department="*"), InputError, r"stands for the proposal"),
        (
            lambda z: z.set_geometry(z.geometry.boundary),
            InputError,
            r"4 of 4 rows .* no valid polygon: fire/fire0",
        ),
    ],
)
def test_faults_of_zonings(two_halves, change, error, match):
    cells, homes, zonings = two_halves
    with pytest.raises(error, match=match):
        propose_zones(cells, homes, change(zonings))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (UnifyOptions(importance={"police": 1.0}), "no zoning is theirs"),
        (UnifyOptions(importance={"fire": 0.0}), "importance of fire is 0"),
        (UnifyOptions(tolerance=0.0), "tolerance is 0"),
        (UnifyOptions(sliver_m=-1.0), "sliver_m"),
        (UnifyOptions(moves_per_cell=0), "moves_per_cell"),
        (UnifyOptions(seed=-1), "seed is -1"),
    ],
)
def test_faults_of_settings(two_halves, options, match):
    cells, homes, zonings = two_halves
    with pytest.raises(SettingsError, match=match):
        propose_zones(cells, homes, zonings, options=options)


def bank_town(*, canal=True):
    """Two banks of six cells by two with a street at one end, and what parts their borders."""
    cells = lattice(6, 4).sort_values("cell_uid").reset_index(drop=True)
    graph = rook_graph(cells)
    middle = cells.geometry.centroid
    a, b = middle.iloc[graph.left], middle.iloc[graph.right]
    over = (a.y.to_numpy() < 200) != (b.y.to_numpy() < 200)
    return cells, Barred(over & (a.x.to_numpy() > 400) if canal else over & False)


def parts_over_land(cells, barred, zone_of):
    """Zones that networkx finds in several parts without the borders that part."""
    graph, uid = rook_graph(cells), cells["cell_uid"].to_numpy()
    walked = nx.Graph()
    walked.add_nodes_from(uid)
    open_ = ~barred.parted
    walked.add_edges_from(zip(uid[graph.left[open_]], uid[graph.right[open_]], strict=True))
    return sorted(
        zone
        for zone, own in zone_of.groupby(zone_of)
        if not nx.is_connected(walked.subgraph(own.index))
    )


def test_zones_of_a_proposal_hang_together_over_land_where_that_moves_no_more_than_adopting():
    cells, barred = bank_town()
    south_east = (cells.geometry.centroid.x > 400) & (cells.geometry.centroid.y < 200)
    homes = homes_in(cells, np.where(south_east, 3, 10))
    # Two of three have the east zone on both banks, which is the cheapest; each of the three
    # differs from the others somewhere, so that adopting one moves more than to mend that.
    middle = cells.geometry.centroid
    x, y = middle.x.to_numpy() // 100, middle.y.to_numpy() // 200
    west, east = np.where(x < 1, 0, 1), np.where(x >= 4, 2, 0)
    zonings = together(
        zoning_by_cell("fire", cells, np.maximum(west - ((x == 1) & (y == 1)), east)),
        zoning_by_cell("roads", cells, np.maximum(west - ((x == 1) & (y == 0)), east)),
        zoning_by_cell("parks", cells, np.maximum(west - (x == 1), np.where(y == 1, east, 0))),
    )
    free = propose_zones(cells, homes, zonings)
    unified = propose_zones(cells, homes, zonings, barred=barred)
    assert parts_over_land(cells, barred, free.zone_of)
    assert list(unified.across) == parts_over_land(cells, barred, unified.zone_of) == []
    assert unified.changes <= unified.adopted["changes"].min() + 1e-6
    whole = bank_town(canal=False)[1]
    assert propose_zones(cells, homes, zonings, barred=whole).zone_of.equals(free.zone_of)


def test_what_departments_have_across_the_water_is_named_and_not_refused():
    cells, barred = bank_town()
    homes = homes_in(cells, np.full(24, 10))
    halves = (0, 0, 400, 400), (400, 0, 600, 400)
    unified = propose_zones(
        cells, homes, together(boxes("fire", *halves), boxes("parks", *halves)), barred=barred
    )
    assert list(unified.across) == parts_over_land(cells, barred, unified.zone_of) == ["U02"]
    (note,) = (one for one in unified.notes if one.code == "zones_across")
    assert note.ids == ("U02",)
    assert "adopt the zoning" in note.message.en
    assert note.message.zh.startswith("边界统一")


# --- what adopting one zoning would move, and zones in several parts ------------------------------


def overlaps_m2(one, other):
    """Common area of each two zones, by shapely alone."""
    return np.array([[a.intersection(b).area for b in other] for a in one])


def most_kept_m2(table):
    """The most that a one-to-one naming keeps, by trying all."""
    table = table if table.shape[0] >= table.shape[1] else table.T
    orders = itertools.permutations(range(len(table)), table.shape[1])
    return max(sum(table[row, at] for at, row in enumerate(order)) for order in orders)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(1, 599), min_size=1, max_size=3, unique=True),
                min_size=2, max_size=3))  # fmt: skip
def test_adopting_a_zoning_as_it_is_drawn_moves_what_the_others_lose(lines):
    """Vertical lines anywhere, across the cells: what is kept is counted zone by zone."""
    cells = lattice(6, 2)
    homes = homes_in(cells, np.full(12, 5))
    drawn = {}
    for number, own in enumerate(lines):
        ends = [0, *sorted(own), 600]
        drawn[f"d{number}"] = [(a, 0, b, 200) for a, b in itertools.pairwise(ends)]
    unified = propose_zones(
        cells, homes, together(*(boxes(name, *own) for name, own in drawn.items())),
        options=UnifyOptions(by="area"),
    )  # fmt: skip
    shapes = {name: [shapely.box(*one) for one in own] for name, own in drawn.items()}
    told = unified.adopted.set_index("department")["changes"]
    for name, own in shapes.items():
        moved = sum(
            cells.area.sum() - most_kept_m2(overlaps_m2(own, other))
            for one, other in shapes.items()
            if one != name
        )
        assert told[name] == pytest.approx(moved, abs=1.0)


def test_a_zone_in_two_parts_is_joined_where_that_costs_less_than_to_give_one_away():
    """All agree on two zones; the northern one is in two parts, with one cell between them."""
    cells = lattice(9, 4)
    middle = cells.geometry.centroid
    north = (middle.y > 300).to_numpy()
    gap = north & (middle.x > 400).to_numpy() & (middle.x < 500).to_numpy()
    homes = homes_in(cells, np.where(gap, 3, 10))
    label = np.where(north & ~gap, 0, 1)
    zonings = together(*(zoning_by_cell(name, cells, label) for name in ("fire", "parks")))
    unified = propose_zones(cells, homes, zonings)
    assert unified.changes == pytest.approx(2 * 3, abs=0.5)
    assert len(set(unified.zone_of[cells["cell_uid"][north]])) == 1


@settings(max_examples=40, deadline=None)
@given(departments())
def test_a_proposal_is_never_better_than_the_best_of_all_connected_zones(case):
    cells, homes, zonings = case
    if len(cells) > 6:
        cells = cells.iloc[:6]
    homes = homes[homes.geometry.within(shapely.union_all(cells.geometry))]
    unified = propose_zones(cells, homes, zonings)
    k = unified.zone_of.nunique()
    order = unified.zone_of.index
    graph, people = rook(cells), dict(zip(cells["cell_uid"], homes["population"], strict=True))
    names = zonings["department"].unique()
    best = np.inf
    for label in itertools.product(range(k), repeat=len(order)):
        sets = [[uid for uid, own in zip(order, label, strict=True) if own == zone]
                for zone in range(k)]  # fmt: skip
        if not all(own and nx.is_connected(graph.subgraph(own)) for own in sets):
            continue
        moved = 0.0
        for name in names:
            old = zonings[zonings["department"] == name]
            held = np.array([
                [sum(people[uid] for uid in own
                     if shape.contains(cells.set_index("cell_uid").geometry[uid].centroid))
                 for shape in old.geometry]
                for own in sets
            ], dtype=float)  # fmt: skip
            moved += held.sum() - most_kept_m2(held)
        best = min(best, moved)
    # Land counts as less than one resident in all.
    assert unified.changes >= best - 1e-6


def test_lines_that_cut_cells_and_zones_of_many_sizes_are_told():
    """The line of all is in the middle of cells, so that whole cells have to change hands."""
    cells = lattice(6, 2)
    homes = homes_in(cells, np.full(12, 10))
    lines = {"fire": 250, "parks": 252}
    zonings = together(
        *(boxes(name, (0, 0, x, 200), (x, 0, 600, 200)) for name, x in lines.items())
    )
    unified = propose_zones(cells, homes, zonings, options=UnifyOptions(by="area"))
    notes = {one.code: one.message for one in unified.notes}
    drawn = unified.adopted.set_index("department")["changes"]
    assert drawn["fire"] == pytest.approx(2 * 200)
    assert "would move 400 m², the proposal" in notes["unified_above_drawn"].en
    assert "移交 400 平方米" in notes["unified_above_drawn"].zh
    assert "unified_uneven" not in notes
    small = boxes("fire", (0, 0, 100, 200), (100, 0, 600, 200))
    alone = together(small, small.assign(department="parks"))
    (note,) = propose_zones(cells, homes, alone).notes
    assert note.code == "unified_uneven"
    assert "from 20 residents (U01) to 100 (U02)" in note.message.en
    asked = propose_zones(cells, homes, alone, options=UnifyOptions(tolerance=0.1))
    told = {one.code: one.message for one in asked.notes}
    assert "unified_uneven" not in told
    assert "the balance asked for (±10 %) has its price" in told["unified_price_of_balance"].en
    assert "0 if a department's zoning" in told["unified_price_of_balance"].en


def test_land_that_a_department_leaves_out_says_nothing_of_its_names():
    """Fire draws the west alone; its second zone is the first part of parks' second one."""
    cells = lattice(6, 1)
    homes = homes_in(cells, np.full(6, 10))
    zonings = together(
        boxes("fire", (0, 0, 100, 100), (100, 0, 200, 100)),
        boxes("parks", (0, 0, 100, 100), (100, 0, 600, 100)),
    )
    for by in ("residents", "area"):
        unified = propose_zones(cells, homes, zonings, options=UnifyOptions(by=by))
        assert unified.adopted["changes"].tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


def test_what_adoption_moves_does_not_depend_on_the_proposal():
    cells = lattice(6, 4)
    homes = homes_in(cells, np.arange(1, 25))
    zonings = together(
        boxes("fire", (0, 0, 230, 400), (230, 0, 600, 400)),
        boxes("parks", (0, 0, 600, 170), (0, 170, 600, 400)),
    )
    told = [
        propose_zones(cells, homes, zonings, options=UnifyOptions(tolerance=one)).adopted
        for one in (None, 0.1)
    ]
    assert told[0]["changes"].tolist() == pytest.approx(told[1]["changes"].tolist())
