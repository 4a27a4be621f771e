"""Step: the best mix of rooms, gates, bridges and service points for a budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.access import AddedLinks, added_links, shortcuts, ways_to_links
from gridplan.errors import FaultList, InputError, Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.geometry import Floats
from gridplan.network import GAP, SHUT, DoubtfulLinks, closed_gates, joined_links, new_gates
from gridplan.rooms import (
    BEYOND_LIMIT,
    NO_COST,
    LinkedMix,
    Mix,
    MixQuestion,
    Named,
    RoomQuestion,
    best_linked_mix,
    reasons_out,
    rooms_alone,
    with_service_points,
)
from gridplan.rooms.question import NO_WAY_M, Flags, Positions
from gridplan.rooms.searches import heeded
from gridplan.steps.doubts import to_nearest_room
from gridplan.steps.work import Work
from gridplan.terms import term

_STRAIGHT = ("bridge", "crossing", "join")
"""Kinds of links that may be built straight from street to street."""


def add_measures(work: Work) -> None:
    """Find the best mix, where a budget and the cost of another measure than rooms are given."""
    settings, question = work.config.measures, work.found["question"]
    work.found["measures"] = {}
    if not settings.asked:
        return
    budget = rehearse_measures(work, question)
    if budget is None:
        work.notes.append(_NO_BUDGET)
        return
    links = _links(work, budget)
    kept = np.flatnonzero(links["reason"].isna())
    untried = np.flatnonzero(links["reason"] == BEYOND_LIMIT)
    # Those that are tried in all combinations first.
    payable = np.concatenate([kept, untried])
    added, today = _added(work, links["row"].to_numpy()[payable]), question.metres
    every = MixQuestion(
        question,
        tuple(links["cost"].iloc[payable].tolist()),
        lambda one: added.walks(today, one),
        budget,
    )
    alone = heeded(rooms_alone(every))
    points: frozenset[str] = frozenset()
    if settings.service_point_cost is not None:
        every, points = with_service_points(
            every, settings.service_points, settings.service_point_cost
        )
    mix = heeded(best_linked_mix(LinkedMix(every, added), tried=len(kept), start=alone))
    mix, asked, shown = _shown(mix, every, len(kept))
    links.loc[payable[shown], "reason"] = None
    named = Named(asked, links.iloc[payable[shown]], links[links["reason"].notna()], points)
    work.found["measures"] = {
        "measures": _placed(work, named.measures(mix), links),
        "measure_plans": named.plans(alone, mix),
    }
    work.notes.extend([*_unpriced(links), *_untried(work, links), *_for_the_mean(work)])


def _shown(mix: Mix, every: MixQuestion, tried: int) -> tuple[Mix, MixQuestion, Positions]:
    """Return the mix, and the question, of the links that were tried, or are in the mix."""
    shown = sorted({*range(tried), *mix.links})
    asked = replace(
        every,
        link_cost=tuple(every.link_cost[one] for one in shown),
        walks=lambda links: every.walks(tuple(shown[one] for one in links)),
    )
    own = tuple(shown.index(one) for one in mix.links)
    return replace(mix, links=own), asked, np.array(shown, dtype=np.intp)


def rehearse_measures(work: Work, question: RoomQuestion) -> float | None:
    """
    Return the budget of the mix; None where no mix is asked for, or nobody gave one.

    Raises
    ------
    InputError
        If a required site has no cost, or a service point is no candidate site.
    """
    settings = work.config.measures
    budget = settings.budget if settings.budget is not None else work.config.siting.budget
    if not settings.asked or budget is None:
        return None
    faults = FaultList()
    faults.heed(lambda: _check_required(question, budget))
    if settings.service_point_cost is not None:
        faults.heed(lambda: _check_points(question, settings.service_points))
    faults.raise_if_any()
    return budget


def _links(work: Work, budget: float) -> pd.DataFrame:
    """Return the links that are not there today, with their cost and why some stay out."""
    settings = work.config.measures
    work.found["linkable"] = _linkable(work)
    frame = work.found["linkable"].frame
    rows = np.flatnonzero((frame["status"] == SHUT) & (frame["kind"] != GAP))
    links = pd.DataFrame(frame.iloc[rows]).reset_index(drop=True).assign(row=rows)
    links["cost"] = [
        settings.prices.cost(kind, length_m)
        for kind, length_m in zip(links["kind"], links["length_m"], strict=True)
    ]
    before, over = _walks_alone(work, rows)
    question = work.found["question"]
    had = before < NO_WAY_M
    less = np.maximum(before[:, None] - over, 0.0)
    links["alone_walk"] = [math.fsum(one) for one in (question.residents * had) * less.T]
    links["reason"] = reasons_out(
        links["link_id"].tolist(),
        links["cost"].to_numpy(dtype=float),
        (before, over),
        question.counted,
        budget=budget,
        most=settings.most_links,
    )
    return links


def _linkable(work: Work) -> DoubtfulLinks:
    """
    Return doubtful links and closed gates; what could be built besides where it has a cost.

    That is gates cut into walls, and straight links where streets have a long way round.
    """
    settings, terrain = work.config.measures, work.found["terrain"]
    doubtful: DoubtfulLinks = work.found["doubtful"]
    shut = closed_gates(
        terrain.network, work.place.gates, blocks=terrain.blocks, options=terrain.options
    )
    parts = [doubtful, shut]
    if settings.new_gate_cost is not None:
        every = (terrain.network.gates, work.found["proposed_gates"], work.place.gates)
        more = new_gates(
            terrain.network,
            np.concatenate([one.geometry.to_numpy() for one in every]),
            blocks=terrain.blocks,
            apart_m=settings.new_gates_apart_m,
            options=terrain.options,
        )
        parts.append(more)
    kinds = [one for one in _STRAIGHT if settings.prices.by_kind[one] is not None]
    if kinds and settings.most_shortcuts:
        parts.append(
            shortcuts(
                to_nearest_room(work),
                terrain,
                open_today=_open_today(work),
                kinds=kinds,
                solid=work.place.buildings.geometry.to_numpy(),
                options=settings.shortcuts,
            )
        )
    return joined_links(parts, terrain.network)


def _open_today(work: Work) -> Flags:
    """Return which of the targets of `to_nearest_room` are places that are open today."""
    walks, question = work.found["walks"], work.found["question"]
    places = np.isin(walks.ids[: walks.first_point], question.names(question.fixed))
    committees = walks.ids[: walks.committees]
    return np.concatenate([places, walks.points["facility_id"].isin(committees).to_numpy()])


def _walks_alone(work: Work, rows: Positions) -> tuple[Floats, Floats]:
    """Return each home's walk to the nearest place today, and over each link alone."""
    question = work.found["question"]
    homes_m, places_m = ways_to_links(
        rows, work.found["linkable"], to_nearest_room(work), work.found["terrain"]
    )
    goal_m = _by_site(work, question, places_m)[question.fixed].min(axis=0, initial=np.inf)
    before = np.minimum(question.nearest_m(question.fixed), NO_WAY_M)
    return before, np.minimum(homes_m + goal_m[None, :], NO_WAY_M)


