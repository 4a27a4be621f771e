"""How far residents walk: to their own committee, to the nearest, to the nearest room."""

from gridplan.access.added import AddedLinks, added_links
from gridplan.access.areas import AreaOptions, reached_streets, service_area
from gridplan.access.capacity import catchment_tables
from gridplan.access.catchment import FloatingCatchment, two_step_catchment
from gridplan.access.choose import (
    NO_COMMITTEE,
    barred_note,
    choose_facility,
    missing_reasons,
    own_committees,
)
from gridplan.access.doubts import link_words, links_layer
from gridplan.access.equity import gini, kolm_pollak_ede
from gridplan.access.facilities import (
    WalkingSpeeds,
    least_over_points,
    nearest_facilities,
    step_free,
    walking_minutes,
    walks_by_kind,
)
from gridplan.access.figures import access_figures, weighted_quantile
from gridplan.access.kinds import (
    facility_walks,
    kind_bases,
    nearest_by_kind,
    service_points,
)
from gridplan.access.links import LinkGain, link_gain
from gridplan.access.measures import (
    AccessOptions,
    basis_of,
    equity_figures,
    least_of,
    minutes_figures,
)
from gridplan.access.missing import Terrain, Walkers, measure_links, ways_to_links
from gridplan.access.new_links import ShortcutOptions, shortcuts
from gridplan.access.routes import Ends, Route, walk_routes
from gridplan.access.service_areas import Served, Streets, service_areas
from gridplan.access.straight import detour_ratios, straight_distances
from gridplan.access.units import ALL, Basis, access_by_unit, minutes_by_unit
from gridplan.access.walks import (
    Walks,
    committee_walks,
    community_committees,
    measure_walks,
    nearest_columns,
    step_free_committee_walks,
)
from gridplan.access.wall_range import wall_range_columns
from gridplan.access.worst import Surroundings, farthest_places, reason_of_walk, walks_layer

__all__ = [
    "ALL",
    "NO_COMMITTEE",
    "AccessOptions",
    "AddedLinks",
    "AreaOptions",
    "Basis",
    "Ends",
    "FloatingCatchment",
    "LinkGain",
    "Route",
    "Served",
    "ShortcutOptions",
    "Streets",
    "Surroundings",
    "Terrain",
    "Walkers",
    "WalkingSpeeds",
    "Walks",
    "access_by_unit",
    "access_figures",
    "added_links",
    "barred_note",
    "basis_of",
    "catchment_tables",
    "choose_facility",
    "committee_walks",
    "community_committees",
    "detour_ratios",
    "equity_figures",
    "facility_walks",
    "farthest_places",
    "gini",
    "kind_bases",
    "kolm_pollak_ede",
    "least_of",
    "least_over_points",
    "link_gain",
    "link_words",
    "links_layer",
    "measure_links",
    "measure_walks",
    "minutes_by_unit",
    "minutes_figures",
    "missing_reasons",
    "nearest_by_kind",
    "nearest_columns",
    "nearest_facilities",
    "own_committees",
    "reached_streets",
    "reason_of_walk",
    "service_area",
    "service_areas",
    "service_points",
    "shortcuts",
    "step_free",
    "step_free_committee_walks",
    "straight_distances",
    "two_step_catchment",
    "walk_routes",
    "walking_minutes",
    "walks_by_kind",
    "walks_layer",
    "wall_range_columns",
    "ways_to_links",
    "weighted_quantile",
]
