"""Where rooms go: three answers, phases, reasons, prices, who is left, staff and the curve."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import InfeasibleError, InputError
from gridplan.rooms import (
    Asked,
    Chosen,
    Decision,
    Estates,
    Extent,
    Phasing,
    Sharing,
    StaffNorm,
    answer,
    decisions_table,
    estates_table,
    fewest_rooms,
    frontier_table,
    group_reasons,
    in_phases,
    knee,
    left_behind,
    make_question,
    options_table,
    room_reasons,
    staffing_table,
    unpriced_note,
    walks_to,
    within_budget,
)
from gridplan.rooms.answers import Answer
from gridplan.siting import Limits, RoomProblem
from gridplan.terms import term

FAR = math.inf


def question(metres, residents, new, *, cost=None, norm_m=500.0, required=(), forbidden=()):
    """Sites are called ``k0…`` (open) and ``r0…`` (candidates), in the order of the columns."""
    walks = np.array(metres, dtype=float)
    opened = walks.shape[1] - new
    ids = [f"k{j}" for j in range(opened)] + [f"r{j}" for j in range(new)]
    problem = RoomProblem(
        metres=walks,
        demand_ids=[f"d{i}" for i in range(len(walks))],
        site_ids=ids,
        residents=np.array(residents, dtype=float),
        candidates=ids[opened:],
        required=required,
        forbidden=forbidden,
    )
    costs = pd.Series(cost or {}, dtype=float)
    return make_question(problem, costs, norm_m=norm_m, limits=Limits(work=20_000))


def random_question(seed, *, new=6, unreachable=0.15):
    rng = np.random.default_rng(seed)
    walks = rng.integers(1, 12, (9, new + 1)).astype(float) * 100
    walks[rng.random(walks.shape) < unreachable] = FAR
    walks[:, 0] = np.where(np.isfinite(walks[:, 0]), walks[:, 0], 1500.0)
    residents = rng.integers(0, 40, 9)
    cost = {f"r{j}": float(rng.integers(1, 9)) for j in range(new)}
    return question(walks, residents, new, cost=cost)


def value(asked, sites):
    opened = np.concatenate([asked.fixed, asked.at(sites)])
    return walks_to(asked, opened).objective


# A line of homes at 0, 400, 800, 1200 m; the committee at 0; candidates at 400, 800, 1200.
LINE = [[abs(400 * i - 400 * j) for j in range(4)] for i in range(4)]
PEOPLE = [10, 20, 30, 40]


def line(**options):
    return question(LINE, PEOPLE, 3, **options)


def test_figures_of_a_set_of_places_by_hand():
    walks = walks_to(line(), line().at(["k0", "r2"]))
    assert walks.objective == 20 * 400 + 30 * 400
    assert (walks.mean_m, walks.p90_m, walks.max_m) == (200.0, 400.0, 400.0)
    assert (walks.within, walks.beyond, walks.unreachable) == (100.0, 0.0, 0.0)
    assert 200.0 < walks.ede_m < 400.0


# Answer B: the fewest rooms


def test_one_room_brings_all_of_the_line_within_the_norm():
    found = fewest_rooms(line(), radius_m=500.0)
    assert (found.objective, found.bound, found.status) == (1.0, 1.0, "proven")
    # Either of the two last would do; the last saves more walk: 40 x 400 against 30 x 400.
    assert found.sites == ("r1",) or value(line(), found.sites) == value(line(), ("r2",))
    assert value(line(), found.sites) == min(value(line(), (s,)) for s in ("r1", "r2"))


def test_whom_no_site_can_bring_within_the_norm_is_left_and_told():
    asked = question([[0, 900], [700, 600], [FAR, FAR]], [5, 6, 7], 1)
    found = fewest_rooms(asked, radius_m=500.0)
    assert (found.sites, found.status) == ((), "proven")
    places = pd.DataFrame({"community_id": ["c"] * 3, "estate_id": None, "street": None})
    left = left_behind(asked, [Answer("B", found)], places)
    assert left[["cause", "residents"]].to_numpy().tolist() == [["unreachable", 7], ["no_site", 6]]
    assert left["least_m"].iloc[1] == 600.0


def test_whom_a_decision_keeps_from_their_only_site_is_told_apart():
    walks = [[0, 900, 900], [700, 600, 400], [700, 900, 900]]
    asked = question(walks, [5, 6, 7], 1, forbidden=["r0"])
    places = pd.DataFrame({"community_id": ["c"] * 3, "estate_id": None, "street": None})
    left = left_behind(asked, [Answer("B", fewest_rooms(asked, radius_m=500.0))], places)
    told = left[["cause", "residents"]].to_numpy().tolist()
    assert told == [["no_site", 7], ["ruled_out", 6]]
    assert term("ruled_out", "kind").message.zh == "可及场地已被决定排除"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_the_fewest_are_the_fewest_and_walk_least_among_them(seed):
    asked = random_question(seed)
    found = fewest_rooms(asked, radius_m=500.0)
    free = asked.names(asked.free)
    may = np.concatenate([asked.fixed, asked.free])
    coverable = asked.nearest_m(may) <= 500.0

    def covers(sites):
        near = asked.nearest_m(np.concatenate([asked.fixed, asked.at(sites)])) <= 500.0
        return bool((near | ~coverable | (asked.residents == 0)).all())

    for size in range(len(free) + 1):
        good = [one for one in itertools.combinations(free, size) if covers(one)]
        if good:
            break
    assert found.status == "proven"
    assert len(found.sites) == size == found.objective == found.bound
    assert covers(found.sites)


# Answer C: a number, or a budget


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_a_budget_is_kept_and_its_bound_is_never_above_the_best(seed, budget):
    asked = random_question(seed, unreachable=0.0)
    found = within_budget(asked, float(budget))
    free = asked.names(asked.free)
    affordable = [
        one
        for size in range(len(free) + 1)
        for one in itertools.combinations(free, size)
        if asked.cost_of(one) <= budget
    ]
    best = min(value(asked, one) for one in affordable)
    assert asked.cost_of(found.sites) <= budget
    assert found.objective == pytest.approx(value(asked, found.sites))
    assert found.status == "proven"
    assert found.objective == pytest.approx(best)
    # A room that saves nobody a metre is not bought.
    assert all(value(asked, set(found.sites) - {one}) > found.objective for one in found.sites)


def test_sites_without_cost_are_named_and_not_bought():
    asked = line(cost={"r0": 5.0})
    note = unpriced_note(asked)[0]
    assert note.ids == ("r1", "r2")
    assert "2 of 3 candidate sites have no cost" in note.message.en
    assert within_budget(asked, 9.0).sites == ("r0",)


@pytest.mark.parametrize(
    ("cost", "required", "error", "told"),
    [
        ({}, (), InputError, "these sites have no cost: r0, r1, r2"),
        ({"r0": 5.0}, ("r1",), InputError, "these sites have no cost: r1"),
        ({"r0": 5.0, "r1": 12.0}, ("r1",), InfeasibleError, "cost 12 yuan at least"),
    ],
)
def test_a_budget_that_cannot_be_is_refused(cost, required, error, told):
    with pytest.raises(error, match=told):
        within_budget(line(cost=cost, required=required), 9.0)


def test_a_budget_below_what_the_parts_of_the_network_need_names_the_smallest():
    asked = question([[0, FAR, FAR], [FAR, 50, 60]], [5, 6], 2, cost={"r0": 30.0, "r1": 20.0})
    with pytest.raises(InfeasibleError, match="cost 20 yuan at least"):
        within_budget(asked, 10.0)
    assert within_budget(asked, 25.0).sites == ("r1",)


# Answer A: estates and phases

HOMES = pd.Series(["E1", "E2", "E3", None], dtype="object")
TABLE = pd.DataFrame(
    {
        "estate_id": ["E1", "E2", "E3", "E4"],
        "name": ["甲", "乙", "丙", "丁"],
        "households": [800.0, 90.0, 80.0, 50.0],
    }
)
SHARED = Asked(rooms=1, sharing=Sharing(households=300, within_m=300.0), phasing=Phasing(rooms=1))


def estates(of_site):
    return Estates(TABLE, of_site, HOMES)


def test_small_neighbours_share_and_an_estate_without_space_is_told():
    # k0 is 900 m off; r0 in E1 (large), r1 in E2 and r2 in E3, 200 m apart, both small.
    walks = [[900, 20, 900, 900], [900, 900, 10, 200], [900, 900, 200, 30], [900, 900, 900, 900]]
    asked = question(walks, [100, 40, 30, 5], 3)
    found = answer(asked, estates({"r0": "E1", "r1": "E2", "r2": "E3"}), "A", asked=SHARED)
    assert found.chosen.sites == ("r0", "r1")
    assert (found.chosen.objective, found.chosen.status) == (2.0, "proven")
    assert dict(found.estates.served) == {
        "E1": "own_new",
        "E2": "own_new",
        "E3": "shared",
        "E4": "no_residents",
    }
    table = estates_table(asked, estates({"r0": "E1"}), found).set_index("estate_id")
    assert table.loc["E3", ["site_id", "mean_m"]].tolist() == ["r1", 200.0]
    # The large estate goes first: 88,000 resident-metres against 52,600.
    assert found.phase_of == {"r0": 1, "r1": 2}


def test_an_estate_without_space_is_served_by_the_nearest_room():
    walks = [[900, 20], [900, 450], [600, 700], [900, 900]]
    asked = question(walks, [100, 40, 30, 5], 1)
    found = answer(asked, estates({"r0": "E1"}), "A", asked=SHARED)
    table = estates_table(asked, estates({"r0": "E1"}), found).set_index("estate_id")
    assert table["served"].tolist() == ["own_new", "no_space", "no_space", "no_residents"]
    assert table.loc["E2", ["site_id", "mean_m"]].tolist() == ["r0", 450.0]
    assert table.loc["E3", ["site_id", "mean_m"]].tolist() == ["k0", 600.0]
    assert pd.isna(table.loc["E4", "site_id"])


def test_a_small_estate_too_far_from_all_gets_its_own():
    walks = [[900, 20, 900, 900], [900, 900, 400, 900], [900, 900, 900, 350], [900, 900, 900, 900]]
    asked = question(walks, [100, 40, 30, 5], 3)
    found = answer(asked, estates({"r0": "E1", "r1": "E2", "r2": "E3"}), "A", asked=SHARED)
    assert found.chosen.sites == ("r0", "r1", "r2")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_phases_keep_what_is_built_and_each_first_room_brings_the_most(seed, rooms):
    asked = random_question(seed, unreachable=0.0)
    sites = asked.names(asked.free)
    phase_of, table = in_phases(asked, sites, phasing=Phasing(rooms=rooms))
    assert set(phase_of) == set(sites)
    assert table["rooms_so_far"].iloc[-1] == len(sites)
    built = ()
    for row in table.itertuples():
        group = tuple(row.sites.split())
        # With one room a phase the greedy choice is the best one.
        options = list(itertools.combinations(sorted(set(sites) - set(built)), len(group)))
        best = min(value(asked, (*built, *one)) for one in options)
        ours = value(asked, (*built, *group))
        assert row.lower_bound <= best + 1e-6
        assert ours >= best - 1e-6
        if rooms == 1:
            assert ours == pytest.approx(best)
            assert row.status == "proven"
        assert row.saved_walk == pytest.approx(value(asked, built) - ours)
        built = (*built, *group)


def test_a_phase_costs_at_most_its_budget():
    asked = line(cost={"r0": 3.0, "r1": 3.0, "r2": 5.0})
    phase_of, table = in_phases(asked, ["r0", "r1", "r2"], phasing=Phasing(budget=6.0))
    assert table["cost_so_far"].le(6.0 * table["phase"]).all()
    assert phase_of == {"r0": 1, "r1": 1, "r2": 2}
    none, empty = in_phases(asked, [], phasing=Phasing())
    assert (none, len(empty)) == ({}, 0)


# Options, reasons, prices


def all_three(asked):
    wanted = Asked(rooms=2, sharing=SHARED.sharing)
    nothing = Estates(TABLE.iloc[:0], {}, pd.Series([None] * len(asked.residents), dtype="object"))
    return [answer(asked, nothing, key, asked=wanted) for key in ("A", "B", "C")]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_answer_accounts_for_all_residents_and_names_who_is_left(seed):
    asked = random_question(seed, unreachable=0.05)
    answers = all_three(asked)
    table = options_table(asked, answers, existing_rooms=0, chosen="C")
    everybody = asked.residents.sum()
    assert (table["within"] + table["beyond"] + table["unreachable"] == everybody).all()
    places = pd.DataFrame(
        {"community_id": ["c1"] * 4 + ["c2"] * 5, "estate_id": None, "street": "s"}
    )
    left = left_behind(asked, answers, places)
    sums = left.groupby("answer")["residents"].sum().reindex(["A", "B", "C"], fill_value=0)
    assert sums.tolist() == (table["beyond"] + table["unreachable"]).tolist()
    hopeless = left[left["cause"] == "no_site"].groupby("answer")["residents"].sum()
    assert hopeless.reindex(["A", "B", "C"], fill_value=0).tolist() == table["no_site"].tolist()
    assert table["cadres"].tolist() == table["rooms_new"].tolist()
    b = table.set_index("answer").loc["B"]
    assert b["beyond"] + b["unreachable"] == b["no_site"] + b["unreachable"]


def test_a_missing_cost_is_null_and_counted():
    table = options_table(
        line(cost={"r0": 7.0}), all_three(line(cost={"r0": 7.0})), existing_rooms=3, chosen="B"
    )
    assert table["cost"].isna().tolist() == [False, True, True]
    assert table["costs_missing"].tolist() == [0, 1, 2]
    assert table["cadres"].tolist() == [3, 4, 5]
    assert table["chosen"].tolist() == [False, True, False]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_reasons_are_those_of_taking_the_room_away_or_moving_it(seed):
    asked = random_question(seed, unreachable=0.0)
    sites = ("r1", "r3")
    opened = np.sort(np.concatenate([asked.fixed, asked.at(sites)]))
    table = room_reasons(asked, opened).set_index("site_id")
    now, today = value(asked, sites), value(asked, ())
    assert table["residents"].sum() <= asked.residents.sum()
    assert table["saved_walk"].sum() == pytest.approx(today - now)
    for site, other in (sites, sites[::-1]):
        row = table.loc[site]
        assert row["closing_walk"] == pytest.approx(value(asked, (other,)) - now)
        moves = {one: value(asked, (other, one)) for one in ("r0", "r2", "r4", "r5")}
        assert row["next_walk"] == pytest.approx(min(moves.values()) - now)
        assert moves[row["next_site_id"]] == pytest.approx(min(moves.values()))
        closest = walks_to(asked, np.concatenate([asked.fixed, asked.at([other])]))
        assert row["closing_within"] == walks_to(asked, opened).within - closest.within
    groups = group_reasons(asked, opened, {"all": asked.residents, "none": 0 * asked.residents})
    every = groups[groups["group"] == "all"].set_index("site_id")
    assert every["residents"].tolist() == table["residents"].tolist()
    assert every["saved_walk"].tolist() == pytest.approx(table["saved_walk"].tolist(), nan_ok=True)
    assert groups.loc[groups["group"] == "none", "saved_each_m"].isna().all()
    # What is there today is told by whom it serves, and what closing it costs; it saves nothing.
    stands = table.loc["k0"]
    assert (stands["kind"], stands["next_site_id"]) == ("existing", None)
    assert math.isnan(stands["saved_walk"])
    assert stands["closing_walk"] == pytest.approx(walks_to(asked, asked.at(sites)).objective - now)


def test_a_room_that_alone_reaches_somebody_strands_them_when_closed():
    asked = question([[0, FAR, FAR], [FAR, 50, 80]], [5, 6], 2)
    row = room_reasons(asked, asked.at(["k0", "r0"])).iloc[0]
    assert (row["reached"], row["closing_stranded"], row["next_stranded"]) == (6, 6, 0)
    assert (row["next_site_id"], row["next_walk"]) == ("r1", 180.0)
    assert pd.isna(row["saved_each_m"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_a_price_is_what_the_best_plan_without_the_rule_saves(seed):
    free = random_question(seed, unreachable=0.0)
    asked = make_question(
        RoomProblem(
            free.metres, free.demand_ids, free.site_ids, free.residents, free.candidates,
            required=["r0"], forbidden=["r1"],
        ),
        free.cost, norm_m=500.0,
    )  # fmt: skip
    wanted = Asked(rooms=2, sharing=SHARED.sharing)
    nothing = Estates(TABLE.iloc[:0], {}, pd.Series([None] * 9, dtype="object"))

    def solve(one):
        return answer(one, nothing, "C", asked=wanted)

    found = solve(asked)
    log = [
        Decision(site_id="r1", decision="forbidden", asked_by="街道办", reason="拟拆除",
                 date=dt.date(2026, 5, 4)),
        Decision(site_id="r0", decision="required"),
    ]  # fmt: skip
    table = decisions_table(asked, log, found, solve=solve).set_index("site_id")
    pairs = list(itertools.combinations(asked.names(free.free), 2))
    ours = min(value(asked, one) for one in pairs if "r0" in one and "r1" not in one)
    no_force = min(value(asked, one) for one in pairs if "r1" not in one)
    no_ban = min(value(asked, one) for one in pairs if "r0" in one)
    assert table.loc["r0", "price_walk"] == pytest.approx(ours - no_force)
    assert table.loc["r1", "price_walk"] == pytest.approx(ours - no_ban)
    assert table["price_status"].tolist() == ["proven"] * 3
    assert table.loc["r1", ["asked_by", "reason", "date"]].tolist() == [
        "街道办", "拟拆除", "2026-05-04",
    ]  # fmt: skip
    assert pd.isna(table.loc["r0", "asked_by"])


@pytest.mark.parametrize(
    ("required", "forbidden", "told"),
    [
        (["x9"], [], "1 required site is not in `sites`: x9"),
        ([], ["k0"], "1 forbidden site is open today and stays: k0"),
        (["r1"], ["r1"], "1 site is required and forbidden at once: r1"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(required, forbidden, told):
    with pytest.raises(InputError, match=told):
        line(required=required, forbidden=forbidden)


# The curve


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_curve_falls_nested_is_never_better_and_keeps_its_rooms(seed):
    asked = random_question(seed, new=5, unreachable=0.0)
    table = frontier_table(asked, extent=Extent(rooms=9))
    free, nested = (table[table["sequence"] == one].set_index("p") for one in ("free", "nested"))
    assert free.index.tolist() == nested.index.tolist() == [1, 2, 3, 4, 5]
    for p in free.index:
        sites = itertools.combinations(asked.names(asked.free), p)
        best = min(value(asked, one) for one in sites)
        assert free.loc[p, "objective"] == pytest.approx(best)
        assert free.loc[p, "lower_bound"] <= best + 1e-6
        assert free.loc[p, "status"] == "proven"
    assert (nested["objective"] >= free["objective"] - 1e-9).all()
    assert (nested["lower_bound"] <= free["objective"] + 1e-9).all()
    assert free["objective"].is_monotonic_decreasing
    kept = [set(one.split()) for one in nested["sites"]]
    assert all(before < after for before, after in itertools.pairwise(kept))
    assert table["knee"].sum() <= 1


def test_a_curve_that_is_stopped_says_so_and_keeps_the_nested_plan():
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 3000, (60, 2))
    away = np.abs(places[:, None] - places[None, :]).sum(axis=2)
    asked = question(away, rng.integers(1, 50, 60), 59)
    table = frontier_table(asked, extent=Extent(rooms=8, work=1e-6))
    assert (table["objective"] >= table["lower_bound"] - 1e-6).all()
    stopped = table[table["status"] == "gap"]
    assert len(stopped)
    assert set(stopped.loc[stopped["sequence"] == "free", "stopped_by"]) == {"work"}
    free = table[table["sequence"] == "free"]
    nested = table[table["sequence"] == "nested"]
    assert (free["objective"].to_numpy() <= nested["objective"].to_numpy() + 1e-6).all()


def test_too_few_rooms_for_all_parts_have_no_objective():
    asked = question([[0, FAR, FAR], [FAR, 50, FAR], [FAR, FAR, 60]], [5, 6, 7], 2)
    table = frontier_table(asked, extent=Extent())
    one = table[table["p"] == 1]
    assert one["objective"].isna().all()
    assert set(one["status"]) == {"infeasible"}
    assert one["unreachable"].tolist() == [6, 6]
    assert set(table.loc[table["p"] == 2, "status"]) == {"proven"}


def test_where_no_candidate_helps_the_curve_is_flat():
    table = frontier_table(question([[0, 900], [10, 900]], [5, 6], 1), extent=Extent())
    assert table["objective"].tolist() == [60.0, 60.0]
    assert set(table["status"]) == {"proven"}


def test_required_and_forbidden_sites_hold_along_the_curve():
    table = frontier_table(line(required=["r0"], forbidden=["r2"]), extent=Extent())
    assert table["p"].tolist() == [1, 2, 1, 2]
    assert all("r0" in one and "r2" not in one for one in table["sites"])


@pytest.mark.parametrize(
    ("curve", "at"),
    [
        ([10.0, 9.0], None),
        ([10.0, 10.0, 10.0], None),
        ([10.0, 7.0, 4.0, 1.0], None),
        ([math.nan, 100.0, 20.0, 15.0, 10.0], 2),
    ],
)
def test_the_knee_is_where_the_curve_is_farthest_from_its_chord(curve, at):
    assert knee(curve) == at


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_homes_and_sites_changes_nothing(seed):
    asked = random_question(seed, unreachable=0.0)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(9), rng.permutation(len(asked.site_ids))
    shuffled = make_question(
        RoomProblem(
            asked.metres[np.ix_(rows, columns)],
            [asked.demand_ids[i] for i in rows],
            [asked.site_ids[j] for j in columns],
            asked.residents[rows],
            asked.candidates,
        ),
        asked.cost,
        norm_m=asked.norm_m,
    )
    ours, theirs = (frontier_table(one, extent=Extent(rooms=4)) for one in (asked, shuffled))
    pd.testing.assert_frame_equal(ours, theirs)
    ours, theirs = (within_budget(one, 12.0).sites for one in (asked, shuffled))
    assert ours == theirs


# Staff


def staff(*, cost=None, residents=8500.0):
    committees = pd.DataFrame(
        {
            "committee_id": ["k2", "k1"],
            "name": ["乙", "甲"],
            "residents_own": [3000, 5000],
            "staff": pd.array([None, 9], dtype="Int64"),
        }
    )
    rooms = pd.DataFrame(
        {
            "site_id": ["r2", "r1"],
            "name": ["新", "旧"],
            "kind": ["proposed", "existing"],
            "residents": [700, 800],
            "staff": pd.array([None, None], dtype="Int64"),
        }
    )
    norm = StaffNorm(workers_per_10000=18.0, worker_cost=cost)
    return staffing_table(committees, rooms, residents=residents, norm=norm)


def test_staff_that_is_not_given_is_null_and_never_nought():
    table = staff()
    assert table["place_id"].tolist()[:2] == ["k1", "k2"]
    assert table["kind"].tolist()[2:] == ["no_committee", "existing", "proposed"]
    assert table["needed"].tolist() == pytest.approx([9.0, 5.4, 0.9, 1.0, 1.0])
    assert table["existing"].isna().tolist() == [False, True, True, True, False]
    assert table["gap"].iloc[0] == pytest.approx(0.0)
    assert table["gap"].iloc[-1] == 1.0
    assert table["yearly_cost"].isna().all()


def test_the_committees_need_what_the_norm_gives_the_whole_place():
    table = staff(cost=100_000.0, residents=80_000.0)
    charged = table[table["kind"].isin(["committee", "no_committee"])]
    assert charged["needed"].sum() == pytest.approx(144.0)
    assert table["yearly_cost"].iloc[0] == pytest.approx(900_000.0)
    assert "no_committee" not in set(staff(residents=8000.0)["kind"])


def test_an_answer_without_a_plan_leaves_today():
    none = Answer("C", Chosen((), "p-median", FAR, FAR, FAR, "infeasible", None))
    table = options_table(line(), [none], existing_rooms=1, chosen="A")
    assert table["objective"].isna().all()
    assert table["rooms_new"].tolist() == [0]
    assert table["within"].tolist() == [30]
