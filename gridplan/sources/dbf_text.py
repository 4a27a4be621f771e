"""The encoding of the texts in a Shapefile, found by decoding them all."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gridplan.errors import InputError, Message

_HEADER = np.dtype(
    [("version", "u1"), ("date", "3u1"), ("rows", "<u4"), ("head", "<u2"), ("row", "<u2")]
)
_FIELD_BYTES, _FIELD_END = 32, b"\r"
_TYPE_AT, _LENGTH_AT = 11, 16
_DELETED_FLAG_BYTES = 1
_SHOWN_BYTES = 24


def shapefile_encoding(shapefile: Path) -> str:
    """
    Return the first encoding in which every text of a Shapefile can be read.

    Tried are the one its ``.cpg`` names, UTF-8 and GB18030, each strictly: GDAL
    would leave out in silence what it cannot convert.

    Raises
    ------
    InputError
        If none fits; the message shows the first bytes that do not.
    """
    columns = list(_text_columns(_part(shapefile, ".dbf")))
    encodings = list(dict.fromkeys([*_named(_part(shapefile, ".cpg")), "utf-8", "gb18030"]))
    failures: list[UnicodeDecodeError] = []
    for encoding in encodings:
        try:
            for column in columns:
                column.decode(encoding)
        except UnicodeDecodeError as error:
            failures.append(error)
        else:
            return encoding
    raise InputError(_undecodable(shapefile, encodings, failures[0]))


def _part(shapefile: Path, suffix: str) -> Path | None:
    """Return the file of the set with the suffix, in small letters or capitals."""
    return next(
        (
            one
            for one in sorted(shapefile.parent.iterdir())
            if one.stem == shapefile.stem and one.suffix.lower() == suffix
        ),
        None,
    )


def _named(page: Path | None) -> list[str]:
    if page is None:
        return []
    name = page.read_text(encoding="ascii", errors="replace").strip().lower()
    number = name.removeprefix("ansi").removeprefix("oem").strip()
    try:
        found = codecs.lookup(f"cp{number}" if number.isdigit() else name).name
    except LookupError:
        return []
    return ["gb18030" if found in {"gbk", "gb2312", "cp936"} else found]


def _text_columns(table: Path | None) -> Iterator[bytes]:
    """Yield the texts of each character column, one a line."""
    content = b"" if table is None else table.read_bytes()
    if len(content) < _HEADER.itemsize:
        return
    head = np.frombuffer(content, dtype=_HEADER, count=1)[0]
    width, start = int(head["row"]), int(head["head"])
    rows = min(int(head["rows"]), (len(content) - start) // max(width, 1))
    grid = np.frombuffer(content, dtype=f"S{width}", count=rows, offset=start)
    at = _DELETED_FLAG_BYTES
    for descriptor in _descriptors(content[_FIELD_BYTES:start]):
        length = descriptor[_LENGTH_AT]
        if descriptor[_TYPE_AT : _TYPE_AT + 1] == b"C":
            # Bytes of type S end at the first null, as texts in a .dbf do.
            own = np.dtype({"names": ["text"], "formats": [f"S{length}"], "offsets": [at],
                            "itemsize": width})  # fmt: skip
            yield b"\n".join(text.rstrip() for text in grid.view(own)["text"].tolist())
        at += length


def _descriptors(content: bytes) -> Iterator[bytes]:
    for begin in range(0, len(content), _FIELD_BYTES):
        one = content[begin : begin + _FIELD_BYTES]
        if one.startswith(_FIELD_END) or len(one) < _FIELD_BYTES:
            return
        yield one


def _undecodable(file: Path, encodings: list[str], error: UnicodeDecodeError) -> Message:
    tried = ", ".join(encodings)
    begin = error.object.rfind(b"\n", 0, error.start) + 1
    found = error.object[begin:].split(b"\n", maxsplit=1)[0][:_SHOWN_BYTES]
    return Message(
        en=f"Texts of {file.name} are in no known encoding (tried {tried}), e.g. the bytes "
        f"{found!r}. Save the file again as UTF-8, or put a .cpg beside it that names its "
        f"encoding.",
        zh=f"{file.name} 的文字编码无法识别（已尝试 {tried}），例如字节 {found!r}。"
        f"请另存为 UTF-8，或在旁边放一个写明编码的 .cpg 文件。",
    )
