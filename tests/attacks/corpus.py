"""The whole corpus."""

from __future__ import annotations

from typing import Final

from tests.attacks import corpus_http, corpus_soap, corpus_xml
from tests.attacks.requests import Attack

CORPUS: Final[tuple[Attack, ...]] = (
    *corpus_xml.ENTITIES,
    *corpus_xml.BOMBS,
    *corpus_xml.BROKEN,
    *corpus_xml.ENCODINGS,
    *corpus_soap.ENVELOPES,
    *corpus_soap.HEADERS,
    *corpus_soap.ACTIONS,
    *corpus_soap.CONTENTS,
    *corpus_http.METHODS,
    *corpus_http.MEDIA,
    *corpus_http.FRAMING,
    *corpus_http.CALLERS,
)
