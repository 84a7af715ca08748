from __future__ import annotations

import time

from gateway.xml.parser import parse
from gateway.xml.paths import Paths
from gateway.xml.view import Field, fields


def test_leaves_and_attributes_in_document_order() -> None:
    root = parse(b'<p:P xmlns:p="urn:p" p:id="7"><R><A>1</A></R><R k="2"><A/><B>3</B></R><C>4</C></p:P>')

    assert fields(root) == (
        (
            Field("/P/@id", "@id", "7"),
            Field("/P/R[1]/A", "A", "1"),
            Field("/P/R[2]/@k", "@k", "2"),
            Field("/P/R[2]/A", "A", ""),
            Field("/P/R[2]/B", "B", "3"),
            Field("/P/C", "C", "4"),
        ),
        False,
    )


def test_limit_is_kept_and_told() -> None:
    root = parse(b"<r a='1' b='2'>" + b"<x/>" * 3 + b"</r>")

    assert [len(fields(root, limit)[0]) for limit in (0, 1, 4, 5, 6)] == [0, 1, 4, 5, 5]
    assert [fields(root, limit)[1] for limit in (0, 4, 5)] == [True, True, False]


def test_paths_begin_at_the_given_element() -> None:
    root = parse(b"<e><r><x/><x/></r></e>")[0]

    assert Paths(root).of(root[1]) == "/r/x[2]"


def test_many_siblings_cost_linear_time() -> None:
    root = parse(b"<r>" + b"<x>1</x>" * 50_000 + b"</r>")
    started = time.process_time()

    found, truncated = fields(root, 50_000)

    assert (len(found), truncated, found[-1].path) == (50_000, False, "/r/x[50000]")
    assert time.process_time() - started < 3  # about 0.2 s; a quadratic walk would take minutes
