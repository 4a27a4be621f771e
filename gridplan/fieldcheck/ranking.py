"""All doubts on one scale, the most telling first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.answers.words import check_id_of
from gridplan.fieldcheck.doubts import (
    Doubt,
    door_doubts,
    link_doubts,
    shut_estate_doubts,
    site_doubts,
    wall_doubts,
)
from gridplan.fieldcheck.homes import home_doubts
from gridplan.fieldcheck.options import CheckOptions
from gridplan.fieldcheck.scene import Scene
from gridplan.plan import Plan

_LEAST_M = 0.5
"""Less than this is no change."""


@dataclass(frozen=True)
class FieldCheck:
    """
    The list of what to look at.

    Attributes
    ----------
    items : GeoDataFrame
        The first `top` doubts, the most telling first: ``rank``, ``check_id``, ``kind``,
        ``target_id``, ``estate_id``, ``community``, ``estate``, ``street`` (names of where
        it is), ``residents``, ``resident_m``, ``turned``, ``effect``, ``doubt``,
        ``doubt_en``, ``question``, ``question_en``, ``way`` (WKT), ``members`` (JSON); points.
    further : mapping of kind to number
        Doubts beyond the first `top`.
    idle : mapping of kind to number
        Doubts that change nothing.
    answered : int
        Things that have been looked at and are not asked again.
    options : CheckOptions
    """

    items: gpd.GeoDataFrame
    further: Mapping[str, int]
    idle: Mapping[str, int]
    answered: int
    options: CheckOptions


def field_check(plan: Plan, *, options: CheckOptions | None = None) -> FieldCheck:
    """
    Return the doubtful gates, walls, floors, links, doors and sites of a stored plan.

    They are ranked by residents times metres that could change; residents who could gain
    or lose any walk at all count with ``options.lost_m`` each. Of equal ones the
    first by id.
    """
    chosen = options or CheckOptions()
    scene = Scene(plan)
    doubts = [
        *link_doubts(scene),
        *shut_estate_doubts(scene),
        *wall_doubts(scene),
        *home_doubts(scene, chosen),
        *door_doubts(scene, chosen),
        *site_doubts(scene),
    ]
    fresh = [one for one in doubts if _id(one) not in scene.answered]
    effect = {_id(one): one.resident_m + one.turned * chosen.lost_m for one in fresh}
    # Whole resident-metres, so that rounding noise orders nothing.
    ranked = sorted(fresh, key=lambda one: (-round(effect[_id(one)]), _id(one)))
    telling = [one for one in ranked if effect[_id(one)] >= _LEAST_M]
    listed = telling[: chosen.top]
    return FieldCheck(
        items=_items(scene, listed, chosen),
        further=_counts(telling[chosen.top :]),
        idle=_counts([one for one in ranked if effect[_id(one)] < _LEAST_M]),
        answered=len(scene.answered),
        options=chosen,
    )


def _id(one: Doubt) -> str:
    return check_id_of(one.kind, one.target_id)


def _counts(doubts: list[Doubt]) -> dict[str, int]:
    return dict(sorted(Counter(one.kind for one in doubts).items()))


def _items(scene: Scene, listed: list[Doubt], options: CheckOptions) -> gpd.GeoDataFrame:
    points = np.array([one.point for one in listed], dtype=object)
    texts = {
        "check_id": [_id(one) for one in listed],
        "kind": [one.kind for one in listed],
        "target_id": [one.target_id for one in listed],
        "estate_id": [one.estate_id for one in listed],
        "doubt": [one.doubt.zh for one in listed],
        "doubt_en": [one.doubt.en for one in listed],
        "question": [one.question.zh for one in listed],
        "question_en": [one.question.en for one in listed],
        "way": [None if one.way is None else one.way.wkt for one in listed],
        "members": [json.dumps(one.members, ensure_ascii=False) for one in listed],
    }
    figures = {
        "residents": [one.residents for one in listed],
        "resident_m": [one.resident_m for one in listed],
        "turned": [one.turned for one in listed],
        "effect": [one.resident_m + one.turned * options.lost_m for one in listed],
    }
    columns: dict[str, object] = {"rank": np.arange(1, len(listed) + 1)}
    columns |= {name: pd.Series(values, dtype="object") for name, values in texts.items()}
    columns |= {name: np.round(np.array(v, dtype=float)) for name, v in figures.items()}
    columns |= dict(scene.places(points))
    frame = gpd.GeoDataFrame(columns, geometry=points, crs=scene.plan.place.crs)
    return frame.where(frame.notna(), None).astype(dict.fromkeys(figures, "float64"))
