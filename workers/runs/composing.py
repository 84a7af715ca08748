"""Due reminders → notifications in the journal: worded or cancelled with a reason; one transaction per batch."""

from __future__ import annotations

import json
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from gateway.domain.lookups import comparable
from gateway.domain.statuses import Operation
from gateway.journal.bodies import pack, unpack
from gateway.journal.engine import new_ids
from gateway.journal.launches import LaunchState
from gateway.journal.new_notifications import NewNotice, journal_notices
from gateway.journal.notifications import ReadyNotice
from gateway.journal.objects import DueObject
from gateway.xml.parser import parse
from workers.exchange import (
    ZONES,
    Channel,
    Compose,
    Draft,
    Message,
    NoticeJob,
    NotToBeSent,
    Organization,
    Reminder,
    read_reminder,
)
from workers.runs.due import load_organizations, take_due
from workers.runs.loading import Loaded
from workers.runs.wording import Manner


def compose_batch(connection: Connection, loaded: Loaded, launch: LaunchState, manner: Manner, object_type: str) -> int:
    """Word and journal the next batch of reminders; return how many objects it took. The caller commits."""
    limit = loaded.exchange.manifest.sending.form_batch
    due = take_due(connection, loaded, launch, object_type, limit=limit)
    if not due or loaded.compose is None or loaded.channel is None:
        return 0
    organizations = load_organizations(connection, {d.organization_id for d in due})
    ids = new_ids(connection, launch.id)
    made, withdrawn = [], []
    for source in due:
        reminder = None if source.operation is Operation.DELETE else read_reminder(parse(unpack(source.packed)))
        if reminder is None:
            withdrawn.append(source)
            continue
        organization = organizations[source.organization_id]
        made.append(_worded(loaded.compose, loaded.channel, next(ids), source, reminder, organization, manner))
    journal_notices(connection, launch.service_code, launch.id, loaded.rules, made, withdrawn)
    return len(due)


def _worded(
    compose: Compose,
    channel: Channel,
    notice_id: UUID,
    source: DueObject,
    reminder: Reminder,
    organization: Organization,
    manner: Manner,
) -> NewNotice:
    notice = partial(
        NewNotice,
        id=notice_id,
        source=source,
        channel=channel,
        patient_name=reminder.full_name or "—",
        patient_birth_date=reminder.birth_date,
        planned_on=reminder.planned_on,
        event=_event(reminder),
    )
    try:
        draft = draft_of(compose, reminder, organization, manner)
    except NotToBeSent as reason:
        return notice(reason=str(reason))
    zone = reminder.time_zone or manner.time_zone
    return notice(address=draft.address, packed=_packed(draft), time_zone=zone)


def draft_of(compose: Compose, reminder: Reminder, organization: Organization, manner: Manner) -> Draft:
    """Word one reminder after the rules of every channel.

    Raises:
        NotToBeSent: a rule forbids it, or the channel does.
    """
    if reminder.visited:
        raise NotToBeSent("Посещение уже состоялось")
    if not reminder.consent:
        raise NotToBeSent("Нет согласия на получение уведомлений с датой согласия")
    if not reminder.full_name:
        raise NotToBeSent("Не указаны фамилия, имя и отчество")
    if (reminder.time_zone or manner.time_zone) not in ZONES:
        raise NotToBeSent("Неизвестен часовой пояс МО")
    return compose(NoticeJob(reminder, organization, manner.wording(organization, reminder.kind)))


def _event(reminder: Reminder) -> str:
    """Person and event in one text, the same however the name was typed."""
    told = (reminder.full_name, reminder.birth_date.isoformat(), reminder.kind, reminder.planned_on.isoformat())
    return comparable(told) or ""


def _packed(draft: Draft) -> bytes:
    return pack(json.dumps([draft.subject, draft.text], ensure_ascii=False).encode())


def message_of(ready: ReadyNotice) -> Message:
    """The message of a notification that entered SENDING."""
    subject, text = json.loads(ready.body)
    return Message(ready.id, ready.address, text, subject)
