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
class Worth:
    """How good a border the lines between two faces make; sorted by key, low face · n + high."""

    key: Ints
    value: Floats
    faces: int

    def between(self, one: Ints, other: Ints) -> tuple[Floats, Flags]:
        """Return the worth of each border, and whether the two faces meet at all."""
        same = one == other
        if not len(self.key):
            return np.zeros(len(one)), same
        key = np.minimum(one, other) * self.faces + np.maximum(one, other)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        known = self.key[at] == key
        return np.where(known & ~same, self.value[at], 0.0), known | same


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
    worth : array of float
        Sum over the edges.
    """

    left: Ints
    right: Ints
    met: Flags
    steps: Floats
    worth: Floats

    def joined(self, label: Ints) -> Meetings:
        """Return the edges once labels are joined to those of `label`."""
        to = np.r_[0, label + 1]
        one, other = to[self.left], to[self.right]
        differ = one != other
        return _summed(
            one[differ], other[differ], self.met[differ], self.steps[:, differ], self.worth[differ]
        )

    def borders(self, n: int, pixel_m: float) -> tuple[Ints, Ints, Floats, Floats, Floats]:
        """
        Return the pairs of labels that meet, length and worth of their border, and all rims.

        A border of h sideways and v upright pixel edges is between √(h² + v²) (straight)
        and h + v (along the axes) long; the estimate lies between the two. A border that
        does not meet on the ground is rim, as is that with what lies outside.
        """
        total = self.steps.sum(axis=0)
        length = pixel_m * (_STRAIGHT * np.hypot(*self.steps) + _STEPPED * total)
        value, met = self.worth / np.maximum(total, 1.0), self.met
        ends = np.concatenate([self.left[~met], self.right[~met]]) - 1
        rim = sums_by(ends[ends >= 0], np.tile(length[~met], 2)[ends >= 0], n)
        return self.left[met] - 1, self.right[met] - 1, length[met], value[met], rim


def meetings(image: Labels, face: Labels, worth: Worth) -> Meetings:
    """
    Return the pixel edges between labels.

    Parameters
    ----------
    image : array of int
        Label of each pixel; below 0 outside.
    face : array of int
        Face of each pixel counted from 1; 0 outside.
    worth : Worth
        Of faces counted from 0.
    """
    found = []
    for axis, (one, other) in enumerate(BESIDE):
        at = np.nonzero(image[one] != image[other])
        a, b = (image[part][at].astype(np.intp) + 1 for part in (one, other))
        faces = (face[part][at].astype(np.intp) - 1 for part in (one, other))
        value, known = worth.between(*faces)
        met = known & (a > 0) & (b > 0)
        steps = np.zeros((2, len(a)))
        steps[axis] = 1.0
        found.append((a, b, met, steps, np.where(met, value, 0.0)))
    ones, others, mets, counts, values = zip(*found, strict=True)
    return _summed(
        np.concatenate(ones),
        np.concatenate(others),
        np.concatenate(mets),
        np.concatenate(counts, axis=1),
        np.concatenate(values),
    )


def _summed(one: Ints, other: Ints, met: Flags, steps: Floats, worth: Floats) -> Meetings:
    """Return the edges summed by pair and by whether they meet."""
    n = max(int(one.max(initial=0)), int(other.max(initial=0))) + 1
    key = (np.minimum(one, other) * n + np.maximum(one, other)) * 2 + met
    keys, at = np.unique(key, return_inverse=True)
    left, right = np.divmod(keys // 2, n)
    return Meetings(
        left,
        right,
        keys % 2 == 1,
        np.stack([sums_by(at, row, len(keys)) for row in steps]),
        sums_by(at, worth, len(keys)),
    )
