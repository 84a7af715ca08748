"""The vocabulary of an exchange: all that an exchange folder may import from us.

An exchange folder holds ``manifest.toml`` (or one ``manifest.<service>.toml`` per service) and modules found by name;
a module that no log kind of its manifests needs may be absent:

``form.py``    ``form(job) -> Element``          source object → packet; pure
               ``name(job) -> str``              what the peer knows the packet by, such as a file's name; optional
``rules.py``   ``check(job) -> findings``        business rules (ФЛК) on the source object; pure
               ``heading(job) -> str``           first line of «Результат» of a packet of one with findings; optional
``peer.py``    ``connect(transport) -> Peer``    the peer's verbs over the transport that the manifest names
``answer.py``  ``read(element) -> Verdict``      the peer's answer → outcome; pure
``session.py`` ``run(session) -> str | None``    one session with the peer (log kind ``session``); text of its result
               ``check_settings(settings)``      raises ConfigurationError at what a site states wrongly; optional
``notice.py``  ``compose(job) -> Draft``         a reminder → the message to its person (log kind ``notifications``)
               ``CHANNEL``                       which way it goes; the texts stand in ``templates.toml``

A packet type of many ``records`` has in ``form.py`` instead of ``form``:

``record(job) -> Element``                       source object → one record; pure
``frame(frame, records) -> Element``             the packet around its records; pure
``name(frame) -> str``                           what the peer knows the packet by, such as a file's name; optional
``records(packet) -> records``                   where the frame did not put them last below the root; optional

Either may have ``packet_type(job) -> str | None``: the packet type that an object becomes, where its own type does not
tell; None when there is nothing to tell the peer now.

A service of direction IMPORT has instead of the first four:

``peer.py``    ``source(transport) -> Source``   what the peer hands over, or
               ``inquiry(transport) -> Inquiry`` what it tells when it is asked
``receive.py`` ``receive(incoming, desk)``       one document → Reception, what becomes of it (of several МО: several)
               ``prepare(element, settings) -> Element``   see ``Prepare``; optional
               ``check_settings(settings)``      raises ConfigurationError at what a site states wrongly; optional
"""

from __future__ import annotations

from gateway.domain.authorities import (
    Accreditation,
    Authority,
    CaCertificate,
    Freshness,
    Issue,
    IssueCounts,
    hexadecimal,
)
from gateway.domain.errors import ConfigurationError, Finding, InvalidXml
from gateway.domain.notices import Channel, Word
from gateway.domain.numbers import inn_is_right, is_oid, ogrn_is_right, snils_is_right
from gateway.domain.standings import Standing
from gateway.domain.statuses import Operation, PacketStatus
from workers.exchange import flk, funds
from workers.exchange.archives import ZippedFiles
from workers.exchange.authorities import Authorities
from workers.exchange.common import (
    BadAnswer,
    Caller,
    DocumentCaller,
    Element,
    Exchanged,
    FileUnusable,
    InDoubt,
    NotSent,
    Organization,
    PeerRefused,
    SignInRefused,
    SourceObject,
    TransportError,
    lines,
)
from workers.exchange.dictionary import Dictionary, Titled, load_dictionary
from workers.exchange.downloads import Download, Downloads
from workers.exchange.files import MAX_NAMES, Arrivals, Files
from workers.exchange.flk import Refusal
from workers.exchange.mail import Post, WrongAddress, mail_address
from workers.exchange.notices import (
    KINDS,
    ZONES,
    Carrier,
    Compose,
    Draft,
    Fate,
    Handed,
    Message,
    Notice,
    NoticeJob,
    NotToBeSent,
    Reminder,
    RussianTemplate,
    Wording,
    read_reminder,
)
from workers.exchange.packets import (
    Form,
    FormFrame,
    FormRecord,
    Frame,
    ItemVerdict,
    Job,
    Known,
    MissingSourceData,
    Outgoing,
    Peer,
    Receipt,
    Reply,
    Verdict,
    read_packet,
)
from workers.exchange.receiving import (
    Changes,
    Desk,
    Handled,
    Incoming,
    Inquiry,
    Prepare,
    Question,
    Receive,
    Reception,
    Remaining,
    Source,
    State,
    Submitted,
    receptions,
)
from workers.exchange.reference import NO_REFERENCE, Reference
from workers.exchange.registers import (
    VERBS,
    Broken,
    ListShifted,
    Problem,
    RegisterTransport,
    Talk,
    absent,
    content_of,
    covers,
    either,
    holds_more,
    moment_of,
    no_date,
    read_all,
    request_of,
    text_at,
    with_others,
    without_unsaid,
)
from workers.exchange.rules import (
    EASTERNMOST,
    UNFILLED,
    Condition,
    Lookup,
    Rule,
    Values,
    about,
    date_of,
    filled_in,
    later,
    line_of,
    root_path,
    unknown_codes,
    value,
    wrong_snils,
)
from workers.exchange.session import (
    Action,
    Answer,
    Doubt,
    Part,
    PartIds,
    Request,
    Session,
    SessionEvent,
    read_parts,
    write_parts,
)

