"""Where activity rooms go: the answers side by side, their reasons, prices, staff, frontier."""

from gridplan.rooms.answers import (
    KEYS,
    Answer,
    Asked,
    Estates,
    answer,
    estates_table,
    options_table,
)
from gridplan.rooms.bought_phases import phase_notes
from gridplan.rooms.budget import (
    nothing_bought_note,
    overridden_note,
    priced_sites,
    unpriced_note,
    within_budget,
)
from gridplan.rooms.communities import community_change
from gridplan.rooms.counts import RoomCounts, check_counts, room_counts
from gridplan.rooms.estates import EstatePlan, Sharing, rooms_by_estate
from gridplan.rooms.fewest import Chosen, StageTold, claim_of, fewest_rooms
from gridplan.rooms.frontier import Extent, frontier_table, knee
from gridplan.rooms.full_rooms import limit_notes
from gridplan.rooms.further_links import best_linked_mix
from gridplan.rooms.least_share import check_least_share
from gridplan.rooms.left import left_behind, nobody_near_notes
from gridplan.rooms.link_tolls import LinkedMix
from gridplan.rooms.measures import Mix, MixQuestion, best_mix, mix_value, rooms_alone
from gridplan.rooms.mixing import (
    BEYOND_LIMIT,
    NO_COST,
    LinkPrices,
    Named,
    reasons_out,
    with_service_points,
)
from gridplan.rooms.objectives import MAXIMISED, MODELS, Objective, rooms_for
from gridplan.rooms.phases import Phasing, building_order, in_phases
from gridplan.rooms.planning_weights import check_groups, planning_weights
from gridplan.rooms.prices import Decision, decisions_table
from gridplan.rooms.question import RoomQuestion, Walks, check_decisions, make_question, walks_to
from gridplan.rooms.reason_notes import GIVEN_ANEW, reason_notes
from gridplan.rooms.reasons import group_reasons, of_proven_plan, room_reasons, with_committees
from gridplan.rooms.several import TwoAims, Wanted, several_rooms, trade_off
from gridplan.rooms.space import Space, room_space
from gridplan.rooms.staffing import StaffNorm, staffing_table
from gridplan.rooms.worth import OBJECTIVE_OF, Worth

__all__ = [
    "BEYOND_LIMIT",
    "GIVEN_ANEW",
    "KEYS",
    "MAXIMISED",
    "MODELS",
    "NO_COST",
    "OBJECTIVE_OF",
    "Answer",
    "Asked",
    "Chosen",
    "Decision",
    "EstatePlan",
    "Estates",
    "Extent",
    "LinkPrices",
    "LinkedMix",
    "Mix",
    "MixQuestion",
    "Named",
    "Objective",
    "Phasing",
    "RoomCounts",
    "RoomQuestion",
    "Sharing",
    "Space",
    "StaffNorm",
    "StageTold",
    "TwoAims",
    "Walks",
    "Wanted",
    "Worth",
    "answer",
    "best_linked_mix",
    "best_mix",
    "building_order",
    "check_counts",
    "check_decisions",
    "check_groups",
    "check_least_share",
    "claim_of",
    "community_change",
    "decisions_table",
    "estates_table",
    "fewest_rooms",
    "frontier_table",
    "group_reasons",
    "in_phases",
    "knee",
    "left_behind",
    "limit_notes",
    "make_question",
    "mix_value",
    "nobody_near_notes",
    "nothing_bought_note",
    "of_proven_plan",
    "options_table",
    "overridden_note",
    "phase_notes",
    "planning_weights",
    "priced_sites",
    "reason_notes",
    "reasons_out",
    "room_counts",
    "room_reasons",
    "room_space",
    "rooms_alone",
    "rooms_by_estate",
    "rooms_for",
    "several_rooms",
    "staffing_table",
    "trade_off",
    "unpriced_note",
    "walks_to",
    "with_committees",
    "with_service_points",
    "within_budget",
]
