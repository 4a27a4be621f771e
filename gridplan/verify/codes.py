"""Do cells carry codes of the standard's form, and ids that name one object each."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.findings import STANDARD, Checked, Finding, Severity, Tolerances
from gridplan.verify.frames import (
    Flags,
    Floats,
    Places,
    Texts,
    given_of,
    labels,
    missing_columns,
    repeated,
    shapes,
    sound,
    texts,
)
from gridplan.verify.profiles import GB_T_30428, PROFILES, CodeProfile
from gridplan.verify.rules import finding


def check_ids(frame: pd.DataFrame, key: str, *, layer: str, severity: Severity = "hard") -> Checked:
    """Check that the column `key` is there, filled and names each row once."""
    absent = missing_columns(frame, layer, [key], severity=severity)
    if absent:
        return Checked(tuple(absent))
    values = texts(frame, key)
    without = labels(frame, layer)[~given_of(values)]
    return Checked(
        (
            *finding("id_missing", without, layer=layer, severity=severity, detail=key),
            *finding("id_repeated", repeated(values), layer=layer, severity=severity, detail=key),
        )
    )


def check_codes(
    cells: pd.DataFrame,
    *,
    profile: CodeProfile = GB_T_30428,
    ordered: bool = True,
    row_height_m: float | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check the codes of cells: text, of the profile's form, unique, of their community.

    A code begins with its ``community_id`` where that is itself the front of a code;
    a community named otherwise has one front that no other community shares.

    Parameters
    ----------
    cells : DataFrame
        With ``cell_id``; ``community_id`` and ``geometry`` are used where present. Where
        a column ``standard`` names a known standard, the code is held to that one.
    profile : CodeProfile
        The form of all other codes.
    ordered : bool
        Whether to look at the order of numbers, which only a first plan keeps: cells
        that a change adds continue after the largest number.
    row_height_m : float, optional
        Height of the rows in which cells are numbered, between whole multiples of it. Where
        it is not known, numbers are out of order if no height of rows explains them.

    Returns
    -------
    Checked
        Figures: ``codes_out_of_order``, cells to renumber until the order is right.
    """
    present = check_ids(cells, "cell_id", layer="cells")
    if "cell_id" not in cells:
        return present
    findings, astray = list(present.findings), 0
    for own, rows in _by_standard(cells, profile):
        good, found = _formed(rows, own)
        findings += found
        if "community_id" in cells:
            findings += _community_findings(rows[good], own)
        late = _out_of_order(rows[good], own, row_height_m, tolerances) if ordered else []
        findings += finding("code_order", late, layer="cells")
        astray += len(late)
    return Checked(tuple(findings), {"codes_out_of_order": float(astray)})


def _by_standard(
    cells: pd.DataFrame, profile: CodeProfile
) -> Iterator[tuple[CodeProfile, pd.DataFrame]]:
    """Yield the cells by the profile that their column ``standard`` names, else `profile`."""
    if "standard" not in cells:
        yield profile, cells
        return
    told = [PROFILES.get(one or "", profile) for one in texts(cells, "standard")]
    for own in dict.fromkeys(sorted(told, key=lambda one: one.words.en)):
        yield own, cells[np.array([one == own for one in told], dtype=bool)]


def _formed(cells: pd.DataFrame, profile: CodeProfile) -> tuple[Flags, list[Finding]]:
    """Return which codes have the form of the profile, and what is wrong with the others."""
    names, codes = labels(cells, "cells"), texts(cells, "cell_id")
    given = given_of(codes)
    numeric = given & np.array([not isinstance(one, str) for one in cells["cell_id"]], dtype=bool)
    form = re.compile(profile.pattern)
    formed = np.array([one is not None and bool(form.fullmatch(one)) for one in codes], dtype=bool)
    malformed = names[given & ~numeric & ~formed]
    return formed & ~numeric, [
        *finding("code_not_text", names[numeric], layer="cells"),
        *finding("code_malformed", malformed, layer="cells", detail=profile.words),
    ]


