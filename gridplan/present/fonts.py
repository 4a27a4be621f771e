"""A Chinese font that is found or asked for; what it lacks is named, never drawn as boxes."""

from __future__ import annotations

import base64
import functools
import importlib.util
import io
import unicodedata
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from gridplan.errors import Message, MissingPackageError

BUNDLED_PACKAGE = "pylopdf_fonts_zh_cn"
"""Its font comes first, because then every machine draws the same picture."""

SANS, SERIF = "NotoSansSC-Regular.otf", "NotoSerifSC-Regular.otf"
SYSTEM_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Droid Sans Fallback",
)
STAND_IN = "〓"
"""The geta mark, which Chinese and Japanese printers set for a character they lack."""

_PROBE = "网格居民步行米"
_INVISIBLE = {"Cc", "Cf", "Zl", "Zp"}


def chinese_font() -> Path:
    """
    Return the file of a font with Chinese characters.

    Raises
    ------
    MissingPackageError
        If neither the bundled package nor the system has one.
    """
    for path in [*bundled(SANS), *_system_fonts()]:
        if not missing_glyphs(_PROBE, path):
            return path
    raise MissingPackageError(
        Message(
            en="No Chinese font was found, so pictures would show boxes. Install one: "
            "`pip install pylopdf-fonts-zh-cn==0.1.1`, or on Debian "
            "`apt-get install fonts-wqy-microhei`.",
            zh="没有找到中文字体，图中文字会变成方框。请安装："
            "`pip install pylopdf-fonts-zh-cn==0.1.1`，或在 Debian 上 "
            "`apt-get install fonts-wqy-microhei`。",
        )
    )


def bundled(name: str) -> list[Path]:
    """Return the bundled font of that name, if its package is installed."""
    if importlib.util.find_spec(BUNDLED_PACKAGE) is None:
        return []
    path = Path(str(resources.files(BUNDLED_PACKAGE).joinpath(name)))
    return [path] if path.is_file() else []


def _system_fonts() -> list[Path]:
    from matplotlib import font_manager

    found = []
    for family in SYSTEM_FAMILIES:
        wanted = font_manager.FontProperties(family=[family])
        try:
            found.append(Path(font_manager.findfont(wanted, fallback_to_default=False)))
        except ValueError:  # how matplotlib says that a family is not installed
            continue
    return found


@functools.cache
def characters_of(path: Path) -> frozenset[int]:
    """Return the code points a font file has glyphs for."""
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(path)).get_charmap())


def missing_glyphs(text: str, *paths: Path) -> list[str]:
    """
    Return the characters of `text` that none of the fonts can draw, sorted.

    Examples
    --------
    >>> missing_glyphs("网格 1", chinese_font())
    []
    """
    drawn = frozenset[int]().union(*(characters_of(path) for path in paths))
    return sorted(
        {
            one
            for one in text
            if ord(one) not in drawn and unicodedata.category(one) not in _INVISIBLE
        }
    )


def named(characters: Iterable[str]) -> str:
    """
    Return characters by code point and Unicode name, for a message.

    Examples
    --------
    >>> named(["€"])
    'U+20AC EURO SIGN'
    """
    return ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, '?')}" for c in characters)


def drawable(text: str, *paths: Path) -> str:
    """Return `text` without control characters, and with `STAND_IN` where a glyph is missing."""
    missing = set(missing_glyphs(text, *paths))
    kept = (c for c in text if unicodedata.category(c) not in _INVISIBLE or c == "\n")
    return "".join(STAND_IN if c in missing else c for c in kept)


def matplotlib_families() -> tuple[list[str], list[Path]]:
    """
    Register the Chinese font with matplotlib; return families and files in order of use.

    The file is added by path: matplotlib's own list of fonts may be older than the font.
    """
    from matplotlib import font_manager

    path = chinese_font()
    font_manager.fontManager.addfont(str(path))
    family = font_manager.FontProperties(fname=str(path)).get_name()
    latin = Path(font_manager.findfont("DejaVu Sans"))
    return [family, "DejaVu Sans"], [path, latin]


def subset_woff(path: Path, text: str) -> str:
    """
    Return a font with only the characters of `text`, as a ``data:`` address for CSS.

    A report then shows the same letters on a machine without any Chinese font.
    """
    return _subset_woff(path, "".join(sorted(set(text))))


@functools.lru_cache(maxsize=8)
def _subset_woff(path: Path, letters: str) -> str:
    from fontTools import subset

    options: Any = subset.Options()
    options.flavor = "woff"
    options.layout_features = ["kern", "locl"]
    options.notdef_outline = True
    options.name_IDs = [1, 2]
    chosen = subset.Subsetter(options)
    chosen.populate(text=letters)
    out = io.BytesIO()
    with subset.load_font(str(path), options) as font:
        chosen.subset(font)
        subset.save_font(font, out, options)
    return "data:font/woff;base64," + base64.b64encode(out.getvalue()).decode("ascii")
