"""Code profiles: how a standard, or an office, builds the code of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gridplan.errors import Message

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters that are given out: without I and O, which are read as 1 and 0."""

UNIT_GRID = "unit_grid"
"""The grid system of management cells; other systems have codes of the same length."""


@dataclass(frozen=True, slots=True)
class CodeProfile:
    """
    How a standard builds the code of a cell.

    Attributes
    ----------
    name : str
        The standard, as written on its cover, or the office's own name for it.
    parts : tuple of (str, int)
        Name and number of characters of each part; the last is the sequence inside a
        community, all before it are the community's own code.
    letters : tuple of str
        Names of the parts in which capital letters may stand beside digits.

    Examples
    --------
    >>> GB_T_30428.form, GB_T_30428.capacity
    ('6+3+3+3', 999)
    >>> parts = (("community", 12), ("sequence", 3))
    >>> wide = CodeProfile("local", parts=parts, letters=("sequence",))
    >>> wide.form, wide.capacity, [wide.sequence(n) for n in (1, 999, 1000, 3399)]
    ('12+3A', 3399, ['001', '999', 'A00', 'Z99'])
    """

    name: str
    parts: tuple[tuple[str, int], ...]
    letters: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Number of characters of a code."""
        return sum(width for _, width in self.parts)

    @property
    def community_length(self) -> int:
        """Number of characters of a community's code."""
        return self.length - self.sequence_length

    @property
    def sequence_length(self) -> int:
        """Number of characters of the sequence."""
        return self.parts[-1][1]

    @property
    def capacity(self) -> int:
        """How many cells one community can hold; the sequence starts at 1."""
        numbers = int(10**self.sequence_length) - 1
        lettered = self.parts[-1][0] in self.letters
        return numbers + (len(LETTERS) * self._block if lettered else 0)

    @property
    def form(self) -> str:
        """The widths of the parts, ``A`` where capital letters may stand: ``6+3+3+3A``."""
        return "+".join(f"{width}{'A' * (part in self.letters)}" for part, width in self.parts)

    @property
    def pattern(self) -> str:
        """Regular expression of a whole code; a sequence of zeros is none."""
        zero = "0" * self.sequence_length
        return f"{self.community_pattern}(?!{zero}$){self._classes(self.parts[-1:])}"

    @property
    def community_pattern(self) -> str:
        """Regular expression of a community's code."""
        return self._classes(self.parts[:-1])

    @property
    def community_words(self) -> Message:
        """What a community's code must be, to follow "do not have" and "不是"."""
        return self._words(self.community_length, self.parts[:-1])

    @property
    def words(self) -> Message:
        """What a code must be, to follow "do not have" and "不是"."""
        return self._words(self.length, self.parts)

    def sequence(self, number: int) -> str:
        """
        Return the sequence of the cell with a number from 1 to `capacity`.

        Digits first; where letters may stand, ``A00`` follows on ``999``, so that the
        order of the text is the order of the numbers.
        """
        beyond = number - 10**self.sequence_length
        if beyond < 0:
            return f"{number:0{self.sequence_length}d}"
        letter, rest = divmod(beyond, self._block)
        width = self.sequence_length - 1
        return LETTERS[letter] + (f"{rest:0{width}d}" if width else "")

    @property
    def _block(self) -> int:
        return int(10 ** (self.sequence_length - 1))

    def _classes(self, parts: tuple[tuple[str, int], ...]) -> str:
        return "".join(
            f"[{'0-9A-Z' if part in self.letters else '0-9'}]{{{width}}}" for part, width in parts
        )

    def _words(self, length: int, parts: tuple[tuple[str, int], ...]) -> Message:
        lettered = any(part in self.letters for part, _ in parts)
        en, zh = ("characters", "位数字或大写字母") if lettered else ("digits", "位数字")
        form = f" ({self.form})" if lettered else ""
        return Message(
            en=f"the {length} {en} of {self.name}{form}",
            zh=f"{self.name} 规定的 {length} {zh}{form}",
        )


_FRONT = (("county", 6), ("street", 3), ("community", 3))

GB_T_30428 = CodeProfile(name="GB/T 30428", parts=(*_FRONT, ("sequence", 3)))
"""15 digits: 6 county, 3 street or town, 3 community, 3 sequence."""

CJ_T_213 = CodeProfile(name="CJ/T 213", parts=(*_FRONT, ("sequence", 2)))
"""The older 14 digits: a sequence of 2; at most 99 cells in a community."""

GB_T_47678 = CodeProfile(
    name="GB/T 47678-2026", parts=(*_FRONT, ("sequence", 3)), letters=("community", "sequence")
)
"""The family of 2026: 15 characters, with capital letters."""

LOCAL_16 = CodeProfile(name="local 16", parts=(*_FRONT, ("sequence", 4)))
"""16 digits, as some offices have them: a sequence of 4."""

PROFILES: Mapping[str, CodeProfile] = MappingProxyType(
    {one.name: one for one in (GB_T_30428, CJ_T_213, GB_T_47678, LOCAL_16)}
)
"""Profiles known by name."""
