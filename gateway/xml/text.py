"""Character data written without a tree: what may stand between tags and in attributes."""

from __future__ import annotations

import re
from typing import Final

_SPECIAL: Final = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REPLACEMENT: Final = "\ufffd"


def writable(text: str) -> str:
    """Put U+FFFD in place of every character that XML cannot carry."""
    return _UNWRITABLE.sub(_REPLACEMENT, text)


def escape(text: str) -> str:
    """Make character data of any text."""
    if _SPECIAL.search(text) is None:
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")
    return writable(text)


def quoted(text: str) -> str:
    """Make an attribute's value of any text, with its quotes."""
    inner = escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return f'"{inner}"'
