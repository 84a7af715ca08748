"""The schemas of Алькона: sound files pass, single mistakes are found, and xmlschema agrees with libxml2 on both."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import pytest
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.schemas import refused_alike, spoilt, untitled
from workers.demo.parts import alkona_data
from workers.demo.region import ORGANIZATIONS
from workers.exchange import Frame, Job, Operation, Organization
from workers.exchanges.alkona import form

SCHEMAS = resource_dir("xsd") / "alkona" / "1.0"
MO = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "Учебная больница", {"tfoms": "340001"})
MOMENT = datetime(2026, 3, 20, 12, tzinfo=UTC)
MADE = {"DEP": alkona_data.branches, "DN": alkona_data.observations, "PRF": alkona_data.plans}
REPLY = b"""<ZL_LIST><ZGLV><VERSION>1.0</VERSION><DATA>2026-03-21</DATA><FILENAME>RDNM340001T34_26032000001</FILENAME>
<FILENAME_1>DNM340001T34_26032000001</FILENAME_1><ID>00000000-0000-0000-0000-000000000007</ID><RESULT>PART</RESULT></ZGLV>
<ZAP><N_ZAP>1</N_ZAP><ENP>3400000000000001</ENP><RPL>0</RPL><OSHIB>103</OSHIB><COMMENTR>x</COMMENTR></ZAP></ZL_LIST>"""
PROTOCOL = b"""<FLK_P><FNAME>VNM340001T34_26032000001</FNAME><FNAME_I>DNM340001T34_26032000001</FNAME_I>
<PR><OSHIB>002</OSHIB><IM_POL>DR</IM_POL><BAS_EL>PERS</BAS_EL><N_ZAP>1</N_ZAP><COMMENT>x</COMMENT></PR></FLK_P>"""


@cache
def document(kind: str) -> bytes:
    if kind in ("REPLY", "FLK_P"):
        return REPLY if kind == "REPLY" else PROTOCOL
    records = []
    for made in MADE[kind](ORGANIZATIONS[0], 2):
        job = Job(UUID(int=7), kind, Operation.INSERT, made[1], MO, MOMENT, parse(made[2]))
        records.append(form.record(job))
    return serialize(form.frame(Frame(UUID(int=7), kind, Operation.INSERT, MO, MOMENT, UUID(int=8)), records))


KINDS = (*MADE, "REPLY", "FLK_P")


@pytest.mark.parametrize("kind", KINDS)
def test_both_libraries_judge_every_single_mistake_alike(kind: str) -> None:
    assert refused_alike(SCHEMAS / f"{kind}.xsd", document(kind), spoilt(document(kind))) > 20


def test_a_protocol_is_a_reply_too() -> None:
    assert validate(parse(PROTOCOL), SCHEMAS / "REPLY.xsd") == ()


@pytest.mark.parametrize("kind", MADE)
def test_a_file_holds_a_thousand_records_and_no_more(kind: str) -> None:
    root = parse(document(kind))
    record = etree.tostring(root[1], with_tail=False)
    root.extend(parse(record) for _ in range(998))
    assert validate(root, SCHEMAS / f"{kind}.xsd") == ()
    root.append(parse(record))
    assert len(validate(root, SCHEMAS / f"{kind}.xsd")) == 1
    assert validate(parse(document(kind).replace(b"<DATA>2026", b"<DATA>\xd9\xa12026")), SCHEMAS / f"{kind}.xsd")


def test_every_declaration_has_its_russian_title() -> None:
    assert untitled(SCHEMAS.glob("*.xsd")) == []
