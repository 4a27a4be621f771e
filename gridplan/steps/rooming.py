"""Steps: the question where rooms go, its answers, and the tables that explain them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from gridplan.demand import first_containing
from gridplan.errors import InfeasibleError, InputError, Message, Note, StoppedError
from gridplan.place import Place
from gridplan.room_settings import SitingSettings
from gridplan.rooms import (
    KEYS,
    MODELS,
    OBJECTIVE_OF,
    Answer,
    Asked,
    Chosen,
    Decision,
    Estates,
    RoomCounts,
    RoomQuestion,
    Sharing,
    Space,
    StaffNorm,
    answer,
    check_counts,
    decisions_table,
    estates_table,
    frontier_table,
    group_reasons,
    left_behind,
    limit_notes,
    make_question,
    nobody_near_notes,
    nothing_bought_note,
    of_proven_plan,
    options_table,
    overridden_note,
    phase_notes,
    planning_weights,
    reason_notes,
    room_counts,
    room_reasons,
    staffing_table,
    trade_off,
    unpriced_note,
    with_committees,
)
from gridplan.siting import Limits, RoomProblem, Stop
from gridplan.steps.answer_settings import binding_notes
from gridplan.steps.work import Work


@dataclass(frozen=True)
class RoomCase:
    """A question with what the answers need beside it."""

    question: RoomQuestion
    estates: Estates
    asked: Asked
    decisions: tuple[Decision, ...]


def room_question(work: Work) -> RoomCase:
    """Return the question of a place: its walks, sites, decisions and estates."""
    walks, demand = work.found["walks"], work.found["demand"]
    residents = demand["population"].fillna(0).to_numpy(dtype=float)
    ids = [str(one) for one in walks.ids[: walks.committees + walks.sites]]
    decisions, silent = decisions_of(work)
    problem = RoomProblem(
        metres=walks.metres[:, : len(ids)],
        demand_ids=demand["demand_id"].tolist(),
        site_ids=ids,
        residents=residents,
        candidates=candidates_of(work.place),
        required=[site for one in decisions for site in one.required],
        forbidden=[site for one in decisions for site in one.forbidden],
        weights=weights_of(work),
    )
    counts = counts_of(work, problem, silent=silent)
    question = question_of(work, problem, counts=counts, space=_space(work, residents))
    return RoomCase(question, _estates(work), asked_of(work, silent), decisions)


def weights_of(work: Work) -> np.ndarray | None:
    """Return what each home counts in where rooms go; None where no group has a weight."""
    residents = work.found["demand"]["population"].fillna(0).to_numpy(dtype=float)
    return planning_weights(residents, groupcounts_of(work), work.config.siting.group_weights)


def candidates_of(place: Place) -> set[str]:
    """Return the ids of the sites that may be opened."""
    sites = place.sites
    return set(sites.loc[sites["kind"].isin(["candidate", "required"]), "site_id"].astype(str))


def decisions_of(work: Work) -> tuple[tuple[Decision, ...], int]:
    """Return all decisions, and how many of them nobody but the data asked for."""
    sites = work.place.sites
    by_data = sites.loc[sites["kind"] == "required", "site_id"].tolist()
    decided = [one.as_decision for one in work.config.siting.decisions]
    spoken_of = {site for one in decided for site in one.sites}
    silent = [Decision(site_id=one, decision="required") for one in by_data if one not in spoken_of]
    return (*decided, *silent), len(silent)


def question_of(
    work: Work, problem: RoomProblem, *, counts: RoomCounts, space: Space | None
) -> RoomQuestion:
    """Return the question of a problem, with what the settings and the sites say of it."""
    config, sites = work.config, work.place.sites
    settings = config.siting
    return make_question(
        problem,
        pd.Series(sites["cost"].to_numpy(dtype=float), index=sites["site_id"].astype(str)),
        norm_m=config.all_norms["room_norm_m"].value,
        aversion=config.access.aversion,
        limits=Limits(
            work=settings.work, time_s=settings.time_s, seed=config.run.seed, stop=work.stop
        ),
        space=space,
        counts=counts,
    )


def asked_of(work: Work, silent: int) -> Asked:
    """Return what the settings ask for; `silent`: decisions that only the data call for."""
    settings, norms = work.config.siting, work.config.all_norms
    return Asked(
        # Sites that the data call required are opened beside the rooms that are asked for.
        rooms=settings.p + silent,
        objective=settings.objective,
        then=settings.then,
        tolerance=settings.tolerance,
        least_share=settings.least_share,
        backup=settings.backup,
        budget=settings.budget,
        sharing=Sharing(
            households=norms["estate_room_households"].value,
            within_m=norms["share_room_m"].value,
        ),
        phasing=settings.phasing,
    )


def counts_of(work: Work, problem: RoomProblem, *, silent: int) -> RoomCounts:
    """Return the numbers of rooms by community, checked against the sites there are."""
    place, settings = work.place, work.config.siting
    sites = place.sites
    points = shapely.point_on_surface(sites.geometry.to_numpy())
    inside = first_containing(points, place.communities, "community_id")
    real = inside.notna().to_numpy(dtype=bool)
    counts = room_counts(
        dict(zip(sites["site_id"][real], inside[real], strict=True)),
        place.communities["community_id"].astype(str).tolist(),
        at_least=settings.at_least,
        at_most=settings.at_most,
        existing=sites.loc[sites["kind"] == "existing", "site_id"].astype(str).tolist(),
    )
    barred = frozenset(problem.forbidden)
    check_counts(
        counts,
        existing=sites.loc[sites["kind"] == "existing", "site_id"].tolist(),
        candidates=sorted(str(one) for one in set(problem.candidates) - barred),
        required=sorted({str(one) for one in problem.required}),
        rooms=settings.p + silent if settings.numbered else None,
    )
    return counts


def _space(work: Work, residents: np.ndarray) -> Space | None:
    """Return the floor areas of the sites; None where nobody asks, or no area is known."""
    settings, sites = work.config.siting, work.place.sites
    area = pd.Series(sites["area_m2"].to_numpy(dtype=float), index=sites["site_id"].astype(str))
    # The area of an assumed site is the footprint of its building.
    area = area.mask(sites["assumed"].fillna(value=False).to_numpy(dtype=bool))
    if settings.capacity == "off" or (settings.capacity == "soft" and area.isna().all()):
        return None
    space = Space(
        norm=work.config.room_grades,
        area_m2=area,
        households=residents / work.config.demand.persons_per_household,
        hard=settings.capacity == "hard",
    )
    if space.hard:
        work.notes.extend(limit_notes(space))
    return space


def _estates(work: Work) -> Estates:
    """Return the estates with their households, known or estimated, and the sites in them."""
    place, demand = work.place, work.found["demand"]
    home = demand["estate_id"].astype("object").where(demand["estate_id"].notna(), None)
    residents = demand["population"].fillna(0).groupby(home).sum()
    estimated = place.estates["estate_id"].map(residents).fillna(0).astype("float64")
    estimated = estimated / work.config.demand.persons_per_household
    known = place.estates["households"].astype("float64")
    table = pd.DataFrame(
        {
            "estate_id": place.estates["estate_id"].astype("object"),
            "name": place.estates["name"].astype("object"),
            "households": known.where(known.notna(), estimated),
        }
    )
    sites = place.sites
    points = shapely.point_on_surface(sites.geometry.to_numpy())
    inside = first_containing(points, place.estates, "estate_id")
    named = sites["estate_id"].where(sites["estate_id"].notna(), inside)
    real = named.isin(table["estate_id"])
    of_site = dict(zip(sites["site_id"][real], named[real], strict=True))
    return Estates(table, of_site, home)


def number_notes(settings: SitingSettings) -> list[Note]:
    """Return notes on settings without effect: on some answers, or as a budget is followed."""
    notes = binding_notes(settings)
    if settings.budget is not None and "p" in settings.model_fields_set:
        notes.append(overridden_note(settings.p, settings.budget))
    return notes


def room_answers(work: Work, case: RoomCase) -> list[Answer]:
    """Return the three answers; one that is not followed may be impossible, or be stopped."""
    found = []
    settings, budget = work.config.siting, case.asked.budget
    if budget is not None:
        work.notes.extend(unpriced_note(case.question))
    work.notes.extend(number_notes(settings))
    for key in KEYS:
        try:
            found.append(answer(case.question, case.estates, key, asked=case.asked))
        except (InfeasibleError, StoppedError, InputError) as error:
            if key == settings.answer:
                raise
            model = MODELS[case.asked.objectives[-1]] if key == "C" else "lscp"
            none = _without_plan(model, error)
            work.notes.extend(
                Note(
                    f"answer_{none.status}",
                    1,
                    Message(en=f"Answer {key}: {one.en}", zh=f"答案 {key}：{one.zh}"),
                )
                for one in error.faults
            )
            found.append(Answer(key, none))
    work.notes.extend(nobody_near_notes(case.question))
    if settings.phase_budget is not None:
        phase_of = found[0].phase_of
        work.notes.extend(phase_notes(case.question, phase_of, settings.phase_budget))
    bought = found[-1].chosen
    if budget is not None and not bought.sites and bought.status not in _NO_PLAN:
        proven = bought.status == "proven"
        work.notes.append(nothing_bought_note(case.question, budget, proven=proven))
    return found


_NO_PLAN = frozenset({"infeasible", "stopped"})


def _without_plan(model: str, error: InfeasibleError | StoppedError | InputError) -> Chosen:
    if isinstance(error, StoppedError):
        return Chosen((), model, math.inf, error.bound, math.inf, "stopped", error.reason)
    return Chosen((), model, math.inf, math.inf, math.inf, "infeasible", None)


def assigned_columns(
    question: RoomQuestion, found: Answer, demand: pd.DataFrame
) -> list[pd.DataFrame]:
    """Return the room that each home is given and the walk to it, where capacity is hard."""
    given = found.given(question)
    if given is None:
        return []
    has, names = given >= 0, np.array([*question.site_ids, None], dtype=object)
    table = pd.DataFrame(
        {
            "assigned_id": names[given],
            "assigned_m": np.where(has, found.walks_m(question), math.nan),
            # Whoever reaches a place is given one, so that the reasons are the same.
            "assigned_reason": demand["room_reason"].where(~has).to_numpy(dtype=object),
        }
    )
    return [table.set_index(demand.index)]


def room_tables(
    work: Work, case: RoomCase, answers: Sequence[Answer], found: Answer
) -> dict[str, pd.DataFrame]:
    """Return the tables of the answers and their reasons, by the name of their layer."""
    question = case.question
    opened = found.opened(question)
    by_estate = next(one for one in answers if one.key == "A")
    solve = functools.partial(_again, case=case, found=found, stop=work.stop)
    existing = int((work.place.sites["kind"] == "existing").sum())
    groups = groupcounts_of(work)
    by_group = group_reasons(question, opened, groups, given=found.given(question))
    return {
        "room_options": options_table(
            question,
            answers,
            existing_rooms=existing,
            chosen=found.key,
            backup=case.asked.backup,
        ),
        "room_phases": _phases(by_estate),
        "estate_rooms": estates_table(question, case.estates, by_estate),
        "room_reasons": _reasons(work, case, found),
        "room_groups": with_committees(by_group, work.place.committees["committee_id"]),
        "decisions": decisions_table(
            question,
            case.decisions,
            found,
            solve=solve,
            budget=case.asked.budget,
            backup=case.asked.backup,
        ),
        "left_behind": left_behind(question, answers, _places(work)),
        "frontier": frontier_table(question, extent=work.config.siting.extent),
        **_trade_off(work, case),
    }


def _trade_off(work: Work, case: RoomCase) -> dict[str, pd.DataFrame]:
    """Return the frontier of two objectives, where one is asked for."""
    aims = work.config.siting.two_aims
    if aims is None:
        return {}
    try:
        found, notes = trade_off(case.question, case.asked.wanted, aims)
    except (InfeasibleError, StoppedError, InputError) as error:
        work.notes.extend(
            Note(
                "no_trade_off",
                1,
                Message(
                    en=f"[siting].trade_off has no plans: {one.en}",
                    zh=f"[siting].trade_off 没有方案：{one.zh}",
                ),
            )
            for one in error.faults
        )
        return {}
    work.notes.extend(notes)
    return {"trade_offs": found}


def _reasons(work: Work, case: RoomCase, found: Answer) -> pd.DataFrame:
    """Return the reasons in the objective that chose the plan, where it has a value to tell."""
    question, chosen = case.question, found.chosen
    # Of several objectives the most important.
    model = chosen.stages[0].model if chosen.stages else chosen.model
    # Of the fewest rooms, the next-best site keeps most within the norm.
    by = "share" if found.key == "B" else OBJECTIVE_OF.get(model, "mean")
    share = case.asked.least_share if found.key == "C" else None
    least_within = (share or 0.0) * math.fsum(question.counted)
    budget = case.asked.budget if found.key == "C" else None
    reasons = room_reasons(
        question,
        found.opened(question),
        objective=by,
        told=found.key == "C",
        given=found.given(question),
        least_within=least_within,
        budget=math.inf if budget is None else budget,
    )
    if chosen.status == "proven" and not chosen.stages:
        reasons = of_proven_plan(reasons, least_within=least_within)
    work.notes.extend(reason_notes(reasons))
    return with_committees(reasons, work.place.committees["committee_id"])


def groupcounts_of(work: Work) -> dict[str, np.ndarray]:
    """Return the residents of each group in the homes, shape (n_demand,)."""
    demand = work.found["demand"]
    return {group: demand[group].fillna(0).to_numpy(dtype=float) for group in work.place.groups}


def _again(question: RoomQuestion, *, case: RoomCase, found: Answer, stop: Stop | None) -> Answer:
    if stop is not None and stop.asked:
        stop.heeded = True
        # The difference of two plans that nobody searched for to the end is no price.
        raise StoppedError(STOPPED.message, reason="key", bound=math.inf, work=0.0)
    return answer(question, case.estates, found.key, asked=case.asked)


STOPPED = Note(
    "siting_stopped",
    1,
    Message(
        en="The siting was ended by a key (Ctrl-C) before it was done. Each search kept the best "
        "plan it had by then, with its bound and gap; those that came later ended with their "
        "first plan, and prices of decisions were not searched for. Run it again to the end "
        "before anything is decided by it.",
        zh="选址在完成之前被按键（Ctrl-C）结束：各项搜索保留当时的最优方案及其界与差距，"
        "其后的搜索取得首个方案即止，未再计算各项决定的代价。据此决策之前，请完整运行一次。",
    ),
)
"""What a run says of a siting that a key ended."""


def _phases(by_estate: Answer) -> pd.DataFrame:
    if by_estate.phases is None:
        msg = "answer A has phases"
        raise ValueError(msg)
    return by_estate.phases


def _places(work: Work) -> pd.DataFrame:
    """Return community, estate and nearest street of every home."""
    demand, edges = work.found["demand"], work.found["network"].edges
    names = dict(zip(edges["edge_id"], edges["name"], strict=True)) if "name" in edges else {}
    places: pd.DataFrame = demand[["community_id", "estate_id"]].astype("object")
    return places.assign(street=demand["edge_id"].map(names).astype("object"))


def add_staffing(work: Work) -> pd.DataFrame:
    """Return the staff of the committees and rooms of the finished layers."""
    layers, config = work.found["layers"], work.config
    rooms = layers["rooms"]
    offices = set(layers["committees"]["committee_id"])
    cadres = rooms[~rooms["site_id"].isin(offices)]
    return staffing_table(
        layers["committees"],
        cadres,
        residents=float(np.nansum(work.found["demand"]["population"].to_numpy(dtype=float))),
        norm=StaffNorm(
            workers_per_10000=config.all_norms["workers_per_10000"].value,
            worker_cost=config.siting.worker_cost,
        ),
    )
