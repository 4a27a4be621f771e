"""Cells improved atom by atom, and pair by pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from gridplan.cells.balance import Score
from gridplan.cells.divisions import Way, ways_to_divide
from gridplan.cells.first import first_cells
from gridplan.cells.groups import Group, Sizes
from gridplan.cells.halves import Cutter, Ground, divide

Ints = npt.NDArray[np.intp]
Near = list[list[tuple[int, float, float]]]

_SCRAP = 0.4
"""A cell below this share of its target may join another realm."""

_LIKELY = 5
"""Of the neighbours of a cell, so many are tried."""

_IN_THREES, _BESIDE = 0.3, 4
"""A cell that costs more than the first is also tried with two of its likeliest neighbours at
once, of so many."""

_WORTHWHILE = 0.01
"""Least gain for which cells are divided anew."""

_GAIN = 1e-6
_PASSES = 12
_ROUNDS = 6


@dataclass
class Cells:
    """
    Cells while they are improved.

    Attributes
    ----------
    of_atom : list of int
        Cell of each atom.
    members : list of set of int
        Atoms of each cell; empty where a cell was dissolved.
    area, perimeter, components, target : list of float
    realm : list of int
    """

    of_atom: list[int]
    members: list[set[int]] = field(default_factory=list)
    area: list[float] = field(default_factory=list)
    perimeter: list[float] = field(default_factory=list)
    components: list[float] = field(default_factory=list)
    target: list[float] = field(default_factory=list)
    realm: list[int] = field(default_factory=list)


class Search:
    """
    Local search for the least cost.

    Parameters
    ----------
    cutter : Cutter
    near : list of list of (int, float, float)
        As `gridplan.cells.groups.adjacency_lists` returns them.
    rim : list of float
        Length of each atom's border with what lies outside the community.
    fixed : set of int
        Cells that must stay as they are: walled estates kept whole.
    """

    def __init__(self, cutter: Cutter, near: Near, score: Score) -> None:
        self.cutter, self.near, self.score = cutter, near, score
        self.size: list[float] = cutter.atoms.area_m2.tolist()
        self.components: list[float] = cutter.atoms.components.tolist()
        self.rim: list[float] = cutter.atoms.rim_m.tolist()
        self.outline = [
            self.rim[a] + sum(length for _, length, _ in own) for a, own in enumerate(near)
        ]
        self.cells = Cells(of_atom=[-1] * len(self.size))
        self._seen: dict[int, tuple[tuple[int, int], ...]] = {}
        self._costs: dict[int, float] = {}
        self._beside: dict[int, dict[int, tuple[float, float]]] = {}
        self._counts: dict[float, int] = {}
        self._changed: set[int] = set()
        self._own: dict[int, Ints] = {}
        self._version: dict[int, int] = {}
        self._divided: dict[tuple[tuple[int, int], ...], list[Way]] = {}

    def add(self, own: Iterable[int], *, realm: int, target_m2: float) -> int:
        """Add a cell of these atoms and return its number."""
        cells, members = self.cells, set(own)
        number = len(cells.members)
        cells.members.append(members)
        area, perimeter, components = self._measure(members)
        cells.area.append(area)
        cells.perimeter.append(perimeter)
        cells.components.append(components)
        cells.target.append(target_m2)
        cells.realm.append(realm)
        for atom in members:
            cells.of_atom[atom] = number
        self._forget(number, members)
        return number

    def _measure(self, members: set[int]) -> tuple[float, float, float]:
        area = perimeter = components = 0.0
        for atom in sorted(members):
            area += self.size[atom]
            components += self.components[atom]
            perimeter += self.outline[atom]
            for other, length, _ in self.near[atom]:
                if other in members:
                    perimeter -= length
        return area, perimeter, components

    def cost(self, cell: int) -> float:
        """Return the cost of a cell by itself."""
        known = self._costs.get(cell)
        if known is None:
            cells = self.cells
            known = self.score.cell(
                cells.area[cell],
                cells.perimeter[cell],
                cells.target[cell],
                cells.components[cell],
            )
            self._costs[cell] = known
        return known

    # ---- single atoms ----

    def improve(self, passes: int = _PASSES) -> int:
        """Move atoms to neighbouring cells while that lowers the cost; return the moves."""
        cells, of_atom, moves = self.cells, self.cells.of_atom, 0
        wake = [True] * len(cells.members)
        for _ in range(passes):
            awake, wake = wake, [False] * len(cells.members)
            moved = 0
            for atom in range(len(self.size)):
                here = cells.of_atom[atom]
                for other, _, _ in self.near[atom]:
                    if awake[of_atom[other]]:
                        break
                else:
                    continue
                there = self._best_move(atom)
                if there is not None:
                    self._move(atom, there)
                    wake[here] = wake[there] = True
                    awake[here] = awake[there] = True
                    moved += 1
            moves += moved
            if not moved:
                break
        return moves

    def _best_move(self, atom: int) -> int | None:
        cells, of_atom = self.cells, self.cells.of_atom
        here = of_atom[atom]
        met: dict[int, list[float]] = {}
        for other, length, cut in self.near[atom]:
            sums = met.setdefault(of_atom[other], [0.0, 0.0])
            sums[0] += length
            sums[1] += cut
        if len(met) == (here in met) or len(cells.members[here]) == 1:
            return None
        size, outline, count = self.size[atom], self.outline[atom], self.components[atom]
        kept_m, kept_cut = met.get(here, (0.0, 0.0))
        old, target = self.cost(here), cells.target[here]
        area = cells.area[here] - size
        perimeter = cells.perimeter[here] - outline + 2 * kept_m
        rest = self.score.cell(area, perimeter, target, cells.components[here] - count)
        best: tuple[float, int] | None = None
        for there, (shared_m, cut) in met.items():
            if there == here or cells.realm[there] != cells.realm[here]:
                continue
            grown = self.score.cell(
                cells.area[there] + size,
                cells.perimeter[there] + outline - 2 * shared_m,
                cells.target[there],
                cells.components[there] + count,
            )
            change = rest - old + grown - self.cost(there) + kept_cut - cut
            if change < -_GAIN and (best is None or (round(change, 6), there) < best):
                best = (round(change, 6), there)
        if best is None or not self._hangs_together(here, atom):
            return None
        return best[1]

    def _hangs_together(self, cell: int, without: int) -> bool:
        """Return whether a cell is connected without one of its atoms."""
        members = self.cells.members[cell]
        wanted = {o for o, length, _ in self.near[without] if o in members and length > 0}
        if len(wanted) <= 1:
            return bool(wanted)
        start = min(wanted)
        seen, stack, missing = {start, without}, [start], wanted - {start}
        while stack and missing:
            for other, _, _ in self.near[stack.pop()]:
                if other in members and other not in seen:
                    seen.add(other)
                    missing.discard(other)
                    stack.append(other)
        return not missing

    def _move(self, atom: int, there: int) -> None:
        cells = self.cells
        here = cells.of_atom[atom]
        for cell, sign in ((here, -1), (there, 1)):
            shared = sum(
                length for other, length, _ in self.near[atom] if cells.of_atom[other] == cell
            )
            cells.area[cell] += sign * self.size[atom]
            cells.components[cell] += sign * self.components[atom]
            cells.perimeter[cell] += sign * (self.outline[atom] - 2 * shared)
            self._forget(cell, ())
        self._forget(here, (atom,))
        cells.members[here].discard(atom)
        cells.members[there].add(atom)
        cells.of_atom[atom] = there

    # ---- pairs of cells ----

    def repair(self, worse_than: float = 0.3) -> int:
        """
        Take bad cells together with one neighbour or two and divide them anew, the worst first.

        Returns
        -------
        int
            How often that was better.
        """
        order = [one for one in self._worst(worse_than) if self._is_news(one)]
        self._divide([(one, *others) for one in order for others in self._company(one)])
        self._changed.clear()
        repaired = 0
        for one in order:
            # What has changed since all were divided together waits for the next time.
            if one in self._changed:
                self._seen.pop(one, None)
            else:
                repaired += self._repair(one)
        return repaired

    def _worst(self, worse_than: float) -> list[int]:
        """Return the cells that cost more, the dearest first."""
        bad = (
            one for one, own in enumerate(self.cells.members) if own and self.cost(one) > worse_than
        )
        return sorted(bad, key=lambda one: (-round(self.cost(one), 6), one))

    def _is_news(self, cell: int) -> bool:
        """Return whether a cell or what is around it has changed since it was last looked at."""
        state = self._state(cell)
        if self._seen.get(cell) == state:
            return False
        self._seen[cell] = state
        return True

    def _state(self, cell: int) -> tuple[tuple[int, int], ...]:
        near = sorted(one for one in self._around(cell) if self._may_join(cell, one))
        return tuple((one, round(self.cells.area[one])) for one in (cell, *near))

    def _around(self, cell: int) -> dict[int, tuple[float, float]]:
        """Return the length and the cost of a cell's border with each neighbour."""
        known = self._beside.get(cell)
        if known is None:
            known = {}
            for atom in sorted(self.cells.members[cell]):
                for other, length, cut in self.near[atom]:
                    there = self.cells.of_atom[other]
                    if there != cell:
                        before = known.get(there, (0.0, 0.0))
                        known[there] = (before[0] + length, before[1] + cut)
            self._beside[cell] = known
        return known

    def _forget(self, cell: int, atoms: Iterable[int]) -> None:
        """Forget what was known of a cell some of whose atoms change, and of what is beside."""
        self._version[cell] = self._version.get(cell, 0) + 1
        self._costs.pop(cell, None)
        self._own.pop(cell, None)
        around = {self.cells.of_atom[other] for atom in atoms for other, _, _ in self.near[atom]}
        for one in (cell, *around):
            self._beside.pop(one, None)
            self._changed.add(one)

    def _likely(self, cell: int) -> list[int]:
        """Return the neighbours with which a cell shares most of its border."""
        around = self._around(cell)
        near = (one for one in around if self._may_join(cell, one))
        return sorted(near, key=lambda one: (-round(around[one][0], 6), one))[:_LIKELY]

    def _may_join(self, cell: int, other: int) -> bool:
        """Return whether two cells are of one realm, or one is too small to be by itself."""
        cells = self.cells
        if cells.realm[cell] == cells.realm[other]:
            return True
        return any(cells.area[one] < _SCRAP * cells.target[one] for one in (cell, other))

    def _repair(self, cell: int) -> bool:
        if not self.cells.members[cell] or self.cost(cell) <= _GAIN:
            return False
        company = self._company(cell)
        divided = self._divide([(cell, *others) for others in company])
        best: tuple[float, tuple[int, ...], list[Ints]] | None = None
        for others, ways in zip(company, divided, strict=True):
            old = self._cost_together((cell, *others))
            for way in ways:
                gain = round(way.cost - old, 6)
                if gain < -_WORTHWHILE and (best is None or (gain, others) < best[:2]):
                    best = (gain, others, way.parts)
        if best is None:
            return False
        _, others, parts = best
        self.divide_anew((cell, *others), parts)
        return True

    def _cost_together(self, together: Sequence[int]) -> float:
        """Return what some cells cost with the borders between them."""
        cuts = sum(
            self._around(one).get(other, (0.0, 0.0))[1] for one, other in combinations(together, 2)
        )
        return sum(self.cost(one) for one in together) + cuts

    def _company(self, cell: int) -> list[tuple[int, ...]]:
        """Return the neighbours with which a cell is tried: none, one, or two at once."""
        likely, realm = self._likely(cell), self.cells.realm
        found: list[tuple[int, ...]] = [(), *((one,) for one in likely)]
        if self.cost(cell) <= _IN_THREES:
            return found
        same = [one for one in likely if realm[one] == realm[cell]][:_BESIDE]
        return [*found, *combinations(same, 2)]

    def _divide(self, wanted: Sequence[tuple[int, ...]]) -> list[list[Way]]:
        """Return the ways to divide the land of some cells, for each of several such sets."""
        version = self._version
        # Neighbours ask for the same pair, and again when something else around has changed.
        keys = [tuple(sorted((one, version[one]) for one in together)) for together in wanted]
        new = {
            key: self._ground(together)
            for key, together in zip(keys, wanted, strict=True)
            if key not in self._divided
        }
        self._divided.update(zip(new, ways_to_divide(self.cutter, [*new.values()]), strict=True))
        return [self._divided[key] for key in keys]

    def _atoms(self, cell: int) -> Ints:
        known = self._own.get(cell)
        if known is None:
            members = self.cells.members[cell]
            known = self._own[cell] = np.fromiter(members, dtype=np.intp, count=len(members))
        return known

    def _count(self, share: float) -> int:
        """Return into how many cells land of so many target areas divides best."""
        known = self._counts.get(share)
        if known is None:
            known = self._counts[share] = self.score.count(share)
        return known

    def _ground(self, together: Sequence[int]) -> list[Ground]:
        """Return the land of some cells, to be divided into as many as fit, and as there are."""
        cells = self.cells
        own = np.sort(np.concatenate([self._atoms(one) for one in together]))
        target = min(cells.target[one] for one in together)
        counts = {1}
        if len({cells.realm[one] for one in together}) == 1:
            share = sum(cells.area[one] for one in together) / target
            counts = {self._count(share), len(together)}
        return [Ground(own, one, target) for one in sorted(counts)]

    def divide_anew(self, together: Sequence[int], parts: list[Ints]) -> None:
        """Put cells of these parts in the place of some cells."""
        cells = self.cells
        target = min(cells.target[one] for one in together)
        realm = cells.realm[max(together, key=lambda one: (cells.area[one], -one))]
        for one in together:
            self._forget(one, cells.members[one])
            cells.members[one] = set()
            cells.area[one] = cells.perimeter[one] = cells.components[one] = 0.0
        for part in parts:
            self.add(part.tolist(), realm=realm, target_m2=target)

    def fill_open(self, sizes: Sizes, *, whole: frozenset[int]) -> int:
        """
        Divide cells of the size of open land that have come to hold buildings.

        Parameters
        ----------
        sizes : Sizes
        whole : frozenset of int
            Realms that stay as they are.

        Returns
        -------
        int
            How many there were.
        """
        cells, atoms, filled = self.cells, self.cutter.atoms, 0
        for one in range(len(cells.members)):
            own = np.array(sorted(cells.members[one]), dtype=np.intp)
            built = atoms.built_m2[own].sum() >= sizes.open_share * cells.area[one]
            is_open = cells.target[one] == sizes.open_m2 and cells.realm[one] not in whole
            if not (len(own) and is_open and built):
                continue
            count = self.score.count(cells.area[one] / sizes.built_m2)
            cells.target[one] = sizes.built_m2
            self.divide_anew([one], divide(self.cutter, Ground(own, count, sizes.built_m2)))
            filled += 1
        return filled


def search_cells(
    cutter: Cutter, near: Near, groups: list[Group], sizes: Sizes, *, whole: frozenset[int]
) -> Search:
    """
    Return the cells of a community: groups divided, then improved.

    Parameters
    ----------
    whole : frozenset of int
        Realms that are one cell each.
    """
    search = Search(cutter, near, cutter.score)
    for one in first_cells(cutter, groups, sizes, whole=whole):
        search.add(one.atoms.tolist(), realm=one.realm, target_m2=one.target_m2)
    search.improve()
    for _ in range(_ROUNDS):
        if not search.repair():
            break
        search.improve()
    if search.fill_open(sizes, whole=whole):
        search.improve()
        search.repair()
    return search