__all__ = [
    "EASTERNMOST",
    "KINDS",
    "MAX_NAMES",
    "NO_REFERENCE",
    "UNFILLED",
    "VERBS",
    "ZONES",
    "Accreditation",
    "Action",
    "Answer",
    "Arrivals",
    "Authorities",
    "Authority",
    "BadAnswer",
    "Broken",
    "CaCertificate",
    "Caller",
    "Carrier",
    "Changes",
    "Channel",
    "Compose",
    "Condition",
    "ConfigurationError",
    "Desk",
    "Dictionary",
    "DocumentCaller",
    "Doubt",
    "Download",
    "Downloads",
    "Draft",
    "Element",
    "Exchanged",
    "Fate",
    "FileUnusable",
    "Files",
    "Finding",
    "Form",
    "FormFrame",
    "FormRecord",
    "Frame",
    "Freshness",
    "Handed",
    "Handled",
    "InDoubt",
    "Incoming",
    "Inquiry",
    "InvalidXml",
    "Issue",
    "IssueCounts",
    "ItemVerdict",
    "Job",
    "Known",
    "ListShifted",
    "Lookup",
    "Message",
    "MissingSourceData",
    "NotSent",
    "NotToBeSent",
    "Notice",
    "NoticeJob",
    "Operation",
    "Organization",
    "Outgoing",
    "PacketStatus",
    "Part",
    "PartIds",
    "Peer",
    "PeerRefused",
    "Post",
    "Prepare",
    "Problem",
    "Question",
    "Receipt",
    "Receive",
    "Reception",
    "Reference",
    "Refusal",
    "RegisterTransport",
    "Remaining",
    "Reminder",
    "Reply",
    "Request",
    "Rule",
    "RussianTemplate",
    "Session",
    "SessionEvent",
    "SignInRefused",
    "Source",
    "SourceObject",
    "Standing",
    "State",
    "Submitted",
    "Talk",
    "Titled",
    "TransportError",
    "Values",
    "Verdict",
    "Word",
    "Wording",
    "WrongAddress",
    "ZippedFiles",
    "about",
    "absent",
    "content_of",
    "covers",
    "date_of",
    "either",
    "filled_in",
    "flk",
    "funds",
    "hexadecimal",
    "holds_more",
    "inn_is_right",
    "is_oid",
    "later",
    "line_of",
    "lines",
    "load_dictionary",
    "mail_address",
    "moment_of",
    "no_date",
    "ogrn_is_right",
    "read_all",
    "read_packet",
    "read_parts",
    "read_reminder",
    "receptions",
    "request_of",
    "root_path",
    "snils_is_right",
    "text_at",
    "unknown_codes",
    "value",
    "with_others",
    "without_unsaid",
    "write_parts",
    "wrong_snils",
]
