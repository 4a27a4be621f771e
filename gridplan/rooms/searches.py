"""What a run does with the result of a search that a key interrupted."""

from __future__ import annotations

from gridplan.siting import Siting


def heeded(found: Siting) -> Siting:
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
