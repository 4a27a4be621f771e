"""All checks that the layers of a plan, computed or drawn by hand, allow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gridplan.verify import (
    bounds,
    codes,
    communities,
    crossing,
    given,
    lineage,
    links,
    measures,
    reasons,
    rooms,
    services,
    several,
    siting,
    sizes,
    space,
    sums,
    tiling,
    unify,
    walk_figures,
    walks,
    zone_drawn,
    zone_land,
    zone_systems,
    zones,
)
from gridplan.verify.components import components_of
from gridplan.verify.contract import check_contract, missing_layer
from gridplan.verify.findings import (
    STANDARD,
    Checked,
    Finding,
    Report,
    Severity,
    Tolerances,
    in_order,
    joined,
)
from gridplan.verify.frames import number, numbers, texts
from gridplan.verify.places import located
from gridplan.verify.profiles import CodeProfile
from gridplan.verify.rules import figure, finding
from gridplan.verify.world import World, claimed_profile, outline_of, section, with_inputs

PROOFS = {
    "tiling_error_m2": "cells_tiling_error_m2",
    "buildings_cut": "buildings_cut",
    "communities_crossed": "communities_crossed",
    "zones_disconnected": "zones_disconnected",
}
"""The proofs of ``summary.json`` and the figures they are."""

_AREA_SHARE = 1e-6
"""The boundary that was read has no vertices where cells meet it, rounded to 1 mm."""

_NOT_A_COUNT = ("level", "unit_id", "population", "as_of", "source", "grade")


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    needs: tuple[str, ...]
    run: Callable[[World], Checked]
    expected: bool = True
    """Whether a plan without the layers is told what was left unverified."""


def verify_plan(
    layers: Mapping[str, pd.DataFrame],
    summary: Mapping[str, Any] | None = None,
    *,
    cells_method: str | None = None,
    contract: bool = False,
    profile: CodeProfile | None = None,
    tolerances: Tolerances = STANDARD,
) -> Report:
    """
    Verify the layers of a plan: every check whose layers are there.

    Parameters
    ----------
    layers : mapping of layer name to DataFrame
        As in ``plan.gpkg``, or only ``boundary`` and ``cells`` drawn by hand. Shapes
        are in the column ``geometry``, in projected metres, and are taken as they
        are: nothing is snapped or repaired. Frames are not changed.
    summary : mapping, optional
        ``summary.json``: its proofs, counts and siting are compared with the layers.
    cells_method : str, optional
        How the cells were made; for ``square``, which cuts buildings by nature, a cut
        building is a soft finding; for ``given`` so are all faults an office's own grid may
        have. Default: ``summary["cells"]["method"]``.
    contract : bool
        Whether gridplan made these layers: then each layer and column of the contract
        must be there. Of layers drawn by hand, without a summary, a missing column is
        a soft finding: what it would hold is left unverified.
    profile : CodeProfile, optional
        The form of the codes. Default: that of ``summary["cells"]``, else GB/T 30428.

    Returns
    -------
    Report

    Examples
    --------
    >>> boundary = pd.DataFrame({"name": ["A"], "geometry": [shapely.box(0, 0, 200, 100)]})
    >>> cells = pd.DataFrame(
    ...     {"cell_id": ["320583102001001"], "geometry": [shapely.box(0, 0, 199, 100)]}
    ... )
    >>> report = verify_plan({"boundary": boundary, "cells": cells})
    >>> report.ok, report.proofs["tiling_error_m2"]
    (False, 100.0)
    >>> report.of_rule("gap")[0].amount
    100.0
    """
    claimed = summary or {}
    method = cells_method or section(claimed, "cells").get("method")
    form = profile or claimed_profile(claimed)
    world = World(with_inputs(layers), claimed, method, form, tolerances)
    findings = check_contract(world.layers) if contract else _missing_layers(world)
    figures: dict[str, float] = {}
    checked: list[str] = []
    skipped: dict[str, tuple[str, ...]] = {}
    for check in CHECKS:
        lacking = tuple(need for need in check.needs if not world.offers(need))
        if lacking:
            if check.expected:
                skipped[check.name] = lacking
            continue
        result = _carried_out(check, world)
        findings += result.findings
        # Zones disconnected are counted by two checks, each for systems of its own.
        for name, value in result.figures.items():
            figures[name] = figures.get(name, 0.0) + value
        checked.append(check.name)
    proofs = {name: figures.pop(source, None) for name, source in PROOFS.items()}
    findings += _differences(claimed, proofs, world)
    findings = given.of_the_office(findings) if method == given.GIVEN else findings
    findings = located(findings, world.layers)
    by_hand = not contract and summary is None
    kept = (_softened(one) if by_hand else one for one in findings)
    return Report(in_order(dict.fromkeys(kept)), proofs, figures, tuple(checked), skipped)


def _softened(one: Finding) -> Finding:
    absence = one.rule in {"column_missing", "layer_missing"} and one.layer != "cells"
    unnamed = one.rule == "column_missing" and "geometry" not in one.ids
    return replace(one, severity="soft") if absence or unnamed else one


def _missing_layers(world: World) -> list[Finding]:
    absent = [] if "boundary" in world.layers else ["boundary"]
    # Zones drawn by hand may come alone; a plan has cells.
    if "cells" not in world.layers and (world.summary or "zones" not in world.layers):
        absent.append("cells")
    return [one for layer in absent for one in missing_layer(layer, severity="hard")]


def _summary_copy(world: World) -> Checked:
    """Compare the summary with its copy in the table ``gridplan_meta``."""
    meta = world.layers["gridplan_meta"]
    values = dict(zip(texts(meta, "key"), texts(meta, "value"), strict=True))
    try:
        copy = json.loads(values.get("summary") or "{}")
    except ValueError:
        copy = {}
    known = copy if isinstance(copy, Mapping) else {}
    blocks = sorted({*map(str, known), *map(str, world.summary)})
    absent = object()
    wrong = [one for one in blocks if known.get(one, absent) != world.summary.get(one, absent)]
    return Checked(tuple(finding("summary_differs", wrong, layer="summary")))


def _carried_out(check: _Check, world: World) -> Checked:
    try:
        return check.run(world)
    except shapely.GEOSException as error:
        # An overlay that fails is a fault of the layer to be told, not of the program.
        return Checked(
            tuple(finding("not_measured", [str(error)], layer=check.needs[0], detail=check.name))
        )


def _differences(
    summary: Mapping[str, Any], proofs: Mapping[str, float | None], world: World
) -> list[Finding]:
    measured: dict[str, float | None] = dict(proofs)
    claimed = {name: section(summary, "proofs").get(name) for name in PROOFS}
    claimed["residents"] = summary.get("residents")
    if world.has("demand", "population"):
        measured["residents"] = float(
            np.nan_to_num(numbers(world.layers["demand"], "population")).sum()
        )
    claimed["cells"] = section(summary, "cells").get("count")
    if "cells" in world.layers:
        measured["cells"] = float(len(world.layers["cells"]))
    claimed["area_m2"] = section(summary, "place").get("area_m2")
    # Of the boundary: cells may leave gaps, or overlap, and sum to something else.
    measured["area_m2"] = area_m2 = float(shapely.area(world.outline)) if world.outline else None
    slack = {
        "area_m2": _AREA_SHARE * (area_m2 or 0.0),
        "tiling_error_m2": world.tolerances.area_m2,
        "residents": world.tolerances.residents,
    }
    wrong = [
        f"{name}: {figure(said)} / {figure(found)}"
        for name in claimed
        if (said := number(claimed[name])) is not None
        and (found := measured.get(name)) is not None
        and not abs(said - found) <= slack.get(name, 0.0)
    ]
    return finding("proof_differs", wrong, layer="summary", detail="summary / layers")


def _boundary(world: World) -> Checked:
    parts = [_forms(world, world.layers["boundary"], "boundary", whole=False)]
    read = outline_of(world.layers["in_boundary"]) if "in_boundary" in world.layers else None
    if read is not None and world.outline is not None:
        parts.append(tiling.check_boundary(world.outline, read, tolerances=world.tolerances))
    return joined(parts)


def _forms(world: World, frame: pd.DataFrame, layer: str, *, whole: bool = True) -> Checked:
    built, kept = world.get("buildings"), world.tolerances
    return tiling.check_shapes(frame, layer=layer, whole=whole, buildings=built, tolerances=kept)


def _cell_shapes(world: World) -> Checked:
    return _forms(world, world.layers["cells"], "cells")


def _cell_tiling(world: World) -> Checked:
    if not world.has("cells", "geometry"):
        return Checked()
    if world.outline is None:
        return tiling.check_overlaps(
            world.layers["cells"], pairs=world.pairs, tolerances=world.tolerances
        )
    return tiling.check_tiling(
        world.layers["cells"], world.outline, pairs=world.pairs, tolerances=world.tolerances
    )


def _community_shapes(world: World) -> Checked:
    communities = world.layers["communities"]
    found = _forms(world, communities, "communities", whole=False)
    named = codes.check_ids(communities, "community_id", layer="communities")
    return Checked((*found.findings, *named.findings))


def _community_tiling(world: World) -> Checked:
    if world.outline is None:
        return Checked()
    return tiling.check_tiling(
        world.layers["communities"],
        world.outline,
        layer="communities",
        tolerances=world.tolerances,
    )


def _buildings(world: World) -> Checked:
    return crossing.check_buildings(
        world.layers["cells"],
        world.layers["buildings"],
        cells_method=world.cells_method,
        tolerances=world.tolerances,
    )


def _communities(world: World) -> Checked:
    return crossing.check_communities(
        world.layers["cells"], world.layers["communities"], tolerances=world.tolerances
    )


def _codes(world: World) -> Checked:
    # Cells drawn by hand have no permanent id yet; a plan's tables refer to it.
    referred = bool(world.summary) or bool({"cell_zones", "demand"} & set(world.layers))
    severity: Severity = "hard" if referred else "soft"
    cells = world.layers["cells"]
    lasting = codes.check_ids(cells, "cell_uid", layer="cells", severity=severity)
    coded = codes.check_codes(
        cells,
        profile=world.profile,
        ordered=_is_first_plan(world),
        row_height_m=sizes.row_height_of(world),
        tolerances=world.tolerances,
    )
    told = coded.findings
    if world.cells_method == given.GIVEN:
        told = given.as_facts(told)
    return Checked((*lasting.findings, *told), coded.figures)


def _is_first_plan(world: World) -> bool:
    if not world.has("cell_lineage", "kind"):
        return True
    return set(texts(world.layers["cell_lineage"], "kind")) <= {"new", None}


def _zone_membership(world: World) -> Checked:
    return zones.check_complete(
        world.layers["cells"],
        world.get("cell_zones"),
        zone_drawn.listed_zones(world),
        members=world.members,
    )


def _drawn_zones(world: World) -> Checked:
    drawn = zone_drawn.drawn_rows(world)
    return Checked() if drawn is None else zone_drawn.drawn_of(world, drawn)


def _zone_layer(world: World) -> Checked:
    drawn, members = world.layers["zones"], world.members
    if members is None:
        return Checked()
    if "cell_zones" not in world.layers:
        drawn = drawn[zones.in_systems(drawn, members)]
    cells = world.layers["cells"]
    parts = [zone_land.without_islands(world, _forms(world, drawn, "zones"))]
    if world.has("zones", "zone_id"):
        parts += [
            zones.check_zone_shapes(cells, drawn, members, tolerances=world.tolerances),
            zones.check_zone_sums(
                cells,
                drawn,
                members,
                overlap_m2=given.known_overlap(world),
                tolerances=world.tolerances,
            ),
        ]
    return joined(parts)


def _residents(world: World) -> Checked:
    demand = world.layers["demand"]
    parts = [codes.check_ids(demand, "demand_id", layer="demand")]
    groups: list[str] = []
    if "population" in world.layers:
        table = world.layers["population"]
        groups = [str(one) for one in table if one in demand and one not in _NOT_A_COUNT]
        parts.append(sums.check_residents(demand, table, tolerances=world.tolerances))
    elif world.has("communities", "community_id", "population"):
        register = sums.community_register(world.layers["communities"], demand)
        parts.append(sums.check_residents(demand, register, tolerances=world.tolerances))
    parts.append(sums.check_counts(demand, ["population", *groups]))
    if "communities" in world.layers:
        parts.append(sums.check_demand_communities(demand, world.layers["communities"]))
        if world.has("communities", "population"):
            parts.append(
                sums.check_totals(
                    demand,
                    "community_id",
                    world.layers["communities"],
                    "population",
                    layer="communities",
                    tolerances=world.tolerances,
                )
            )
    return joined(parts)


def _cell_residents(world: World) -> Checked:
    demand, cells = world.layers["demand"], world.layers["cells"]
    return joined(
        [
            sums.check_homes(demand, cells, tolerances=world.tolerances),
            sums.check_totals(
                demand,
                "cell_uid",
                cells,
                "population",
                layer="cells",
                tolerances=world.tolerances,
            ),
        ]
    )


def _rooms(world: World) -> Checked:
    claimed = section(world.summary, "siting")
    others = (
        texts(world.layers["committees"], "committee_id")
        if world.has("committees", "committee_id")
        else ()
    )
    return siting.check_rooms(
        world.layers["rooms"],
        world.layers["sites"],
        required=claimed.get("required") or (),
        forbidden=claimed.get("forbidden") or (),
        others=tuple(others),
    )


def _community_committees(world: World) -> Checked:
    return links.check_community_committees(
        world.layers["community_committees"],
        world.get("communities"),
        world.get("committees"),
        world.get("demand"),
    )


def _lineage(world: World) -> Checked:
    return lineage.check_lineage(
        world.layers["cell_lineage"],
        world.layers["cells"],
        world.get("cells_retired"),
        tolerances=world.tolerances,
    )


def _frontier(world: World) -> Checked:
    return links.check_frontier(world.layers["frontier"], tolerances=world.tolerances)


CHECKS = (
    _Check("boundary", ("boundary",), _boundary),
    _Check("cell_shapes", ("cells",), _cell_shapes),
    _Check("cell_tiling", ("cells",), _cell_tiling),
    _Check("cell_sizes", ("cells",), sizes.sizes_of),
    _Check("cell_codes", ("cells",), _codes),
    _Check("buildings", ("cells", "buildings"), _buildings),
    _Check("community_shapes", ("communities",), _community_shapes),
    _Check("community_tiling", ("communities", "boundary"), _community_tiling),
    _Check("cell_communities", ("cells", "communities"), _communities),
    _Check("zone_membership", ("cells", "cells.zone_id | cell_zones"), _zone_membership),
    _Check("zone_connection", ("cells", "cells.zone_id | cell_zones"), zone_land.connected),
    _Check("drawn_zones", ("zones",), _drawn_zones),
    _Check("zone_layer", ("zones", "cells", "cells.zone_id | cell_zones"), _zone_layer),
    _Check(
        "zone_balance",
        ("zones.zone_id | cells.zone_id | cell_zones", "demand.population | cells.population"),
        zone_drawn.balance_of,
    ),
    _Check("zone_systems", ("cells", "summary.zones"), zone_systems.systems_of, expected=False),
    _Check("residents", ("demand",), _residents),
    _Check("cell_residents", ("demand", "cells"), _cell_residents),
    _Check("components", ("in_components", "cells.components"), components_of, expected=False),
    _Check("committee_walks", ("demand", "committees"), walks.committee_walks_of),
    _Check("room_walks", ("demand", "rooms"), walks.room_walks_of),
    _Check("walk_figures", ("demand", "summary"), walk_figures.walk_figures_of, expected=False),
    _Check("rooms", ("rooms", "sites"), _rooms),
    _Check(
        "community_committees",
        ("community_committees", "communities | committees"),
        _community_committees,
    ),
    _Check("lineage", ("cell_lineage", "cells"), _lineage),
    _Check("frontier", ("frontier",), _frontier, expected=False),
    _Check(
        "services",
        ("service_areas | catchments | facility_walks",),
        services.services_of,
        expected=False,
    ),
    _Check("bounds_words", ("bounds_words",), bounds.bounds_of, expected=False),
    _Check("placement", ("placement", "demand"), services.placement_of, expected=False),
    _Check("sensitivity", ("sensitivity",), services.ranges_of, expected=False),
    _Check("room_tables", ("room_options", "summary"), rooms.check_room_tables, expected=False),
    _Check(
        "room_reasons",
        ("demand", "nearest_facilities", "summary", "room_reasons | decisions"),
        reasons.reasons_of,
        expected=False,
    ),
    _Check("room_space", ("rooms", "summary"), space.check_space_of, expected=False),
    _Check(
        "community_change",
        ("community_change", "demand", "summary"),
        communities.check_community_change_of,
        expected=False,
    ),
    _Check("measures", ("measures", "measure_plans"), measures.measures_of, expected=False),
    _Check("unify", ("conflicts | handovers | duties",), unify.unify_of, expected=False),
    _Check("several", ("demand", "summary.siting"), several.several_of, expected=False),
    _Check("siting_claims", ("rooms", "summary.siting"), siting.claims_of),
    _Check("summary_copy", ("gridplan_meta.key", "gridplan_meta.value", "summary"), _summary_copy),
)
"""All checks: name, the layers (or columns, of ``a | b`` one) each needs, what it runs."""
