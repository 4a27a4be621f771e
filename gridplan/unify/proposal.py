"""One boundary for all departments: the proposal, and how it compares with adopting theirs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridplan.errors import Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.geometry import GRID_M, Floats, Geometries
from gridplan.unify.checks import check_zonings
from gridplan.unify.claims import NOBODY, Claims, Ints, change_cost, claims_of, successors
from gridplan.unify.disagreement import disagreement, mean_disagreement
from gridplan.unify.options import UnifyOptions
from gridplan.unify.overland import Barred, Floor, over_land, torn_parts
from gridplan.unify.overlay import (
    PROPOSAL,
    Refinement,
    Zoning,
    common_refinement,
    department_zonings,
    residents_in,
)
from gridplan.unify.search import Draft, least_cost, settled
from gridplan.zones.districts_problem import Flags
from gridplan.zones.land import Land, land_of
from gridplan.zones.names import zone_names
from gridplan.zones.overland_notes import across_note

DEFAULT = UnifyOptions()

_GIVEN = "given"
"""How the zones that no department has drawn are called among the starts."""

_WHY_EN = (
    "To mend that would move more than to adopt the zoning of one department, or tear other zones."
)
_WHY_ZH = "若改正，移交量将超过直接采用某一部门的分区，或使其他分区不连片。"

_NAMINGS = 20
"""Turns of naming zones and placing pieces; each moves less than the one before."""
_UNEVEN = 2.0
"""Zones with more than so many times the residents of another are told of."""
_ALIKE = 1e-6

_ROUNDING_M2 = 1.0
"""Less land of a zone beyond the sub-district is rounding, and not told."""
_ROUNDING_RESIDENTS = 0.5
"""All land together counts as so many."""


@dataclass(frozen=True)
class Unified:
    """
    Zones with one boundary for all departments.

    Attributes
    ----------
    zone_of : Series of str, indexed by ``cell_uid`` in the order of the cells
        ``U01`` … in rows from the north, from west to east.
    successors : DataFrame, one row for each new zone and department
        ``zone_id``, ``department``, ``old_zone_id`` (which zone of the department it carries
        on; null: the department has no zone left for it).
    changes : float
        Residents, or m², that change hands, by the weights of the departments. With
        residents, all land together counts as half a resident more.
    bound : float
        Under the same successors at least so much would change hands, whether zones were
        connected and balanced or not.
    adopted : DataFrame, one row for each department
        ``department``, ``changes`` if all took its zoning over as it is drawn (what it
        leaves out or claims twice going where least changes hands), ``changes_by_cells``:
        the same along the cells, in connected zones; ``start``: whether the proposal
        began there.
    disagreement : DataFrame
        As `gridplan.unify.disagreement` gives it, of the zonings as drawn.
    mean_disagreement : float
        0 (all draw the same borders) to 1.
    refinement : Refinement
        Of the departments' zonings, and, last, of the proposal.
    outside : DataFrame
        ``department``, ``zone_id``, ``outside_m2``: what was drawn beyond the sub-district.
    notes : tuple of Note
    across : tuple of str
        Zones that do not hang together over land, where they should; sorted.
    """

    zone_of: pd.Series[str]
    successors: pd.DataFrame
    changes: float
    bound: float
    adopted: pd.DataFrame
    disagreement: pd.DataFrame
    mean_disagreement: float
    refinement: Refinement
    outside: pd.DataFrame
    notes: tuple[Note, ...]
    across: tuple[str, ...] = ()


def propose_zones(
    cells: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    zonings: gpd.GeoDataFrame,
    *,
    given: pd.Series[str] | None = None,
    barred: Barred | None = None,
    outline: shapely.Geometry | None = None,
    options: UnifyOptions = DEFAULT,
) -> Unified:
    r"""
    Propose zones of whole cells under which the least changes hands.

    With a zone :math:`\pi_d(u)` of each department d for each new zone u, one to one, what
    changes hands in a cell c that is put into u is

    .. math::
        \sum_d w_d \left( m_{cd} - m_{cd\,\pi_d(u)} \right)

    for the mass :math:`m_{cd}` of the cell that the department claims and that of it which
    the zone holds. Borders for given names, and names for given borders (an assignment
    problem for each department), are settled in turn, beginning with each department's own
    zoning, so that without a tolerance the result is never worse than any of them along the
    cells; zones stay connected throughout.

    Parameters
    ----------
    cells : GeoDataFrame
        ``cell_uid`` (text, unique) and polygons that tile the sub-district.
    homes : GeoDataFrame
        Points with ``population``; null geometry where a home has no place.
    zonings : GeoDataFrame
        ``department``, ``zone_id`` and polygons, in the CRS of the cells. They may overlap,
        leave gaps, and reach beyond the cells.
    given : Series of str, optional
        Zones of the cells by ``cell_uid`` to begin with besides the departments'.
    barred : Barred, optional
        What parts cells: zones hang together over land. Without it a common border is enough.
    outline : polygon or multipolygon, optional
        The sub-district; without it the land of the cells. A grid of an office's own may
        leave gaps in it: departments' zones there are compared, the proposal has none.
    options : UnifyOptions

    Returns
    -------
    Unified
        The same for any order of the rows.

    Raises
    ------
    CrsError, InputError, SettingsError
        With one message per fault.
    """
    check_zonings(cells, zonings, options)
    order = np.argsort(cells["cell_uid"].to_numpy(dtype=str), kind="stable")
    own = cells.iloc[order]
    shapes = own.geometry.to_numpy()
    ground = shapely.union_all(shapes, grid_size=GRID_M)
    outline = ground if outline is None else outline
    parts, outside = department_zonings(zonings, outline)
    claims = claims_of(shapes, parts, homes, options)
    land = land_of(own, residents_in(shapes, homes))
    piece = land.graph.components()
    starts = {
        one: _largest(held) for one, held in zip(claims.departments, claims.held, strict=True)
    }
    if given is not None:
        starts[_GIVEN] = pd.factorize(given.reindex(own["cell_uid"]), sort=True)[0].astype(np.intp)
    drafts = {name: settled(claims, land, piece, label, options) for name, label in starts.items()}
    best_name = min(drafts, key=lambda name: drafts[name][1].rank)
    best = drafts[best_name][1]

    # Of the departments' lines alone: what they drew does not depend on what is proposed.
    drawn = common_refinement(ground, parts, homes)
    adopted = _adopted(drawn.shapes, parts, claims, drafts, best_name, homes, options)
    if barred is not None:
        # To adopt one zoning is always possible: what moves more is no better than that.
        best = over_land(Floor(claims, land, piece, options), best, barred,
                         lambda: float(adopted["changes"].min()))  # fmt: skip
    names = [f"U{name[1:]}" for name in zone_names(land, best.label, best.k)]
    zone_of = pd.Series(np.array(names, dtype=object)[best.label], index=own["cell_uid"])
    across = (
        [] if barred is None else sorted(names[one] for one in torn_parts(land, barred, best.label))
    )
    refinement = common_refinement(outline, (*parts, _as_zoning(shapes, best.label, names)), homes)
    pairs = disagreement(refinement, parts, mass_of(refinement, options))
    covered = refinement.claims[PROPOSAL].any(axis=1)
    adopted = _adopted(refinement.shapes[covered], parts, claims, drafts, best_name, homes, options)
    return Unified(
        zone_of=zone_of.reindex(cells["cell_uid"]).rename("zone_id"),
        successors=_successor_table(best, names, parts),
        changes=best.cost,
        bound=least_cost(claims, best),
        adopted=adopted,
        disagreement=pairs,
        mean_disagreement=mean_disagreement(pairs),
        refinement=refinement,
        outside=outside,
        notes=(
            *_notes(best, names, outside, land, options),
            *_uneven(best, names, land, options),
            *_above_drawn(best, adopted, options),
            *_price_of_balance(best, adopted, least_cost(claims, best), options),
            *_uncovered(refinement.shapes[~covered]),
            *_said(across),
        ),
        across=tuple(across),
    )


def _uneven(best: Draft, names: list[str], land: Land, options: UnifyOptions) -> list[Note]:
    """Return a note on zones of which some have many times the residents of others, unasked."""
    load = np.bincount(best.label, weights=land.load, minlength=best.k)
    if options.tolerance is not None or load.max() <= _UNEVEN * load.min():
        return []
    least, most = int(load.argmin()), int(load.argmax())
    message = Message(
        en=f"One boundary: no balance was asked of the zones of the proposal, and they have from "
        f"{load[least]:,.0f} residents ({names[least]}) to {load[most]:,.0f} ({names[most]}). "
        f"[unify].tolerance asks for it; more may change hands then.",
        zh=f"边界统一：未要求统一责任区人口均衡，居民数从 {load[least]:,.0f} 人"
        f"（{names[least]}）到 {load[most]:,.0f} 人（{names[most]}）不等。"
        f"可设 [unify].tolerance 要求均衡，移交量可能增加。",
    )
    return [Note("unified_uneven", best.k, message, (names[least], names[most]))]


def _above_drawn(best: Draft, adopted: pd.DataFrame, options: UnifyOptions) -> list[Note]:
    """Return a note on a zoning that moves less than the proposal if it is adopted as drawn."""
    row = adopted.iloc[int(adopted["changes"].to_numpy().argmin())]
    drawn, by_cells = float(row["changes"]), float(row["changes_by_cells"])
    if options.tolerance is not None or not drawn < best.cost - max(
        _ROUNDING_M2, _ALIKE * best.cost
    ):
        return []
    unit_en, unit_zh = ("m²", "平方米") if options.by == "area" else ("residents", "人")
    message = Message(
        en=f"One boundary: to adopt the zoning of {row['department']} as it is drawn would move "
        f"{drawn:,.0f} {unit_en}, the proposal {best.cost:,.0f}: its lines cut cells, or its zones "
        f"do not hang together along cells. Along the cells it would move {by_cells:,.0f}.",
        zh=f"边界统一：直接采用 {row['department']} 的原有分区将移交 {drawn:,.0f} {unit_zh}，"
        f"统一方案为 {best.cost:,.0f} {unit_zh}：其边界切割网格，或其分区沿网格不连片；"
        f"按网格采用则为 {by_cells:,.0f} {unit_zh}。",
    )
    return [Note("unified_above_drawn", 1, message, (str(row["department"]),))]


def _price_of_balance(
    best: Draft, adopted: pd.DataFrame, least: float, options: UnifyOptions
) -> list[Note]:
    """Return a note on what the balance that is asked for moves beyond what moves without it."""
    drawn = float(adopted["changes"].min())
    if options.tolerance is None or not drawn < best.cost:
        return []
    unit_en, unit_zh = ("m²", "平方米") if options.by == "area" else ("residents", "人")
    share = f"±{options.tolerance * 100:g}"
    message = Message(
        en=f"One boundary: the balance asked for ({share} %) has its price: the proposal moves "
        f"{best.cost:,.0f} {unit_en}, {least:,.0f} at least with these successors and without any "
        f"balance, and {drawn:,.0f} if a department's zoning, as uneven as it is drawn, were "
        f"adopted. Zones of even size may have long borders: raise [unify].tolerance, or leave it "
        f"out, for fewer changes and shorter borders.",
        zh=f"边界统一：按要求均衡人口（{share}%）须付出代价：方案移交 {best.cost:,.0f} {unit_zh}；"
        f"同样的承接关系下若不要求均衡，至少移交 {least:,.0f} {unit_zh}；直接采用某一部门"
        f"（不均衡的）原有分区则为 {drawn:,.0f} {unit_zh}。人口均衡的分区边界可能较长："
        f"放宽或不设 [unify].tolerance，可减少移交、缩短边界。",
    )
    return [Note("unified_price_of_balance", 1, message)]


def _uncovered(gaps: Geometries) -> list[Note]:
    """Return a note on land in no cell, which is in no zone of the proposal."""
    places = shapely.get_parts(shapely.union_all(gaps, grid_size=GRID_M))
    area_m2 = float(shapely.area(places).sum())
    if area_m2 <= _ROUNDING_M2:
        return []
    message = Message(
        en=f"One boundary: no cell covers {area_m2:,.2f} m² in "
        f"{counted(len(places), 'place', 'places')}: that land is in no zone for all departments "
        f"and changes hands in no list. Draw cells there, or see [cells].repair.",
        zh=f"边界统一：{len(places)} 处共 {area_m2:,.2f} 平方米无网格覆盖，"
        f"不属任何统一责任区，亦不列入移交；请补画网格，或参见 [cells].repair。",
    )
    return [Note("unified_uncovered", len(places), message)]


def _said(across: list[str]) -> list[Note]:
    """Return a note on zones that do not hang together over land."""
    found = []
    for note in across_note(across):
        en, zh = note.message.en, note.message.zh
        message = Message(en=f"One boundary: {en} {_WHY_EN}", zh=f"边界统一：{zh}{_WHY_ZH}")
        found.append(replace(note, message=message))
    return found


def mass_of(refinement: Refinement, options: UnifyOptions) -> Floats:
    """Return what each piece counts: residents, or m²."""
    return refinement.area_m2 if options.by == "area" else refinement.residents


def _as_zoning(shapes: Geometries, label: Ints, names: list[str]) -> Zoning:
    """Return the proposal as a zoning of its own."""
    order = np.argsort(names)
    merged = [shapely.union_all(shapes[label == zone], grid_size=GRID_M) for zone in order.tolist()]
    return Zoning(
        PROPOSAL, tuple(names[zone] for zone in order.tolist()), np.array(merged, dtype=object)
    )


def _largest(held: Floats) -> Ints:
    """Return the zone that holds most of each cell; `NOBODY` where none does."""
    label: Ints = np.where(held.max(axis=1) > 0, held.argmax(axis=1), NOBODY).astype(np.intp)
    return label


def _successor_table(best: Draft, names: list[str], parts: tuple[Zoning, ...]) -> pd.DataFrame:
    rows = [
        (names[new], zoning.department, None if old == NOBODY else zoning.ids[old])
        for zoning, carried in zip(parts, best.carried, strict=True)
        for new, old in enumerate(carried.tolist())
    ]
    columns = ["zone_id", "department", "old_zone_id"]
    # As objects: a text column would make "none left" a number.
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    return table.sort_values(["zone_id", "department"]).reset_index(drop=True)


def _adopted(
    pieces: Geometries,
    parts: tuple[Zoning, ...],
    claims: Claims,
    drafts: dict[str, tuple[Draft, Draft]],
    best_name: str,
    homes: gpd.GeoDataFrame,
    options: UnifyOptions,
) -> pd.DataFrame:
    """Return what would change hands if all departments took over the zoning of one."""
    exact = claims_of(pieces, parts, homes, options)
    rows = []
    for at, name in enumerate(claims.departments):
        # A piece is in a zone or out of it: less than half of it is the rounding of a border.
        inside = np.asarray(exact.held[at] > exact.claimed[at][:, None] / 2)
        moved = _least_moved(exact, inside)
        rows.append((name, moved, drafts[name][0].cost, name == best_name))
    return pd.DataFrame(rows, columns=["department", "changes", "changes_by_cells", "start"])


def _least_moved(exact: Claims, inside: Flags) -> float:
    """
    Return what changes hands if each piece goes to a zone of a zoning that it is in.

    Pieces in no zone, or in several, go where least changes hands. Names of the zones and
    places of such pieces are settled in turn: names first by what the zones hold, then by all.
    """
    k = inside.shape[1]
    claimed: Flags = np.asarray(inside.any(axis=1))
    allowed = inside | ~claimed[:, None]
    least = math.inf
    for first in (_part_of(exact, claimed), exact):
        label = inside.argmax(axis=1).astype(np.intp)
        carried = successors(first, label[claimed] if first is not exact else label, k)
        best = math.inf
        for _ in range(_NAMINGS):
            cost = np.where(allowed, change_cost(exact, carried), np.inf)
            moved = math.fsum(cost.min(axis=1))
            if not moved < best:
                break
            best = moved
            carried = successors(exact, cost.argmin(axis=1).astype(np.intp), k)
        least = min(least, best)
    return least


def _part_of(claims: Claims, kept: Flags) -> Claims:
    """Return the claims of some units."""
    return replace(
        claims,
        held=tuple(one[kept] for one in claims.held),
        claimed=tuple(one[kept] for one in claims.claimed),
    )


def _notes(
    best: Draft, names: list[str], outside: pd.DataFrame, land: Land, options: UnifyOptions
) -> list[Note]:
    notes = []
    outside = outside[outside["outside_m2"] > _ROUNDING_M2]
    if len(outside):
        zones = [f"{row.department}/{row.zone_id}" for row in outside.itertuples()]
        beyond_m2 = math.fsum(outside["outside_m2"])
        notes.append(
            Note(
                "zonings_outside",
                len(outside),
                Message(
                    en=f"{counted(len(outside), 'zone', 'zones')} of departments "
                    f"{agreed(len(outside), 'reaches', 'reach')} beyond the sub-district, "
                    f"{beyond_m2:,.0f} m² in all, which is left out: {first_ids(zones)}.",
                    zh=f"{len(outside)} 个部门分区超出街道范围，共 {beyond_m2:,.0f} m²，未计入："
                    f"{ids_zh(zones)}。",
                ),
                tuple(zones),
            )
        )
    if best.excess > 0 and options.tolerance is not None:
        load = np.bincount(best.label, weights=land.load, minlength=best.k)
        mean = load.mean()
        worst = int(np.abs(load - mean).argmax())
        notes.append(
            Note(
                "unified_balance",
                int((np.abs(load - mean) > options.tolerance * mean).sum()),
                Message(
                    en=f"The zones of the proposal are not all within ±{options.tolerance:.0%} of "
                    f"the mean of {mean:,.0f} residents: {names[worst]} has {load[worst]:,.0f}.",
                    zh=f"统一方案的责任区未能全部处于每区平均 {mean:,.0f} 人的 "
                    f"±{options.tolerance:.0%} 以内：{names[worst]} 有 {load[worst]:,.0f} 人。",
                ),
                (names[worst],),
            )
        )
    return notes
