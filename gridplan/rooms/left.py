"""Who is left: residents beyond the norm by place, and whom no candidate can bring within it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.rooms.answers import Answer
from gridplan.rooms.question import RoomQuestion

PLACE_COLUMNS = ("community_id", "estate_id", "street")
LEFT_COLUMNS = (
    "answer", *PLACE_COLUMNS, "cause", "residents", "mean_m", "max_m", "least_m",
)  # fmt: skip
NO_SITE, TOO_FAR, UNREACHABLE, FULL = "no_site", "too_far", "unreachable", "full"
RULED_OUT = "ruled_out"


def left_behind(
    question: RoomQuestion, answers: Sequence[Answer], places: pd.DataFrame
) -> pd.DataFrame:
    """
    Return the residents who are not within the norm, by place and cause, for each answer.

    Parameters
    ----------
    places : DataFrame, in the row order of the walks
        ``community_id``, ``estate_id``, ``street`` (the name of the nearest one); null where
        there is none.

    Returns
    -------
    DataFrame, one row per answer, place and cause, most residents first
        ``cause``: ``no_site``, no place and no candidate is within the norm, so that no choice
        of rooms helps; ``ruled_out``, only candidates that a decision forbids are; ``too_far``,
        a candidate is, and this answer does not open it; ``unreachable``, no place of this
        answer is reached on foot. ``full``, a place within the norm is open, but floor area is
        a hard limit and they are given one beyond. ``mean_m``, ``max_m``: the walk with this
        answer; ``least_m``: the mean walk to the nearest place
        or candidate (null where there is none).
    """
    may = np.concatenate([question.fixed, question.free])
    least = question.nearest_m(may)
    none = least > question.norm_m
    barred = question.nearest_m(question.at(question.forbidden)) <= question.norm_m
    frames = []
    for one in answers:
        walk = one.walks_m(question)
        rows = (walk > question.norm_m) & (question.residents > 0)
        near = question.nearest_m(one.opened(question)) <= question.norm_m
        cause = np.select(
            [~np.isfinite(walk), none & barred, none, near],
            [UNREACHABLE, RULED_OUT, NO_SITE, FULL],
            TOO_FAR,
        )
        homes = (
            places[list(PLACE_COLUMNS)]
            .reset_index(drop=True)
            .assign(
                answer=one.key,
                cause=cause,
                residents=question.residents,
                walk=np.where(np.isfinite(walk), walk, np.nan),
                least=np.where(np.isfinite(least), least, np.nan),
            )
        )
        frames.append(homes[rows])
    return _by_place(pd.concat(frames, ignore_index=True))


def nobody_near_notes(question: RoomQuestion) -> list[Note]:
    """Return a note that answer B has nobody to bring within the norm, with who is out of reach."""
    may = np.concatenate([question.fixed, question.free])
    lived = question.residents > 0
    if not lived.any() or (question.nearest_m(may)[lived] <= question.norm_m).any():
        return []
    ids = tuple(str(question.demand_ids[at]) for at in np.flatnonzero(lived))
    people, norm = round(math.fsum(question.residents[lived])), f"{question.norm_m:,.0f}"
    homes = counted(len(ids), "home", "homes")
    said = Message(
        en=f"Answer B opens no room for anybody: no place and no candidate is within {norm} m of "
        f"any of {homes} with {people:,} residents ({first_ids(ids)}). "
        f"Give sites nearer to them, or a longer norm.",
        zh=f"答案 B 未为任何人增设活动室：{len(ids):,} 个住处（共 {people:,} 人，"
        f"{ids_zh(ids)}）在 {norm} 米内均无场所或候选场地。"
        f"请在附近增加候选场地，或放宽标准距离。",
    )
    return [Note("nobody_near_any_site", len(ids), said, ids)]


def _by_place(homes: pd.DataFrame) -> pd.DataFrame:
    homes = homes.assign(
        walked=homes["walk"] * homes["residents"], best=homes["least"] * homes["residents"]
    )
    keys = ["answer", *PLACE_COLUMNS, "cause"]
    grouped = homes.groupby(keys, dropna=False, sort=True)
    table = grouped.agg(
        residents=("residents", "sum"),
        walked=("walked", lambda values: values.sum(min_count=1)),
        best=("best", lambda values: values.sum(min_count=1)),
        max_m=("walk", "max"),
    ).reset_index()
    table["mean_m"] = table["walked"] / table["residents"]
    table["least_m"] = table["best"] / table["residents"]
    table["residents"] = table["residents"].round().astype("int64")
    for column in PLACE_COLUMNS:
        table[column] = table[column].astype("object").where(table[column].notna(), None)
    ordered = table.sort_values(
        ["answer", "residents", *PLACE_COLUMNS, "cause"],
        ascending=[True, False, True, True, True, True],
        kind="stable",
    )
    typed = ordered.astype(dict.fromkeys(["mean_m", "max_m", "least_m"], "float64"))
    return typed[list(LEFT_COLUMNS)].reset_index(drop=True)
