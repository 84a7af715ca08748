from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.errors import GatewayError, InvalidRequest
from gateway.xml.canonical import content_digest, serialize
from gateway.xml.instants import format_instant, parse_instant
from gateway.xml.limits import XmlLimits
from gateway.xml.parser import parse, parse_text
from gateway.xml.view import fields

NAMES = st.sampled_from(["Packet", "Rec", "FAM", "Имя", "{urn:a}a", "{urn:b}b"])
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")) | st.sampled_from("\n\t<&>\"'"), max_size=12)
FRAGMENTS = st.sampled_from(
    (
        *("<a>", "</a>", "<a", "/>", "<p:a/>", "<!DOCTYPE a [", "<!ENTITY b 'c'>", "]>", "&b;", "&#0;"),
        *("<?a b?>", "<?xml ", "?>", "<!--", "-->", "<![CDATA[", "]]>", "version='1.0' "),
        *(" xmlns='u'", " xmlns:p='u'", " x='1'", "\ufeff", "\0", "я", " ", "\ud800"),
        *("encoding='utf-16' ", "encoding='windows-1251' ", "encoding='utf-7' "),
    )
)
PROLOGS = st.lists(
    st.sampled_from(("<?a b?>", "<!--a-->", "<!DOCTYPE a>", "<!DOCTYPE a [<!ENTITY b 'c'>]>")), max_size=2
)
ROOTS = st.sampled_from((["<a/>"], ["<a>я</a>"], ["<p:a/>"], ["<a>&b;</a>"]))
SMALL = XmlLimits(max_bytes=300, max_depth=3, max_elements=4, max_attributes=2, max_namespaces=2)


def build(name: str, attributes: dict[str, str], text: str, children: list[etree._Element]) -> etree._Element:
    element = etree.Element(name, attributes, {"a": "urn:a", "b": "urn:b"})
    element.text = text or None
    element.extend(children)
    return element


def branch(children: st.SearchStrategy[etree._Element]) -> st.SearchStrategy[etree._Element]:
    return st.builds(build, NAMES, st.dictionaries(NAMES, TEXTS, max_size=3), TEXTS, st.lists(children, max_size=3))


LEAVES = st.builds(build, NAMES, st.dictionaries(NAMES, TEXTS, max_size=3), TEXTS, st.just([]))
TREES = st.recursive(LEAVES, branch, max_leaves=12)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        parse(data, SMALL)
    except GatewayError as refusal:
        assert refusal.message  # noqa: PT017 - both outcomes are right, nothing else may escape


@given(PROLOGS, st.lists(FRAGMENTS, max_size=14) | ROOTS, st.sampled_from(["utf-8", "utf-16", "cp1251", "utf-32"]))
def test_hostile_markup_parses_or_is_refused(prolog: list[str], fragments: list[str], encoding: str) -> None:
    text = "".join((*prolog, *fragments))
    for document in (text.encode(encoding, "replace"), text):
        try:
            root = parse(document, SMALL) if isinstance(document, bytes) else parse_text(document, SMALL)
        except GatewayError:
            continue
        assert root.getroottree().docinfo.internalDTD is None
        assert sum(1 for _ in root.iter()) <= SMALL.max_elements


@given(TREES, st.sampled_from(["utf-8", "utf-16", "windows-1251"]))
def test_digest_survives_serialization(tree: etree._Element, encoding: str) -> None:
    again = parse(serialize(tree, encoding=encoding))

    assert content_digest(again) == content_digest(tree)
    assert serialize(again) == serialize(tree)


@given(TREES)
def test_digest_ignores_attribute_order_and_comments(tree: etree._Element) -> None:
    digest = content_digest(tree)

    for element in list(tree.iter("{*}*")):
        turned = list(element.attrib.items())[::-1]
        element.attrib.clear()
        element.attrib.update(turned)
        element.append(etree.Comment("c"))

    assert content_digest(tree) == digest
    assert content_digest(parse(serialize(tree))) == digest


@given(TREES)
def test_view_paths_are_distinct_places(tree: etree._Element) -> None:
    found, truncated = fields(tree)

    elements = [field.path for field in found if not field.tag.startswith("@")]
    assert not truncated
    assert len(set(elements)) == len(elements)


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001 - zoned below
    st.integers(-14 * 60, 14 * 60),
)
def test_instants_round_trip(moment: datetime, offset_minutes: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))

    again = parse_instant(format_instant(zoned))

    assert (again, again.utcoffset()) == (zoned, zoned.utcoffset())


@given(st.text("0123456789-+:.TZ ", max_size=35))
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    try:
        assert parse_instant(text).utcoffset() is not None
    except InvalidRequest as refusal:
        assert refusal.message  # noqa: PT017 - both outcomes are right, nothing else may escape
