"""The published WSDL: Spyne's document put into the form that the toolkits of seven languages take.

What each step mends was measured on real clients: wrapped signatures need the part name ``parameters``, SAP needs
``service`` last, a typed fault needs a global element and a message of its own; the rest of what Spyne adds serves
nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from gateway.soap.contract import ServiceContract
from gateway.soap.faults import FAULT_ELEMENT, FAULT_SHAPE
from gateway.soap.shapes import Choice, Element, Kind, Listed, Record
from gateway.soap.versions import Version
from gateway.xml import namespaces

_WSDL: Final = f"{{{namespaces.WSDL}}}"
_XSD: Final = f"{{{namespaces.XSD}}}"
_ORDER: Final = ("documentation", "types", "message", "portType", "binding", "service")
_PREFIX: Final = "tns"


def action_of(contract: ServiceContract, operation: str) -> str:
    """SOAP action that the WSDL gives to an operation."""
    return f"{contract.namespace}:{operation}"


def publish(document: Any, contract: ServiceContract, version: Version) -> None:
    """Listener of Spyne's ``wsdl_document_built``: rewrite the finished tree in place."""
    root: etree._Element = document.root_elt
    _rename(root, contract)
    _describe_operations(root, contract, version)
    _declare_fault(root, version)
    schema = schema_of(root)
    _keep_messages_only(schema, contract)
    _describe_types(schema, contract)
    _child(root, "documentation", before=True).text = contract.documentation
    root[:] = sorted(root, key=lambda child: _ORDER.index(etree.QName(child).localname))
    schema[:] = sorted(schema, key=_place)
    etree.cleanup_namespaces(root, keep_ns_prefixes=[_PREFIX, "xs"])


def schema_of(root: etree._Element) -> etree._Element:
    """Return the one schema inside a WSDL."""
    (schema,) = root.iterfind(f"{_WSDL}types/{_XSD}schema")
    return schema


def _rename(root: etree._Element, contract: ServiceContract) -> None:
    """Give service, port, port type and binding names of their own (Spyne names them all alike)."""
    title = contract.title
    root.set("name", f"{title}Service")
    for service in root.iterfind(f"{_WSDL}service"):
        service.set("name", f"{title}Service")
    for port in root.iterfind(f"{_WSDL}service/{_WSDL}port"):
        port.set("name", f"{title}Port")
        port.set("binding", f"{_PREFIX}:{title}Binding")
    for binding in root.iterfind(f"{_WSDL}binding"):
        binding.set("name", f"{title}Binding")
        binding.set("type", f"{_PREFIX}:{title}PortType")
    for port_type in root.iterfind(f"{_WSDL}portType"):
        port_type.set("name", f"{title}PortType")
    for part in root.iter(f"{_WSDL}part"):
        part.set("name", "parameters")


def _describe_operations(root: etree._Element, contract: ServiceContract, version: Version) -> None:
    documented = {operation.name: operation.request.documentation for operation in contract.operations}
    for operation in root.iterfind(f"{_WSDL}portType/{_WSDL}operation"):
        operation.attrib.pop("parameterOrder", None)
        for text in operation.findall(f"{_WSDL}documentation"):
            operation.remove(text)
        _child(operation, "documentation", before=True).text = documented[operation.attrib["name"]]
    for operation in root.iterfind(f"{_WSDL}binding/{_WSDL}operation"):
        for bound in operation.iterfind(f"{{{version.wsdl_binding}}}operation"):
            bound.set("soapAction", action_of(contract, operation.attrib["name"]))
    for message in root.iter(f"{_WSDL}input", f"{_WSDL}output"):
        message.attrib.pop("name", None)  # the default name is the same for everyone


def _declare_fault(root: etree._Element, version: Version) -> None:
    """Declare the one typed fault on every operation, by a global element and a message of its own."""
    name = FAULT_SHAPE.name
    etree.SubElement(schema_of(root), f"{_XSD}element", {"name": FAULT_ELEMENT, "type": f"{_PREFIX}:{name}"})
    message = _child(root, "message", name=name)
    _child(message, "part", name="fault", element=f"{_PREFIX}:{FAULT_ELEMENT}")
    for operation in root.iterfind(f"{_WSDL}portType/{_WSDL}operation"):
        _child(operation, "fault", name=name, message=f"{_PREFIX}:{name}")
    for operation in root.iterfind(f"{_WSDL}binding/{_WSDL}operation"):
        fault = _child(operation, "fault", name=name)
        etree.SubElement(fault, f"{{{version.wsdl_binding}}}fault", {"name": name, "use": "literal"})


def _keep_messages_only(schema: etree._Element, contract: ServiceContract) -> None:
    """Drop the global element that Spyne makes of every type: only messages are documents."""
    names = {operation.name for operation in contract.operations}
    kept = names | {f"{name}Response" for name in names} | {FAULT_ELEMENT}
    for element in schema.findall(f"{_XSD}element"):
        if element.get("name") not in kept:
            schema.remove(element)


def _describe_types(schema: etree._Element, contract: ServiceContract) -> None:
    texts = {kind.name: kind for kind in _kinds(contract)}
    for declared in schema.iterfind(f"{_XSD}*"):
        name = declared.attrib["name"]
        kind = texts.get(name)
        if declared.tag == f"{_XSD}element":
            _annotate(declared, _title_of_message(name, contract))
        elif kind is None:
            _annotate(declared, _title_of_message(name, contract))
            for element in declared.iter(f"{_XSD}element"):
                _annotate(element, "Результат")
        else:
            _annotate(declared, kind.documentation)
            parts = {part.name: part.documentation for part in _parts(kind)}
            for element in declared.iter(f"{_XSD}element"):
                _annotate(element, parts[element.attrib["name"]])


def _title_of_message(name: str, contract: ServiceContract) -> str:
    if name == FAULT_ELEMENT:
        return FAULT_SHAPE.documentation
    operation = next(one for one in contract.operations if one.name == name.removesuffix("Response"))
    return f"{'Ответ' if name.endswith('Response') else 'Запрос'}: {operation.request.documentation}"


def _place(declared: etree._Element) -> tuple[str, str]:
    """Sort key of a declaration: Spyne orders types differently in every process."""
    kind = etree.QName(declared).localname
    return ({"simpleType": "1", "complexType": "2"}.get(kind, "3"), declared.attrib["name"])


def _kinds(contract: ServiceContract) -> Iterator[Choice | Listed | Record]:
    yield from _below(FAULT_SHAPE)
    for operation in contract.operations:
        yield from _below(operation.request)
        yield from _below(operation.answer)


def _below(kind: Kind) -> Iterator[Choice | Listed | Record]:
    if isinstance(kind, Choice | Listed | Record):
        yield kind
        for part in _parts(kind):
            yield from _below(part.kind)


def _parts(kind: Choice | Listed | Record) -> tuple[Element, ...]:
    if isinstance(kind, Record):
        return kind.elements
    if isinstance(kind, Listed):
        text = kind.of.documentation if isinstance(kind.of, Record) else kind.documentation
        return (Element(kind.item, kind.item, text, kind.of, False),)
    return ()


def _annotate(declared: etree._Element, text: str) -> None:
    annotation = etree.Element(f"{_XSD}annotation")
    etree.SubElement(annotation, f"{_XSD}documentation").text = text
    declared.insert(0, annotation)


def _child(parent: etree._Element, tag: str, *, before: bool = False, **attributes: str) -> etree._Element:
    child = etree.Element(_WSDL + tag, attributes)
    parent.insert(0 if before else len(parent), child)
    return child
