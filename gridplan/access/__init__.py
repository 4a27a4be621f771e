"""How far residents walk: to their own committee, to the nearest, to the nearest room."""

from gridplan.access.choose import NO_COMMITTEE, choose_facility, missing_reasons, own_committees
from gridplan.access.figures import access_figures, weighted_quantile
from gridplan.access.walks import (
    Walks,
    committee_walks,
    community_committees,
    measure_walks,
    nearest_columns,
)

__all__ = [
    "NO_COMMITTEE",
    "Walks",
    "access_figures",
    "choose_facility",
    "committee_walks",
    "community_committees",
    "measure_walks",
    "missing_reasons",
    "nearest_columns",
    "own_committees",
    "weighted_quantile",
]
