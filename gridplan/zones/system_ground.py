"""The ground of a zone system: cells, units that stay together, pieces of land."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from gridplan.errors import InputError, Message, Note
from gridplan.geometry import Floats
from gridplan.zones.contiguity import Contiguity, Ints
from gridplan.zones.districts_problem import Flags
from gridplan.zones.estates import estate_groups, shared_estates
from gridplan.zones.land import Land, land_of, zone_sums
from gridplan.zones.overland import SMALL, Overland, Water, overland
from gridplan.zones.overland_notes import bridges_note, parted_note
from gridplan.zones.system_bridges import with_used_bridges
from gridplan.zones.system_notes import attached_note, estate_notes, given_note, weight_notes
from gridplan.zones.system_options import SystemOptions
from gridplan.zones.system_rules import SystemRules
from gridplan.zones.units import attached, connected_groups, grouped_land

_HALF = 0.5


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
    beside : Contiguity
        Of the units: borders without a way across.
    body : array of int, shape (units,)
        Community of each unit where zones lie inside communities, else 0: loads are even
        among the zones of one body.
    estates : str or None
        Column of the cells that names their estates.
    divided : tuple of int
        Estates, by their place among the sorted names, that are larger than a zone.
    carried : array of bool or None, shape (n,)
        Cells of open water and empty land that go with what is beside them.
    bridged : frozenset of int
        Pieces of land at water with several bridges: by those that are not used, or over
        water of another zone, more zones could be than are looked for.
    home : array of int, shape (n,)
        Cells of one number may be in one zone, by community and kept zones.
    used : (SystemRules, array of int, array of int) or None
        Rules with the bridges that zones use, cells of water that several cross, and the
        land at all of their bridges.
    """

    cells: Land
    loads: pd.DataFrame
    unit: Ints
    land: Land
    weights: Floats
    piece: Ints
    notes: tuple[Note, ...]
    beside: Contiguity
    body: Ints
    home: Ints
    estates: str | None = None
    divided: tuple[int, ...] = ()
    carried: Flags | None = None
    bridged: frozenset[int] = frozenset()
    used: tuple[SystemRules, Ints, Ints] | None = None

    def neighbours(self) -> list[list[int]]:
        """Return the units beside each unit."""
        near: list[list[int]] = [[] for _ in range(self.land.count)]
        graph = self.land.graph
        for a, b in zip(graph.left.tolist(), graph.right.tolist(), strict=True):
            near[a].append(b)
            near[b].append(a)
        return near


def ground_of(
    own: gpd.GeoDataFrame,
    weights: pd.DataFrame,
    rules: SystemRules,
    options: SystemOptions,
    *,
    counts: Ints | None = None,
    land: Land | None = None,
    used: tuple[SystemRules, Ints, Ints] | None = None,
) -> Ground:
    """
    Return the ground of cells that are sorted by ``cell_uid``, with weights in their order.

    Parameters
    ----------
    own, weights, rules, options
        As in `gridplan.zones.zone_system`.
    counts : array of int, optional
        Zones of each body (`body_of_cells`). Cells of estates that are larger than one of
        these zones are units by themselves then; else they stay together in groups.
    land : Land, optional
        Of the cells, where it is known from another ground.
    used : (SystemRules, array of int, array of int), optional
        As in `Ground`, likewise.
    """
    land = land_of(own, None) if land is None else land
    loads = weights[[name for name in weights if weights[name].any()]]
    if not loads.shape[1]:
        loads = pd.DataFrame({"area_m2": land.area_m2}, index=weights.index)
    land = replace(land, load=loads.iloc[:, 0].to_numpy(dtype=np.float64))
    kept = _kept(own, rules, options)
    _check_rules(rules, len(land.graph.left))
    body = body_of_cells(own, options)
    totals = np.stack([_sums_of(loads[name], body) for name in loads], axis=1)
    zones = _proposed_counts(totals[:, 0], options)
    mean = totals / zones[:, None]
    told = parted_note(own, land.graph, rules.parted)
    if used is None:
        inside = _inside(own, land.graph, options, kept)
        first = replace(options, tolerance=options.share(str(loads.columns[0])))
        labels = [_labels(own, names) for names in (rules.locked, rules.earlier)]
        used = with_used_bridges(
            land, rules, first, body=body, zones=zones, inside=inside, labels=labels
        )
    rules, bridged, met = used
    found = _reached(own, land.graph, (rules, options, kept), loads, body, mean)
    ways = found.ways
    most = upper_sizes(loads, options, body, counts)[body]
    joined = replace(land, graph=_part_of(land.graph, ways))
    group, divided, notes = _groups(own, joined, loads, most, (rules, options, ways),
                                    loose=counts is not None)  # fmt: skip
    group = np.where(kept == "", group, -1)
    unit = connected_groups(group, _part_of(land.graph, ways), found.glued)
    grouped, beside = grouped_land(_felt(land, rules, options), unit, ways)
    values = loads.to_numpy(dtype=np.float64)
    summed = np.stack(
        [np.bincount(unit, weights=one, minlength=grouped.count) for one in values.T], axis=1
    ).astype(np.float64)
    told += bridges_note(own, bridged)
    notes += [*told, *found.notes, *weight_notes(weights)]
    if options.islands == "attach":
        closed = np.isin(np.arange(grouped.count), unit[kept != ""])
        home = body[np.unique(unit, return_index=True)[1]]
        grouped, joints = _with_islands(grouped, closed, home, options)
        notes += attached_note(own, unit, joints)
    piece = grouped.graph.components()
    return Ground(
        cells=land,
        loads=loads,
        unit=unit,
        land=grouped,
        weights=summed,
        piece=piece,
        notes=tuple(notes),
        beside=beside,
        body=body[np.unique(unit, return_index=True)[1]],
        home=_codes(pd.Series(kept).str.cat(body.astype(str), sep=" ")),
        estates=rules.estates,
        divided=divided,
        carried=found.carried,
        used=used,
        bridged=frozenset(piece[unit[met]].tolist()),
    )


