"""The data dictionary: every layer, column, kind and flag that a place may bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gridplan.errors import Message
from gridplan.place import REQUIRED_LAYERS, SCHEMAS, Kind
from gridplan.project.population_headers import COLUMN_WORDS, GROUP_WORDS
from gridplan.terms import term

GEOMETRIES: dict[Kind, Message] = {
    "polygon": Message(en="areas", zh="面"),
    "line": Message(en="lines", zh="线"),
    "point": Message(en="points", zh="点"),
    "polygon or point": Message(en="areas or points", zh="面或点"),
    "none": Message(en="table", zh="表"),
}

CONTENTS = {
    "text": Message(en="text; a code keeps its leading zeros", zh="文本；编码保留前导零"),
    "count": Message(en="whole number, 0 or more", zh="非负整数"),
    "number": Message(en="number, 0 or more", zh="非负数"),
    "signed": Message(en="number, may be negative", zh="数字，可为负"),
    "flag": Message(
        en="yes: 1, true, yes, 是; no: 0, false, no, 否; empty: not known",
        zh="是：1、true、yes、是；否：0、false、no、否；空：不明",
    ),
}
"""What a column may hold, by the words of `SCHEMAS`."""

KINDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("buildings", "kind"): (
        "residential", "resettlement", "village", "dormitory", "public", "commercial",
        "industrial", "other", "unknown",
    ),
    ("estates", "kind"): ("commodity", "resettlement", "village", "dormitory"),
    ("sites", "kind"): ("existing", "candidate", "required"),
    ("barriers", "kind"): (
        "wall", "fence", "city_wall", "retaining_wall", "guard_rail", "river", "canal", "rail",
        "hard_border",
    ),
    ("gates", "status"): ("mapped", "proposed", "checked", "closed"),
}  # fmt: skip
"""Words that mean something to the program in a column; other words are kept and mean nothing."""

AGES: Mapping[str, tuple[str, ...]] = {
    "age_0_14": ("age_0_14", "0-14岁", "0—14岁", "0~14岁"),
    "age_15_59": ("age_15_59", "15-59岁", "15—59岁", "15~59岁"),
    "age_60_plus": ("age_60_plus", "60岁及以上", "60岁以上", "60+"),
}
"""Examples of age groups; any other ages are recognised alike."""

POPULATION: Mapping[str, tuple[str, ...]] = {**COLUMN_WORDS, **AGES, **GROUP_WORDS}
"""Columns of the population table, and the headers that are recognised without `rename`."""

POPULATION_REQUIRED = ("population",)

_POPULATION_TEXTS = ("community_id", "name", "estate_id", "estate", "as_of", "source")

_KIND_NOTES = {
    "buildings": Message(
        en="Residents live in the kinds for which `[demand].home_m2` gives floor space; every "
        "other kind holds nobody.",
        zh="`[demand].home_m2` 给出人均面积的类型有人居住，其他类型一律无人居住。",
    ),
    "estates": Message(
        en="In a `resettlement` estate `residential` buildings count as resettlement homes. "
        "`walled` = yes: one passes at its gates only.",
        zh="`resettlement` 小区内的 `residential` 建筑按安置房计。"
        "`walled` 为“是”时只能经出入口进出。",
    ),
    "sites": Message(
        en="`assumed` = yes: nobody has checked the site; its `area_m2` is taken as the footprint "
        "of the building, not as a room. `cost` is in yuan. Without `kind` every row is a "
        "candidate.",
        zh="`assumed` 为“是”表示未经核实，其 `area_m2` 视为建筑占地而非活动室面积。"
        "`cost` 以元为单位。没有 `kind` 字段时各行均为候选。",
    ),
    "facilities": Message(
        en="`kind` is any word of yours (社区服务站, 社工站 …). Rows with one `facility_id` are "
        "service points of one facility; rows with the id of a committee are further service "
        "points of that committee, their `kind` is empty or `committee`.",
        zh="`kind` 为自定类型（社区服务站、社工站等）。同一 `facility_id` 的多行为同一设施的"
        "多个服务点；编号与居委会相同的行为该居委会的其他服务点，`kind` 留空或填“居委会”。",
    ),
    "components": Message(
        en="`kind` is any word of yours (路灯, 井盖 …). Points inside the boundary count in one "
        "cell each; further columns are kept as they are, those about persons are not.",
        zh="`kind` 为自定类型（路灯、井盖等）。边界内的点各计入一个单元网格；其他字段原样保留，"
        "涉及个人信息的字段不保留。",
    ),
    "communities": Message(
        en="`official` = no: the code is a place-holder and never presented as official.",
        zh="`official` 为“否”表示占位编码，不作为正式编码使用。",
    ),
    "streets": Message(
        en="`bridge` and `tunnel` = yes: the street meets others only at its ends. A street one "
        "may not walk: `foot` = no.",
        zh="`bridge`、`tunnel` 为“是”时只在端点与其他道路相接。不可步行的道路填 `foot` = no。",
    ),
}


def data_dictionary() -> str:
    """Return the layers and columns a place may bring, in both languages, as Markdown."""
    lines = [
        "# 数据字典 · Data dictionary",
        "",
        "图层均须为同一坐标系或注明坐标系；编号一律为文本；多余的字段保留。",
        "Layers say their coordinate system; ids are text; extra columns are kept.",
        "",
        "| content 内容 | meaning | 含义 |",
        "|---|---|---|",
        *(f"| {name} | {said.en} | {said.zh} |" for name, said in CONTENTS.items()),
    ]
    for layer in SCHEMAS:
        lines += ["", *_layer(layer)]
    return "\n".join([*lines, "", *_population()]) + "\n"


def _layer(layer: str) -> Iterator[str]:
    schema, word = SCHEMAS[layer], term(layer, "layer")
    shape = GEOMETRIES[schema.geometry]
    need = "required 必需" if layer in REQUIRED_LAYERS else "optional 可选"
    yield f"## `{layer}` {word.zh} {word.en} ({shape.zh} {shape.en}, {need})"
    yield ""
    yield f"{word.definition.zh} {word.definition.en}"
    if layer in _KIND_NOTES:
        yield ""
        yield f"{_KIND_NOTES[layer].zh} {_KIND_NOTES[layer].en}"
    yield ""
    yield "| column | content | required | 含义 | meaning |"
    yield "|---|---|---|---|---|"
    for name, column in schema.columns.items():
        yield _row(name, column.content, required=column.required)
    for (of, name), words in KINDS.items():
        if of == layer:
            yield ""
            yield from _words(name, words)


def _row(name: str, content: str, *, required: bool) -> str:
    word = term(name, "column")
    need = "yes 是" if required else ""
    return (
        f"| `{name}` | {content} | {need} | {word.zh}：{word.definition.zh} "
        f"| {word.en}: {word.definition.en} |"
    )


def _words(name: str, words: Sequence[str]) -> Iterator[str]:
    yield f"| words of 取值 `{name}` | 含义 | meaning |"
    yield "|---|---|---|"
    for key in words:
        word = term(key, "kind")
        yield (f"| `{key}` | {word.zh}：{word.definition.zh} | {word.en}: {word.definition.en} |")


def _population() -> Iterator[str]:
    word = term("population", "layer")
    yield f"## `population` {word.zh} {word.en} (表 table, required 必需)"
    yield ""
    yield (
        "一行一个社区（`community_id`）或一个居住小区（`estate_id` 或 `estate`），"
        "社区数含其小区；CSV 或 XLSX，也可在设置中只填总数。“合计”行不计入。"
        "年龄列（如“80岁及以上”）与下列人群列会被识别，其他人群请在设置的 `groups` 中列出；"
        "其余列不采用，姓名、电话等个人信息不读入。人群不得超过常住人口。"
    )
    yield (
        "One row per community (`community_id`) or estate (`estate_id` or `estate`), a community's "
        "count with its estates; CSV or XLSX, or a total in the settings. A row of totals is left "
        "out. Columns of ages (such as 80+) and the groups below are recognised, further ones are "
        "listed under `groups` in the settings; no other column is used, and personal data (names, "
        "telephones) are not read in."
    )
    yield ""
    yield "| column | content | required | recognised headers 可识别的表头 | 含义 | meaning |"
    yield "|---|---|---|---|---|---|"
    for name, headers in POPULATION.items():
        found = term(name, "column" if name in COLUMN_WORDS else "group")
        need = "yes 是" if name in POPULATION_REQUIRED else ""
        content = "text" if name in _POPULATION_TEXTS else "count"
        yield (
            f"| `{name}` | {content} | {need} | {', '.join(headers)} "
            f"| {found.zh}：{found.definition.zh} | {found.en}: {found.definition.en} |"
        )
