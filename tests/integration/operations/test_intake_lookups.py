"""What the manifest names as the person of an object is found again by it, and stands nowhere in the clear."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import text

from gateway.domain.lookups import comparable
from gateway.journal import receiving
from gateway.operations import intake
from gateway.operations.context import Context
from gateway.operations.records import Submission
from tests.support.region import SERVICE, A, World

REFERRAL = "<Referral><NOM_NAP>340001202600077{}</NOM_NAP><PERS><FAM>{}</FAM><IM>Примера</IM></PERS></Referral>"


def with_lookup(ctx: Context) -> Context:
    """The same catalog, in which a referral is found by surname and name."""
    exchange = ctx.catalog.exchanges[SERVICE]
    types = tuple(
        each.model_copy(update={"lookup": ("PERS/FAM", "PERS/IM")}) if each.code == "Referral" else each
        for each in exchange.manifest.object_types
    )
    changed = replace(exchange, manifest=exchange.manifest.model_copy(update={"object_types": types}))
    return replace(ctx, catalog=replace(ctx.catalog, exchanges={**ctx.catalog.exchanges, SERVICE: changed}))


def submit(world: World, number: int, surname: str, minute: int = 0) -> None:
    content = REFERRAL.format(number, surname)
    given = Submission(f"100077{number}", "Referral", datetime(2026, 5, 1, 0, minute, tzinfo=UTC), content=content)
    (outcome,) = intake.submit_objects(with_lookup(world.ctx), world.viewer("mis"), SERVICE, A, [given], None)
    assert outcome.result == "ACCEPTED"


def found(world: World, surname: str) -> list[str]:
    with world.engine.connect() as connection:
        wanted = comparable([surname, "ПРИМЕРА"])
        assert wanted is not None
        rows = receiving.find_objects(connection, [SERVICE], "Referral", wanted)
        return [row.object_id for row in rows]


def test_a_submitted_object_is_found_by_whom_it_is_about(world: World) -> None:
    submit(world, 1, "Образцёва")
    submit(world, 2, "Выдумкина")
    assert found(world, "образцева") == ["1000771"]
    submit(world, 1, "Иная", minute=1)
    assert found(world, "образцева") == []
    assert found(world, "Иная") == ["1000771"]


def test_objects_of_types_without_a_lookup_have_none(world: World) -> None:
    submit(world, 1, "Образцова")
    with world.engine.connect() as connection:
        sealed = "SELECT object_type, count(lookup) FROM source_objects GROUP BY 1 HAVING count(lookup) > 0"
        assert [tuple(row) for row in connection.execute(text(sealed))] == [("Referral", 1)]