def _added(work: Work, rows: Positions) -> AddedLinks:
    """Return what some links make of the walks to the sites of the question."""
    walkers, terrain = to_nearest_room(work), work.found["terrain"]
    added = added_links(rows, work.found["linkable"], walkers, terrain=terrain)
    return replace(added, places_m=_by_site(work, work.found["question"], added.places_m))


def _by_site(work: Work, question: RoomQuestion, places_m: Floats) -> Floats:
    """Return the walks from links to the sites of a question; a committee's to its points, too."""
    walks = work.found["walks"]
    ids = list(walks.ids[: walks.first_point])
    least = places_m[: len(ids)].copy()
    for at, facility in enumerate(walks.points["facility_id"], start=walks.first_point):
        if facility in ids[: walks.committees]:
            own = ids.index(facility)
            least[own] = np.minimum(least[own], places_m[at])
    return np.asarray(least[[ids.index(one) for one in question.site_ids]])


def _placed(work: Work, measures: pd.DataFrame, links: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the measures as points: sites, and the middle of links."""
    sites = work.place.sites
    middles = _middles(links)
    points = {
        **dict(zip(links["link_id"], middles, strict=True)),
        **dict(zip(sites["site_id"], shapely.point_on_surface(sites.geometry), strict=True)),
    }
    estates = dict(zip(sites["site_id"], sites["estate_id"], strict=True))
    home = measures["measure_id"].map(estates)
    estate_id = measures["estate_id"].where(measures["estate_id"].notna(), home)
    spots = [points[one] for one in measures["measure_id"]]
    return gpd.GeoDataFrame(
        measures.assign(
            estate_id=estate_id.astype("object").where(estate_id.notna(), None),
            street=pd.Series(_nearest_streets(work, spots), measures.index, dtype="object"),
        ),
        geometry=spots,
        crs=work.place.crs,
    )


def _middles(links: pd.DataFrame) -> np.ndarray:
    return np.asarray(
        shapely.line_interpolate_point(links["geometry"].to_numpy(), 0.5, normalized=True)
    )


def _nearest_streets(work: Work, spots: Sequence[shapely.Geometry]) -> list[str | None]:
    """Return the name of the nearest named street of each place; None where none has a name."""
    edges = work.found["network"].edges
    named = edges[edges["name"].notna()] if "name" in edges else edges.iloc[:0]
    if not len(named) or not len(spots):
        return [None] * len(spots)
    lines = named.geometry.to_numpy()
    near, away = shapely.STRtree(lines).query_nearest(spots, all_matches=True)
    found = pd.DataFrame({"spot": near, "name": named["name"].astype(str).to_numpy()[away]})
    # Of two streets that meet there the first by name, in any order of the rows.
    least = found.groupby("spot")["name"].min()
    return [least.get(at) for at in range(len(spots))]


def _check_required(question: RoomQuestion, budget: float) -> None:
    unknown = [one for one in sorted(question.required) if math.isnan(question.cost[one])]
    if unknown:
        raise InputError(
            Message(
                en=f"[measures].budget = {budget:,.0f} yuan, but {len(unknown)} required sites "
                f"have no cost: {first_ids(unknown)}. Fill in the column `cost` of the sites.",
                zh=f"[measures].budget = {budget:,.0f} 元，但 {len(unknown)} 个必选场地没有造价："
                f"{ids_zh(unknown)}。请在场地图层中填写 `cost` 字段。",
            )
        )


def _check_points(question: RoomQuestion, points: tuple[str, ...]) -> None:
    unknown = [one for one in points if one not in question.candidates]
    if unknown:
        raise InputError(
            Message(
                en=f"[measures].service_points: {counted(len(unknown), 'is', 'are')} no candidate "
                f"{agreed(len(unknown), 'site', 'sites')}: {first_ids(unknown)}. Name sites of the "
                f"kind `candidate`.",
                zh=f"[measures].service_points 中有 {len(unknown)} 个不是候选场地："
                f"{ids_zh(unknown)}。请填写 kind 为 `candidate` 的场地编号。",
            )
        )


def _unpriced(links: pd.DataFrame) -> list[Note]:
    """Say which links stay out since nobody gave the cost of their kind."""
    out = links[links["reason"] == NO_COST]
    if out.empty:
        return []
    words = [term(str(one), "kind") for one in sorted(set(out["kind"]))]
    ids = tuple(out["link_id"])
    return [
        Note(
            "measures_without_cost",
            len(out),
            Message(
                en=f"{counted(len(out), 'gate or bridge is', 'gates or bridges are')} not "
                f"considered among the measures, since the cost of their kind is not given "
                f"({', '.join(one.en for one in words)}): {first_ids(ids)}. Fill in [measures].",
                zh=f"{len(out)} 处出入口或桥梁因未给出该类造价"
                f"（{'、'.join(one.zh for one in words)}）未参与措施比选：{ids_zh(ids)}。"
                f"请补填 [measures]。",
            ),
            ids,
        )
    ]


def _untried(work: Work, links: pd.DataFrame) -> list[Note]:
    """Say which links stay out since others save more alone, and what the bound makes of them."""
    out = links[links["reason"] == BEYOND_LIMIT]
    ids = tuple(out["link_id"])
    if not ids:
        return []
    streets = _nearest_streets(work, _middles(out).tolist())
    en, zh = (
        first_ids([one if by is None else form.format(one, by) for one, by in pairs])
        for form, pairs in (
            ("{} (at {})", list(zip(ids, streets, strict=True))),
            ("{}（{}旁）", list(zip(ids, streets, strict=True))),
        )
    )
    return [
        Note(
            "measures_untried",
            len(ids),
            Message(
                en=f"{counted(len(ids), 'gate or bridge is', 'gates or bridges are')} not tried in "
                f"all combinations, since others save more alone, but looked at by ones and twos "
                f"beside the best mix, and not taken: {en}. The bound allows for these; if a gap "
                f"stays, raise [measures].most_links.",
                zh=f"{len(ids)} 处节省较少的出入口或桥梁未参与全部组合比较，仅在最优组合之外逐一、"
                f"逐对考察，未予采用：{zh}。下界已将其计入；如仍有间隙，"
                f"请增大 [measures].most_links。",
            ),
            ids,
        )
    ]


def _for_the_mean(work: Work) -> list[Note]:
    """Say where the mix has another aim than the answers, or rooms without a limit of space."""
    settings = work.config.siting
    notes = []
    if settings.objective != "mean":
        notes.append(_MEAN_WALK)
    if settings.capacity == "hard":
        notes.append(_NO_SPACE)
    return notes


_MEAN_WALK = Note(
    "measures_for_mean_walk",
    1,
    Message(
        en="The mix of measures is the one with the least walk in total, whatever "
        "[siting].objective says. Compare it with answers for the mean walk.",
        zh="措施组合一律以步行总和最小为目标，不随 [siting].objective 变化。"
        "请与以平均步行为目标的答案比较。",
    ),
)
_NO_SPACE = Note(
    "measures_without_space",
    1,
    Message(
        en="The mix of measures takes no room as full, although [siting].capacity is hard: "
        "everybody walks to the nearest. Check the floor areas before it is followed.",
        zh="[siting].capacity 虽为 hard，措施组合不计活动室面积上限，居民一律就近。"
        "采用前请核对面积。",
    ),
)
_NO_BUDGET = Note(
    "measures_without_budget",
    1,
    Message(
        en="[measures] has costs, but there is no budget, so that no mix of measures was looked "
        "for. Set [measures].budget or [siting].budget.",
        zh="[measures] 给出了造价，但没有预算，因此未比选措施组合。"
        "请填写 [measures].budget 或 [siting].budget。",
    ),
)
