"""Are zones connected, complete and disjoint, and do they say of themselves what is true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely

from gridplan.verify.contact import components, neighbours, rook, union
from gridplan.verify.findings import STANDARD, Checked, Finding, Tolerances
from gridplan.verify.frames import (
    Flags,
    Texts,
    given_of,
    is_in,
    labels,
    missing_columns,
    numbers,
    shapes,
    sound,
    texts,
)
from gridplan.verify.rules import finding

_KEY = ["zone_system", "zone_id"]
_ONLY_SYSTEM = "main"


def membership(
    cells: pd.DataFrame, cell_zones: pd.DataFrame | None, zones: pd.DataFrame | None
) -> pd.DataFrame | None:
    """
    Return which cell is in which zone, from `cell_zones`, else from ``cells.zone_id``.

    Returns
    -------
    DataFrame with columns ``cell`` (place in `cells`), ``zone_system``, ``zone_id``,
    without repeated rows; None when neither table says.

    Examples
    --------
    >>> cells = pd.DataFrame({"zone_id": ["a", "a", None]})
    >>> membership(cells, None, None).to_numpy().tolist()
    [[0, 'main', 'a'], [1, 'main', 'a']]
    """
    places = np.arange(len(cells))
    if cell_zones is not None and "cell_uid" in cells:
        uids = pd.DataFrame({"cell": places, "cell_uid": texts(cells, "cell_uid")})
        rows = pd.DataFrame({name: texts(cell_zones, name) for name in ["cell_uid", *_KEY]})
        joined = uids.dropna().merge(rows.dropna(), on="cell_uid")[["cell", *_KEY]]
    elif cell_zones is None and "zone_id" in cells:
        own = texts(cells, "zone_id")
        system = _likely_system(own, zones)
        joined = pd.DataFrame({"cell": places, "zone_system": system, "zone_id": own}).dropna()
    else:
        return None
    return joined.drop_duplicates().sort_values(["cell", *_KEY]).reset_index(drop=True)


def _likely_system(own: Texts, zones: pd.DataFrame | None) -> str:
    """Return the system of which `own` names most zones, since no table says."""
    if zones is None or not set(_KEY) <= set(zones):
        return _ONLY_SYSTEM
    systems, ids = texts(zones, "zone_system"), texts(zones, "zone_id")
    named = pd.Series(is_in(ids, own)).groupby(systems).sum()
    return _ONLY_SYSTEM if named.empty else str(named.idxmax())


def in_systems(zones: pd.DataFrame, members: pd.DataFrame) -> Flags:
    """Return which rows of `zones` belong to a system whose cells `members` lists."""
    if "zone_system" not in zones:
        return np.ones(len(zones), dtype=bool)
    return is_in(texts(zones, "zone_system"), set(members["zone_system"]))


def check_complete(
    cells: pd.DataFrame,
    cell_zones: pd.DataFrame | None,
    zones: pd.DataFrame | None,
    *,
    members: pd.DataFrame | None = None,
) -> Checked:
    """
    Check that each cell is in exactly one zone of each system, and in one that exists.

    Parameters
    ----------
    cells : DataFrame
        With ``cell_uid`` where `cell_zones` is given; ``zone_id`` is compared with it.
    cell_zones : DataFrame or None
        With ``cell_uid``, ``zone_system``, ``zone_id``.
    zones : DataFrame or None
        With ``zone_system``, ``zone_id``.
    members : DataFrame, optional
        As `membership` returns it, if already known.
    """
    absent = _absent_columns(cells, cell_zones, zones)
    if members is None and not absent:
        members = membership(cells, cell_zones, zones)
    if absent or members is None:
        return Checked(tuple(absent))
    names = labels(cells, "cells")
    if cell_zones is None and zones is not None:
        zones = zones[in_systems(zones, members)]
    systems = set(members["zone_system"])
    if zones is not None and "zone_system" in zones:
        systems |= set(texts(zones, "zone_system")) - {None}
    findings = [
        *_unknown_cells(cells, cell_zones),
        *_unknown_zones(members, zones),
        *_main_system_findings(cells, cell_zones, members, names),
    ]
    for system in sorted(systems):
        inside = members.loc[members["zone_system"] == system, "cell"].to_numpy()
        times = np.bincount(inside, minlength=len(cells))
        for rule, rows in (("cell_without_zone", times == 0), ("cell_in_two_zones", times > 1)):
            findings += finding(rule, [f"{system}/{one}" for one in names[rows]], layer="cells")
    return Checked(tuple(findings))


def _absent_columns(
    cells: pd.DataFrame, cell_zones: pd.DataFrame | None, zones: pd.DataFrame | None
) -> list[Finding]:
    absent: list[Finding] = []
    if cell_zones is not None:
        absent += missing_columns(cell_zones, "cell_zones", ["cell_uid", *_KEY])
        absent += missing_columns(cells, "cells", ["cell_uid"])
    if zones is not None:
        absent += missing_columns(zones, "zones", _KEY if cell_zones is not None else ["zone_id"])
    return absent


def _unknown_cells(cells: pd.DataFrame, cell_zones: pd.DataFrame | None) -> list[Finding]:
    if cell_zones is None:
        return []
    named = texts(cell_zones, "cell_uid")
    unknown = ~is_in(named, texts(cells, "cell_uid")) | ~given_of(named)
    return finding("cell_unknown", sorted({str(one) for one in named[unknown]}), layer="cell_zones")


def _unknown_zones(members: pd.DataFrame, zones: pd.DataFrame | None) -> list[Finding]:
    if zones is None:
        return []
    drawn = _zone_names(zones, members)
    named = _names(members["zone_system"].to_numpy(), members["zone_id"].to_numpy())
    repeated = sorted(pd.Series(drawn)[pd.Series(drawn).duplicated()].unique().tolist())
    return [
        *finding("zone_unknown", sorted(set(named) - set(drawn)), layer="cell_zones"),
        *finding("zone_empty", sorted(set(drawn) - set(named)), layer="zones"),
        *finding("id_repeated", repeated, layer="zones", detail="zone_id"),
    ]


def _main_system_findings(
    cells: pd.DataFrame, cell_zones: pd.DataFrame | None, members: pd.DataFrame, names: Texts
) -> list[Finding]:
    if cell_zones is None or "zone_id" not in cells or members.empty:
        return []
    own = texts(cells, "zone_id")
    same = members["zone_id"].to_numpy() == own[members["cell"].to_numpy()]
    # Which system `cells.zone_id` repeats is nowhere said: the one it agrees with most.
    agreeing = pd.Series(same).groupby(members["zone_system"].to_numpy()).sum()
    main = members["zone_system"].to_numpy() == agreeing.idxmax()
    listed = np.zeros(len(cells), dtype=bool)
    listed[members["cell"].to_numpy()[main]] = True
    agreed = np.zeros(len(cells), dtype=bool)
    agreed[members["cell"].to_numpy()[main & same]] = True
    return finding("cell_zone_differs", names[listed & ~agreed], layer="cells")


def check_connected(
    cells: pd.DataFrame,
    members: pd.DataFrame,
    *,
    pairs: pd.DataFrame | None = None,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check that each zone is in one piece by rook contiguity: a common corner does not join.

    Parameters
    ----------
    cells : DataFrame
        With a column ``geometry``.
    members : DataFrame
        As `membership` returns it.
    pairs : DataFrame, optional
        As `gridplan.verify.contact.neighbours` returns them, if already measured.

    Returns
    -------
    Checked
        Figures: ``zones_disconnected``, their number over all systems.
    """
    absent = missing_columns(cells, "cells", ["geometry"])
    if absent:
        return Checked(tuple(absent))
    polygons = shapes(cells)
    close = neighbours(polygons, tolerances=tolerances) if pairs is None else pairs
    inner = _pairs_inside_zones(members, close)
    parts = _parts(members, inner[inner["joined"]])
    suspected = inner["zone"].isin(parts.index[parts > 1]).to_numpy()
    if suspected.any():
        # Borders without a common line are measured only where it matters: it costs.
        inner = inner[inner["joined"].to_numpy() | suspected]
        inner = inner[rook(polygons, inner, tolerances=tolerances)]
        parts = _parts(members, inner)
    split = parts[parts > 1]
    ids = sorted(split.index)
    chosen = np.flatnonzero(_names_of(members).isin(ids).to_numpy())
    where = polygons[members["cell"].to_numpy()[chosen]]
    return Checked(
        tuple(
            finding(
                "zone_disconnected",
                [f"{one} ({split[one]})" for one in ids],
                layer="zones",
                where=shapely.GeometryCollection(list(where)),
            )
        ),
        {"zones_disconnected": float(len(ids))},
    )


