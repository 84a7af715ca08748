"""The vocabulary of an exchange: all that an exchange folder may import from us.

An exchange folder holds ``manifest.toml`` (or one ``manifest.<service>.toml`` per service) and modules found by name;
a module that no log kind of its manifests needs may be absent:

``form.py``    ``form(job) -> Element``          source object → packet; pure
``rules.py``   ``check(job) -> findings``        business rules (ФЛК) on the source object; pure
``peer.py``    ``connect(transport) -> Peer``    the peer's verbs over the transport that the manifest names
``answer.py``  ``read(element) -> Verdict``      the peer's answer → outcome; pure
``session.py`` ``run(session) -> None``          one session with the peer (log kind ``session``)
"""

from __future__ import annotations

from gateway.domain.errors import Finding
from gateway.domain.numbers import inn_is_right, ogrn_is_right, snils_is_right
from gateway.domain.statuses import Operation, PacketStatus
from workers.exchange.common import (
    Caller,
    Element,
    InDoubt,
    NotSent,
    Organization,
    PeerRefused,
    SignInRefused,
    SourceObject,
    TransportError,
    lines,
)
from workers.exchange.packets import (
    Form,
    Job,
    Known,
    MissingSourceData,
    Outgoing,
    Peer,
    Receipt,
    Reply,
    Verdict,
)
from workers.exchange.session import Session, SessionEvent

__all__ = [
    "Caller",
    "Element",
    "Finding",
    "Form",
    "InDoubt",
    "Job",
    "Known",
    "MissingSourceData",
    "NotSent",
    "Operation",
    "Organization",
    "Outgoing",
    "PacketStatus",
    "Peer",
    "PeerRefused",
    "Receipt",
    "Reply",
    "Session",
    "SessionEvent",
    "SignInRefused",
    "SourceObject",
    "TransportError",
    "Verdict",
    "inn_is_right",
    "lines",
    "ogrn_is_right",
    "snils_is_right",
]
