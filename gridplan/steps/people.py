"""Step: what was given for each unit and what became of it; how far figures move."""

from __future__ import annotations

import pandas as pd

from gridplan.access import ALL
from gridplan.demand import demand_variants, placement_table, sensitivity
from gridplan.steps.work import Work

RESIDENTS, WALK = "residents", "committee_m"


def add_people(work: Work) -> None:
    """Compare as given with as placed, and move each per-person figure."""
    work.found["placement"] = _placement(work)
    work.found["sensitivity"] = _sensitivity(work)


def _placement(work: Work) -> pd.DataFrame:
    """Return as given and as placed, of the residents, the register and each group."""
    place, demand = work.place, work.found["demand"]
    figures = ("population", "population_register", *place.groups)
    parts = [placement_table(place, demand, figure=one).assign(figure=one) for one in figures]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    table["as_of"] = table["as_of"].where(table["as_of"].notna(), place.as_of.isoformat())
    first = ["level", "unit_id", "figure"]
    order = table[first[:2]].apply(tuple, axis="columns")
    rank = {unit: place for place, unit in enumerate(sorted(set(order)))}
    ordered = table.iloc[order.map(rank).argsort(kind="stable")]
    return ordered[[*first, *(one for one in table if one not in first)]].reset_index(drop=True)


def _sensitivity(work: Work) -> pd.DataFrame:
    """
    Return how residents and mean walks of each community, and of the place, move.

    The walk of a home does not depend on who lives in it: those measured for the plan are
    weighted anew, and none is measured twice.
    """
    demand = work.found["demand"]
    variants = demand_variants(work.place, options=work.config.demand.options)
    walk_m = demand.set_index("demand_id")["committee_m"]
    parts = []
    for level, by in ((ALL, "everybody"), ("community", "community_id")):
        base, moved = demand, variants
        if level == ALL:
            base = demand.assign(everybody=ALL)
            moved = {name: one.assign(everybody=ALL) for name, one in variants.items()}
        for figure, metres in ((RESIDENTS, None), (WALK, walk_m)):
            found = sensitivity(base, moved, by=by, metres=metres)
            parts.append(
                found.rename_axis("unit_id").reset_index().assign(level=level, what=figure)
            )
    table = pd.concat(parts, ignore_index=True).rename(columns={"what": "figure"})
    columns = ["level", "unit_id", "figure", "base", "low", "high", "spread", "driver"]
    numbers = dict.fromkeys(["base", "low", "high", "spread"], "float64")
    return table[columns].astype(numbers | {"driver": "object"})