def _labels(own: gpd.GeoDataFrame, names: Mapping[str, str]) -> Ints:
    """Return the number of each cell's name, below 0 where it has none."""
    told = own["cell_uid"].map(dict(names))
    numbers: Ints = pd.factorize(told, sort=True)[0].astype(np.intp)
    return numbers


def _felt(land: Land, rules: SystemRules, options: SystemOptions) -> Land:
    """Return land whose borders count as shorter where one can see them on the ground."""
    if rules.on_lines is None or not options.border_weight:
        return land
    graph = land.graph
    less = graph.border_m * rules.on_lines * options.border_weight
    saved = np.bincount(graph.left, weights=less, minlength=land.count)
    saved += np.bincount(graph.right, weights=less, minlength=land.count)
    return replace(
        land,
        perimeter_m=land.perimeter_m - saved,
        graph=replace(graph, border_m=graph.border_m - less),
    )


def body_of_cells(own: gpd.GeoDataFrame, options: SystemOptions) -> Ints:
    """Return the community of each cell where zones lie inside communities, else 0."""
    if options.nest != "inside":
        return np.zeros(len(own), dtype=np.intp)
    return _codes(own["community_id"])


def _kept(own: gpd.GeoDataFrame, rules: SystemRules, options: SystemOptions) -> np.ndarray:
    """Return the kept zone of each cell; empty: none."""
    kept = set(options.kept)
    names = [rules.locked.get(uid, "") for uid in own["cell_uid"]]
    return np.array([one if one in kept else "" for one in names], dtype=object)


def _reached(
    own: gpd.GeoDataFrame,
    graph: Contiguity,
    asked: tuple[SystemRules, SystemOptions, np.ndarray],
    loads: pd.DataFrame,
    body: Ints,
    mean: Floats,
) -> Overland:
    """Return the borders that a zone may reach across."""
    rules, options, kept = asked
    ways = _inside(own, graph, options, kept)
    if rules.parted is None:
        return Overland(ways, np.zeros((2, 0), dtype=np.intp), np.zeros(len(own), dtype=np.bool_))
    anchored = list(rules.anchors.values())
    return overland(
        Water(
            own=own,
            graph=graph,
            base=ways,
            parted=rules.parted,
            loads=loads.to_numpy(dtype=np.float64),
            body=body,
            mean=mean,
            lock=np.array([rules.locked.get(uid, "") for uid in own["cell_uid"]], dtype=object),
            anchors=own["cell_uid"].isin(anchored).to_numpy(dtype=np.intp),
            k=options.k,
            whole=_codes(own["community_id"]) if options.nest == "unions" else None,
        )
    )


def _inside(
    own: gpd.GeoDataFrame, graph: Contiguity, options: SystemOptions, kept: np.ndarray
) -> Flags:
    """Return the borders that a zone may reach across by community and kept zones."""
    ways: Flags = kept[graph.left] == kept[graph.right]
    if options.nest == "inside":
        community = _codes(own["community_id"])
        ways = ways & (community[graph.left] == community[graph.right])
    return ways


def _check_rules(rules: SystemRules, borders: int) -> None:
    told = {"parted": rules.parted, "on_lines": rules.on_lines, "inner_roads": rules.inner_roads}
    for name, one in told.items():
        if one is not None:
            _check_borders(name, len(one), borders)


def _check_borders(name: str, told: int, known: int) -> None:
    """Refuse what tells of other borders than the cells have."""
    if told != known:
        raise InputError(
            Message(
                en=f"`{name}` tells of {told} borders, the cells have {known}. Take it from the "
                f"`rook_graph` of the same cells, sorted by `cell_uid`.",
                zh=f"`{name}` 给出 {told} 段边，而网格有 {known} 段。"
                f"请取自同一批按 `cell_uid` 排序的网格的 `rook_graph`。",
            )
        )


def _codes(names: pd.Series) -> Ints:
    """Return a number for each name, -1 where there is none."""
    return np.asarray(pd.factorize(names, sort=True)[0], dtype=np.intp)


