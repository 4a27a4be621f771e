"""One table of steps, walked by `run`: a place and its settings in, a plan out."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

import geopandas as gpd

from gridplan.config import Config
from gridplan.errors import FaultList, Note
from gridplan.fingerprint import fingerprint
from gridplan.place import Place
from gridplan.plan import Plan, StepRecord
from gridplan.rooms import check_groups
from gridplan.siting import Stop
from gridplan.steps import (
    bounding,
    deciding,
    doubts,
    figures,
    layers,
    measuring,
    people,
    places,
    rehearsing,
    rooming,
    services,
    unifying,
    walking,
    zone_rehearsal,
    zoning,
)
from gridplan.steps.coding import coded_cells
from gridplan.steps.places import managed_place
from gridplan.steps.work import Step, Work
from gridplan.steps.zone_bands import check_weights
from gridplan.unify import check_zonings

Progress = Callable[[str], None]


STEPS: tuple[Step, ...] = (
    Step(
        "network",
        (
            "boundary",
            "streets",
            "gates",
            "water",
            "barriers",
            "estates",
            "buildings",
            "field_checks",
        ),
        ("network",),
        (),
        places.add_network,
    ),
    Step(
        "communities",
        ("communities", "buildings"),
        ("cells",),
        (),
        places.add_communities,
    ),
    Step(
        "demand",
        ("buildings", "communities", "estates", "weights", "population"),
        ("demand",),
        ("communities",),
        places.add_demand,
    ),
    Step(
        "cells",
        (
            "communities",
            "streets",
            "water",
            "barriers",
            "buildings",
            "estates",
            "cells",
            "components",
        ),
        ("cells",),
        ("communities", "demand"),
        places.add_cells,
    ),
    Step(
        "access",
        ("committees", "community_committees", "sites", "facilities", "gates"),
        (),
        ("network", "demand"),
        walking.add_access,
    ),
    Step(
        "siting",
        ("committees", "sites", "estates", "population"),
        ("siting", "run", "norms", "access", "demand"),
        ("access",),
        deciding.add_siting,
    ),
    Step("links", ("committees", "sites"), ("network",), ("access", "siting"), doubts.add_links),
    Step(
        "measures",
        ("sites", "gates"),
        ("measures", "siting", "run"),
        ("links",),
        measuring.add_measures,
    ),
    Step("services", ("water",), ("access", "norms"), ("network", "siting"), services.add_services),
    Step("people", ("population",), ("demand",), ("demand", "access"), people.add_people),
    Step(
        "zones",
        ("committees", "buildings", "streets", "water", "zonings", "earlier_zones"),
        ("zones", "run", "norms", "demand"),
        ("network", "cells", "demand"),
        zoning.add_zones,
    ),
    Step(
        "layers",
        (),
        ("access", "norms", "siting"),
        ("cells", "access", "siting", "links", "measures", "services", "people", "zones"),
        layers.add_layers,
    ),
    Step("unify", ("zonings",), ("unify", "run"), ("layers",), unifying.add_unified),
    Step(
        "bounds",
        ("streets", "water", "barriers", "estates"),
        ("report",),
        ("unify",),
        bounding.add_bounds,
    ),
    Step("summary", (), ("norms", "access"), ("bounds",), figures.add_summary),
    Step("verify", ("buildings",), (), ("summary",), figures.add_proofs),
)
"""What a run does, in order; rerun, report, compare and batch walk the same table."""


def run(
    place: Place, config: Config, *, progress: Progress | None = None, stop: Stop | None = None
) -> Plan:
    """
    Return the whole plan of a place: the contract's layers, figures and proofs.

    Parameters
    ----------
    progress : callable, optional
        Called with the name of each step as it begins.
    stop : Stop, optional
        The siting ends with its best plan so far once it asks for that, and a note says so.

    Raises
    ------
    InputError
        If the input cannot be used as it is.
    InfeasibleError
        If the hard rules cannot be met.
    """
    work = Work(place=place, config=config, notes=list(config.notes), stop=stop)
    records: list[StepRecord] = []
    seconds: dict[str, float] = {}
    digests: dict[str, str] = {}
    for step in STEPS:
        if progress:
            progress(step.name)
        began = time.perf_counter()
        digests[step.name] = fingerprint(
            step.name,
            layers=[getattr(place, layer) for layer in step.layers],
            settings=[getattr(config, section) for section in step.settings],
            after=[digests[earlier] for earlier in step.after],
        )
        step.function(work)
        records.append(StepRecord(step.name, digests[step.name]))
        seconds[step.name] = time.perf_counter() - began
    return Plan(
        place=place,
        layers=work.found["layers"],
        summary=work.found["summary"],
        settings=config.model_dump(mode="json"),
        steps=tuple(records),
        seconds=seconds,
    )


_SECTIONS: Mapping[str, frozenset[str]] = {
    "rooms": frozenset({"siting", "measures", "demand", "access", "norms", "network", "run"}),
    "zones": frozenset({"zones", "norms", "cells", "demand", "run"}),
    "unify": frozenset({"unify"}),
    "network": frozenset({"network"}),
    "cells": frozenset({"cells", "run"}),
}
"""Sections of the settings that parts of a rehearsal go by."""


def rehearse(
    place: Place,
    config: Config,
    *,
    heard: Callable[[gpd.GeoDataFrame], None] | None = None,
    left: Collection[str] = (),
) -> tuple[Note, ...]:
    """
    Refuse what a run would refuse for its cells, zones and rooms, without most of the work.

    A check that needs none of what another found goes on where that one refuses, so that
    a planner meets all faults at once: those that are quickly found stand first.

    Parameters
    ----------
    heard : callable, optional
        Told the faults of a grid that is given (the layer ``cell_faults``), also where the
        project is refused later on.
    left : collection of str
        Sections of the settings that are at fault and not as they were written: what depends
        on them is not judged.

    Returns
    -------
    tuple of Note
        What settings of rooms, a given grid, and building the walking network, have to say.

    Raises
    ------
    InputError, InfeasibleError
        As `run` does for a target area, codes that do not suffice, too many zones, groups
        and communities that the place does not have, rooms that its sites do not allow, and a
        least share that they cannot bring within the norm.
    """
    managed, faults = managed_place(place, config)[0], FaultList()
    judged = {part: not needed & set(left) for part, needed in _SECTIONS.items()}
    if judged["rooms"]:
        _rehearse_rooms(managed, config, faults)
    rooms_are_sound = judged["rooms"] and not faults.faults
    if judged["zones"]:
        faults.heed(lambda: check_weights(place, config))
    if len(place.zonings) and judged["unify"]:
        options = unifying.unify_options(config)
        faults.heed(lambda: check_zonings(place.communities, place.zonings, options))
    walkable = faults.heed(lambda: _on_foot(place, config)) if judged["network"] else None
    if walkable and rooms_are_sound:
        faults.heed(lambda: _rehearse_share(managed, walkable))
    coded = faults.heed(lambda: coded_cells(managed, config)) if judged["cells"] else None
    if coded and heard is not None and coded.faults is not None:
        heard(coded.faults)
    if coded and judged["zones"]:
        zone_rehearsal.rehearse_systems(managed, config, coded.cells, faults=faults)
    faults.raise_if_any()
    given, walks = coded.notes if coded else (), walkable.notes if walkable else ()
    duties = unifying.duty_notes(place, config)
    return (*rooming.number_notes(config.siting), *given, *duties, *walks)


def _rehearse_rooms(managed: Place, config: Config, faults: FaultList) -> None:
    """Refuse settings of rooms and measures that need no walk to be found wrong."""
    asked, weights = Work(place=managed, config=config), config.siting.group_weights
    faults.heed(lambda: check_groups(managed.groups, weights))
    groups_are_sound = not faults.faults
    faults.heed(lambda: rehearsing.rehearse_rooms(asked))
    faults.heed(lambda: measuring.rehearse_measures(asked, rehearsing.bare_question(asked)))
    if weights and groups_are_sound:
        faults.heed(lambda: _weigh(asked))


def _weigh(work: Work) -> None:
    """Refuse weights of groups that leave nobody who counts."""
    places.add_demand(work)
    rooming.weights_of(work)


def _on_foot(place: Place, config: Config) -> Work:
    """Return the walking network of a place, with what there is to say of it."""
    work = Work(place=place, config=config)
    places.add_network(work)
    return work


def _rehearse_share(managed: Place, work: Work) -> None:
    """Refuse a least share of residents that no rooms can bring within the norm."""
    settings = work.config.siting
    if settings.least_share is not None and settings.answer == "C":
        # Walks take a second; they are measured only where a setting is about them.
        walked = Work(place=managed, config=work.config, found=dict(work.found))
        places.add_demand(walked)
        walking.add_access(walked)
        rehearsing.rehearse_share(walked)
