"""What the stand-in ТФОМС knows: a small invented extract of the dictionaries and rules about policy numbers.

``tfoms_reference.json`` beside this module holds it: МО (F003), СМО (F002), profiles (V002), bed profiles
(V020) and ICD-10 as intervals; reasons of a cancellation by who cancels (a reason of the hospital, such as
quarantine, is unknown for a СМО); and what the end of a policy number means: ``000`` closed, ``999`` never
issued, ``404`` issued to a person the register cannot identify.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("tfoms_reference.json")


class Policy(StrEnum):
    """What the register of insured persons says of a policy number."""

    VALID = "valid"
    CLOSED = "closed"
    UNKNOWN = "unknown"
    OF_NOBODY = "of_nobody"


class Codes:
    """Codes given as inclusive intervals (``"A00-B99"``) or single values; compared as text of one width."""

    def __init__(self, intervals: Sequence[str], width: int) -> None:
        pairs = sorted(tuple(part.zfill(width) for part in interval.split("-")) for interval in intervals)
        self._width = width
        self._first = [pair[0] for pair in pairs]
        self._last = [pair[-1] for pair in pairs]

    def __contains__(self, code: str) -> bool:
        padded = code.zfill(self._width)
        at = bisect_right(self._first, padded) - 1
        return at >= 0 and padded <= self._last[at]


class Reference:
    """The extract, ready for questions."""

    def __init__(self) -> None:
        data = json.loads(_FILE.read_text(encoding="utf-8"))
        self.organisations: Final = Codes(data["F003"], 6)
        self.insurers: Final = Codes(data["F002"], 5)
        self.profiles: Final = Codes(data["V002"], 4)
        self.bed_profiles: Final = Codes(data["V020"], 4)
        self._rubrics: Final = Codes(data["ICD10"], 3)
        self._reasons: Final = {who: {str(code) for code in codes} for who, codes in data["reasons"].items()}
        self._policies: Final = {Policy(kind): re.compile(text) for kind, text in data["policies"].items()}

    def knows_diagnosis(self, code: str) -> bool:
        """Tell whether the three-character rubric of an ICD-10 code exists."""
        return code[:3] in self._rubrics

    def knows_reason(self, source: str, code: str) -> bool:
        """Tell whether this source may give this reason of a cancellation or refusal."""
        return code in self._reasons.get(source, ())

    def policy(self, number: str) -> Policy:
        """Look up a policy number."""
        for kind, pattern in self._policies.items():
            if pattern.search(number):
                return kind
        return Policy.VALID
