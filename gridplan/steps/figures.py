"""Steps: the figures of the summary, and the proofs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gridplan import evaluation, summary
from gridplan.errors import InfeasibleError
from gridplan.place import Place
from gridplan.plan import CONTRACT
from gridplan.steps.work import Work, access_options
from gridplan.steps.zone_layers import missed_by_systems, system_figures
from gridplan.unify import agreed_m2, conflict_sums
from gridplan.verify import verify_plan

_IN_VAIN = frozenset({"budget_buys_nothing"})
"""Notes on what was asked for and is not in the plan: targets that it misses."""


def add_summary(work: Work) -> None:
    """Gather the figures of the summary."""
    layers, place, config = work.found["layers"], work.place, work.config
    walks = evaluation.walk_figures(
        work.found["demand"],
        norms_m=config.walk_norms_m,
        bases=work.found["bases"],
        step_free_m=work.found["step_free_m"],
        options=access_options(config),
        unknown_walls=place.estates["estate_id"][place.estates["walled"].isna()].tolist(),
        kappa_per_m=work.found["question"].kappa_per_m,
    )
    figures: dict[str, Any] = {
        "contract": CONTRACT,
        "place": summary.place_figures(place),
        **evaluation.resident_figures(work.found["demand"], place.groups),
        "cells": {
            "method": config.cells.method,
            "code_profile": config.cells.profile.name,
            "code_form": config.cells.profile.form,
            **evaluation.cell_figures(layers["cells"]),
            **work.found.get("component_figures", {}),
        },
        **walks,
        "siting": work.found["siting_figures"] | summary.space_figures(layers["rooms"]),
        "measures": summary.measure_figures(work.found["measures"]),
        "zones": system_figures(work),
        **_unify_figures(work),
        "network": summary.network_figures(work.found["network"], place),
        "norms": [
            {"key": key, **norm.model_dump()} for key, norm in sorted(config.all_norms.items())
        ],
    }
    work.found["summary"] = figures


def _unify_figures(work: Work) -> dict[str, Any]:
    """Return the figures of one boundary for all departments, where there are zonings."""
    if "unified" not in work.found:
        return {}
    unified, layers = work.found["unified"], work.found["layers"]
    slivers_m2, real_m2 = conflict_sums(layers["conflicts"]).tolist()
    figures = {
        "by": work.config.unify.by,
        "departments": len(unified.adopted),
        "zones": int(unified.zone_of.nunique()),
        "mean_disagreement_share": unified.mean_disagreement,
        "agreed_m2": agreed_m2(unified),
        "conflict_m2": real_m2,
        "sliver_m2": slivers_m2,
        "changes": unified.changes,
        "changes_bound": unified.bound,
        "across": list(unified.across) if work.config.unify.water_parts else None,
    }
    return {"unify": figures}


def add_proofs(work: Work) -> None:
    """Check the finished layers independently, and add the proofs to the summary."""
    figures = work.found["summary"]
    report = verify_plan(
        {**work.found["layers"], **_inputs(work.place)},
        figures,
        cells_method=work.config.cells.method,
    )
    notes = [note for note in (*work.place.notes, *work.notes) if note.code not in _IN_VAIN]
    in_vain = [note for note in work.notes if note.code in _IN_VAIN]
    figures["proofs"] = {
        name: value if value is None or name.endswith("_m2") else int(value)
        for name, value in report.proofs.items()
    }
    figures["targets_missed"] = evaluation.targets_missed(
        figures, notes=[*missed_by_systems(work.found["systems"], work.place.communities), *in_vain]
    )
    figures["caveats"] = evaluation.caveats(figures, [note.message for note in notes])
    hard = [finding.message for finding in report.findings if finding.severity == "hard"]
    if hard:
        raise InfeasibleError(*hard)


def _inputs(place: Place) -> dict[str, pd.DataFrame]:
    """Return the inputs that the proofs compare with, under their names in ``plan.gpkg``."""
    names = (
        "boundary", "communities", "buildings", "sites", "facilities", "population", "zonings",
        "streets", "water",
    )  # fmt: skip
    fewer = ("components", "cases", "barriers", "earlier_zones")
    some = tuple(name for name in fewer if len(getattr(place, name)))
    return {f"in_{name}": getattr(place, name) for name in (*names, *some)}
