"""The ground of a zone system: cells, units that stay together, pieces of land."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.errors import InputError, Message, Note
from gridplan.geometry import Floats
from gridplan.zones.contiguity import Contiguity, Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.land import Land, land_of
from gridplan.zones.system_notes import attached_note, estates_note, parted_note, weight_notes
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemRules
from gridplan.zones.units import attached, connected_groups, grouped_land

_SMALL = 0.5
"""Land with less than this share of a mean zone is an island that may be attached."""


@dataclass(frozen=True, slots=True)
class Ground:
    """
    The cells, sorted by ``cell_uid``, and the units zones are made of.

    Attributes
    ----------
    cells : Land
        With all borders.
    loads : DataFrame, shape (n, w)
        The weights that are not all 0; the area where none is left.
    unit : array of int, shape (n,)
        Unit of each cell.
    land : Land
        Of the units; its graph joins those that one zone may hold.
    weights : array of float, shape (units, w)
    piece : array of int, shape (units,)
        Connected piece of land of each unit.
    notes : tuple of Note
    """

    cells: Land
    loads: pd.DataFrame
    unit: Ints
    land: Land
    weights: Floats
    piece: Ints
    notes: tuple[Note, ...]

    def neighbours(self) -> list[list[int]]:
        """Return the units beside each unit."""
        near: list[list[int]] = [[] for _ in range(self.land.count)]
        graph = self.land.graph
        for a, b in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
            near[a].append(b)
            near[b].append(a)
        return near


def ground_of(
    own: gpd.GeoDataFrame, weights: pd.DataFrame, rules: SystemRules, options: SystemOptions
) -> Ground:
    """Return the ground of cells that are sorted by ``cell_uid``, with weights in their order."""
    land = land_of(own, None)
    loads = weights[[name for name in weights if weights[name].any()]]
    if not loads.shape[1]:
        loads = pd.DataFrame({"area_m2": land.area_m2}, index=weights.index)
    land = replace(land, load=loads.iloc[:, 0].to_numpy(dtype=np.float64))
    kept = _kept(own, rules, options)
    ways = _ways(own, land.graph, rules, options, kept)
    group, notes = _groups(own, loads, rules, options)
    group = np.where(kept == "", group, -1)
    unit = connected_groups(group, _part_of(land.graph, ways))
    grouped = grouped_land(land, unit, ways)
    values = loads.to_numpy(dtype=np.float64)
    summed = np.stack(
        [np.bincount(unit, weights=one, minlength=grouped.count) for one in values.T], axis=1
    ).astype(np.float64)
    notes += [*parted_note(own, land.graph, rules.parted), *weight_notes(weights)]
    if options.islands == "attach":
        closed = np.isin(np.arange(grouped.count), unit[kept != ""])
        grouped, joints = _with_islands(grouped, closed, options)
        notes += attached_note(own, unit, joints)
    return Ground(
        cells=land,
        loads=loads,
        unit=unit,
        land=grouped,
        weights=summed,
        piece=grouped.graph.components(),
        notes=tuple(notes),
    )


def _kept(own: gpd.GeoDataFrame, rules: SystemRules, options: SystemOptions) -> np.ndarray:
    """Return the kept zone of each cell; empty: none."""
    kept = set(options.kept)
    names = [rules.locked.get(uid, "") for uid in own["cell_uid"]]
    return np.array([one if one in kept else "" for one in names], dtype=object)


def _ways(
    own: gpd.GeoDataFrame,
    graph: Contiguity,
    rules: SystemRules,
    options: SystemOptions,
    kept: np.ndarray,
) -> Flags:
    """Return the borders that a zone may reach across."""
    ways: Flags = kept[graph.left] == kept[graph.right]
    if rules.parted is not None:
        if len(rules.parted) != len(ways):
            raise InputError(
                Message(
                    en=f"`parted` tells of {len(rules.parted)} borders, the cells have "
                    f"{len(ways)}. Take it from the `rook_graph` of the same cells, sorted by "
                    f"`cell_uid`.",
                    zh=f"`parted` 给出 {len(rules.parted)} 段边，而网格有 {len(ways)} 段。"
                    f"请取自同一批按 `cell_uid` 排序的网格的 `rook_graph`。",
                )
            )
        ways = ways & ~rules.parted
    if options.nest == "inside":
        community = _codes(own["community_id"])
        ways = ways & (community[graph.left] == community[graph.right])
    return ways


def _codes(names: pd.Series) -> Ints:
    """Return a number for each name, -1 where there is none."""
    return np.asarray(pd.factorize(names, sort=True)[0], dtype=np.intp)


def _groups(
    own: gpd.GeoDataFrame, loads: pd.DataFrame, rules: SystemRules, options: SystemOptions
) -> tuple[Ints, list[Note]]:
    """Return which cells stay together, by number; -1: a cell by itself."""
    if options.nest == "unions":
        return _codes(own["community_id"]), []
    if rules.estates is None:
        return np.full(len(own), -1, dtype=np.intp), []
    estate = _codes(own[rules.estates])
    divided = np.isin(estate, _too_large(estate, loads, options)) & (estate >= 0)
    return np.where(divided, -1, estate), list(estates_note(own[rules.estates], divided))


def _too_large(estate: Ints, loads: pd.DataFrame, options: SystemOptions) -> list[int]:
    """Return the estates that alone have more than a zone may."""
    inside = estate >= 0
    if not inside.any():
        return []
    large: set[int] = set()
    for at, name in enumerate(loads):
        value = loads[name].to_numpy(dtype=np.float64)
        total = math.fsum(value)
        if at == 0 and options.band is not None:
            most = options.band[1]
        elif at == 0 or options.k or options.proposed:
            k = options.number(total)
            most = total / k * (1 + options.tolerances.get(str(name), options.tolerance))
        else:
            continue
        sums = np.bincount(estate[inside], weights=value[inside])
        large |= set(np.flatnonzero(sums > most).tolist())
    return sorted(large)


def _part_of(graph: Contiguity, ways: Flags) -> Contiguity:
    return Contiguity(graph.left[ways], graph.right[ways], graph.border_m[ways], graph.count)


def _with_islands(
    land: Land, closed: Flags, options: SystemOptions
) -> tuple[Land, list[tuple[int, int]]]:
    """Return land whose small pieces are joined to the nearest unit elsewhere."""
    piece = land.graph.components()
    total = math.fsum(land.load)
    mean = total / options.number(total)
    if options.band is not None:
        mean = sum(options.band) / 2
    small = np.bincount(piece, weights=land.load) < _SMALL * mean
    small[piece[closed]] = False
    open_land = ~small.copy()
    open_land[piece[closed]] = False
    if not small.any() or not open_land.any():
        return land, []
    graph, joints = attached(land, piece, small=small, host=open_land)
    return replace(land, graph=graph), joints
