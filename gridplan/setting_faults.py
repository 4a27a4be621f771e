"""What pydantic finds wrong with settings, as sentences in both languages."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pydantic
from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from gridplan.errors import Message, counted, first_ids

HOUSE_FAULT = "gridplan"
"""Type of a fault that a validator of ours raised: it brings its own sentences."""

_SHOWN_CHARACTERS = 60
NEAR = 0.5
"""Names as alike as that, of 1, are taken for slips of each other."""

_SWITCH = Message(en="it should be true or false", zh="应为 true 或 false")
_DATE = Message(en="it should be a date such as 2026-06-30", zh="应为日期，如 2026-06-30")
_TABLE = Message(
    en="it should be a table of settings, [place] or { … }", zh="应为表（如 [place] 或 { … }）"
)
_NUMBER = Message(en="it should be a number", zh="应为数字")
_WHOLE = Message(en="it should be a whole number", zh="应为整数")
_LIST = Message(en="it should be a list, [ … ]", zh="应为列表（[ … ]）")
_TEXT = Message(en="it should be text, in quotes", zh="应为文字（加引号）")
_REASONS: Mapping[str, Message] = {
    "bool_parsing": _SWITCH,
    "bool_type": _SWITCH,
    "date_from_datetime_inexact": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_parsing": _DATE,
    "date_type": _DATE,
    "dict_type": _TABLE,
    "finite_number": Message(
        en="it should be a finite number (not inf or nan)", zh="应为有限数值（不能是 inf 或 nan）"
    ),
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": Message(en="it is too large", zh="整数过大"),
    "int_type": _WHOLE,
    "list_type": _LIST,
    "mapping_type": _TABLE,
    "model_attributes_type": _TABLE,
    "model_type": _TABLE,
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "tuple_type": _LIST,
}
"""What was expected, by kind of fault; of limits and choices see `_LIMITS`."""

_LIMITS: Mapping[str, Message] = {
    "ge": Message(en="greater than or equal to", zh="不小于"),
    "gt": Message(en="greater than", zh="大于"),
    "le": Message(en="less than or equal to", zh="不大于"),
    "lt": Message(en="less than", zh="小于"),
}
_LENGTHS: Mapping[str, Message] = {
    "min_length": Message(en="have at least", zh="至少有"),
    "max_length": Message(en="have at most", zh="至多有"),
}

_KINDS: Mapping[type, Message] = {
    str: Message(en="text", zh="文字"),
    int: Message(en="a whole number", zh="整数"),
    float: Message(en="a number", zh="数字"),
    list: Message(en="a list of numbers", zh="数字列表"),
    dict: Message(en="a table", zh="表"),
}


def house_fault(*, en: str, zh: str) -> PydanticCustomError:
    """Return an error for a validator to raise, with what was expected in both languages."""
    return PydanticCustomError(HOUSE_FAULT, "{en}", {"en": en, "zh": zh})


def house_message(error: PydanticCustomError) -> Message:
    """Return what an error of ours expected, in both languages."""
    told = error.context or {}
    return Message(en=told["en"], zh=told["zh"])


def refuse_together(found: Iterable[Message]) -> None:
    """Raise one error of a validator for all that was found at once, if anything was."""
    told = list(found)
    if told:
        raise house_fault(
            en="; ".join(one.en for one in told), zh="；".join(one.zh for one in told)
        )


def fault_messages(
    error: pydantic.ValidationError, model: type[BaseModel], raw: Mapping[str, Any]
) -> list[Message]:
    """
    Return one message per fault of some settings, the nearest valid name suggested.

    Parameters
    ----------
    error : what ``model.model_validate(raw)`` raised
    """
    found: dict[Message, None] = {}
    for one in error.errors():
        place = _Place(model, raw)
        for part in one["loc"]:
            place.step(part)
        if not place.elsewhere:
            found[_message(one, place)] = None
    return list(found)


class _Place:
    """Where in the settings a fault is, followed down from the whole of them."""

    def __init__(self, model: type[BaseModel], raw: object) -> None:
        self.root = model
        self.annotation: Any = model
        self.owner: type[BaseModel] | None = None
        self.value: Any = raw
        self.names: list[str] = []
        self.choices: tuple[Any, ...] = ()
        self.elsewhere = False

    def step(self, part: str | int) -> None:
        """Follow one part of a location; the tag of a union's member is no name."""
        self.annotation = plain(self.annotation)
        members = members_of(self.annotation)
        if len(members) > 1:
            if not _fits(str(part), self.value):
                # Only the faults of the kind that was written are told; if it is none, all kinds.
                self.elsewhere = any(_fits(_tag(one), self.value) for one in members)
                self.choices = self.choices or members
            self.annotation = next((one for one in members if _tag(one) == _bare(part)), None)
            return
        inner = members[0] if members else None
        self.owner = inner if _is_model(inner) else None
        self.annotation = _inside(inner, part)
        self.value = _value_at(self.value, part)
        if isinstance(part, int) and self.names:
            self.names[-1] += f"[{part + 1}]"
        else:
            self.names.append(str(part))

    @property
    def label(self) -> str:
        """The setting as the planner writes it."""
        section, *keys = self.names
        return f"[{section}].{'.'.join(keys)}" if keys else f"[{section}]"


