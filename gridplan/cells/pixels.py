"""What pixels say of the land they are labelled with: its size, and how long its borders are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridplan.cells.raster import Labels, runs_of
from gridplan.cells.sums import sums_by
from gridplan.geometry import Floats

Ints = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
_Part = slice | tuple[slice, slice]

BESIDE: tuple[tuple[_Part, _Part], ...] = ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]))
"""Pixels and those beside them, in a row and in a column."""

_STRAIGHT, _STEPPED = 0.7, 0.3
"""Weights of the two estimates of a border's length from its pixels (see `Meetings.borders`)."""


@dataclass(frozen=True, slots=True)
class FaceBorders:
    """
    What lies between two faces, and on them.

    Attributes
    ----------
    key : array of int, shape (m,)
        Low face · n + high face, sorted.
    worth : array of float, shape (m,)
        How good a border the lines between them make.
    way : array of bool, shape (m,)
        Whether a street or a path runs there.
    wet : array of bool, shape (n,)
        Faces that are water.
    """

    key: Ints
    worth: Floats
    way: Flags
    wet: Flags

    def between(self, one: Ints, other: Ints) -> tuple[Floats, Flags, Flags]:
        """Return the worth of each border, whether the two faces meet, and at a way."""
        same = one == other
        if not len(self.key):
            return np.zeros(len(one)), same, np.zeros(len(one), dtype=bool)
        key = np.minimum(one, other) * len(self.wet) + np.maximum(one, other)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        known = self.key[at] == key
        between = known & ~same
        return np.where(between, self.worth[at], 0.0), known | same, between & self.way[at]


@dataclass(frozen=True, slots=True)
class Extents:
    """
    Sums over the pixels of each label.

    Attributes
    ----------
    count, column, row, covered : array of float, shape (n,)
        How many pixels, the sums of their columns and rows, and how many of them are
        under buildings.
    """

    count: Floats
    column: Floats
    row: Floats
    covered: Floats

    def joined(self, label: Ints) -> Extents:
        """Return the sums once labels are joined to those of `label`."""
        n = int(label.max(initial=-1)) + 1
        sums = (self.count, self.column, self.row, self.covered)
        return Extents(*(sums_by(label, values, n) for values in sums))


def extents(image: Labels, under: Flags, n: int) -> Extents:
    """Return the sums over the pixels of each label from 0 to `n` - 1."""
    first, length = runs_of(image)
    label = image.ravel()[first]
    inside = label >= 0
    covered = np.add.reduceat(under.ravel(), first, dtype=np.int64)[inside]
    first, length, label = first[inside], length[inside], label[inside]
    row, column = np.divmod(first, image.shape[1])
    middle = column + (length - 1) / 2
    return Extents(
        sums_by(label, length, n),
        sums_by(label, length * middle, n),
        sums_by(label, length * row, n),
        sums_by(label, covered, n),
    )


@dataclass(frozen=True, slots=True)
class Borders:
    """
    Borders between labels, counted from 0.

    Attributes
    ----------
    left, right : array of int, shape (m,)
    length_m, worth : array of float, shape (m,)
        Length of each, and how much of it runs on lines (0 to 1).
    land_m : array of float, shape (m,)
        Of its length, with land on both sides.
    bridge : array of bool, shape (m,)
        Whether a way runs there between water on both sides.
    rim_m : array of float, shape (n,)
        Length of each label's border with what lies outside.
    """

    left: Ints
    right: Ints
    length_m: Floats
    worth: Floats
    land_m: Floats
    bridge: Flags
    rim_m: Floats


@dataclass(frozen=True, slots=True)
class Meetings:
    """
    Pixel edges between labels.

    Attributes
    ----------
    left, right : array of int, shape (m,)
        Labels counted from 1, ``left < right``; 0 is outside.
    met : array of bool
        Whether the faces of the pixels meet: what only a sliver without pixels parts
        does not meet on the ground.
    steps : array of float, shape (2, m)
        How many edges lie sideways and upright.
    worth, land, bridge : array of float
        Sum over the edges; how many have land on both sides, or a way between water on both.
    """

    left: Ints
    right: Ints
    met: Flags
    steps: Floats
    worth: Floats
    land: Floats
    bridge: Floats

    def joined(self, label: Ints) -> Meetings:
        """Return the edges once labels are joined to those of `label`."""
        to = np.r_[0, label + 1]
        one, other = to[self.left], to[self.right]
        differ = one != other
        sums = np.stack([*self.steps, self.worth, self.land, self.bridge])
        return _summed(one[differ], other[differ], self.met[differ], sums[:, differ])

    def borders(self, n: int, pixel_m: float) -> Borders:
        """
        Return the borders of the pairs of labels that meet, and all rims.

        A border of h sideways and v upright pixel edges is between √(h² + v²) (straight)
        and h + v (along the axes) long; the estimate lies between the two. A border that
        does not meet on the ground is rim, as is that with what lies outside.
        """
        total = self.steps.sum(axis=0)
        length = pixel_m * (_STRAIGHT * np.hypot(*self.steps) + _STEPPED * total)
        value, met = self.worth / np.maximum(total, 1.0), self.met
        ends = np.concatenate([self.left[~met], self.right[~met]]) - 1
        rim = sums_by(ends[ends >= 0], np.tile(length[~met], 2)[ends >= 0], n)
        return Borders(
            self.left[met] - 1,
            self.right[met] - 1,
            length[met],
            value[met],
            (length * self.land / np.maximum(total, 1.0))[met],
            self.bridge[met] > 0,
            rim,
        )


def meetings(image: Labels, face: Labels, between: FaceBorders) -> Meetings:
    """
    Return the pixel edges between labels.

    Parameters
    ----------
    image : array of int
        Label of each pixel; below 0 outside.
    face : array of int
        Face of each pixel counted from 1; 0 outside.
    between : FaceBorders
        Of faces counted from 0.
    """
    found = []
    for axis, (one, other) in enumerate(BESIDE):
        at = np.nonzero(image[one] != image[other])
        a, b = (image[part][at].astype(np.intp) + 1 for part in (one, other))
        faces = [face[part][at].astype(np.intp) - 1 for part in (one, other)]
        worth, known, way = between.between(*faces)
        met = known & (a > 0) & (b > 0)
        first, second = (between.wet[part] for part in faces)
        sums = np.zeros((5, len(a)))
        sums[axis] = 1.0
        sums[2:] = worth * met, met & ~first & ~second, met & first & second & way
        found.append((a, b, met, sums))
    ones, others, mets, counts = zip(*found, strict=True)
    return _summed(
        np.concatenate(ones),
        np.concatenate(others),
        np.concatenate(mets),
        np.concatenate(counts, axis=1),
    )


def _summed(one: Ints, other: Ints, met: Flags, sums: Floats) -> Meetings:
    """Return the edges summed by pair and by whether they meet."""
    n = max(int(one.max(initial=0)), int(other.max(initial=0))) + 1
    key = (np.minimum(one, other) * n + np.maximum(one, other)) * 2 + met
    keys, at = np.unique(key, return_inverse=True)
    left, right = np.divmod(keys // 2, n)
    sideways, upright, worth, land, bridge = (sums_by(at, row, len(keys)) for row in sums)
    steps = np.stack([sideways, upright])
    return Meetings(left, right, keys % 2 == 1, steps, worth, land, bridge)
