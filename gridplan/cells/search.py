"""Cells improved atom by atom, and pair by pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from gridplan.cells.balance import Score
from gridplan.cells.groups import Group, Sizes
from gridplan.cells.halves import Cutter, connected_labels, divide

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
_ROUNDS = 3


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
        self._divided: dict[tuple[bytes, float, int], list[tuple[float, list[Ints]]]] = {}

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
            self._costs.pop(cell, None)
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
        order = sorted(
            (
                one
                for one, own in enumerate(self.cells.members)
                if own and self.cost(one) > worse_than
            ),
            key=lambda one: (-round(self.cost(one), 6), one),
        )
        return sum(self._repair(one) for one in order if self._is_news(one))

    def _is_news(self, cell: int) -> bool:
        """Return whether a cell or what is around it has changed since it was last looked at."""
        around = (cell, *self.neighbours(cell))
        state = tuple((one, round(self.cells.area[one])) for one in around)
        if self._seen.get(cell) == state:
            return False
        self._seen[cell] = state
        return True

    def neighbours(self, cell: int) -> list[int]:
        """Return the neighbouring cells of the same realm."""
        cells = self.cells
        found = {
            cells.of_atom[other] for atom in cells.members[cell] for other, _, _ in self.near[atom]
        }
        found.discard(cell)
        return sorted(one for one in found if self._may_join(cell, one))

    def _likely(self, cell: int) -> list[int]:
        """Return the neighbours with which a cell shares most of its border."""
        met: dict[int, float] = {}
        for atom in sorted(self.cells.members[cell]):
            for other, length, _ in self.near[atom]:
                there = self.cells.of_atom[other]
                if there != cell and self._may_join(cell, there):
                    met[there] = met.get(there, 0.0) + length
        return sorted(met, key=lambda one: (-round(met[one], 6), one))[:_LIKELY]

    def _may_join(self, cell: int, other: int) -> bool:
        """Return whether two cells are of one realm, or one is too small to be by itself."""
        cells = self.cells
        if cells.realm[cell] == cells.realm[other]:
            return True
        return any(cells.area[one] < _SCRAP * cells.target[one] for one in (cell, other))

    def _repair(self, cell: int) -> bool:
        cells = self.cells
        if not cells.members[cell] or self.cost(cell) <= _GAIN:
            return False
        best: tuple[float, tuple[int, ...], list[Ints]] | None = None
        for others in self._company(cell):
            together = (cell, *others)
            own = sorted(set().union(*(cells.members[one] for one in together)))
            old = sum(self.cost(one) for one in together) + self._cut_within(together)
            target = min(cells.target[one] for one in together)
            mixed = len({cells.realm[one] for one in together}) > 1
            now = 1 if mixed else len(together)
            for new, parts in self._divisions(np.array(own), target, now):
                if mixed and len(parts) > 1:
                    continue
                gain = round(new - old, 6)
                if gain < -_WORTHWHILE and (best is None or (gain, others) < best[:2]):
                    best = (gain, others, parts)
        if best is None:
            return False
        _, others, parts = best
        self._divide_anew((cell, *others), parts)
        return True

    def _company(self, cell: int) -> list[tuple[int, ...]]:
        """Return the neighbours with which a cell is tried: none, one, or two at once."""
        likely, realm = self._likely(cell), self.cells.realm
        found: list[tuple[int, ...]] = [(), *((one,) for one in likely)]
        if self.cost(cell) <= _IN_THREES:
            return found
        same = [one for one in likely if realm[one] == realm[cell]][:_BESIDE]
        return [*found, *combinations(same, 2)]

    def _divide_anew(self, together: Sequence[int], parts: list[Ints]) -> None:
        cells = self.cells
        target = min(cells.target[one] for one in together)
        realm = cells.realm[max(together, key=lambda one: (cells.area[one], -one))]
        for one in together:
            cells.members[one] = set()
            cells.area[one] = cells.perimeter[one] = cells.components[one] = 0.0
            self._costs.pop(one, None)
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
            self._costs.pop(one, None)
            self._divide_anew([one], divide(self.cutter, own, count, sizes.built_m2))
            filled += 1
        return filled

    # ---- cells within cells ----

    def open_rings(self, *, whole: frozenset[int]) -> int:
        """
        Take each cell within another together with it, and divide both anew or join them.

        Parameters
        ----------
        whole : frozenset of int
            Realms that stay as they are, also within another cell.

        Returns
        -------
        int
            How many there were.
        """
        opened = 0
        for cell in range(len(self.cells.members)):
            host = self._ring_around(cell)
            if host is None or {self.cells.realm[cell], self.cells.realm[host]} & whole:
                continue
            own = np.array(sorted(self.cells.members[cell] | self.cells.members[host]))
            target = min(self.cells.target[one] for one in (cell, host))
            ways = [one for one in self._divisions(own, target, 2) if self._without_rings(one[1])]
            # A court that one building encloses stays with the building.
            _, best = min(ways or [(0.0, [own])], key=lambda one: round(one[0], 6))
            self._divide_anew([cell, host], best)
            opened += 1
        return opened

    def _ring_around(self, cell: int) -> int | None:
        """Return the only cell around a cell, if there is nothing else around it."""
        members, of_atom = self.cells.members[cell], self.cells.of_atom
        if any(self.rim[atom] > 0 for atom in members):
            return None
        around = {of_atom[o] for atom in members for o, _, _ in self.near[atom]} - {cell}
        return around.pop() if len(around) == 1 else None

    def _without_rings(self, parts: list[Ints]) -> bool:
        """Return whether each part meets something else than one of the other parts."""
        label = {atom: at for at, part in enumerate(parts) for atom in part.tolist()}
        for at, part in enumerate(parts):
            near = {label.get(o, -1) for atom in part.tolist() for o, _, _ in self.near[atom]}
            if len(near - {at}) <= 1 and not any(self.rim[atom] > 0 for atom in part.tolist()):
                return len(parts) == 1
        return True

    def _divisions(self, own: Ints, target_m2: float, now: int) -> list[tuple[float, list[Ints]]]:
        """Return ways to divide land, each with its cost: into as many cells as fit, and `now`."""
        key = (own.tobytes(), target_m2, now)
        # Neighbours ask for the same pair, and again when something else around has changed.
        known = self._divided.get(key)
        if known is None:
            share = sum(self.size[a] for a in own.tolist()) / target_m2
            options = sorted({max(self.score.count(share), 1), max(now, 1)})
            ways = [divide(self.cutter, own, one, target_m2) for one in options]
            known = [(self._cost_of(parts, target_m2), parts) for parts in ways]
            self._divided[key] = known
        return known

    def _cost_of(self, parts: list[Ints], target_m2: float) -> float:
        total, label = 0.0, {}
        for number, part in enumerate(parts):
            members = set(part.tolist())
            area, perimeter, components = self._measure(members)
            total += self.score.cell(area, perimeter, target_m2, components)
            label.update(dict.fromkeys(members, number))
        for atom, number in label.items():
            for other, _, cut in self.near[atom]:
                if other > atom and label.get(other, number) != number:
                    total += cut
        return total

    def _cut_within(self, together: Sequence[int]) -> float:
        of_atom = self.cells.of_atom
        return sum(
            cut
            for at, one in enumerate(together)
            for atom in sorted(self.cells.members[one])
            for near, _, cut in self.near[atom]
            if of_atom[near] in together[at + 1 :]
        )


def connected_parts(cutter: Cutter, groups: list[Group]) -> Iterator[tuple[Group, Ints]]:
    """Return the connected parts of the groups."""
    place = np.full(len(cutter.atoms.area_m2), -1, dtype=np.intp)
    for group in groups:
        own = np.array(group.atoms)
        place[own] = np.arange(len(own))
        borders = cutter.borders_within(own)
        left, right = place[cutter.atoms.left[borders]], place[cutter.atoms.right[borders]]
        label = connected_labels(np.ones(len(own), dtype=bool), left, right)
        for part in range(int(label.max()) + 1):
            yield group, own[label == part]


def _first_cells(
    cutter: Cutter, own: Ints, group: Group, sizes: Sizes
) -> Iterator[tuple[Ints, float]]:
    """Return a group's cells; the large ones of open land that hold buildings are divided again."""
    atoms = cutter.atoms
    for part in divide(cutter, own, _count(cutter, own, group.target_m2), group.target_m2):
        built = atoms.built_m2[part].sum() >= sizes.open_share * atoms.area_m2[part].sum()
        if group.target_m2 == sizes.built_m2 or not built:
            yield part, group.target_m2
            continue
        again = _count(cutter, part, sizes.built_m2)
        for small in divide(cutter, part, again, sizes.built_m2):
            yield small, sizes.built_m2


def _count(cutter: Cutter, own: Ints, target_m2: float) -> int:
    return cutter.score.count(float(cutter.atoms.area_m2[own].sum()) / target_m2)


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
    for group, own in connected_parts(cutter, groups):
        if group.realm in whole:
            # What must stay whole has the area it should have.
            area_m2 = float(cutter.atoms.area_m2[own].sum())
            search.add(own.tolist(), realm=group.realm, target_m2=area_m2)
            continue
        for part, target_m2 in _first_cells(cutter, own, group, sizes):
            search.add(part.tolist(), realm=group.realm, target_m2=target_m2)
    search.improve()
    for _ in range(_ROUNDS):
        if not search.repair():
            break
        search.improve()
    if search.fill_open(sizes, whole=whole):
        search.improve()
        search.repair()
    search.open_rings(whole=whole)
    return search
