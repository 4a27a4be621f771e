"""Has a plan the layers and columns that other programs rely on (contract 1.0)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gridplan.errors import Message
from gridplan.verify.findings import Finding, Severity
from gridplan.verify.frames import missing_columns
from gridplan.verify.rules import finding

_COLUMNS = {
    "boundary": "name geometry",
    "communities": "community_id name population households geometry",
    "community_committees": "community_id committee_id",
    "cells": "cell_uid cell_id community_id zone_id area_m2 population valid_from exception "
    "geometry",
    "cells_retired": "cell_uid cell_id valid_to reason",
    "cell_lineage": "parent_uid child_uid area_share population_share kind changed_on document",
    "zones": "zone_system zone_id parent_zone_id name community_id cells area_m2 population "
    "households workload compactness geometry",
    "cell_zones": "cell_uid zone_system zone_id",
    "estates": "estate_id name community_id kind households population walled gates room_id "
    "room_m committee_mean_m committee_max_m",
    "gates": "gate_id estate_id status",
    "demand": "demand_id population population_register community_id estate_id cell_uid edge_id "
    "leg_m gate_id committee_id committee_m committee_reason nearest_committee_id "
    "nearest_committee_m nearest_committee_reason room_id room_m room_reason",
    "committees": "committee_id name kind residents_own residents_nearest staff",
    "rooms": "site_id kind estate_id area_m2 ownership cost residents mean_m max_m staff phase "
    "assumed why",
    "streets": "edge_id u v length_m walkable",
}
CONTRACT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    layer: tuple(columns.split()) for layer, columns in _COLUMNS.items()
}
"""Columns that each layer of a plan must have."""

CONTRACT_LAYERS = tuple(CONTRACT_COLUMNS)
"""Layers that a plan must have."""

_ADDED = {
    "ledger": "component residents length_m facilities facility_ids to_main_m between geometry",
    "field_checks": "check_id kind target_id answer value checked_on source",
    "links": "link_id kind status estate_id length_m saved_resident_m shorter_residents "
    "gained_residents cost_resident_m longer_residents lost_residents why why_en geometry",
    "frontier": "model p objective lower_bound gap status sites",
    "room_options": "answer chosen rooms_existing rooms_new cadres cost mean_m p90_m within_share "
    "within beyond no_site unreachable objective lower_bound gap status stopped_by",
    "trade_offs": "first_objective second_objective first second bound gap status sites",
    "room_phases": "phase rooms rooms_so_far cost residents_gained saved_walk mean_m p90_m "
    "within_share lower_bound gap status sites",
    "estate_rooms": "estate_id residents served site_id mean_m max_m",
    "room_reasons": "site_id residents saved_walk saved_each_m closing_walk "
    "closing_within closing_stranded next_site_id next_walk next_within",
    "room_groups": "site_id group residents saved_walk saved_each_m",
    "decisions": "site_id decision asked_by reason date price_walk price_residents price_cost "
    "price_status",
    "left_behind": "answer community_id estate_id street cause residents mean_m",
    "measures": "measure_id kind estate_id in_plan cost alone_walk last_walk residents reason "
    "geometry",
    "measure_plans": "plan budget cost rooms_new links objective lower_bound gap status stopped_by "
    "mean_m p90_m within_share unreachable measures",
    "staffing": "place_id kind residents existing needed gap yearly_cost",
    "community_change": "community_id residents rooms_existing rooms_new before_mean_m "
    "after_mean_m before_p90_m after_p90_m before_within_share after_within_share before_beyond "
    "after_beyond before_missing after_missing before_nearest_id after_nearest_id",
    "access_by_unit": "basis level unit_id group residents mean_m median_m p90_m max_m detour",
    "minutes_by_unit": "level unit_id group residents mean_min median_min p90_min without_way",
    "facility_walks": "demand_id kind facility_id metres reason",
    "nearest_facilities": "demand_id rank kind facility_id metres",
    "service_areas": "facility_id kind norm_m area_m2 residents geometry",
    "catchments": "kind facility_id norm_m capacity unit residents per_1000 reason",
    "catchment_scores": "kind community_id unit residents per_1000 without",
    "placement": "level unit_id figure given placed unplaced difference grade as_of source",
    "sensitivity": "level unit_id figure base low high spread driver",
    "bounds_words": "level unit_id side text_zh text_en length_m named_share",
    "line_moves": "building_id from_community_id to_community_id area_m2 geometry",
    "cell_faults": "fault cell_id other_id community_id area_m2 repaired given_to geometry",
    "conflicts": "conflict_id kind sliver claims area_m2 population width_m geometry",
    "handovers": "department from_zone_id to_zone_id zone_id kind area_m2 population geometry",
    "zone_successors": "zone_id department old_zone_id",
    "zonings_adopted": "department changes changes_by_cells start",
    "zonings_apart": "department other information_bits information_share mass_apart",
    "zone_loads": "zone_system zone_id load_kind load deviation_share least most",
    "zone_estates": "zone_system zone_id estate_id buildings households population building_ids",
    "duties": "zone_id class department old_zone_id by_default",
    "walks": "rank demand_id estate_id community_id committee_id residents walk_m straight_m "
    "detour why why_en geometry",
}
ADDED_COLUMNS: Mapping[str, tuple[str, ...]] = {
    layer: tuple(columns.split()) for layer, columns in _ADDED.items()
}
"""Columns of layers that came later: a plan may lack the layer, but not a part of it."""

_LOST = {
    "cells": Message(en="nothing can be verified", zh="无法核验"),
    "boundary": Message(
        en="gaps along the edge, and land beyond it, cannot be verified",
        zh="边缘处的空隙与越界无法核验",
    ),
}
_PROMISED = Message(en="a plan of gridplan is not whole", zh="gridplan 成果不完整")


def missing_layer(layer: str, *, severity: Severity) -> list[Finding]:
    """Return the finding that a layer is missing, and what cannot be verified without it."""
    return finding(
        "layer_missing",
        [layer],
        layer=layer,
        severity=severity,
        detail=_LOST.get(layer, _PROMISED),
    )


def check_contract(layers: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Return what `layers`, a plan that gridplan has made, lacks of the contract."""
    findings: list[Finding] = []
    for layer, columns in CONTRACT_COLUMNS.items():
        if layer in layers:
            findings += missing_columns(layers[layer], layer, columns)
        else:
            findings += missing_layer(layer, severity="hard")
    for layer in ADDED_COLUMNS:
        if layer in layers:
            findings += missing_columns(layers[layer], layer, ADDED_COLUMNS[layer])
    return findings
