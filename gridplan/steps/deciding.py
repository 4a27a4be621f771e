"""Step: where rooms go."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan import assemble, summary
from gridplan.access import basis_of, nearest_columns
from gridplan.steps import rooming
from gridplan.steps.rehearsing import rehearse_rooms
from gridplan.steps.work import Work


def add_siting(work: Work) -> None:
    """Answer where rooms go, and measure the walks today and with the answer that is followed."""
    place, walks, demand = work.place, work.found["walks"], work.found["demand"]
    rehearse_rooms(work)
    asked = rooming.room_question(work)
    answers = rooming.room_answers(work, asked)
    found = next(one for one in answers if one.key == work.config.siting.answer)
    question = asked.question
    work.found["question"], work.found["answer"] = question, found
    figures = summary.siting_figures(found, question, place, work.config)
    tables = rooming.room_tables(work, asked, answers, found)
    work.found["room_tables"] = tables
    if work.stop is not None and work.stop.heeded:
        # What a planner should know first.
        work.notes.insert(0, rooming.STOPPED)
    work.found["siting_figures"] = figures | {
        "options": summary.option_figures(tables["room_options"])
    }
    ids = np.array(walks.ids[: walks.committees + walks.sites], dtype=object)
    metres, weights = walks.metres[:, : len(ids)], question.residents
    chosen = set(question.names(found.opened(question)))
    opened = [j for j, one in enumerate(ids) if one in chosen]
    existing = [j for j in opened if ids[j] not in question.candidates]
    work.found["opened"] = [ids[j] for j in opened]
    before = nearest_columns(demand, walks, metres[:, existing], ids[existing], "room_before")
    room = nearest_columns(demand, walks, metres[:, opened], ids[opened], "room")
    demand = pd.concat([demand, before, room], axis="columns")
    given = rooming.assigned_columns(question, found, demand)
    demand = pd.concat([demand, *given], axis="columns")
    shapes = pd.concat([place.committees.geometry, place.sites.geometry]).to_numpy()
    points = gpd.GeoSeries(shapes[opened], index=ids[opened], crs=place.crs)
    work.found["demand"] = demand
    work.found["bases"]["room"] = basis_of(demand, "room", points)
    # Of rooms that residents are given, the nearest place tells nothing.
    costs = None if given else assemble.closing_costs(metres, weights, opened, list(ids))
    work.found["closing"] = costs
    if given:
        work.found["bases"]["assigned"] = basis_of(demand, "assigned", points)
