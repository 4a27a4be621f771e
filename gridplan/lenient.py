"""Settings and input checked together: what is wrong with a setting hides no fault of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pydantic

from gridplan.config import Config, PlaceSettings
from gridplan.errors import FaultList, InputError, Message, Note, SettingsError
from gridplan.pipeline import rehearse
from gridplan.project import Project, open_project
from gridplan.project.reading import Spot
from gridplan.setting_faults import fault_messages
from gridplan.settings_file import read_raw

_SPARE: Mapping[str, object] = {"name": "?", "as_of": "2000-01-01"}
"""What stands for settings of the place that no file depends on."""
_FREE = frozenset({"community_code"})
"""Settings of the place that are left out where they are at fault."""
_TOGETHER = ("norms", "access", "cells")
"""Sections of which a fault of several settings together may be."""
_TRIES = 3
_PLACE = "place"


@dataclass(frozen=True)
class Salvaged:
    """
    Settings as far as they can be used.

    Attributes
    ----------
    config : Config or None
        With the defaults where a setting is at fault; None where too much is.
    faults : tuple of Message
        Of the settings.
    left : frozenset of str
        Sections that are not as they were written: nothing is to be said of them.
    """

    config: Config | None
    faults: tuple[Message, ...] = ()
    left: frozenset[str] = frozenset()


def salvage(raw: Mapping[str, Any]) -> Salvaged:
    """
    Return settings with what is wrong left out, and the faults.

    Examples
    --------
    >>> place = {"name": "t", "as_of": "2026-06-30", "population": 9}
    >>> found = salvage({"place": place, "siting": {"p": "many", "budget": 5}})
    >>> found.config.place.population, sorted(found.left), len(found.faults)
    (9, ['siting'], 1)
    >>> salvage({"place": {**place, "population": "x"}, "zones": {"k": 2}}).left
    frozenset()
    """
    faults: tuple[Message, ...] = ()
    left: set[str] = set()
    sound = dict(raw)
    for _ in range(_TRIES):
        try:
            return Salvaged(Config.model_validate(sound), faults, frozenset(left))
        except pydantic.ValidationError as error:
            # Of settings together nothing is said once one of them is not as it was written.
            if not left & set(_TOGETHER):
                faults = (*faults, *fault_messages(error, Config, sound))
            wrong = [tuple(map(str, one["loc"])) for one in error.errors()]
        if not all(_left_out(sound, where, left) for where in wrong):
            break
    return Salvaged(None, faults)


def _left_out(raw: dict[str, Any], where: tuple[str, ...], left: set[str]) -> bool:
    """Take a faulty setting out; say whether the rest can be looked at without it."""
    if not where:
        for section in _TOGETHER:
            raw.pop(section, None)
        left.update(_TOGETHER)
        where = (_PLACE, "community_code")
    section, key = where[0], where[1] if len(where) > 1 else ""
    if section != _PLACE:
        # An unknown section may be meant for any; of a known one, settings go together.
        left.update([section] if section in Config.model_fields else Config.model_fields)
        raw.pop(section, None)
        return True
    given = raw.get(_PLACE)
    if isinstance(given, Mapping) and key in given and key not in PlaceSettings.model_fields:
        # It may be meant for any file: the others are read, and nothing is made of them.
        left.update(Config.model_fields)
    elif not isinstance(given, Mapping) or key not in {*_SPARE, *_FREE}:
        return False
    kept = {name: value for name, value in given.items() if name != key}
    raw[_PLACE] = {**kept, **({key: _SPARE[key]} if key in _SPARE else {})}
    return True


def checked_project(
    toml: Path,
    *,
    overrides: Sequence[str] = (),
    spots: list[Spot] | None = None,
    heard: Callable[[gpd.GeoDataFrame], None] | None = None,
) -> tuple[Project, tuple[Note, ...]]:
    """
    Return a project and what a rehearsal has to say, or refuse it with all faults at once.

    Where settings are at fault, the files are read without them, and what depends on their
    sections is not judged.

    Raises
    ------
    SettingsError, InputError, InfeasibleError
        With a message per fault, those of the settings first.
    """
    found = salvage(read_raw(toml, overrides=overrides))
    faults = FaultList(list(found.faults))
    config = found.config
    found_all: tuple[Project, tuple[Note, ...]] | None = None
    if config is not None:
        found_all = faults.heed(lambda: _opened(toml, config, found.left, spots, heard))
    only_settings = len(faults.faults) == len(found.faults)
    faults.raise_if_any(SettingsError if only_settings else InputError)
    if found_all is None:
        msg = "what was refused has a fault"
        raise RuntimeError(msg)
    return found_all


def _opened(
    toml: Path,
    config: Config,
    left: frozenset[str],
    spots: list[Spot] | None,
    heard: Callable[[gpd.GeoDataFrame], None] | None,
) -> tuple[Project, tuple[Note, ...]]:
    project = open_project(toml, config=config, left=left, spots=spots)
    return project, rehearse(project.place, config, heard=heard, left=left)