def _names(systems: Texts, ids: Texts) -> list[str]:
    return [f"{system}/{one}" for system, one in zip(systems, ids, strict=True)]


def _names_of(members: pd.DataFrame) -> pd.Series[str]:
    names = _names(members["zone_system"].to_numpy(), members["zone_id"].to_numpy())
    return pd.Series(names, index=members.index, dtype=object)


def _zone_names(zones: pd.DataFrame, members: pd.DataFrame) -> list[str]:
    ids = texts(zones, "zone_id")
    if "zone_system" in zones:
        return _names(texts(zones, "zone_system"), ids)
    only = members["zone_system"].iloc[0] if len(members) else _ONLY_SYSTEM
    return [f"{only}/{one}" for one in ids]


def _pairs_inside_zones(members: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    node = pd.DataFrame(
        {"cell": members["cell"], "zone": _names_of(members), "node": np.arange(len(members))}
    )
    first = pairs.merge(node, left_on="left", right_on="cell")
    second = first.merge(
        node, left_on=["right", "zone"], right_on=["cell", "zone"], suffixes=("_left", "_right")
    )
    return second[["left", "right", "joined", "zone", "node_left", "node_right"]]


def _parts(members: pd.DataFrame, joined: pd.DataFrame) -> pd.Series[int]:
    root = components(len(members), joined["node_left"].tolist(), joined["node_right"].tolist())
    return pd.Series(root).groupby(_names_of(members).to_numpy()).nunique()


def check_zone_shapes(
    cells: pd.DataFrame,
    zones: pd.DataFrame,
    members: pd.DataFrame,
    *,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check that each zone's shape is the union of its cells.

    Returns
    -------
    Checked
        Figures: ``zones_error_m2``, the area of (zone XOR union of its cells), summed.
    """
    absent = [
        *missing_columns(cells, "cells", ["geometry"]),
        *missing_columns(zones, "zones", ["geometry", "zone_id"]),
    ]
    if absent:
        return Checked(tuple(absent))
    polygons, outlines = shapes(cells), shapes(zones)
    names = np.array(_zone_names(zones, members), dtype=object)
    measurable = sound(polygons)
    inside = members[measurable[members["cell"].to_numpy()]]
    cells_of = inside["cell"].groupby(_names_of(inside).to_numpy()).agg(list)
    tested = np.flatnonzero(is_in(names, cells_of.index) & sound(outlines))
    dissolved = [union(polygons[cells_of[names[one]]]) for one in tested]
    wrong = shapely.symmetric_difference(outlines[tested], np.array(dissolved, dtype=object))
    error_m2 = shapely.area(wrong)
    bad = error_m2 > tolerances.area_m2
    findings = [
        *finding(
            "zone_polygon",
            names[tested[bad]],
            layer="zones",
            amount=float(error_m2[bad].sum()),
            where=shapely.union_all(wrong[bad]),
        ),
    ]
    return Checked(tuple(findings), {"zones_error_m2": float(error_m2.sum())})


def check_zone_sums(
    cells: pd.DataFrame,
    zones: pd.DataFrame,
    members: pd.DataFrame,
    *,
    overlap_m2: float = 0.0,
    tolerances: Tolerances = STANDARD,
) -> Checked:
    """
    Check the counts, areas and residents of zones against their cells, and what they nest in.

    Parameters
    ----------
    overlap_m2 : float
        By how much cells overlap that are known to: a zone counts such land once.

    Returns
    -------
    Checked
        Figures per system: ``zones_balance_max_over_mean/{system}`` and
        ``zones_balance_cv/{system}``, of the residents per zone by their cells; the
        first is 1, the second 0 in perfect balance.
    """
    absent = [
        *missing_columns(zones, "zones", ["zone_id"]),
        *missing_columns(zones, "zones", ["cells", "area_m2", "population"], severity="soft"),
    ]
    if "zone_id" not in zones:
        return Checked(tuple(absent))
    names = np.array(_zone_names(zones, members), dtype=object)
    own = _sums(cells, members)
    # Columns of areas may be rounded, cell by cell.
    counts = own["cells"].reindex(names, fill_value=0.0).to_numpy(dtype=np.float64)
    slack = {
        "cells": np.zeros(len(zones)),
        "area_m2": tolerances.column_m2 * (1 + counts) + overlap_m2,
        "population": np.full(len(zones), tolerances.residents),
    }
    findings = [*absent, *_nesting_findings(cells, zones, members, names)]
    for column in [column for column in slack if column in own and column in zones]:
        expected = own[column].reindex(names, fill_value=0.0).to_numpy(dtype=np.float64)
        error = np.abs(numbers(zones, column) - expected)
        wrong = ~(error <= slack[column])
        worst = float(np.nanmax(error[wrong], initial=0.0)) if wrong.any() else 0.0
        findings += finding("zone_sums", names[wrong], layer="zones", detail=column, amount=worst)
    return Checked(tuple(findings), _balance(own))


def _sums(cells: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    place = members["cell"].to_numpy()
    values = {"cells": np.ones(len(members))}
    if "geometry" in cells:
        values["area_m2"] = shapely.area(shapes(cells))[place]
    if "population" in cells:
        values["population"] = np.nan_to_num(numbers(cells, "population"))[place]
    return pd.DataFrame(values).groupby(_names_of(members).to_numpy()).sum()


def _balance(own: pd.DataFrame) -> dict[str, float]:
    if "population" not in own:
        return {}
    figures: dict[str, float] = {}
    systems = np.array([str(name).split("/", 1)[0] for name in own.index], dtype=object)
    for system in sorted(set(systems)):
        residents = own["population"].to_numpy(dtype=np.float64)[systems == system]
        mean = float(residents.mean())
        if mean > 0:
            figures[f"zones_balance_max_over_mean/{system}"] = float(residents.max()) / mean
            figures[f"zones_balance_cv/{system}"] = float(residents.std()) / mean
    return figures


def _nesting_findings(
    cells: pd.DataFrame, zones: pd.DataFrame, members: pd.DataFrame, names: Texts
) -> list[Finding]:
    findings: list[Finding] = []
    zone_of_row, cell_of_row = _names_of(members).to_numpy(), members["cell"].to_numpy()
    if "parent_zone_id" in zones:
        parent = dict(zip(names, texts(zones, "parent_zone_id"), strict=True))
        stray = _rows_outside_parent(members, [parent.get(one) for one in zone_of_row])
        findings += finding("zone_not_nested", sorted(set(zone_of_row[stray])), layer="zones")
    if "community_id" in zones and "community_id" in cells:
        claimed = dict(zip(names, texts(zones, "community_id"), strict=True))
        own = texts(cells, "community_id")[cell_of_row]
        pairs = zip([claimed.get(one) for one in zone_of_row], own, strict=True)
        stray = np.array([one is not None and one != other for one, other in pairs], dtype=bool)
        findings += finding("zone_community", sorted(set(zone_of_row[stray])), layer="zones")
    return findings


def _rows_outside_parent(members: pd.DataFrame, parents: list[str | None]) -> Flags:
    cell, system = members["cell"].to_numpy(), members["zone_system"].to_numpy()
    homes: dict[tuple[int, str], set[str]] = {}
    for at, one, zone in zip(cell, system, members["zone_id"], strict=True):
        homes.setdefault((int(at), zone), set()).add(one)
    return np.array(
        [
            parent is not None and not homes.get((int(at), parent), set()) - {one}
            for at, one, parent in zip(cell, system, parents, strict=True)
        ],
        dtype=bool,
    )
