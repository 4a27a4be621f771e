"""How many zones there are, and how many each separate piece of land gets."""

from __future__ import annotations

import numpy as np

from gridplan.errors import InfeasibleError, Message, Note
from gridplan.geometry import Floats
from gridplan.zones.contiguity import Ints
from gridplan.zones.options import proposed_k


def number_of_zones(k: int, residents: float, piece: Ints) -> tuple[int, tuple[Note, ...]]:
    """
    Return the number of zones: `k`, or for 0 a proposal that the land allows.

    Parameters
    ----------
    k : int
    residents : float
    piece : array of int, shape (n,)
        The connected piece of land each cell lies in, from 0.

    Raises
    ------
    InfeasibleError
        If `k` is larger than the number of cells or smaller than the number of pieces.
    """
    cells, pieces = len(piece), int(piece.max()) + 1
    if not k:
        proposal = proposed_k(residents)
        possible = min(max(proposal, pieces), cells)
        return possible, () if possible == proposal else (_changed(proposal, possible, pieces),)
    if k > cells:
        raise InfeasibleError(
            Message(
                en=f"{k} zones are asked for, but there are {cells} cells, and a zone has at "
                f"least one. The largest possible number of zones is {cells}.",
                zh=f"要求划分 {k} 个责任区，但只有 {cells} 个单元网格，每区至少一个。"
                f"责任区数量最多为 {cells}。",
            )
        )
    if k < pieces:
        raise InfeasibleError(
            Message(
                en=f"The land is in {pieces} pieces that share no border, the smallest of "
                f"{int(np.bincount(piece).min())} cells; {k} connected zones cannot cover them. "
                f"The smallest possible number of zones is {pieces}.",
                zh=f"范围由 {pieces} 块互不相邻的用地组成，最小的一块有 "
                f"{int(np.bincount(piece).min())} 个单元网格；{k} 个连片责任区无法覆盖。"
                f"责任区数量最少为 {pieces}。",
            )
        )
    return k, ()


def _changed(proposal: int, possible: int, pieces: int) -> Note:
    return Note(
        "zones_proposed",
        possible,
        Message(
            en=f"{proposal} zones would suit the residents; the land ({pieces} separate pieces) "
            f"and its cells make it {possible}.",
            zh=f"按居民数宜设 {proposal} 个责任区；因用地分为 {pieces} 块及网格数量所限，"
            f"改为 {possible} 个。",
        ),
    )


def zones_per_piece(loads: Floats, piece: Ints, k: int) -> Ints:
    """
    Return how many of `k` zones each piece of land gets.

    One each, since a zone is connected; then one after the other to the piece with
    the largest mean load per zone, which keeps the largest mean as small as can be.
    A piece has no more zones than cells.

    Examples
    --------
    >>> zones_per_piece(np.array([50.0, 40.0, 30.0, 1.0]), np.array([0, 0, 0, 1]), 3).tolist()
    [2, 1]
    """
    room = np.bincount(piece)
    total = np.bincount(piece, weights=loads)
    zones = np.ones(len(room), dtype=np.intp)
    for _ in range(k - len(room)):
        zones[np.where(zones < room, total / zones, -1.0).argmax()] += 1
    return zones


def pieces_note(piece: Ints) -> tuple[Note, ...]:
    """Return a note if the land is in several pieces."""
    sizes = np.sort(np.bincount(piece))
    if len(sizes) == 1:
        return ()
    smaller = int(sizes[:-1].sum())
    return (
        Note(
            "zones_in_pieces",
            len(sizes),
            Message(
                en=f"The land is in {len(sizes)} pieces that share no border; each has zones of "
                f"its own. {smaller} cells lie outside the largest piece.",
                zh=f"范围由 {len(sizes)} 块互不相邻的用地组成，各自设区；"
                f"最大一块之外有 {smaller} 个单元网格。",
            ),
        ),
    )
