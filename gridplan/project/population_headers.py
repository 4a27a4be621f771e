"""What the headers of a population table mean: our columns, groups, and what is left alone."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gridplan.errors import FaultList, Message, Note, both_ids, counted, first_ids, ids_zh
from gridplan.sources.tables import is_personal
from gridplan.terms import known

COLUMN_WORDS: Mapping[str, tuple[str, ...]] = {
    "community_id": (
        "community_id", "社区编码", "社区代码", "居委会代码", "居委会编码", "编码", "代码",
    ),
    "name": ("name", "社区名称", "居委会名称", "社区", "居委会", "村(社区)", "名称"),
    "population": ("population", "常住人口", "人口", "实有人口", "总人口", "residents"),
    "population_register": ("population_register", "户籍人口", "registered"),
    "households": ("households", "户数", "家庭户数", "总户数"),
    "estate_id": ("estate_id", "小区编码", "小区编号", "小区代码"),
    "estate": ("estate", "小区名称", "居住小区", "小区", "楼盘名称", "楼盘"),
    "as_of": ("as_of", "数据日期", "统计日期", "截止日期"),
    "source": ("source", "数据来源", "来源"),
}  # fmt: skip
"""Headers of the columns that have a meaning of their own, the preferred one first."""

GROUP_WORDS: Mapping[str, tuple[str, ...]] = {
    "women": ("women", "female", "女", "女性"),
    "men": ("men", "male", "男", "男性"),
    "migrants": ("migrants", "流动人口", "外来人口", "暂住人口"),
    "children": ("children", "儿童"),
    "elderly": ("elderly", "老人", "老年人"),
    "disabled": ("disabled", "残疾人"),
    "low_income": ("low_income", "低保人口", "低保对象"),
}
"""Headers of well-known groups; others are named with `groups` or `rename`."""

ALIKE = 0.5
"""How alike a word must be to be suggested: one of two characters, 人囗 for 人口."""

_COUNTED = ("population", "population_register", "households")
_RESERVED = frozenset({"level", "unit_id", "as_of", "source", "grade", "geometry", "geom", "fid"})
_OLDEST = 120
_AGE = r"^(?:age|aged|年龄)?[_:]?"
_YEARS = r"(?:周?岁|years?)?"
_RANGE = re.compile(rf"{_AGE}(\d{{1,3}}){_YEARS}[-_](\d{{1,3}}){_YEARS}$")
_FROM = re.compile(
    rf"{_AGE}(\d{{1,3}}){_YEARS}(?:及以上|以上|\+|_?plus|_?andover)(?:老年人|老人)?$"
)
_AT_LEAST = re.compile(rf"{_AGE}(?:≥|>=)(\d{{1,3}}){_YEARS}$")
# By article 1259 of the Civil Code 以上 and 以下 include the number.
_UP_TO = re.compile(rf"{_AGE}(\d{{1,3}}){_YEARS}(?:及以下|以下)$")
_UNIT = re.compile(r"(?:\((?:人|户|个)\)|人口数?|人数)$")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−~至到", "-"))


@dataclass(frozen=True, slots=True)
class Headers:
    """
    The headers of a table, sorted by what becomes of them.

    Attributes
    ----------
    ours : mapping of the table's header to our column
    groups : our columns that are groups, in the table's order
    unused, personal : headers that are left alone; those that look personal apart
    """

    ours: Mapping[str, str]
    groups: tuple[str, ...]
    unused: tuple[str, ...]
    personal: tuple[str, ...]

    @property
    def counts(self) -> tuple[str, ...]:
        """Our columns that hold whole numbers."""
        named = set(self.ours.values())
        return tuple(name for name in (*_COUNTED, *self.groups) if name in named)


def plain(header: object) -> str:
    """
    Return a header without what offices write differently: width, blanks, case, unit.

    Examples
    --------
    >>> plain("户籍 人口（人）"), plain("Population")
    ('户籍人口', 'population')
    """
    text = "".join(unicodedata.normalize("NFKC", str(header)).lower().split())
    return re.sub(r"\((?:人|户|个)\)$", "", text)


def age_name(header: object) -> str | None:
    """
    Return the name of the age group a header speaks of, or null if it speaks of none.

    Examples
    --------
    >>> [age_name(one) for one in ("0-14岁", "60岁及以上人口", "0–3", "80+", "age_65_plus")]
    ['age_0_14', 'age_60_plus', 'age_0_3', 'age_80_plus', 'age_65_plus']
    >>> age_name("2020-2021"), age_name("序号"), age_name("60")
    (None, None, None)
    """
    text = _UNIT.sub("", plain(header)).translate(_DASHES)
    found = _RANGE.match(text)
    if found:
        low, high = int(found[1]), int(found[2])
        return f"age_{low}_{high}" if low < high <= _OLDEST else None
    found = _FROM.match(text) or _AT_LEAST.match(text)
    if found:
        return f"age_{int(found[1])}_plus" if int(found[1]) <= _OLDEST else None
    found = _UP_TO.match(text)
    return f"age_0_{int(found[1])}" if found and 0 < int(found[1]) <= _OLDEST else None


def group_name(header: object) -> str | None:
    """Return the name of the group a header is known to mean, or null."""
    text = plain(header)
    bare = _UNIT.sub("", text)
    words = (name for name, forms in GROUP_WORDS.items() if text in forms or bare in forms)
    return age_name(header) or next(words, None)


def sort_headers(
    headers: Sequence[str],
    *,
    rename: Mapping[str, str],
    groups: Sequence[str],
    without: Collection[str] = (),
    what: str,
    faults: FaultList,
) -> Headers:
    """
    Say what each header of a population table means.

    First comes what the planner says (`rename`: our column = the header;
    `groups`: headers of groups), then the words of `COLUMN_WORDS`, ages and
    `GROUP_WORDS`; those of `without` are not looked for. No other column is taken,
    however numeric it looks: it may be a serial number, or somebody's telephone.
    """
    _named_and_absent(headers, (*rename.values(), *groups), what, faults)
    ours = {theirs: name for name, theirs in rename.items() if theirs in headers}
    for header in groups:
        if header in headers:
            ours.setdefault(header, group_name(header) or header)
    for name, words in COLUMN_WORDS.items():
        if name not in ours.values() and name not in without:
            fits = [one for word in words for one in headers if plain(one) == word]
            free = next((one for one in fits if one not in ours), None)
            if free is not None:
                ours[free] = name
    explicit = set(ours.values())
    for header in headers:
        group = group_name(header)
        if header not in ours and group is not None and group not in explicit:
            ours[header] = group
    left = [header for header in headers if header not in ours]
    chosen = tuple(ours[one] for one in headers if ours.get(one) not in {None, *COLUMN_WORDS})
    _group_faults(ours, chosen, what, faults)
    personal = tuple(one for one in left if is_personal(one))
    unused = tuple(one for one in left if one not in personal)
    return Headers(ours=ours, groups=chosen, unused=unused, personal=personal)


def _named_and_absent(
    headers: Sequence[str], named: Iterable[str], what: str, faults: FaultList
) -> None:
    absent = sorted({one for one in named if one not in headers})
    if absent:
        near = sorted(
            {
                m
                for one in absent
                for m in difflib.get_close_matches(one, headers, n=1, cutoff=ALIKE)
            }
        )
        faults.add(
            en=f"{what} has no columns {first_ids(absent)}, which `rename` or `groups` name; it "
            f"has {list(headers)}.{f' Did you mean {first_ids(near)}?' if near else ''}",
            zh=f"{what} 中没有 `rename` 或 `groups` 指定的列 {ids_zh(absent)}；现有列为 "
            f"{list(headers)}。{f'是否指 {ids_zh(near)}？' if near else ''}",
        )


def _group_faults(
    ours: Mapping[str, str], groups: Sequence[str], what: str, faults: FaultList
) -> None:
    lower = [one.lower() for one in ours.values()]
    twice = sorted({name for name in ours.values() if lower.count(name.lower()) > 1})
    for name in twice:
        which, which_zh = both_ids([theirs for theirs, one in ours.items() if one == name])
        faults.add(
            en=f"{what}: several columns mean `{name}`: {which}. Say which one with "
            f"`rename = {{ {name} = … }}`.",
            zh=f"{what}：多列同为 `{name}`：{which_zh}。"
            f"请用 `rename = {{ {name} = … }}` 指定一列。",
        )
    taken = sorted(one for one in set(groups) if one in _RESERVED or known(one, "column"))
    if taken:
        faults.add(
            en=f"{what}: a group cannot be called {first_ids(taken)}, since a column of the plan "
            f"is called so. Give it another name with `rename`.",
            zh=f"{what}：人群不能命名为 {ids_zh(taken)}（与成果字段重名）。"
            f"请用 `rename` 另行命名。",
        )


def unused_note(headers: Headers, what: str) -> list[Note]:
    """Return the one note that lists the columns nobody asked for, by header only."""
    left = (*headers.unused, *headers.personal)
    if not left:
        return []
    shown, personal = "、".join(left), "、".join(headers.personal)
    aside = f" Dropped at reading, as they look personal: {personal}." if personal else ""
    aside_zh = f"疑似个人信息、读取时即丢弃：{personal}。" if personal else ""
    message = Message(
        en=f"{what}: {counted(len(left), 'column was', 'columns were')} not used: {shown}.{aside} "
        f"If one is a group of residents, name it in `groups`.",
        zh=f"{what}：{len(left)} 列未采用：{shown}。{aside_zh}若其中有人群，请在 `groups` 中列出。",
    )
    return [Note("population_columns_unused", len(left), message, left)]
