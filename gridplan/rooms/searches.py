"""What a run does with the result of a search that a key interrupted."""

from __future__ import annotations

from typing import Protocol, TypeVar


class Search(Protocol):
    """The result of a search, which says what ended it."""

    @property
    def stopped_by(self) -> str | None:
        """None where it went to its end."""
        ...  # pragma: no cover - never called


Found = TypeVar("Found", bound=Search)


def heeded(found: Found) -> Found:
    """
    Return the result of a search, unless a key interrupted it.

    A single search gives back its best plan on an interrupt. A run is many searches: who
    interrupts it wants none of the others, and no layers made of half of them.

    Raises
    ------
    KeyboardInterrupt
        If the search was interrupted.
    """
    if found.stopped_by == "interrupt":
        raise KeyboardInterrupt
    return found
