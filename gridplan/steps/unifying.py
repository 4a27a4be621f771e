"""Step: one boundary for all departments, where the place has zones of theirs."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from gridplan.config import Config
from gridplan.errors import Message, Note, counted, first_ids, ids_zh
from gridplan.place import Place
from gridplan.steps.work import Work
from gridplan.steps.zone_layers import zone_estates, zone_layer
from gridplan.unify import Barred, UnifyOptions, conflicts, duties, handovers, propose_zones
from gridplan.zone_settings import UNIFIED

UNIFIED_SYSTEM = UNIFIED
"""The zone system that all departments share."""


def unify_options(config: Config) -> UnifyOptions:
    """Return the options of the unification as the settings give them."""
    settings = config.unify
    return UnifyOptions(
        by=settings.by,
        importance=settings.importance,
        tolerance=settings.tolerance,
        sliver_m=settings.sliver_m,
        seed=config.run.seed,
    )


def duty_notes(place: Place, config: Config) -> tuple[Note, ...]:
    """Return a note on duties of bodies that no zoning knows: a slip of the pen, perhaps."""
    if place.zonings.empty:
        return ()
    settings, known = config.unify, sorted(set(place.zonings["department"].astype(str)))
    named = {one for one in settings.duties.values() if one}
    strange = sorted(named - {*known, settings.office})
    if not strange:
        return ()
    message = Message(
        en=f"[unify].duties names {counted(len(strange), 'department', 'departments')} without a "
        f"zoning: {first_ids(strange)}. Departments with zonings: {', '.join(known)}. Correct the "
        f"name, or leave it if that body has drawn none: it is responsible in all zones.",
        zh=f"[unify].duties 中有 {len(strange)} 个部门没有分区：{ids_zh(strange)}。"
        f"有分区的部门：{'、'.join(known)}。请核对名称；"
        f"若该部门确无分区，可保留，则其在各责任区均为责任部门。",
    )
    return (Note("unify_duty_unknown", len(strange), message, tuple(strange)),)


def add_unified(work: Work) -> None:
    """Add the proposal as a zone system, and the tables of what it settles and moves."""
    place, layers = work.place, work.found["layers"]
    if place.zonings.empty:
        return
    cells, demand = layers["cells"], layers["demand"]
    options = unify_options(work.config)
    given = cells.set_index("cell_uid")["zone_id"]
    barred = Barred(*work.found["barred"]) if work.config.unify.water_parts else None
    unified = propose_zones(
        cells,
        demand,
        place.zonings,
        given=given,
        barred=barred,
        outline=place.outline,
        options=options,
    )
    work.notes.extend((*duty_notes(place, work.config), *unified.notes))
    work.found["unified"] = unified
    zones = zone_layer(work, cells, unified.zone_of, system=UNIFIED_SYSTEM)
    layers["zones"] = gpd.GeoDataFrame(
        pd.concat([layers["zones"], zones], ignore_index=True), crs=place.crs
    )
    members = pd.DataFrame(
        {
            "cell_uid": cells["cell_uid"],
            "zone_system": UNIFIED_SYSTEM,
            "zone_id": unified.zone_of.to_numpy(),
        }
    )
    layers["cell_zones"] = pd.concat([layers["cell_zones"], members], ignore_index=True)
    listed = zone_estates(work, unified.zone_of, UNIFIED_SYSTEM)
    layers["zone_estates"] = pd.concat([layers["zone_estates"], listed], ignore_index=True)
    layers["conflicts"] = conflicts(unified, demand, options=options)
    layers["handovers"] = handovers(unified, demand)
    layers["zone_successors"] = unified.successors
    layers["zonings_adopted"] = unified.adopted
    layers["zonings_apart"] = unified.disagreement
    classes = {one: department or None for one, department in work.config.unify.duties.items()}
    layers["duties"] = duties(unified.successors, classes, default=work.config.unify.office)
