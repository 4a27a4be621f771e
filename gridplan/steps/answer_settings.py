"""Which settings of rooms bind which answer, and what is told of those that bind some only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from gridplan.errors import Message, Note
from gridplan.room_settings import SitingSettings

BOUND: Mapping[str, str] = MappingProxyType(
    {
        "p": "C",
        "objective": "C",
        "then": "C",
        "tolerance": "C",
        "least_share": "C",
        "budget": "C",
        "capacity": "C",
        "backup": "B",
        "at_least": "BC",
        "at_most": "BC",
        "phase_rooms": "A",
        "phase_budget": "A",
        "phases": "A",
    }
)
"""The answers that each setting binds; what is not named binds all, or is about none."""

_CONDITIONS = ("least_share", "capacity", "backup", "at_least", "at_most")
"""Settings that a reader expects of every answer."""


def binding_notes(settings: SitingSettings) -> list[Note]:
    """
    Return a note on settings that some answers do not heed, above all the one that is followed.

    Told are those that were given and ask for something: conditions in any case, all others
    where they have no effect on the answer that the plan follows.

    Examples
    --------
    >>> [one.ids for one in binding_notes(SitingSettings(backup=2))]
    [('backup',)]
    >>> binding_notes(SitingSettings(p=12))
    []
    """
    asked = [one for one in BOUND if _asks(settings, one)]
    idle = [one for one in asked if settings.answer not in BOUND[one]]
    told = [one for one in asked if one in idle or one in _CONDITIONS]
    if not told:
        return []
    en = ", ".join(f"{_written(settings, one)} ({_answers(one).en})" for one in told)
    zh = "、".join(f"{_written(settings, one)}（{_answers(one).zh}）" for one in told)
    followed = Message(en="", zh="")
    if idle:
        followed = Message(
            en=f" The plan follows answer {settings.answer}, on which {', '.join(idle)} "
            f"{'has' if len(idle) == 1 else 'have'} no effect.",
            zh=f"本方案采用答案 {settings.answer}，{'、'.join(idle)} 对其不起作用。",
        )
    message = Message(
        en=f"Settings of [siting] that bind some of the answers only: {en}. The other answers in "
        f"the table are found without them.{followed.en}",
        zh=f"[siting] 中下列设置只约束部分答案：{zh}。表中其余答案未计入这些设置。{followed.zh}",
    )
    return [Note("settings_of_some_answers", len(told), message, tuple(told))]


def _asks(settings: SitingSettings, name: str) -> bool:
    """Say whether somebody gave a setting, and it is another than the default."""
    if name == "capacity":
        return settings.capacity == "hard"  # floor area is told of every answer otherwise
    default = SitingSettings.model_fields[name].default
    given = name in settings.model_fields_set
    return given and (name == "p" or getattr(settings, name) != default)


def _written(settings: SitingSettings, name: str) -> str:
    """Return a setting as it is written; a table by its name alone."""
    value = getattr(settings, name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return name if isinstance(value, dict) else f"{name} = {json.dumps(value)}"


def _answers(name: str) -> Message:
    letters = BOUND[name]
    word = "answer" if len(letters) == 1 else "answers"
    return Message(en=f"{word} {' and '.join(letters)}", zh=f"答案 {'、'.join(letters)}")
