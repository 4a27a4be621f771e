"""How a setting is declared: its meaning in both languages, and its unit."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from gridplan.setting_faults import house_fault, listed, members_of

FROZEN = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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


def over_defaults(
    given: Mapping[str, float],
    defaults: Mapping[str, float],
    *,
    most: float = math.inf,
    en: str,
    zh: str,
) -> dict[str, float]:
    """
    Return the values of a table by kind over the default ones, or refuse those out of range.

    Parameters
    ----------
    most : float
        The greatest value; all must be above 0.
    en, zh : str
        What a value must be, for the message.
    """
    wrong = {kind: value for kind, value in given.items() if not 0 < value <= most}
    if wrong:
        raise house_fault(en=f"{en}, not {listed(wrong)}", zh=f"{zh}，现为 {listed(wrong)}")
    return {**defaults, **given}


class Section(BaseModel):
    """A part of the settings: true and false are no numbers and no text in it, nor those them."""

    model_config = FROZEN

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _no_switch(cls, value: Any, info: pydantic.ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, bool) and field.annotation is not bool:
            raise house_fault(en="true and false are no value for it", zh="不能是 true 或 false")
        if field.annotation is bool and not isinstance(value, bool):
            # Else "no", "off" and 0 were false, and nobody was told.
            raise house_fault(
                en="it should be true or false, without quotes", zh="应为 true 或 false，不加引号"
            )
        switched = _switches(value) if _holds_numbers(field.annotation) else []
        if switched:
            raise house_fault(
                en=f"true and false are no numbers ({', '.join(switched)})",
                zh=f"true 和 false 不是数值（{'、'.join(switched)}）",
            )
        return value


def _holds_numbers(annotation: Any) -> bool:
    """Say whether a setting may be a table or list of numbers."""
    return any(float in typing.get_args(one) for one in members_of(annotation))


def _switches(value: Any) -> list[str]:
    """Return the entries of a table or list that are true or false: Python counts them as 1, 0."""
    if isinstance(value, Mapping):
        return [str(key) for key, one in value.items() if isinstance(one, bool)]
    if isinstance(value, list | tuple):
        return [str(place) for place, one in enumerate(value, 1) if isinstance(one, bool)]
    return []