def _message(error: Any, place: _Place) -> Message:
    if not place.names:  # of several settings together; the sentence names them
        whole = _reason(error)
        return Message(en=f"{whole.en}.", zh=f"{whole.zh}。")
    name = place.label
    if place.choices:
        return _no_choice(name, place.value, place.choices)
    if error["type"] == "extra_forbidden":
        return _unknown(name, place)
    if error["type"] == "missing":
        return Message(en=f"The setting {name} is missing.", zh=f"缺少设置项 {name}。")
    found, reason = shown(place.value), _reason(error)
    if error["type"] == HOUSE_FAULT and _is_table(place):
        # The sentence is about several settings of the table and names them.
        return Message(
            en=f"The setting {name} cannot be used: {reason.en}.",
            zh=f"设置项 {name} 无效：{reason.zh}。",
        )
    return Message(
        en=f"The setting {name} = {found} cannot be used: {reason.en}.",
        zh=f"设置项 {name} = {found} 无效：{reason.zh}。",
    )


def _unknown(name: str, place: _Place) -> Message:
    """Return that there is no such setting, with the nearest one, or the section it belongs to."""
    key = place.names[-1]
    homes = _sections_with(place.root, key)
    is_section = len(place.names) == 1 and isinstance(place.value, Mapping)
    near = nearest_name(key, place.owner.model_fields if place.owner else ())
    told = [f"[{home}].{key}" for home in homes]
    if homes and len(place.names) == 1 and not is_section:
        return Message(
            en=f"There is no setting {key} outside sections. It belongs to {' or '.join(told)}: in "
            f"a file write it below [{homes[0]}], after --set write {homes[0]}.{key}=….",
            zh=f"各表之外没有设置项 {key}。应写在所属的表中：{'或'.join(told)}。"
            f"文件中写在 [{homes[0]}] 之下，--set 写作 {homes[0]}.{key}=……。",
        )
    if homes and not near:
        return Message(
            en=f"There is no setting {name}. Did you mean {' or '.join(told)}?",
            zh=f"没有设置项 {name}。是否指 {'或'.join(told)}？",
        )
    return Message(
        en=f"There is no setting {name}.{f' Did you mean `{near}`?' if near else ''}",
        zh=f"没有设置项 {name}。{f'是否指 `{near}`？' if near else ''}",
    )


def _sections_with(root: type[BaseModel], key: str) -> list[str]:
    """Return the sections that have a setting of some name."""
    return [
        name
        for name, field in root.model_fields.items()
        if _is_model(plain(field.annotation)) and key in plain(field.annotation).model_fields
    ]


def _is_table(place: _Place) -> bool:
    """Say whether a value is a table of settings, or a list of such; no planner reads its dict."""
    values = place.value if isinstance(place.value, list | tuple) else [place.value]
    annotation = members_of(plain(place.annotation))
    inner = [part for one in annotation for part in (one, *typing.get_args(one))]
    return any(isinstance(one, Mapping) for one in values) and any(map(_is_model, inner))