def _community_findings(cells: pd.DataFrame, profile: CodeProfile) -> list[Finding]:
    codes, own = texts(cells, "cell_id"), texts(cells, "community_id")
    codes, own = codes[given_of(own)], own[given_of(own)]
    front = np.array([one[: profile.community_length] for one in codes], dtype=object)
    expected = _fronts(own, front, profile)
    wrong = np.array(
        [expected[one] != first for one, first in zip(own, front, strict=True)], dtype=bool
    )
    return finding("code_community", sorted(codes[wrong]), layer="cells")


def _fronts(own: Texts, front: Texts, profile: CodeProfile) -> dict[str, str]:
    counts = Counter(zip(own, front, strict=True))
    # The front that most cells of a community bear is taken; of two communities that
    # claim one front, the one with more cells has it, and the other is in the wrong.
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    expected = {one: one for one in set(own) if _is_front(one, profile)}
    taken = set(expected.values())
    for (community, first), _ in ranked:
        if community not in expected and first not in taken:
            expected[community] = first
            taken.add(first)
    return {one: expected.get(one, "") for one in own}


def _is_front(community: str, profile: CodeProfile) -> bool:
    formed = re.fullmatch(profile.front, community) is not None
    return formed and len(community) == profile.community_length


def _out_of_order(
    cells: pd.DataFrame, profile: CodeProfile, row_height_m: float | None, tolerances: Tolerances
) -> list[str]:
    if "geometry" not in cells:
        return []
    polygons, codes = shapes(cells), texts(cells, "cell_id")
    measured = sound(polygons)
    polygons, codes = polygons[measured], codes[measured]
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    centre = shapely.centroid(polygons[order])
    x, y = shapely.get_x(centre), shapely.get_y(centre)
    front = np.array([one[: profile.community_length] for one in codes], dtype=object)
    astray: list[str] = []
    for one in sorted(set(front)):
        places = np.flatnonzero(front == one)
        own = x[places], y[places]
        if row_height_m is None:
            worst = _misplaced(*own, slack_m=tolerances.contact_m)
        else:
            worst = _out_of_row(*own, height_m=row_height_m, slack_m=tolerances.contact_m)
        astray += codes[places[worst]].tolist()
    return astray


def _misplaced(x: Floats, y: Floats, *, slack_m: float) -> Places:
    """
    Return the fewest points found whose removal leaves the rest in reading order.

    Whatever the height of the rows, a point numbered later never lies both west and
    north of one numbered earlier. Points in most such contradictions go first.
    """
    west = x[:, None] - x[None, :]
    north = y[None, :] - y[:, None]
    clash = np.triu((west >= 0) & (north >= 0) & (np.maximum(west, north) > slack_m), 1)
    clash = clash | clash.T
    degree = clash.sum(axis=1)
    gone: list[int] = []
    while degree.any():
        worst = int(np.argmax(degree))
        gone.append(worst)
        degree = degree - clash[worst]
        degree[worst] = 0
        clash[worst], clash[:, worst] = False, False
    return np.array(gone, dtype=np.intp)


def _out_of_row(x: Floats, y: Floats, *, height_m: float, slack_m: float) -> Places:
    """
    Return the fewest points whose removal leaves the rest in rows, from the west in each.

    They are all but a longest run of points in order. Points on the edge of a row may be
    in either, and are not looked at.
    """
    sure = np.flatnonzero(np.abs(y / height_m - np.round(y / height_m)) * height_m > slack_m)
    row = np.floor(y[sure] / height_m)
    places = list(zip((-row).tolist(), x[sure].round(3).tolist(), strict=True))
    kept = _longest_run(places)
    return np.array([at for n, at in enumerate(sure.tolist()) if n not in kept], dtype=np.intp)


def _longest_run(places: list[tuple[float, float]]) -> set[int]:
    """Return the positions of a longest run of places none of which lies before the last one."""
    ends: list[tuple[float, float]] = []
    last: list[int] = []
    before: list[int] = []
    for number, place in enumerate(places):
        at = bisect_right(ends, place)
        before.append(last[at - 1] if at else -1)
        ends[at : at + 1], last[at : at + 1] = [place], [number]
    run: set[int] = set()
    number = last[-1] if last else -1
    while number >= 0:
        run.add(number)
        number = before[number]
    return run
