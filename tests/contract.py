"""The contract of a run's folder and layers, written down once more, apart from the code."""

from __future__ import annotations

import json

import pandas as pd

FILES = (
    "plan.gpkg",
    "summary.json",
    "manifest.json",
    "timing.json",
    "report.html",
    "tables.xlsx",
)

COLUMNS = {
    "boundary": ["name"],
    "communities": ["community_id", "name", "population", "households"],
    "community_committees": ["community_id", "committee_id"],
    "cells": [
        "cell_uid",
        "cell_id",
        "community_id",
        "zone_id",
        "area_m2",
        "population",
        "valid_from",
        "exception",
    ],
    "cells_retired": ["cell_uid", "cell_id", "valid_to", "reason"],
    "cell_lineage": [
        "parent_uid",
        "child_uid",
        "area_share",
        "population_share",
        "kind",
        "changed_on",
        "document",
    ],
    "zones": [
        "zone_system",
        "zone_id",
        "parent_zone_id",
        "name",
        "community_id",
        "cells",
        "area_m2",
        "population",
        "households",
        "workload",
        "compactness",
    ],
    "cell_zones": ["cell_uid", "zone_system", "zone_id"],
    "estates": [
        "estate_id",
        "name",
        "community_id",
        "kind",
        "households",
        "population",
        "walled",
        "gates",
        "room_id",
        "room_m",
        "committee_mean_m",
        "committee_max_m",
    ],
    "gates": ["gate_id", "estate_id", "status"],
    "demand": [
        "demand_id",
        "population",
        "population_register",
        "community_id",
        "estate_id",
        "cell_uid",
        "edge_id",
        "leg_m",
        "gate_id",
        "committee_id",
        "committee_m",
        "committee_reason",
        "nearest_committee_id",
        "nearest_committee_m",
        "nearest_committee_reason",
        "room_id",
        "room_m",
        "room_reason",
    ],
    "committees": [
        "committee_id",
        "name",
        "kind",
        "residents_own",
        "residents_nearest",
        "staff",
    ],
    "rooms": [
        "site_id",
        "kind",
        "estate_id",
        "area_m2",
        "ownership",
        "cost",
        "residents",
        "mean_m",
        "max_m",
        "staff",
        "phase",
        "assumed",
        "why",
    ],
    "streets": ["edge_id", "u", "v", "length_m", "walkable"],
}

ROOM_TABLES = {
    "frontier": ["model", "sequence", "p", "objective", "lower_bound", "gap", "status", "sites"],
    "room_options": ["answer", "rooms_existing", "rooms_new", "cadres", "cost", "mean_m", "p90_m",
                     "within_share", "beyond", "no_site", "unreachable", "status"],
    "room_phases": ["phase", "rooms", "sites"],
    "estate_rooms": ["estate_id", "served", "site_id"],
    "room_reasons": ["site_id", "residents", "saved_walk", "next_site_id", "closing_walk"],
    "room_groups": ["site_id", "group", "residents"],
    "decisions": ["site_id", "decision", "asked_by", "reason", "date", "price_walk"],
    "left_behind": ["answer", "community_id", "estate_id", "street", "cause", "residents"],
    "staffing": ["place_id", "kind", "existing", "needed", "gap", "yearly_cost"],
}  # fmt: skip
"""Tables about rooms that every run has."""

SUMMARY = [
    "contract",
    "residents",
    "cells",
    "proofs",
    "access",
    "access_after",
    "siting",
    "zones",
    "targets_missed",
    "caveats",
]

REASONS = {None, "unreachable", "too_far_from_street", "no_committee", "unplaced"}


def check_folder(folder):
    """Check the files of a run and the heads of its JSON."""
    assert [name for name in FILES if not (folder / name).is_file()] == []
    assert list((folder / "figures").glob("*.png"))
    for name in ("summary.json", "manifest.json"):
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        assert content["contract"] == "1.0"
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert [key for key in SUMMARY if key not in summary] == []
    assert set(summary["proofs"]) >= {
        "tiling_error_m2",
        "buildings_cut",
        "communities_crossed",
        "zones_disconnected",
    }
    assert summary["siting"]["status"] in {"proven", "gap", "infeasible", "stopped"}


def check_layers(layers):
    """Check the columns, ids as text, and that every missing distance has a known reason."""
    for name, columns in {**COLUMNS, **ROOM_TABLES}.items():
        assert [c for c in columns if c not in layers[name]] == [], name
    for name, key in (("cells", "cell_id"), ("demand", "demand_id"), ("streets", "edge_id")):
        assert layers[name][key].map(type).eq(str).all(), (name, key)
    assert layers["cells"]["cell_id"].str.fullmatch(r"\d{15}").all()
    demand = layers["demand"]
    for walk in ("committee", "nearest_committee", "room"):
        metres, reasons = demand[f"{walk}_m"], demand[f"{walk}_reason"]
        known = {None if pd.isna(one) else one for one in reasons.unique()}
        assert known <= REASONS
        assert (metres.isna() == reasons.notna()).all(), walk
        assert (metres.isna() == demand[f"{walk}_id"].isna()).all(), walk
    proposed = layers["rooms"]["kind"]
    assert set(proposed) <= {"existing", "required", "proposed"}
