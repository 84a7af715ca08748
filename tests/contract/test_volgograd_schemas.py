"""The schemas of «263»: widths as the format has them, single mistakes are found, and xmlschema agrees with libxml2."""

from __future__ import annotations

from functools import cache

import pytest
from lxml import etree

from gateway.xml.canonical import serialize
from gateway.xml.namespaces import XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.schemas import refused_alike, spoilt, untitled
from tests.support.volgograd_samples import SCHEMAS, SOUND, file, job
from workers.exchanges.volgograd.fields import FILES, SHAPES

REPLY = b"""<FLK_P><NAME_F>RI01T34M340001_26032000001</NAME_F><DATE_F>2026-03-20</DATE_F><PR><OSHIB>102</OSHIB>
<IM_POL>SMO</IM_POL><BAS_EL>PATIENT</BAS_EL><ID_BAS>00000000-0000-0000-0000-00000000000a</ID_BAS></PR></FLK_P>"""


@cache
def document(kind: str) -> bytes:
    return REPLY if kind == "REPLY" else serialize(file(job(kind)))


def schema_of(kind: str) -> str:
    return f"{FILES.get(kind, kind)}.xsd"


KINDS = (*SOUND, "REPLY")


@pytest.mark.parametrize("kind", KINDS)
def test_both_libraries_judge_every_single_mistake_alike(kind: str) -> None:
    assert refused_alike(SCHEMAS / schema_of(kind), document(kind), spoilt(document(kind))) > 15


WIDTHS = {
    "HOSPITALISATION_REFERRAL": {
        "LPU": 6, "NUM_D": 15, "LPU_H": 6, "IDDOKT": 16, "COMMENT_D": 250, "SURNAME": 40, "NAME": 40, "PATRONYMIC": 40,
        "NUM_P": 20, "TEL_M": 13, "PROFIL": 3, "PROFIL_K": 3, "SMO": 5, "REG_OMS": 5, "MO_H": 6, "ENP": 16,
    },
    "HOSPITALISATION": {"NUM_HIST": 50, "LPU_D": 6, "MO_D": 6},
    "CANCEL_HOSPITALISATION_REFERRAL": {"CODE": 6, "LPU_D": 6},
    "REPLY": {"IM_POL": 20, "BAS_EL": 20},
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "width"), [(kind, name, width) for kind, told in WIDTHS.items() for name, width in told.items()]
)
def test_a_field_is_as_wide_as_the_format_has_it(kind: str, name: str, width: int) -> None:
    path = SCHEMAS / schema_of(kind)

    def sound(length: int) -> bool:
        root = parse(document(kind))
        next(root.iter(name)).text = "1" * length
        return validate(root, path) == ()

    assert sound(width)
    assert not sound(width + 1)


@pytest.mark.parametrize("kind", SOUND)
def test_fields_stand_in_the_file_in_the_order_of_the_table(kind: str) -> None:
    declared = [str(each.get("name")) for each in etree.parse(SCHEMAS / schema_of(kind)).iter(f"{{{XSD}}}element")]
    wanted = [each.path for each in SHAPES[kind].every() if "/" not in each.path]
    assert [name for name in declared if name in wanted] == wanted


@pytest.mark.parametrize("name", ["I02T34M340001_26032000001", "I01T35M340001_26032000001", "I01T34M34000_26032000001"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    root = parse(document("HOSPITALISATION_REFERRAL").replace(b"I01T34M340001_26032000001", name.encode()))
    assert len(validate(root, SCHEMAS / "I01.xsd")) == 1


def test_every_declaration_has_its_russian_title() -> None:
    assert untitled(SCHEMAS.glob("*.xsd")) == []
