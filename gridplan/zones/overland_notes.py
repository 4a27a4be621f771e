"""What a planner should know of land that water, railways and motorways part."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np

from gridplan.errors import Message, Note, agreed, counted, first_ids, ids_zh
from gridplan.zones.contiguity import Contiguity, Ints
from gridplan.zones.districts_problem import Flags

Pairs = Sequence[tuple[int, int]]


def _named(own: gpd.GeoDataFrame, pairs: Pairs) -> tuple[str, ...]:
    uid = own["cell_uid"].to_numpy(dtype=str)
    return tuple(f"{uid[a]}/{uid[b]}" for a, b in pairs)


def parted_note(own: gpd.GeoDataFrame, graph: Contiguity, parted: Flags | None) -> tuple[Note, ...]:
    """Return a note on borders that part the cells beside them."""
    if parted is None or not parted.any():
        return ()
    pairs = _named(own, list(zip(graph.left[parted], graph.right[parted], strict=True)))
    message = Message(
        en=f"{counted(len(pairs), 'common border of cells runs', 'common borders of cells run')} "
        f"along water, a railway or a motorway without a crossing; no zone hangs together by "
        f"{agreed(len(pairs), 'it', 'them')}: {first_ids(pairs)}.",
        zh=f"{len(pairs)} 段网格公共边沿水系、铁路或高速公路且无通道，分区不以此相连："
        f"{ids_zh(pairs)}。",
    )
    return (Note("zones_parted", len(pairs), message, pairs),)


def bridges_note(own: gpd.GeoDataFrame, water: Ints) -> tuple[Note, ...]:
    """Return a note on cells of water with several bridges, of which zones use one mostly."""
    if not len(water):
        return ()
    ids = tuple(own["cell_uid"].to_numpy(dtype=str)[water])
    message = Message(
        en=f"{counted(len(ids), 'cell of water has', 'cells of water have')} several bridges far "
        f"apart; a zone reaches across each by one of them, so that no zone lies along the "
        f"water: {first_ids(ids)}.",
        zh=f"{len(ids)} 个水面网格上有多座相距较远的桥，分区只经其中一座跨越，以免沿水面延伸："
        f"{ids_zh(ids)}。",
    )
    return (Note("zones_water_bridges", len(ids), message, ids),)


def carried_note(own: gpd.GeoDataFrame, carried: Flags) -> tuple[Note, ...]:
    """Return a note on cells of open water and empty land."""
    ids = tuple(own["cell_uid"].to_numpy(dtype=str)[carried])
    if not ids:
        return ()
    message = Message(
        en=f"{counted(len(ids), 'cell is', 'cells are')} open water, or empty land without a "
        f"crossing; each goes with the "
        f"zone beside it, and no zone hangs together by {agreed(len(ids), 'it', 'them')}: "
        f"{first_ids(ids)}.",
        zh=f"{len(ids)} 个网格为水面或无通道且几乎无人的用地，随相邻分区，分区不以此相连："
        f"{ids_zh(ids)}。",
    )
    return (Note("zones_water_cells", len(ids), message, ids),)


def joined_note(own: gpd.GeoDataFrame, pairs: Pairs) -> tuple[Note, ...]:
    """Return a note on land without a crossing that is too little for zones of its own."""
    if not pairs:
        return ()
    ids = _named(own, pairs)
    message = Message(
        en=f"{counted(len(ids), 'piece', 'pieces')} of land without a crossing, too little for a "
        f"zone or more than zones are asked for, can only be reached over the water, railway or "
        f"motorway at {first_ids(ids)}. Check whether there is a way that the map lacks.",
        zh=f"{len(ids)} 块用地无通道，又不足单独设区（或多于要求的分区数），"
        f"在 {ids_zh(ids)} 处越过水系、铁路或高速公路相连。请核对是否有图上缺失的通道。",
    )
    return (Note("zones_land_joined", len(ids), message, ids),)


def lock_note(own: gpd.GeoDataFrame, locks: Sequence[tuple[str, Pairs]]) -> tuple[Note, ...]:
    """Return a note on zones whose locked or given cells no way over land joins."""
    if not locks:
        return ()
    told = [f"{name} ({', '.join(_named(own, pairs))})" for name, pairs in locks]
    message = Message(
        en=f"The cells that are locked or given to {counted(len(locks), 'zone', 'zones')} have no "
        f"way over land to each other; "
        f"{agreed(len(locks), 'this zone reaches', 'these zones reach')} "
        f"across at {first_ids(told)}. Unlock the cells on one "
        f"side, "
        f"or check whether there is a way that the map lacks.",
        zh=f"{len(locks)} 个分区的锁定或给定网格之间无陆上通道，分区在 {ids_zh(told)} 处跨越。"
        f"请解除一侧的锁定，或核对是否有图上缺失的通道。",
    )
    return (Note("zones_lock_across", len(locks), message, tuple(name for name, _ in locks)),)


def community_note(own: gpd.GeoDataFrame, whole: Ints, torn: list[int]) -> tuple[Note, ...]:
    """Return a note on communities that stay whole though no way joins their parts."""
    if not torn:
        return ()
    names = own["community_id"].to_numpy(dtype=str)
    ids = tuple(names[int(np.flatnonzero(whole == one)[0])] for one in torn)
    message = Message(
        en=f"{counted(len(ids), 'community is', 'communities are')} parted by water, a railway "
        f"or a motorway without a "
        f"crossing, and kept whole: {first_ids(ids)}. {agreed(len(ids), 'Its', 'Their')} zones "
        f"reach "
        f"across there.",
        zh=f"{len(ids)} 个社区被无通道的水系、铁路或高速公路分开，仍保持完整：{ids_zh(ids)}。"
        f"其所在分区在此跨越。",
    )
    return (Note("zones_community_parted", len(ids), message, ids),)


def across_note(names: list[str]) -> tuple[Note, ...]:
    """Return a note on zones that do not hang together over land."""
    if not names:
        return ()
    message = Message(
        en=f"{counted(len(names), 'zone hangs', 'zones hang')} together only across water, a "
        f"railway or a motorway without a "
        f"crossing: {first_ids(names)}.",
        zh=f"{len(names)} 个分区仅越过无通道的水系、铁路或高速公路相连：{ids_zh(names)}。",
    )
    return (Note("zones_across", len(names), message, tuple(names)),)
