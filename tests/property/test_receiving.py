"""Any order, any repetition, death at any point: each document is journaled once and answered alike for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from gateway.catalog.registry import load_catalog
from gateway.journal import launches, outbox
from gateway.journal.launches import Starter
from tests.support.receiving import CODES, INSURANCE, STRANGER
from tests.support.running import add_organizations
from workers.demo.region import ORGANIZATIONS
from workers.exchange import Handled, Incoming, InDoubt
from workers.runs.loading import Loaded, load_exchange
from workers.runs.receiving import run_receiving
from workers.runs.surroundings import Point, Surroundings
from workers.sandbox.tfoms_packets import write_perschange

PAGE = 3
EMPTY = """TRUNCATE packets, packet_bodies, packet_findings, packet_items, attempts, launch_counters, inbound_documents,
    received_documents, received_marks, outbox, launches CASCADE"""


class Dying(BaseException):
    """A worker dies here; no ``except Exception`` may notice."""


@dataclass
class Peer:
    """Hands over in any order, loses confirmations, forgets that it had any."""

    random: Random
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    told: dict[tuple[str, str], set[bytes | None]] = field(default_factory=lambda: defaultdict(set))
    calm: bool = False

    def offer(self, key: str, content: str) -> None:
        self.waiting.append((key, content))

    def take(self, limit: int) -> Sequence[Incoming]:
        self.random.shuffle(self.waiting)
        twice = [] if self.calm else self.waiting[:1]
        page = (self.waiting + twice)[:limit]
        return [Incoming(key, key, content.encode()) for key, content in page]

    def confirm(self, handled: Sequence[Handled]) -> Mapping[str, str]:
        for each in handled:
            self.told[each.incoming.key, each.incoming.data.decode()].add(each.answer)
        if not self.calm and self.random.random() < 0.2:
            raise InDoubt("Ответ потерян")
        forgetful = not self.calm and self.random.random() < 0.3
        if not forgetful:
            done = {(each.incoming.key, each.incoming.data.decode()) for each in handled}
            self.waiting = [each for each in self.waiting if each not in done]
        return {}


def documents(random: Random) -> list[tuple[str, str]]:
    """Good ones of two МО, of a stranger, junk, and one whose id comes with two contents."""
    made = []
    for number, code in enumerate((CODES[0], CODES[1], CODES[0], STRANGER), 1):
        key = str(UUID(int=random.getrandbits(128)))
        made.append((key, write_perschange(key, datetime(2026, 3, 1, tzinfo=UTC), code, number)))
    key, content = made[0]
    made.append((key, content.replace("Образец", "Подмена")))
    made.append((str(UUID(int=random.getrandbits(128))), "<это не XML"))
    return [random.choice(made) for _ in range(2)] + made


@cache
def exchange_of_small_pages() -> Loaded:
    exchange = load_catalog().exchanges[INSURANCE]
    sending = exchange.manifest.sending.model_copy(update={"send_batch": PAGE})
    retry = exchange.manifest.retry.model_copy(update={"delay_s": 0, "attempts": 10})
    manifest = exchange.manifest.model_copy(update={"sending": sending, "retry": retry})
    return load_exchange(replace(exchange, manifest=manifest))


class History:
    """Launches that die, until a calm one has brought everything in."""

    def __init__(self, engine: Engine, random: Random) -> None:
        self.engine, self.random, self.peer = engine, random, Peer(random)
        self.exchange = replace(exchange_of_small_pages(), source=lambda _transport: self.peer)
        for key, content in documents(random):
            self.peer.offer(key, content)
        self.offered = set(self.peer.waiting)

    def live(self, deaths: int) -> None:
        launch_id = self.start()
        for _ in range(deaths):
            launch_id = self.attempt(launch_id, self.random.choice(list(Point))) or self.start()
            for each in self.random.sample(sorted(self.offered), 2):
                self.peer.offer(*each)
        self.peer.calm = True
        while self.attempt(launch_id, None) is not None:
            pass

    def start(self) -> UUID:
        with self.engine.begin() as connection:
            return launches.start(connection, INSURANCE, [None], Starter(None, "Испытание"))[0]

    def attempt(self, launch_id: UUID, doom: Point | None) -> UUID | None:
        """One leased attempt; the launch when it is not over yet."""

        def reached(point: Point) -> None:
            if point is doom and self.random.random() < 0.6:
                raise Dying

        with self.engine.begin() as connection:
            lapse = "UPDATE outbox SET not_before = now(), lease_until = now() - interval '1 s' WHERE launch_id = :id"
            connection.execute(text(f"{lapse} AND lease_until IS NOT NULL"), {"id": launch_id})
            work = connection.execute(text("SELECT id FROM outbox WHERE launch_id = :id"), {"id": launch_id}).scalar()
        lease = outbox.take(self.engine, work, "worker") if work else None
        if lease is None:
            return None
        around = Surroundings(self.engine, lambda: nullcontext(None), reached=reached)  # type: ignore[arg-type] # never asked
        try:
            pause = run_receiving(around, self.exchange, lease, Closable, [INSURANCE])
        except Dying:
            return launch_id
        return launch_id if pause else None


class Closable:
    """A transport that needs nothing."""

    def close(self) -> None:
        """Nothing to close."""


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 6))
def test_every_document_is_journaled_once_and_answered_alike(engine: Engine, seed: int, deaths: int) -> None:
    with engine.begin() as connection:
        connection.execute(text(EMPTY))
    add_organizations(engine, [(o.oid, o.name, o.code) for o in ORGANIZATIONS])
    history = History(engine, Random(seed))
    history.live(deaths)
    assert history.peer.waiting == []
    assert set(history.peer.told) == history.offered
    assert {len(answers) for answers in history.peer.told.values()} == {1}
    with engine.connect() as connection:
        statuses = connection.execute(text("SELECT status, count(*) FROM packets GROUP BY 1 ORDER BY 1")).all()
        assert [tuple(row) for row in statuses] == [("PROCESSED", 3), ("REFUSED", 3)]
        kept = connection.execute(text("SELECT count(*), count(DISTINCT packet_id) FROM inbound_documents")).one()
        assert tuple(kept) == (3, 3)
        counted = connection.execute(text("SELECT sum(packets_total) FROM launch_counters")).scalar_one()
        assert counted == len(history.offered)
