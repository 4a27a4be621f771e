"""The blocks of `summary.json`, from the layers and the results of the steps."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyproj

from gridplan.config import Config
from gridplan.geometry import area_scale
from gridplan.network import Network
from gridplan.place import Place
from gridplan.rooms import MAXIMISED, Answer, RoomQuestion, StageTold, claim_of


def place_figures(place: Place) -> dict[str, Any]:
    """Return name, CRS, date, area within the boundary and what the place is made of."""
    centre = place.outline.centroid
    return {
        "name": place.name,
        "crs": place.crs.to_string(),
        "as_of": place.as_of.isoformat(),
        "area_m2": float(place.outline.area),
        "area_scale": area_scale(pyproj.CRS(place.crs), centre.x, centre.y),
        "communities": len(place.communities),
        "committees": len(place.committees),
        "codes_official": bool(place.communities["official"].fillna(value=True).all()),
    }


def siting_figures(
    found: Answer, question: RoomQuestion, place: Place, config: Config
) -> dict[str, Any]:
    """
    Return how good the siting is, as far as is proven.

    The objective of the LSCP, and its bound, count all open places, as the layer `rooms` does.
    Where most is asked for (MCLP), the bound is from above, under both of its names.
    """
    candidates = place.sites[place.sites["kind"] == "candidate"]
    chosen, claim = found.chosen, claim_of(question, found.chosen)
    by_number = found.key == "C" and config.siting.budget is None
    return {
        "answer": found.key,
        "model": chosen.model,
        "sense": "maximise" if chosen.model in MAXIMISED else "minimise",
        **chosen.basis,
        "ede_kappa": question.kappa_per_m,
        "stages": [_stage_figures(one) for one in chosen.stages],
        "objective_tolerance": config.siting.tolerance if chosen.stages else None,
        "least_share": config.siting.least_share if found.key == "C" else None,
        "backup": config.siting.backup,
        "capacity": config.siting.capacity,
        "group_weights": dict(sorted(config.siting.group_weights.items())),
        "p": config.siting.p if by_number else len(chosen.sites),
        "fixed": len(place.committees) + len(place.sites) - len(candidates),
        "objective": _finite(claim.objective),
        "bound": _finite(claim.bound),
        "lower_bound": _finite(claim.bound),
        "gap": _finite(claim.gap),
        "status": chosen.status,
        "stopped_by": chosen.stopped_by,
        "budget": config.siting.budget,
        "norm_m": question.norm_m,
        "at_least": _counts(question.counts.at_least, found),
        "at_most": _counts(question.counts.at_most, found),
        "moves": [
            {"from": one.moved_from, "to": one.site_id}
            for one in sorted(config.siting.decisions, key=lambda one: one.site_id)
            if one.moved_from is not None
        ],
        "required": sorted(question.required),
        "forbidden": sorted(question.forbidden),
        "candidates": len(candidates),
        "assumed_candidates": int(candidates["assumed"].fillna(value=False).sum()),
    }


def _stage_figures(stage: StageTold) -> dict[str, Any]:
    return {
        "objective": stage.objective,
        "model": stage.model,
        "value": _finite(stage.value),
        "best": _finite(stage.best),
        "bound": _finite(stage.bound),
        "gap": _finite(stage.gap),
        "status": stage.status,
        **stage.basis,
    }


def _counts(counts: Mapping[Hashable, int], found: Answer) -> dict[str, int]:
    """Return the numbers by community that the answer keeps: A goes by estates."""
    return {} if found.key == "A" else {str(one): number for one, number in counts.items()}


def space_figures(rooms: pd.DataFrame) -> dict[str, Any]:
    """Return the floor area that rooms lack by the graded norm; null where no area is known."""
    lacking = rooms["shortfall_m2"].dropna()
    known = len(lacking) > 0
    return {
        "shortfall_m2": math.fsum(lacking) if known else None,
        "rooms_short": int((lacking > 0).sum()) if known else None,
    }


def option_figures(options: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the table of the three answers as the summary holds it."""
    records = options.astype("object").where(options.notna(), None).to_dict("records")
    return [{str(key): _plain(value) for key, value in one.items()} for one in records]


def measure_figures(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any] | None:
    """
    Return the mix of measures as the summary holds it; None where none was asked for.

    Parameters
    ----------
    tables : mapping
        ``measure_plans`` and ``measures``, as in the layers; or nothing.
    """
    if not tables:
        return None
    plans = [one | {"measures": str(one["measures"]).split()}
             for one in option_figures(tables["measure_plans"])]  # fmt: skip
    measures = tables["measures"]
    chosen = pd.DataFrame(measures[measures["in_plan"]])[list(_MEASURE)]
    rows = [one | {"residents": round(one["residents"])} for one in option_figures(chosen)]
    return {"plans": plans, "chosen": rows}


_MEASURE = ("measure_id", "kind", "estate_id", "cost", "alone_walk", "last_walk", "residents")


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _finite(figure: float) -> float | None:
    """Return the figure, null where there is none: JSON knows no infinity."""
    return figure if math.isfinite(figure) else None


def network_figures(network: Network, place: Place) -> dict[str, Any]:
    """Return the size of the walking network and how much of it hangs together."""
    walkable = network.walkable
    length_m = float(walkable["length_m"].sum())
    main_m = float(walkable.loc[walkable["component"] == 0, "length_m"].sum())
    cuts = sum(note.count for note in place.notes if note.code == "osm_ways_cut")
    return {
        "edges": len(network.edges),
        "walkable_edges": len(walkable),
        "nodes": network.node_codes[2],
        "length_m": length_m,
        "components": int(walkable["component"].max()) + 1,
        "main_component_share": main_m / length_m,
        "cuts": cuts,
        "gates": len(place.gates),
    }