def _reason(error: Any) -> Message:
    context = error.get("ctx", {})
    if error["type"] == HOUSE_FAULT:
        return Message(en=context["en"], zh=context["zh"])
    for key, word in _LIMITS.items():
        if key in context:
            limit = _plain_number(context[key])
            return Message(en=f"it should be {word.en} {limit}", zh=f"应{word.zh} {limit}")
    for key, word in _LENGTHS.items():
        if key in context:
            many, has = context[key], context.get("actual_length")
            return Message(
                en=f"it should {word.en} {counted(many, 'value', 'values')}, and has {has}",
                zh=f"应{word.zh} {many} 项，现有 {has} 项",
            )
    if "expected" in context:
        en = str(context["expected"])
        zh = en.replace(", ", "、").replace(" or ", "或")
        return Message(en=f"it should be {en}", zh=f"应取值为 {zh}")
    return _REASONS.get(error["type"], _UNLIKE)


_UNLIKE = Message(
    en="it is not what this setting takes, see docs/settings.md",
    zh="不是该设置项所接受的内容，见 docs/settings.md",
)


def _plain_number(value: object) -> str:
    """Return a limit as a planner writes it: 1 and not 1.0."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole and isinstance(value, float) else value)


def listed(values: Mapping[Any, object] | Iterable[object]) -> str:
    """
    Return values as a planner writes them, for a message: the first five.

    Examples
    --------
    >>> listed({"C1": -1, "C2": 2.0}), listed(["R012"])
    ('C1 = -1, C2 = 2', 'R012')
    """
    if isinstance(values, Mapping):
        return first_ids([f"{key} = {_plain_number(one)}" for key, one in values.items()])
    return first_ids([_plain_number(one) for one in values])


def _no_choice(name: str, value: object, choices: Iterable[Any]) -> Message:
    """Say which kinds of value a setting takes, where it is none of them."""
    kinds = [_KINDS[_kind(one)] for one in choices]
    return Message(
        en=f"The setting {name} = {shown(value)} cannot be used: it should be "
        f"{' or '.join(kind.en for kind in kinds)}.",
        zh=f"设置项 {name} = {shown(value)} 无效：应为{'或'.join(kind.zh for kind in kinds)}。",
    )


def shown(value: object) -> str:
    """Return a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} …"


def nearest_name(name: str, known: Iterable[str], *, cutoff: float = NEAR) -> str | None:
    """Return the known name that one is nearest to; None where none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return near[0] if near else None


def members_of(annotation: Any) -> tuple[Any, ...]:
    """Return what an annotation may be, ``None`` left out; itself where it is no union."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(plain(one) for one in typing.get_args(annotation) if one is not type(None))
    return () if annotation is None else (annotation,)


def plain(annotation: Any) -> Any:
    """Return an annotation without its metadata."""
    is_annotated = typing.get_origin(annotation) is typing.Annotated
    return typing.get_args(annotation)[0] if is_annotated else annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _kind(annotation: Any) -> type:
    if _is_model(annotation):
        return dict
    origin: type = typing.get_origin(annotation) or annotation
    return origin


def _tag(member: Any) -> str:
    """Return the name pydantic gives a member of a union in a location."""
    return str(getattr(member, "__name__", member)).partition("[")[0]


def _bare(part: str | int) -> str:
    """
    Return the name in a tag such as ``constrained-int`` or ``list[float]``.

    A model with a check of its own comes as ``function-after[check(), Name]``.
    """
    text = str(part)
    if text.startswith("function-"):
        return text.rpartition(", ")[2].rstrip("]")
    return text.partition("[")[0].rpartition("-")[2]


def _fits(tag: str, value: object) -> bool:
    """Say whether a value is of the kind that a member of a union is for."""
    words: Mapping[str, tuple[type, ...]] = {
        "str": (str,),
        "int": (int,),
        "float": (int, float),
        "list": (list,),
    }
    if isinstance(value, bool):
        return False
    return isinstance(value, words.get(_bare(tag), (dict,)))


def _inside(annotation: Any, part: str | int) -> Any:
    """Return the annotation of one part of a table or list."""
    if _is_model(annotation):
        field = annotation.model_fields.get(part)
        return field.annotation if field else None
    arguments: Sequence[Any] = typing.get_args(annotation)
    return arguments[-1] if typing.get_origin(annotation) is dict and arguments else None


def _value_at(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
        return value[part]
    return None