def _groups(
    own: gpd.GeoDataFrame,
    land: Land,
    loads: pd.DataFrame,
    most: Floats,
    asked: tuple[SystemRules, SystemOptions, Flags],
    *,
    loose: bool,
) -> tuple[Ints, tuple[int, ...], list[Note]]:
    """Return which cells stay together (-1: none), the estates that are split, and notes."""
    rules, options, ways = asked
    if options.nest == "unions":
        return _codes(own["community_id"]), (), []
    if rules.estates is None:
        return np.full(len(own), -1, dtype=np.intp), (), []
    values = loads.to_numpy(dtype=np.float64)
    codes = _codes(own[rules.estates])
    found = estate_groups(
        land,
        shared_estates(
            codes,
            _shared(own, rules),
            values,
            most,
            graph=land.graph,
            lock=_labels(own, rules.locked),
        ),
        values,
        most,
        on_road=None if rules.inner_roads is None else rules.inner_roads[ways],
        loose=loose,
    )
    group, divided = _by_lock(own, found.group, rules)
    notes = [*estate_notes(own, rules.estates, loads, found, most), *given_note(divided)]
    return group, found.divided, notes


def _shared(own: gpd.GeoDataFrame, rules: SystemRules) -> dict[int, tuple[int, ...]]:
    """Return the codes of further estates in each cell; those that are the main of none follow."""
    main = {str(one) for one in own[rules.estates].dropna()}
    others = {uid: rules.shared[uid] for uid in own["cell_uid"] if uid in rules.shared}
    names = [*sorted(main), *sorted({one for many in others.values() for one in many} - main)]
    code = {name: at for at, name in enumerate(names)}
    return {
        at: tuple(code[one] for one in others[uid])
        for at, uid in enumerate(own["cell_uid"])
        if uid in others
    }


def _by_lock(
    own: gpd.GeoDataFrame, group: Ints, rules: SystemRules
) -> tuple[Ints, tuple[str, ...]]:
    """Return groups parted where their cells are locked to several zones, and their estates."""
    lock = np.array([rules.locked.get(uid, "") for uid in own["cell_uid"]], dtype=object)
    pairs = pd.DataFrame({"group": group, "lock": lock})
    held = pairs[(pairs["group"] >= 0) & (pairs["lock"] != "")]
    zones = held.groupby("group")["lock"].nunique()
    torn = pairs["group"].isin(zones.index[zones > 1]).to_numpy()
    if not torn.any():
        return group, ()
    parted = group.copy()
    parts = pairs[torn].groupby(["group", "lock"], sort=True).ngroup()
    parted[torn] = int(group.max()) + 1 + parts.to_numpy()
    return parted, tuple(sorted({str(one) for one in own.loc[torn, rules.estates]}))


def upper_sizes(
    loads: pd.DataFrame, options: SystemOptions, body: Ints, counts: Ints | None = None
) -> Floats:
    """
    Return the most that a zone of each body may have of each load, shape (bodies, w).

    Parameters
    ----------
    loads : DataFrame, shape (n, w)
    options : SystemOptions
    body : array of int, shape (n,)
        Of each cell.
    counts : array of int, optional
        Zones of each body; without it as many as the options propose.
    """
    totals = np.stack([_sums_of(loads[name], body) for name in loads], axis=1)
    if counts is None:
        counts = _proposed_counts(totals[:, 0], options)
    share = np.array([options.share(str(name)) for name in loads])
    most = np.asarray(totals / counts[:, None] * (1 + share), dtype=np.float64)
    if options.band is not None:
        most[:, 0] = options.band[1]
    return most


def _sums_of(load: pd.Series[float], body: Ints) -> Floats:
    return zone_sums(np.asarray(load, dtype=np.float64), body, int(body.max()) + 1)


def _proposed_counts(totals: Floats, options: SystemOptions) -> Ints:
    """Return how many zones each body would have by its load alone, one at least."""
    size = options.mean_size
    total = math.fsum(totals)
    mean = sum(size) / 2 if size is not None else total / options.number(total)
    counts = np.floor(totals / mean + _HALF) if mean > 0 else np.ones(len(totals))
    return np.maximum(counts, 1).astype(np.intp)


def _part_of(graph: Contiguity, ways: Flags) -> Contiguity:
    return Contiguity(graph.left[ways], graph.right[ways], graph.border_m[ways], graph.count)


def _with_islands(
    land: Land, closed: Flags, body: Ints, options: SystemOptions
) -> tuple[Land, list[tuple[int, int]]]:
    """Return land whose small pieces are joined to the nearest unit elsewhere in their body."""
    piece = land.graph.components()
    total = math.fsum(land.load)
    mean = total / options.number(total)
    if options.mean_size is not None:
        mean = sum(options.mean_size) / 2
    small = np.bincount(piece, weights=land.load) < SMALL * mean
    small[piece[closed]] = False
    open_land = ~small.copy()
    open_land[piece[closed]] = False
    if not small.any() or not open_land.any():
        return land, []
    graph, joints = attached(land, piece, small=small, host=open_land, body=body)
    return replace(land, graph=graph), joints
