"""Places drawn again with more weight on form where their cells fall short."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gridplan.cells import CellOptions, again, plan, plan_cells
from gridplan.cells.again import scores_of, shortfall
from gridplan.cells.balance import RECOGNISABLE, ROUNDER, ROUNDEST, UNIFORM
from tests.test_cells_fabric import (
    FABRIC,
    assert_sound,
    box,
    communities_of,
    grid,
    land_of,
    rows_of_houses,
)

TARGET = 10_000.0


def cells_of(width_m, count=20, area_m2=TARGET):
    """Return rectangles of a width and an area."""
    return np.array([shapely.box(0, 0, width_m, area_m2 / width_m)] * count)


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        (cells_of(100), 0.0),
        (cells_of(100, area_m2=10_400), 0.0),
        (cells_of(100, area_m2=12_500), 1.0 + 0.25 - 0.03),
        (np.concatenate([cells_of(100, 15), cells_of(100, 5, 7_000)]), 1 - 0.75 / 0.8),
        (cells_of(250), 1 - 4 * np.pi * TARGET / 580**2 / 0.55),
        (np.concatenate([cells_of(100, 18), cells_of(20, 2)]), None),
        (cells_of(20, count=19), 0.0),
    ],
    ids=["squares", "median", "large", "near", "round", "ragged", "few"],
)
def test_what_is_missing_adds_up(cells, missing):
    if missing is None:
        quotient = 4 * np.pi * shapely.area(cells) / shapely.length(cells) ** 2
        missing = 1 - np.percentile(quotient, 5) / 0.25
    assert shortfall(cells, TARGET) == pytest.approx(missing, abs=1e-6)


def test_weights_are_tried_in_their_order_and_recognisable_cells_have_one():
    assert [*scores_of(CellOptions())] == [UNIFORM, ROUNDER, ROUNDEST]
    assert [*scores_of(CellOptions(preset="recognisable"))] == [RECOGNISABLE]


def strips():
    """Return streets 25 m apart: cells along them are strips."""
    place = communities_of(box(0, 0, 660, 450))
    houses = rows_of_houses(660, 450, every=(40, 25), size=(14, 8))
    return place, land_of(streets=grid(660, 450, 660, 25), buildings=houses)


def test_a_place_of_ragged_cells_is_drawn_again_and_the_best_taken(monkeypatch):
    place, land = strips()

    def drawn(*scores):
        monkeypatch.setattr("gridplan.cells.plan.scores_of", lambda _options: iter(scores))
        cells = plan_cells(place, land, options=FABRIC).cells
        return cells, shortfall(cells.geometry.to_numpy(), TARGET)

    alone = [drawn(score) for score in (UNIFORM, ROUNDER, ROUNDEST)]
    assert alone[0][1] > 0
    best, missing = drawn(UNIFORM, ROUNDER, ROUNDEST)
    assert missing == min(short for _, short in alone) < alone[0][1]
    assert best.geometry.to_wkb().tolist() in [one.geometry.to_wkb().tolist() for one, _ in alone]
    monkeypatch.undo()
    plan = plan_cells(place, land, options=FABRIC)
    assert plan.cells.geometry.to_wkb().tolist() == best.geometry.to_wkb().tolist()
    assert_sound(plan, place, land)


def test_a_place_that_lacks_nothing_is_drawn_once(monkeypatch):
    place = communities_of(box(0, 0, 600, 500))
    houses = rows_of_houses(600, 500, every=(25, 25))
    land = land_of(streets=grid(600, 500, 100, 100), buildings=houses)
    asked = []

    def scores(options):
        for one in again.scores_of(options):
            asked.append(one)
            yield one

    monkeypatch.setattr("gridplan.cells.plan.scores_of", scores)
    plan_cells(place, land, options=FABRIC)
    assert asked == [UNIFORM]


def test_a_draw_that_leaves_too_few_cells_to_judge_is_not_taken(monkeypatch):
    """Of fewer than twenty cells nothing is said: 0 missing is no praise then."""
    place = communities_of(box(0, 0, 500, 500))
    land = land_of(buildings=rows_of_houses(500, 500), streets=grid(500, 500, 100, 100))
    counts = iter([25, 10, 25])
    missing = iter([0.3, 0.0, 0.4])
    drawn = []

    def judged(one, _land, _options):
        drawn.append(one)
        plain = np.ones(len(one.polygons), dtype=np.bool_)
        plain[next(counts) :] = False
        reasons = [None] * len(plain)
        return plan._Judged(one, reasons, plain, ~plain, next(missing))

    monkeypatch.setattr(plan, "_judged", judged)
    found = plan._best_drawn(plan.scene_of(place.geometry.to_numpy(), land, FABRIC), land, FABRIC)
    assert len(drawn) == 3
    assert found.drawn is drawn[0]
