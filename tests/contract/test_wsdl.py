"""The published WSDLs: equal to their snapshots, and free of what trips real clients."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from lxml import etree

from gateway.soap.app import wsdl_documents
from gateway.soap.contract import SERVICES, ServiceContract
from gateway.soap.versions import VERSIONS, Version
from gateway.xml import namespaces
from gateway.xml.parser import parse

SNAPSHOTS: Final = Path(__file__).parents[2] / "wsdl"
PUBLIC_URL: Final = "https://gateway.example"
NS: Final = {"w": namespaces.WSDL, "x": namespaces.XSD}
CASES: Final = [(service, version) for service in SERVICES for version in VERSIONS]

cases = pytest.mark.parametrize(("service", "version"), CASES, ids=lambda case: case.code)


@pytest.fixture(scope="module")
def documents() -> dict[str, bytes]:
    return wsdl_documents(PUBLIC_URL)


@pytest.fixture
def wsdl(documents: dict[str, bytes], service: ServiceContract, version: Version) -> etree._Element:
    return parse(documents[f"{service.code}-{version.code}.wsdl"])


def texts(root: etree._Element, path: str) -> list[str]:
    found = root.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [str(one) for one in found]


def test_snapshots_are_what_is_published(documents: dict[str, bytes]) -> None:
    """A difference is a change of the contract: ``gateway wsdl`` writes the snapshots anew."""
    for name, document in documents.items():
        kept = SNAPSHOTS.joinpath(name).read_bytes()
        assert etree.tostring(parse(kept), method="c14n") == etree.tostring(parse(document), method="c14n"), name


def test_documents_are_the_same_every_time(documents: dict[str, bytes]) -> None:
    assert wsdl_documents(PUBLIC_URL) == documents


@cases
def test_one_service_of_one_version(wsdl: etree._Element, service: ServiceContract, version: Version) -> None:
    title = service.code.capitalize()
    assert texts(wsdl, "//w:service/@name") == [f"{title}Service"]
    assert texts(wsdl, "//w:port/@name") == [f"{title}Port"]
    assert texts(wsdl, "//w:portType/@name") == [f"{title}PortType"]
    assert texts(wsdl, "//w:binding/@name") == [f"{title}Binding"]
    assert texts(wsdl, "//*[local-name()='address']/@location") == [f"{PUBLIC_URL}{version.root}/{service.code}"]
    assert {etree.QName(b).namespace for b in wsdl.iterfind("w:binding/*", NS)} == {
        version.wsdl_binding,
        namespaces.WSDL,
    }
    assert wsdl[-1].tag == f"{{{namespaces.WSDL}}}service"


@cases
def test_messages_are_wrapped_documents(wsdl: etree._Element, service: ServiceContract, version: Version) -> None:
    names = [operation.name for operation in service.operations]
    assert texts(wsdl, "w:portType/w:operation/@name") == names
    assert set(texts(wsdl, "w:message[@name!='GatewayFault']/w:part/@name")) == {"parameters"}
    assert not texts(wsdl, "//@parameterOrder")
    actions = texts(wsdl, "w:binding/w:operation/*/@soapAction")
    assert actions == [f"{service.namespace}:{name}" for name in names]
    elements = set(texts(wsdl, "//x:schema/x:element/@name"))
    assert elements == {*names, *(f"{name}Response" for name in names), "gatewayFault"}
    for name in names:
        path = f"//x:complexType[@name='{name}Response']/x:sequence/x:element/@name"
        assert texts(wsdl, path) == ["result"], version.code


@cases
def test_every_operation_declares_the_typed_fault(
    wsdl: etree._Element, service: ServiceContract, version: Version
) -> None:
    count = len(service.operations)
    assert texts(wsdl, "w:portType/w:operation/w:fault/@message") == ["tns:GatewayFault"] * count
    assert texts(wsdl, "w:binding/w:operation/w:fault/*[@use='literal']/@name") == ["GatewayFault"] * count
    assert texts(wsdl, "w:message[@name='GatewayFault']/w:part/@element") == ["tns:gatewayFault"]
    fault = texts(wsdl, "//x:complexType[@name='GatewayFault']/x:sequence/x:element/@name")
    assert fault == ["code", "message", "findings", "correlationId"], version.code


@cases
def test_types_are_plain(wsdl: etree._Element, service: ServiceContract, version: Version) -> None:
    assert texts(wsdl, "//x:schema/@targetNamespace") == [service.namespace]
    assert b"spyne" not in etree.tostring(wsdl)
    assert not texts(wsdl, "//x:import | //x:any | //x:attribute | //x:extension | //@nillable"), version.code
    builtin = {name for name in texts(wsdl, "//x:element/@type") if name.startswith("xs:")}
    assert builtin <= {"xs:string", "xs:int", "xs:boolean", "xs:dateTime", "xs:date", "xs:base64Binary"}
    repeated = texts(wsdl, "//x:element[@maxOccurs]/ancestor::x:complexType/@name")
    assert all(name.endswith("Array") for name in repeated)


@cases
def test_only_lists_that_can_never_grow_are_closed(
    wsdl: etree._Element, service: ServiceContract, version: Version
) -> None:
    closed = {"journal": {"Direction", "LaunchResult", "OrganizationChoice"}}
    assert set(texts(wsdl, "//x:simpleType/@name")) == closed.get(service.code, set()), version.code


@cases
def test_everything_is_described_in_russian(wsdl: etree._Element, service: ServiceContract, version: Version) -> None:
    declared = "//x:element | //x:complexType | //x:schema/x:simpleType"
    bare = wsdl.xpath(f"({declared})[not(x:annotation/x:documentation)]", namespaces=NS)
    assert bare == [], service.code
    described = texts(wsdl, "//x:documentation/text() | //w:documentation/text()")
    own = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
    foreign = [text for text in described if not set(text.lower()) & set(own)]
    assert foreign == [], version.code
    assert len(texts(wsdl, "w:portType/w:operation[w:documentation]/@name")) == len(service.operations)
