"""What one walks to with the plan: the nearest place, or the one that residents are given."""

from __future__ import annotations

from gridplan.errors import Message
from gridplan.plan import Plan

PLACE = Message(en="committee or activity room", zh="居委会或活动室")
"""A committee, or an activity room, existing or new."""

GIVEN = Message(
    en="committee or room given (floor area is a limit)", zh="所分配的居委会或活动室（计容量）"
)
"""The same where floor area is a hard limit: not always the nearest."""


def is_given(plan: Plan) -> bool:
    """Return whether residents are given a place, floor area being a hard limit."""
    return bool(plan.summary.get("access_assigned"))


def goal(plan: Plan) -> Message:
    """Return what residents walk to with the plan."""
    return GIVEN if is_given(plan) else PLACE


def nearest_goal(plan: Plan) -> Message:
    """Return the same with the word that it is the nearest, where it is."""
    return GIVEN if is_given(plan) else Message(en=f"nearest {PLACE.en}", zh=f"最近的{PLACE.zh}")


def short_goal(plan: Plan) -> Message:
    """Return the end of a sentence on how many live within a distance of a place."""
    if is_given(plan):
        return Message(
            en="of the committee or room that they are given, floor area being a limit",
            zh="可到所分配的居委会或活动室（面积为硬性容量）",
        )
    return Message(en="of a committee or room", zh="可到居委会或活动室")
