"""Names of folders that every system takes."""

from __future__ import annotations

import re
import unicodedata

_RESERVED = re.compile(r'[<>:"/\\|?*]')
_DEVICE = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])\s*(\..*)?", re.IGNORECASE | re.DOTALL
)
_MOST_BYTES = 120
"""Names may have 255 bytes on Linux; what is written beside a folder adds to its name."""


def safe_name(text: str, *, fallback: str = "run") -> str:
    """
    Return a text, such as the name of a place, as a name that any system takes for a folder.

    Windows reserves some characters and the names of devices (``CON``, ``NUL`` …, with any
    ending), and drops dots and blanks at the end; a dot in front hides a folder elsewhere.

    Examples
    --------
    >>> safe_name("新镇: 一期/二期"), safe_name("con.2026"), safe_name("town. . "), safe_name("..")
    ('新镇_ 一期_二期', '_con.2026', 'town', 'run')
    """
    name = unicodedata.normalize("NFC", text)
    name = "".join("_" if unicodedata.category(one) in ("Cc", "Cs") else one for one in name)
    name = _RESERVED.sub("_", name).strip(" .\u3000")
    name = name.encode("utf-8")[:_MOST_BYTES].decode("utf-8", errors="ignore").strip(" .\u3000")
    if _DEVICE.fullmatch(name):
        name = f"_{name}"
    return name or fallback
