"""What a run would refuse for its rooms, all of it at once and before most of the work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridplan.errors import FaultList
from gridplan.rooms import (
    RoomCounts,
    RoomQuestion,
    check_decisions,
    check_least_share,
    priced_sites,
)
from gridplan.siting import RoomProblem, check_number
from gridplan.steps.rooming import (
    asked_of,
    candidates_of,
    counts_of,
    decisions_of,
    question_of,
    room_question,
)
from gridplan.steps.work import Work


def rehearse_rooms(work: Work) -> None:
    """
    Refuse the settings of rooms that a run would refuse, as far as no walk is needed for that.

    Raises
    ------
    InputError, InfeasibleError
        With every fault of decisions on sites, numbers of rooms, and what a budget can pay.
    """
    problem, faults = _bare_problem(work), FaultList()
    silent = decisions_of(work)[1]
    faults.heed(lambda: check_decisions(problem))
    counts = faults.heed(lambda: counts_of(work, problem, silent=silent))
    question = bare_question(work, counts)
    settings, asked = work.config.siting, asked_of(work, silent)
    budget = asked.budget
    # Where another answer than C is followed, a run goes on with a note.
    if settings.answer == "C" and budget is not None:
        faults.heed(lambda: priced_sites(question, budget))
    elif settings.numbered:
        faults.heed(lambda: check_number(problem, asked.rooms))
    faults.raise_if_any()


def bare_question(work: Work, counts: RoomCounts | None = None) -> RoomQuestion:
    """Return the question without any home, and with those decisions that can be kept."""
    problem = _bare_problem(work)
    new, barred = frozenset(problem.candidates), frozenset(problem.forbidden)
    kept = replace(
        problem,
        required=[one for one in problem.required if one in new - barred],
        forbidden=[one for one in problem.forbidden if one in new],
    )
    return question_of(work, kept, counts=counts or RoomCounts(), space=None)


def _bare_problem(work: Work) -> RoomProblem:
    place, decisions = work.place, decisions_of(work)[0]
    offices = place.committees["committee_id"].astype(str).tolist()
    ids = [*offices, *place.sites["site_id"].astype(str).tolist()]
    return RoomProblem(
        metres=np.zeros((0, len(ids))),
        demand_ids=[],
        site_ids=ids,
        residents=np.zeros(0),
        candidates=candidates_of(place),
        required=[site for one in decisions for site in one.required],
        forbidden=[site for one in decisions for site in one.forbidden],
    )


def rehearse_share(work: Work) -> None:
    """
    Refuse a least share that a run would refuse, as far as no search is needed to tell.

    Raises
    ------
    InfeasibleError
        As `check_least_share`.
    """
    case = room_question(work)
    wanted = case.asked
    check_least_share(case.question, wanted.least_share, rooms=wanted.rooms, budget=wanted.budget)
