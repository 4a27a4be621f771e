"""Who is responsible for which class of enforcement in which zone (分类执法)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

DUTY_COLUMNS = ("zone_id", "class", "department", "old_zone_id", "by_default")


def duties(
    successors: pd.DataFrame, classes: Mapping[str, str | None], *, default: str
) -> pd.DataFrame:
    """
    Return the responsible body of each zone and class: exactly one.

    Parameters
    ----------
    successors : DataFrame
        ``zone_id``, ``department``, ``old_zone_id``, as in `gridplan.unify.Unified`.
    classes : mapping of class to department
        None, or a department without zonings, where no department is named.
    default : str
        The body that is responsible where no department claims the class (属地兜底).

    Returns
    -------
    DataFrame
        `DUTY_COLUMNS`: ``old_zone_id`` is the team of the department that carries the zone
        on, null where it has none; ``by_default`` where no department is named.

    Examples
    --------
    >>> carried = pd.DataFrame(
    ...     {"zone_id": ["U01"], "department": ["parks"], "old_zone_id": ["P3"]}
    ... )
    >>> duties(carried, {"trees": "parks", "noise": None}, default="office").to_numpy().tolist()
    [['U01', 'noise', 'office', None, True], ['U01', 'trees', 'parks', 'P3', False]]
    """
    team = {
        (zone, department): old
        for zone, department, old in successors[
            ["zone_id", "department", "old_zone_id"]
        ].itertuples(index=False)
    }
    rows = [
        (zone, one, department or default, team.get((zone, department)), not department)
        for zone in sorted(set(successors["zone_id"]))
        for one, department in sorted(classes.items())
    ]
    table = pd.DataFrame(rows, columns=list(DUTY_COLUMNS), dtype=object)
    return table.astype({"by_default": bool})
