"""What keeps a zone beyond what is allowed, in words: which estate or cell, and its load."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from gridplan.errors import Message

_LOAD = r"(?P<load>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_HELD = re.compile(rf"(?:(?P<sign>[+−]) )?(?P<thing>[^\s:]+) {_LOAD}")
_NOTHING = "+ –"


def held_words(text: str, weight: Message, *, cells: Container[str] = ()) -> Message:
    """
    Return what keeps a zone beyond what is allowed, each part named.

    Parameters
    ----------
    text : str
        As the engine and the verifier write it: ``+ E031 340``, ``− c12 248``, ``E005/c12 495``.
    weight : Message
        What the zones share evenly.
    cells : container of str
        Ids of cells; what is none of them is an estate.

    Examples
    --------
    >>> held_words("+ E031 340", Message(en="households", zh="户数")).en
    'with estate E031 (340 households) added'
    >>> held_words("E005/c12 495", Message(en="households", zh="户数")).zh
    '小区 E005 的网格 c12 独占（户数 495）'
    >>> held_words("+ –", Message(en="households", zh="户数")).en
    'with nothing that it could take'
    """
    if text == _NOTHING:
        return Message(en="with nothing that it could take", zh="无可并入者")
    found = _HELD.fullmatch(text)
    if found is None:
        return Message(en=text, zh=text)
    load, sign = found["load"], found["sign"]
    en, zh = f"({load} {weight.en})", f"（{weight.zh} {load}）"
    estate, within, cell = found["thing"].rpartition("/")
    is_cell = bool(within) or cell in cells
    of_en = f"cell {cell}" if is_cell else f"estate {cell}"
    of_zh = f"网格 {cell}" if is_cell else f"小区 {cell}"
    if within:
        of_en, of_zh = f"{of_en} of estate {estate}", f"小区 {estate} 的{of_zh}"
    if sign is None:
        return Message(en=f"for {of_en} alone {en}", zh=f"{of_zh} 独占{zh}")
    done_en, done_zh = ("added", "再并入") if sign == "+" else ("given away", "再让出")
    return Message(en=f"with {of_en} {en} {done_en}", zh=f"{done_zh}{of_zh}{zh}")


def with_held(
    message: Message, zones: Iterable[str], weight: Message, *, cells: Container[str] = ()
) -> Message:
    """
    Return a sentence in which what keeps zones beyond what is allowed is told in words.

    Examples
    --------
    >>> note = Message(en="So kept: G12 + E031 340.", zh="所限：G12 + E031 340。")
    >>> with_held(note, ["G12"], Message(en="households", zh="户数")).en
    'So kept: G12 with estate E031 (340 households) added.'
    """
    named = "|".join(map(re.escape, sorted(zones)))
    if not named:
        return message
    told = re.compile(
        rf"(?<![\w/])(?P<zone>{named}) (?P<held>\+ –|(?:[+−] )?[^\s:]+ {_LOAD})(?=[ ,.、。…]|$)"
    )

    def spoken(found: re.Match[str], lang: str) -> str:
        said = held_words(found["held"], weight, cells=cells)
        return f"{found['zone']} {said.zh if lang == 'zh' else said.en}"

    return Message(
        en=told.sub(lambda found: spoken(found, "en"), message.en),
        zh=told.sub(lambda found: spoken(found, "zh"), message.zh),
    )
