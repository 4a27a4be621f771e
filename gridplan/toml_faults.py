"""Slips in a settings file: what `tomllib` says of them, in both languages, with the cure."""

from __future__ import annotations

import re

from gridplan.errors import Message

_PLACE = re.compile(r"(?P<what>.*?) ?\(at (?:line (?P<line>\d+), column \d+|end of document)\)")
_SHOWN = 60
_SAME_TWICE = Message(
    en="this setting or table is there twice; keep one of them",
    zh="该设置项或表重复出现，请只保留一处",
)
_NO_EQUALS = Message(
    en="`=` is missing after the name; write name = value, and a table as [name]",
    zh="名称之后缺少 `=`；请写作 名称 = 值，表写作 [名称]",
)
_VALUE = Message(
    en='the value cannot be read; write text in quotes "…", numbers without units, dates as '
    "2026-06-30, and true or false in small letters",
    zh='无法识别的值；文字加英文双引号 "…"，数字不带单位，日期写作 2026-06-30，true / false 小写',
)
_QUOTES = Message(
    en='quotes " are not closed on the line, or a sign in them cannot stand there',
    zh='英文双引号 " 在本行内未成对，或引号内有不允许的符号',
)
_SLASH = Message(en="write / for \\ in paths", zh="路径中请用 / 代替 \\")
_BRACKET = Message(
    en="a bracket [ or { is not closed, or a comma between values is missing",
    zh="方括号或花括号未闭合，或各项之间缺少逗号",
)
_REST = Message(
    en="there is more on the line than one setting; write each on a line of its own, text in "
    'quotes "…", and remarks after #',
    zh='一行内多于一个设置项；每行写一项，文字加英文双引号 "…"，注释写在 # 之后',
)
_NAME = Message(
    en='the name of a setting has letters, digits, _ and - only; put any other in quotes "…"',
    zh='设置项名称只能含字母、数字、_ 与 -，其他名称请加英文双引号 "…"',
)
_SIGNS = Message(
    en='write the plain signs " = , and not the Chinese ones',
    zh='请使用英文标点 " = , ，不要用中文引号、等号或逗号',
)
_SENTENCES: tuple[tuple[str, Message], ...] = (
    ("Cannot overwrite a value", _SAME_TWICE),
    ("Cannot declare", _SAME_TWICE),
    ("Cannot mutate", _SAME_TWICE),
    ("Cannot redefine", _SAME_TWICE),
    ("Duplicate inline", _SAME_TWICE),
    ("Expected '='", _NO_EQUALS),
    ("Expected ']", _BRACKET),
    ("Unclosed", _BRACKET),
    ("Expected newline", _REST),
    ("Expected", _QUOTES),
    ("Invalid value", _VALUE),
    ("Invalid date", _VALUE),
    ("Invalid initial character", _NAME),
    ("Invalid statement", _NAME),
    ("Invalid hex", _SLASH),
    ("Unescaped '\\'", _SLASH),
    ("Escaped character", _SLASH),
    ("Unterminated", _QUOTES),
    ("Illegal character", _QUOTES),
    ("Found invalid", _QUOTES),
)
_OTHER = Message(
    en="it cannot be read as TOML; write one setting a line, name = value",
    zh="无法按 TOML 读取；请每行写一个设置项：名称 = 值",
)


def toml_fault(name: str, text: str, fault: str) -> Message:
    """
    Return what is wrong in a settings file, where, and what to do.

    Parameters
    ----------
    name : str
        Of the file.
    text : str
        What is in it.
    fault : str
        What `tomllib` said.

    Examples
    --------
    >>> print(toml_fault("a.toml", "p", "Expected '=' after a key (at line 1, column 2)").en)
    a.toml is no valid TOML in UTF-8: line 1, `p`: `=` is missing after the name; write ...
    """
    found = _PLACE.fullmatch(fault)
    what = found["what"] if found else fault
    said = next((told for start, told in _SENTENCES if what.startswith(start)), _OTHER)
    lines = text.splitlines()
    number = int(found["line"]) if found and found["line"] else len(lines)
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    if "\\" in line:
        said = _SLASH
    elif set(line) & set("“”‘’＝，"):
        said = _SIGNS
    at_en = at_zh = ""
    if found and line:
        shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]} …"
        at_en, at_zh = f"line {number}, `{shown}`: ", f"第 {number} 行 `{shown}`："
    return Message(
        en=f"{name} is no valid TOML in UTF-8: {at_en}{said.en}.",
        zh=f"{name} 不是有效的 UTF-8 TOML 文件：{at_zh}{said.zh}。",
    )
