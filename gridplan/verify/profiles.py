"""What the codes of each standard look like, as the verifier reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gridplan.errors import Message

_FORM = re.compile(r"\d{1,2}A?(\+\d{1,2}A?)+", re.ASCII)
_FIFTEEN_DIGITS = Message(
    en="15 digits (6 county, 3 street, 3 community, 3 number from 001)",
    zh="15 位数字（县 6 位、街道 3 位、社区 3 位、顺序号 3 位，从 001 起）",
)


@dataclass(frozen=True, slots=True)
class CodeProfile:
    """
    The form of a cell's code.

    Attributes
    ----------
    pattern : str
        Regular expression of the whole code; 6 county + 3 street + 3 community + 3
        sequence digits by default (GB/T 30428). A sequence of zeros is none.
    community_length : int
        Length of the front part that all codes of a community share.
    words : Message
        The form in words.
    front : str
        Regular expression of a community's id that is itself the front of a code.
    """

    pattern: str = "[0-9]{12}(?!000)[0-9]{3}"
    community_length: int = 12
    words: Message = _FIFTEEN_DIGITS
    front: str = "[0-9]+"


GB_T_30428 = CodeProfile()
"""Fifteen digits, the first twelve those of the community."""

_FORMS = {
    "GB/T 30428": "6+3+3+3",
    "CJ/T 213": "6+3+3+2",
    "GB/T 47678-2026": "6+3+3A+3A",
    "local 16": "6+3+3+4",
}


def profile_of_form(form: str, *, name: str) -> CodeProfile | None:
    """
    Return the profile with these widths of its parts, None where they cannot be read.

    Parameters
    ----------
    form : str
        Widths, the last being the sequence; ``A``: capital letters may stand there.
    name : str
        What the profile is called.

    Examples
    --------
    >>> profile_of_form("6+3+3A+2", name="own").pattern
    '[0-9]{6}[0-9]{3}[0-9A-Z]{3}(?!00)[0-9]{2}'
    >>> profile_of_form("fifteen", name="own") is None
    True
    """
    if not _FORM.fullmatch(form):
        return None
    parts = form.split("+")
    widths = [int(part.rstrip("A")) for part in parts]
    classes = [
        f"[{'0-9A-Z' if part.endswith('A') else '0-9'}]{{{width}}}"
        for part, width in zip(parts, widths, strict=True)
    ]
    zero = "0" * widths[-1]
    lettered = "A" in form
    return CodeProfile(
        pattern=f"{''.join(classes[:-1])}(?!{zero}){classes[-1]}",
        community_length=sum(widths[:-1]),
        words=Message(
            en=f"{sum(widths)} {'characters' if lettered else 'digits'} of {name} ({form}, the "
            f"number from 1)",
            zh=f"{name} 的 {sum(widths)} 位{'数字或大写字母' if lettered else '数字'}（{form}，"
            f"顺序号从 1 起）",
        ),
        front="".join(classes[:-1]),
    )


PROFILES: Mapping[str, CodeProfile] = MappingProxyType(
    {
        name: found
        for name, form in _FORMS.items()
        if (found := profile_of_form(form, name=name)) is not None
    }
    | {"GB/T 30428": GB_T_30428}
)
"""Profiles by the name that a table gives in its column ``standard``."""
