"""Zones over land: what water parts, what goes over it all the same, and what a plan says of it."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridplan.errors import InfeasibleError
from gridplan.steps.zone_bands import check_band
from gridplan.verify import verify_plan
from gridplan.zones import (
    SystemOptions,
    SystemRules,
    rezone,
    rook_graph,
    uncrossed_borders,
    zone_system,
)
from tests.test_zones_system import QUICK, cells_of, squares, table


def lines(*ends):
    return np.array([shapely.LineString(one) for one in ends])


def canal_between(columns, rows, *, after, width=12.0):
    """Return square cells with a canal on the line after some columns."""
    x = after * 100.0
    canal = np.array([shapely.box(x, -10, x + width, rows * 100 + 10)])
    return cells_of(squares(columns, rows)), canal


def parted_by(cells, canal, ways=(), **how):
    return uncrossed_borders(cells.geometry.to_numpy(), rook_graph(cells), obstacles=canal,
                             ways=lines(*ways), **how)  # fmt: skip


def land_graph(cells, parted):
    graph = rook_graph(cells)
    ids = cells["cell_uid"].to_numpy()
    found = nx.Graph()
    found.add_nodes_from(ids)
    found.add_edges_from(zip(ids[graph.left[~parted]], ids[graph.right[~parted]], strict=True))
    return found


def torn(plan, land):
    """Return the zones that are not one piece of land: no code in common with the package."""
    return {
        zone
        for zone, own in plan.zone_of.groupby(plan.zone_of)
        if not nx.is_connected(land.subgraph(own.index))
    }


@settings(max_examples=12)
@given(st.data())
def test_zones_hang_together_over_land_or_are_named(data):
    cells = cells_of(squares(data.draw(st.integers(3, 6)), data.draw(st.integers(3, 6))))
    seed = data.draw(st.integers(0, 99))
    parted = np.random.default_rng(seed).random(len(rook_graph(cells).left)) < 0.35
    k = data.draw(st.integers(1, 4))
    plan = zone_system(cells, table(cells, seed), rules=SystemRules(parted=parted),
                       options=SystemOptions(k=k, seed=seed, **QUICK))  # fmt: skip
    land = land_graph(cells, parted)
    assert plan.k == k
    empty = {uid for note in plan.notes if note.code == "zones_water_cells" for uid in note.ids}
    whole = {frozenset(one) for one in nx.connected_components(land)}
    for zone in torn(plan, land) - set(plan.across):
        own = plan.zone_of.index[plan.zone_of == zone]
        parts = sorted(nx.connected_components(land.subgraph(own)), key=len)
        assert all(part <= empty and frozenset(part) in whole for part in parts[:-1])
    assert set(plan.across) <= torn(plan, land)


def test_open_water_goes_with_the_bank_and_joins_no_zone():
    """Twelve columns; the sixth is a canal of its own cells that one bridge crosses."""
    cells, _ = canal_between(11, 4, after=5)
    canal = np.array([shapely.box(500, -10, 600, 410)])
    bridge = ((450, 390), (650, 390))
    parted = parted_by(cells, canal, [bridge])
    weights = table(cells)
    water = [f"c{5 + 11 * row:04d}" for row in range(4)]
    weights.loc[water] = 0.0
    plan = zone_system(cells, weights, rules=SystemRules(parted=parted),
                       options=SystemOptions(k=3, **QUICK))  # fmt: skip
    (note,) = (one for one in plan.notes if one.code == "zones_water_cells")
    assert set(note.ids) == set(water[:3])
    land = land_graph(cells, parted)
    land.remove_nodes_from(water[:3])
    dry = plan.zone_of.drop(water[:3])
    assert all(nx.is_connected(land.subgraph(own.index)) for _, own in dry.groupby(dry))
    assert plan.across == ()


def test_a_crossing_counts_where_it_goes_on_to_the_other_side_and_within_reach():
    cells, canal = canal_between(4, 6, after=2)
    bank, stub = ((199.5, 0), (199.5, 600)), ((150, 50), (200, 50))
    assert parted_by(cells, canal, [bank, stub]).sum() == 6
    along_cells = ((100, 100), (300, 100))
    assert parted_by(cells, canal, [along_cells]).sum() == 4
    bridge = ((150, 50), (250, 50))
    assert parted_by(cells, canal, [bridge]).sum() == 5
    assert [parted_by(cells, canal, [bridge], reach_m=m).sum() for m in (299, 300, 500)] == [
        5,
        4,
        3,
    ]
    hard = canal.copy()
    assert parted_by(cells, canal[:0], [bridge], hard=hard, reach_m=300).sum() == 6


@pytest.mark.parametrize("stability", [0.0, 1.0])
def test_a_zone_more_than_before_hangs_together_over_land(stability):
    cells, canal = canal_between(8, 5, after=4)
    parted = parted_by(cells, canal, [((350, 50), (450, 50))])
    earlier = pd.Series(np.where(cells.geometry.centroid.y > 250, "N", "S"), cells["cell_uid"])
    rules, options = SystemRules(parted=parted), SystemOptions(k=3, **QUICK)
    found = rezone(cells, table(cells), earlier, stability=stability, rules=rules, options=options)
    assert not torn(found.plan, land_graph(cells, parted))
    assert found.plan.balance["compactness"].min() > 0.3


def test_locks_on_both_banks_are_met_and_named():
    cells, canal = canal_between(8, 4, after=4)
    parted = parted_by(cells, canal)
    locked = {"c0000": "market", "c0007": "market"}
    plan = zone_system(cells, table(cells), rules=SystemRules(parted=parted, locked=locked),
                       options=SystemOptions(k=4, **QUICK))  # fmt: skip
    assert set(plan.zone_of[list(locked)]) == {"market"}
    assert plan.across == ("market",)
    (note,) = (one for one in plan.notes if one.code == "zones_lock_across")
    assert note.ids == ("market",)
    assert "market (c0003/c0004)" in note.message.en
    assert "market (c0003/c0004)" in note.message.zh


def test_a_whole_community_that_a_canal_parts_stays_whole_and_is_named():
    cells, canal = canal_between(8, 3, after=4)
    cells["community_id"] = [f"m{at % 8 // 3}" for at in range(24)]
    options = SystemOptions(k=2, nest="unions", **QUICK)
    plan = zone_system(cells, table(cells), rules=SystemRules(parted=parted_by(cells, canal)),
                       options=options)  # fmt: skip
    (note,) = (one for one in plan.notes if one.code == "zones_community_parted")
    assert note.ids == ("m1",)
    pairs = set(zip(cells["community_id"], plan.zone_of, strict=True))
    assert len(pairs) == cells["community_id"].nunique()
    assert plan.across == (plan.zone_of["c0003"],)


def test_a_bit_of_land_that_is_too_little_for_a_zone_goes_over_the_water():
    cells, canal = canal_between(8, 4, after=7)
    plan = zone_system(cells, table(cells) * 0 + 1.0,
                       rules=SystemRules(parted=parted_by(cells, canal)),
                       options=SystemOptions(k=3, **QUICK))  # fmt: skip
    (note,) = (one for one in plan.notes if one.code == "zones_land_joined")
    assert len(note.ids) == 1
    assert plan.across == (plan.zone_of["c0007"],)
    halves, canal = canal_between(8, 4, after=4)
    own = zone_system(halves, table(halves), rules=SystemRules(parted=parted_by(halves, canal)),
                      options=SystemOptions(k=2, **QUICK))  # fmt: skip
    assert own.across == ()


def plan_of(cells, zone_of, canal, ways, **claims):
    """Return the layers and the summary of a plan with one zone system."""
    shapes = cells.assign(population=10)
    zones = shapes.assign(zone_id=zone_of).dissolve("zone_id", as_index=False)
    layers = {
        "boundary": gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.union_all(cells.geometry)]),
        "cells": shapes,
        "zones": zones[["zone_id", "geometry"]].assign(zone_system="mine"),
        "cell_zones": pd.DataFrame({"cell_uid": cells["cell_uid"], "zone_system": "mine",
                                    "zone_id": zone_of}),
        "in_water": gpd.GeoDataFrame({"kind": ["canal"] * len(canal)}, geometry=canal),
        "in_streets": gpd.GeoDataFrame(
            {"highway": ["residential"] * len(ways)}, geometry=list(lines(*ways))
        ),
    }  # fmt: skip
    system = {"water_parts": True, "islands": "own", "weights": {"population": {}}, **claims}
    return layers, {"zones": {"crossing_m": 300.0, "systems": {"mine": system}}}


def found_of(rule, layers, summary):
    return [one for finding in verify_plan(layers, summary).of_rule(rule) for one in finding.ids]


def test_the_verifier_looks_at_the_water_itself():
    cells, canal = canal_between(8, 4, after=4)
    rows = ["N" if at >= 16 else "S" for at in range(32)]
    halves = ["W" if at % 8 < 4 else "E" for at in range(32)]
    far, near = [((350, 50), (450, 50))], [((350, 50), (450, 50)), ((390, 350), (410, 350))]
    assert found_of("zone_across", *plan_of(cells, rows, canal, far)) == ["mine/N"]
    assert not found_of("zone_across", *plan_of(cells, rows, canal, far, across=["N"]))
    assert not found_of("zone_across", *plan_of(cells, rows, canal, far, water_parts=False))
    assert not found_of("zone_across", *plan_of(cells, rows, canal, near))
    assert found_of("zone_across", *plan_of(cells, halves, canal, far, across=["E"])) == ["mine/E"]


def test_the_verifier_looks_at_the_zones_of_one_boundary_too():
    cells, canal = canal_between(8, 4, after=4)
    rows = ["N" if at >= 16 else "S" for at in range(32)]
    far = [((350, 50), (450, 50))]
    for told, found in (([], ["unified/N"]), (["N"], []), (None, []), (["S", "N"], ["unified/S"])):
        layers, summary = plan_of(cells, rows, canal, far)
        for one in ("zones", "cell_zones"):
            layers[one] = layers[one].assign(zone_system="unified")
        summary["zones"]["systems"] = {}
        summary["unify"] = {"across": told}
        assert found_of("zone_across", layers, summary) == found


def test_the_verifier_knows_islands_that_were_attached_on_request():
    cells = cells_of([*squares(6, 4), *squares(1, 1, west=900.0)])
    zone_of = ["W" if at % 6 < 3 and at < 24 else "E" for at in range(25)]
    for islands, named in (("own", ["mine/E (2)"]), ("attach", [])):
        layers, summary = plan_of(cells, zone_of, np.array([]), [], islands=islands)
        assert found_of("zone_disconnected", layers, summary) == named
        assert bool(found_of("multipart", layers, summary)) == bool(named)
    # Half of the mainland is no island.
    layers, summary = plan_of(cells, ["E" if at in {0, 24} else "W" for at in range(25)],
                              np.array([]), [], islands="attach")  # fmt: skip
    assert found_of("zone_disconnected", layers, summary) == []
    swapped = ["E" if at in {0, 3} else "W" for at in range(25)]
    layers, summary = plan_of(cells, swapped, np.array([]), [], islands="attach")
    assert found_of("zone_disconnected", layers, summary) == ["mine/E (2)"]


@pytest.mark.parametrize(
    ("band", "totals", "k", "message"),
    [((600, 900), [1000.0], 0, "makes 1 × 1,000, 2 × 500. Widen `band`"),
     ((300, 500), [200.0, 250.0], 0, "the largest land that zones divide has 250"),
     ((300, 500), [2000.0], 3, "3 zones cannot have 300 to 500 households each")],
)  # fmt: skip
def test_a_band_that_no_number_of_zones_satisfies_is_refused(band, totals, k, message):
    with pytest.raises(InfeasibleError, match=message) as caught:
        check_band(band, totals, weight="households", k=k)
    assert caught.value.faults[0].zh
    check_band((300, 500), [200.0, 700.0], weight="households", k=0)
    check_band((0, 500), [200.0], weight="households", k=0)


def test_land_that_no_number_of_zones_fits_is_the_reason_and_the_verifier_finds_it_itself():
    cells, canal = canal_between(13, 2, after=4)
    loads = pd.DataFrame({"population": 10.0}, index=cells["cell_uid"])
    made = zone_system(cells, loads, rules=SystemRules(parted=parted_by(cells, canal)),
                       options=SystemOptions(k=4, tolerance=0.1, **QUICK))  # fmt: skip
    (note,) = made.targets_missed
    # Eight cells west of the canal: 80 are too many for a zone, and too few for two of 58.5.
    west = made.zone_of["c0000"]
    assert note.ids == (west,)
    assert f"{west}: 80 on land" in note.message.en
    assert f"{west}：所在用地合计 80" in note.message.zh
    zone_of = made.zone_of.reindex(cells["cell_uid"]).tolist()
    claim = {"tolerance": 0.1, "least": 58.5, "most": 71.5, "missed": [west]}
    for ways, told in (([], True), ([((350, 50), (450, 50))], False)):
        plan = plan_of(cells, zone_of, canal, ways, weights={"population": claim})
        (found,) = verify_plan(*plan).of_rule("zone_unbalanced")
        assert (f"divides the land of {west} " in found.message.en) == told
        assert (f"{west} 所在用地" in found.message.zh) == told


def test_the_verifier_looks_at_the_land_of_one_community_at_a_time():
    """Land of another community beside it joins no land: no zone reaches into it."""
    cells, canal = canal_between(13, 3, after=4)
    rows, columns = np.divmod(np.arange(39), 13)
    cells["community_id"] = np.where(rows < 2, "A", "B")
    inner = np.array(["E1", "E2", "E3"])[np.clip((columns - 4) // 3, 0, 2)]
    zone_of = np.where(rows == 2, np.where(columns < 4, "BW", "BE"),
                       np.where(columns < 4, "AW", inner)).tolist()  # fmt: skip
    loads = pd.Series(10.0, index=range(39)).groupby(np.array(zone_of)).sum()
    missed = sorted(loads.index[(loads < 58.5) | (loads > 71.5)])
    claim = {"tolerance": 0.1, "least": 58.5, "most": 71.5, "missed": missed}
    plan = plan_of(cells, zone_of, canal, [], nest="inside", weights={"population": claim})
    (found,) = verify_plan(*plan).of_rule("zone_unbalanced")
    told = found.message.en.partition("divides the land of ")[2].partition(" within")[0]
    assert "AW" in told.split(", ")
