"""How a setting is declared: its meaning in both languages, its unit, its refusal in words."""

from __future__ import annotations

import dataclasses
from typing import Any

from pydantic import ConfigDict, Field
from pydantic_core import PydanticCustomError

from gridplan.errors import Message

FROZEN = ConfigDict(extra="forbid", frozen=True)


def setting(
    default: Any = ...,
    *,
    en: str,
    zh: str,
    unit: str = "",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Any:
    """Return a field that carries its meaning in both languages and its unit."""
    return Field(
        default, description=en, ge=ge, gt=gt, le=le, json_schema_extra={"zh": zh, "unit": unit}
    )


def default_of(options: type, name: str) -> Any:
    """Return the default an algorithm's options give, so that it is written once."""
    for field in dataclasses.fields(options):
        if field.name == name:
            if field.default_factory is not dataclasses.MISSING:
                return field.default_factory()
            return field.default
    msg = f"{options.__name__} has no field {name}"
    raise AttributeError(msg)


def refusal(why: Message) -> PydanticCustomError:
    """Return why a setting cannot be used, in both languages."""
    return PydanticCustomError("refused", "{en}", {"en": why.en, "zh": why.zh})
