"""The desk of a run that receives: what ``receive`` may ask of the journal while it judges a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from gateway.domain.lookups import comparable
from gateway.domain.standings import Standing, stand
from gateway.journal import received_states, receiving
from gateway.journal.bodies import unpack
from gateway.journal.received_states import ReceivedState
from gateway.xml.parser import parse
from workers.exchange import NO_REFERENCE, Organization, Reception, Reference, SourceObject, State, Submitted


@dataclass(slots=True)
class OpenDesk:
    """What ``receive`` asks, answered in the transaction that journals its page and with what the page holds so far."""

    connection: Connection
    service_code: str
    system: Sequence[str]
    moment: datetime
    packet_id: UUID
    reference: Reference = NO_REFERENCE
    _organizations: dict[tuple[str, str], list[Organization]] = field(default_factory=dict)
    _marks: set[str] = field(default_factory=set)
    _closed: set[tuple[int, str, str]] = field(default_factory=set)
    _states: dict[tuple[int, str], State] = field(default_factory=dict)

    def organizations(self, system: str, code: str) -> list[Organization]:
        """МО that have this code in a system."""
        if (system, code) not in self._organizations:
            rows = receiving.organizations_by_code(self.connection, system, code)
            self._organizations[system, code] = [Organization(r.id, r.oid, r.name, r.codes) for r in rows]
        return self._organizations[system, code]

    def find(self, object_type: str, lookup: Sequence[str]) -> Iterator[Submitted]:
        """Submitted objects with this lookup, the newest state first."""
        wanted = comparable(lookup)
        if wanted is None:
            return
        for row in receiving.find_objects(self.connection, self.system, object_type, wanted):
            yield Submitted(
                Organization(row.id, row.oid, row.name, row.codes),
                SourceObject(object_type, row.object_id, parse(unpack(row.content))),
                row.changed_at,
                row.closed or (row.id, object_type, row.object_id) in self._closed,
            )

    def received(self, mark: str) -> bool:
        """Tell whether an earlier document bore this mark."""
        return mark in self._marks or receiving.has_mark(self.connection, self.service_code, mark)

    def standing(self, organization: Organization, state: State) -> Standing:
        """How a state stands to the newest of its subject that this МО was told of."""
        known = self._states.get((organization.id, state.subject))
        if known is not None:
            return stand((known.digest, known.as_of), (state.digest, state.as_of))
        kept = ReceivedState(organization.id, state.subject, state.digest, state.as_of)
        return received_states.standing(self.connection, self.service_code, kept)

    def remember(self, reception: Reception) -> None:
        """Let the documents behind this one in the page see what it brought about."""
        self._marks.update(reception.marks)
        if reception.organization is None:
            return
        self._closed.update((reception.organization.id, *each) for each in reception.closes)
        if reception.state is not None:
            self._states[reception.organization.id, reception.state.subject] = reception.state
