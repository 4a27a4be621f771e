"""Kinds of doubt, and the words that answer them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gridplan.errors import Message

YES, NO = "yes", "no"
WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("yes", "y", "true", "1", "1.0", "是", "是的", "有", "有的", "对", "能", "可", "可以", "通",
         "√", "✓", "✔", "☑", "✅"), YES
    ),
    **dict.fromkeys(
        ("no", "n", "false", "0", "0.0", "否", "不是", "无", "没", "没有", "不对", "不能", "不可",
         "不可以", "不通", "×", "✗", "✘", "☒", "❌"), NO
    ),
}  # fmt: skip
"""Words and ticks that are taken for an answer, and which of the two they are."""

GATE, ESTATE_GATE, WALL, HOMES, LINK, DOOR, SITE = (
    "gate", "estate_gate", "wall", "homes", "link", "door", "site",
)  # fmt: skip
KINDS = (GATE, ESTATE_GATE, WALL, HOMES, LINK, DOOR, SITE)
"""What a field check doubts."""

MEANINGS: Mapping[tuple[str, str], Message] = {
    (GATE, YES): Message(
        en="residents can pass the wall here, at least by day",
        zh="居民可在此进出围墙（至少白天可通行）",
    ),
    (GATE, NO): Message(en="nobody can pass the wall here", zh="此处不能通行"),
    (ESTATE_GATE, YES): Message(
        en="here is a gate: move the point to it", zh="此处有出入口：请将点移到出入口位置"
    ),
    (ESTATE_GATE, NO): Message(en="no gate was found", zh="未找到出入口"),
    (WALL, YES): Message(
        en="walls or fences enclose the estate; one enters at gates",
        zh="小区有围墙或围栏，只能由出入口进出",
    ),
    (WALL, NO): Message(en="one can walk in from all sides", zh="小区开放，四面均可进出"),
    (HOMES, YES): Message(
        en="people live here; storeys (value) as most of these buildings have them",
        zh="有人居住；层数（value）按多数楼栋填写",
    ),
    (HOMES, NO): Message(en="nobody lives in these buildings", zh="这些建筑无人居住"),
    (LINK, YES): Message(en="one can walk along the dashed line", zh="可沿虚线步行通过"),
    (LINK, NO): Message(en="there is no way through", zh="此处不通"),
    (DOOR, YES): Message(en="there is a path as the dashed line shows it", zh="有如虚线所示的通道"),
    (DOOR, NO): Message(en="there is no such path", zh="没有这样的通道"),
    (SITE, YES): Message(en="a room can be had here", zh="此处可设活动室"),
    (SITE, NO): Message(en="no room can be had here", zh="此处不能设活动室"),
}
"""What each answer says, by kind."""


def words_table() -> pd.DataFrame:
    """Return the allowed answers: ``kind``, ``answer``, ``needs_value``, ``zh``, ``en``."""
    rows = [
        (kind, answer, (kind, answer) == (HOMES, YES), said.zh, said.en)
        for (kind, answer), said in MEANINGS.items()
    ]
    return pd.DataFrame(rows, columns=["kind", "answer", "needs_value", "zh", "en"])


def check_id_of(kind: str, target_id: str) -> str:
    """
    Return the id of a doubt, made of the thing's own id, so that it stays.

    Examples
    --------
    >>> check_id_of("site", "B12")
    'site:B12'
    """
    return f"{kind}:{target_id}"
