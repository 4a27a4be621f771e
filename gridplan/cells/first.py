"""The cells that a search begins with: each group of blocks divided by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.cells.groups import Group, Sizes
from gridplan.cells.halves import Cutter, Ground, connected_labels, divide, divide_all

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class FirstCell:
    """
    A cell to begin with.

    Attributes
    ----------
    atoms : array of int
    realm : int
    target_m2 : float
        Area it should have.
    """

    atoms: Ints
    realm: int
    target_m2: float


def first_cells(
    cutter: Cutter, groups: list[Group], sizes: Sizes, *, whole: frozenset[int]
) -> list[FirstCell]:
    """
    Return the cells that the groups divide into.

    Parameters
    ----------
    whole : frozenset of int
        Realms that are one cell each.
    """
    parts = connected_parts(cutter, groups)
    grounds = [
        Ground(own, 1 if group.realm in whole else _count(cutter, own, group.target_m2),
               group.target_m2)
        for group, own in parts
    ]  # fmt: skip
    found = []
    for (group, own), divided in zip(parts, divide_all(cutter, grounds), strict=True):
        if group.realm in whole:
            # What must stay whole has the area it should have.
            found.append(FirstCell(own, group.realm, float(cutter.atoms.area_m2[own].sum())))
            continue
        for part in divided:
            found += _settled(cutter, FirstCell(part, group.realm, group.target_m2), sizes)
    return found


def _settled(cutter: Cutter, cell: FirstCell, sizes: Sizes) -> list[FirstCell]:
    """Return a cell, or, if it is one of open land that holds buildings, what it divides into."""
    atoms, own = cutter.atoms, cell.atoms
    built = atoms.built_m2[own].sum() >= sizes.open_share * atoms.area_m2[own].sum()
    if cell.target_m2 == sizes.built_m2 or not built:
        return [cell]
    again = Ground(own, _count(cutter, own, sizes.built_m2), sizes.built_m2)
    return [FirstCell(part, cell.realm, sizes.built_m2) for part in divide(cutter, again)]


def connected_parts(cutter: Cutter, groups: list[Group]) -> list[tuple[Group, Ints]]:
    """Return the connected parts of the groups."""
    own = np.concatenate([np.array(group.atoms, dtype=np.intp) for group in groups])
    group_of = np.repeat(np.arange(len(groups)), [len(group.atoms) for group in groups])
    left, right, _ = cutter.inner_borders(own, group_of)
    label = connected_labels(np.ones(len(own), dtype=bool), left, right)
    order = np.argsort(label, kind="stable")
    ends = np.flatnonzero(np.diff(label[order])) + 1
    parts = sorted(np.split(order, ends), key=lambda part: int(part[0]))
    return [(groups[group_of[part[0]]], own[part]) for part in parts]


def _count(cutter: Cutter, own: Ints, target_m2: float) -> int:
    return cutter.score.count(float(cutter.atoms.area_m2[own].sum()) / target_m2)
