"""What a zone system has to respect beside its loads, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from gridplan.errors import Note
from gridplan.geometry import Floats
from gridplan.zones.bridges import Bridges
from gridplan.zones.districts_problem import Flags


@dataclass(frozen=True, slots=True)
class SystemRules:
    """
    What a zone system has to respect beside its loads.

    Attributes
    ----------
    anchors : mapping of anchor to ``cell_uid``
        Committees and the cell of each: no zone holds two of them.
    locked : mapping of ``cell_uid`` to zone name
        Cells that belong to a named zone; cells with one name are in one zone, those
        with different names in different ones.
    estates : str or None
        Column of the cells that names the estate of each; cells of one estate stay
        together. Null: of no estate. An estate that alone is more than a zone may have is
        split along its inner roads; one with cells locked to several zones is divided there.
    shared : mapping of ``cell_uid`` to estates
        Further estates with buildings in a cell, those with most residents first: they stay
        together with it as far as a zone may have both.
    parted : array of bool or None, shape (m,)
        Which borders of `gridplan.zones.rook_graph` of the cells, sorted by ``cell_uid``,
        no zone hangs together by; see `gridplan.zones.uncrossed_borders`. Land that these
        cut off and that is too little for a zone goes with what is beside it.
    bridges : Bridges or None
        Crossings of cells of water that have several: each joins the land beside it, and
        nobody walks along the water. Without `parted` they say nothing.
    earlier : mapping of ``cell_uid`` to zone name
        Zones of an earlier plan: of several bridges over one cell of water those within
        one of these are used first.
    inner_roads : array of float or None, shape (m,)
        Share of each of these borders that runs along an inner road of an estate; see
        `gridplan.zones.inner_road_shares`. Null: estates are split along borders of cells.
    on_lines : array of float or None, shape (m,)
        Share of each of these borders that one can see on the ground, along a street or
        water; see `gridplan.zones.border_line_shares`.
    """

    anchors: Mapping[str, str] = field(default_factory=dict)
    locked: Mapping[str, str] = field(default_factory=dict)
    estates: str | None = None
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parted: Flags | None = None
    bridges: Bridges | None = None
    earlier: Mapping[str, str] = field(default_factory=dict)
    inner_roads: Floats | None = None
    on_lines: Floats | None = None


@dataclass(frozen=True)
class SystemPlan:
    """
    A zone system, and how well it meets what was asked.

    Attributes
    ----------
    zone_of : Series of str, indexed by ``cell_uid`` in the order of the cells
        ``zone_id``: the locked name, else ``Z01`` … in rows from the north.
    balance : DataFrame indexed by ``zone_id``
        ``cells``, ``area_m2``, ``compactness`` (isoperimetric quotient), ``anchor`` and
        ``community_id`` (null: none, or several), and for each weight its sum and
        ``<weight>_deviation_share`` (sum over the mean of all zones, less 1),
        ``<weight>_least`` and ``<weight>_most`` (what is allowed).
    k : int
        Number of zones.
    work : int
        Moves proposed.
    targets_missed : tuple of Note
        Per weight: which zones are beyond what is allowed, which binds, and why.
    notes : tuple of Note
        What else the planner should know.
    exceptions : DataFrame
        Zones beyond the most that is allowed because of one thing that nothing divides:
        ``zone_id``, ``weight``, ``cell_uid`` (its first cell), ``cells`` (how many stay
        together), ``estate_id`` (null: none), ``load``, ``most``, ``zone_load``; sorted.
    stopped_by : {None, "time", "interrupt"}
        What ended the search before its work was done.
    across : tuple of str
        Zones that hang together only across borders that part (`SystemRules.parted`).
    proven : int
        So many zones must be beyond what is allowed of the first weight; 0: none, or not known.
    cut_off : tuple of str
        Zones on land without a way to the rest that no number of zones divides evenly.
    """

    zone_of: pd.Series[str]
    balance: pd.DataFrame
    k: int
    work: int
    targets_missed: tuple[Note, ...] = ()
    notes: tuple[Note, ...] = ()
    exceptions: pd.DataFrame = field(default_factory=pd.DataFrame)
    stopped_by: str | None = None
    across: tuple[str, ...] = ()
    proven: int = 0
    cut_off: tuple[str, ...] = ()
