"""Does every cell come from somewhere, with shares that add up, and is no code used twice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import (
    Flags,
    Texts,
    given_of,
    is_in,
    missing_columns,
    numbers,
    texts,
)
from gridplan.verify.rules import finding

KINDS = ("kept", "recoded", "split", "merged", "moved", "new", "left")
"""The closed list of what became of a cell."""

_WITHOUT_PARENT, _WITHOUT_CHILD = "new", "left"
_SHARES = ("area_share", "population_share")
_LAYER = "cell_lineage"


def check_lineage(
    lineage: pd.DataFrame,
    cells: pd.DataFrame,
    retired: pd.DataFrame | None = None,
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check the lineage of cells: known kinds and ends, shares that sum to 1, no cell left out.

    Parameters
    ----------
    lineage : DataFrame
        With ``parent_uid``, ``child_uid``, ``kind``, ``area_share``, ``population_share``;
        the shares of one change (``changed_on``, where present) are summed by parent.
    cells, retired : DataFrame
        With ``cell_uid``; codes of `retired` must not occur among those of `cells`.

    Returns
    -------
    Checked
        Figures: ``lineage_lines``; ``lineage_share_error``, the most that the shares of a
        parent differ from 1.
    """
    retired = pd.DataFrame({"cell_uid": [], "cell_id": []}) if retired is None else retired
    absent = [
        *missing_columns(lineage, _LAYER, ["parent_uid", "child_uid", "kind", *_SHARES]),
        *missing_columns(cells, "cells", ["cell_uid"]),
        *missing_columns(retired, "cells_retired", ["cell_uid"]),
    ]
    if absent:
        return Checked(tuple(absent))
    valid, gone = texts(cells, "cell_uid"), texts(retired, "cell_uid")
    parent, child = texts(lineage, "parent_uid"), texts(lineage, "child_uid")
    known = {*valid, *gone}
    strange = sorted({one for one in (*parent, *child) if one is not None} - known)
    lost = sorted({*valid} - {*child, None}) + sorted({*gone} - {*parent, None})
    shares, error = _share_findings(lineage, parent, tolerances)
    findings = [
        *_kind_findings(lineage, parent, child),
        *finding("lineage_unknown", strange, layer=_LAYER),
        *finding("lineage_incomplete", lost, layer=_LAYER),
        *shares,
        *_reused(cells, retired),
    ]
    figures = {"lineage_lines": float(len(lineage)), "lineage_share_error": error}
    return Checked(tuple(findings), figures)


def _kind_findings(lineage: pd.DataFrame, parent: Texts, child: Texts) -> list[Finding]:
    kinds = texts(lineage, "kind")
    known = is_in(kinds, KINDS)
    orphan, childless = ~given_of(parent), ~given_of(child)
    wrong = known & (
        (orphan != is_in(kinds, [_WITHOUT_PARENT])) | (childless != is_in(kinds, [_WITHOUT_CHILD]))
    )
    names = _names(parent, child)
    return [
        *finding("lineage_kind", names[~known], layer=_LAYER, detail=", ".join(KINDS)),
        *finding("lineage_ends", names[wrong], layer=_LAYER),
    ]


def _names(parent: Texts, child: Texts) -> Texts:
    pairs = zip(parent, child, strict=True)
    return np.array([f"{one or '-'} → {other or '-'}" for one, other in pairs], dtype=object)


def _share_findings(
    lineage: pd.DataFrame, parent: Texts, tolerances: Tolerances
) -> tuple[list[Finding], float]:
    when = texts(lineage, "changed_on") if "changed_on" in lineage else np.full(len(parent), "")
    rows = given_of(parent)
    findings: list[Finding] = []
    largest = 0.0
    for column in _SHARES:
        share = numbers(lineage, column)
        table = pd.DataFrame({"parent": parent, "when": when, "share": share})[rows]
        changes = table.groupby(["parent", "when"], dropna=False)["share"]
        sums, counts = changes.sum(), changes.count()
        # A parent without residents has no shares of them; an area it always has.
        stated = counts.to_numpy() > 0 if column == "population_share" else True
        error = np.where(stated, np.abs(sums.to_numpy() - 1.0), 0.0)
        wrong = error > tolerances.ratio
        beyond = _beyond(table, tolerances)
        parents = sums.index.get_level_values("parent").to_numpy()
        findings += finding(
            "lineage_shares",
            sorted({*parents[wrong], *beyond}),
            layer=_LAYER,
            detail=column,
            amount=float(error[wrong].max(initial=0.0)),
        )
        largest = max(largest, float(error.max(initial=0.0)))
    return findings, largest


def _beyond(table: pd.DataFrame, tolerances: Tolerances) -> list[str]:
    share = table["share"].to_numpy(dtype=np.float64)
    outside: Flags = (share < -tolerances.ratio) | (share > 1 + tolerances.ratio)
    return sorted(set(table["parent"].to_numpy()[outside]))


def _reused(cells: pd.DataFrame, retired: pd.DataFrame) -> list[Finding]:
    if "cell_id" not in cells or "cell_id" not in retired:
        return []
    again = {*texts(cells, "cell_id")} & {*texts(retired, "cell_id")} - {None}
    return finding("code_reused", sorted(str(one) for one in again), layer="cells")
