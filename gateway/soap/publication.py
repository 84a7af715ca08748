"""Spyne's part: an application per service and SOAP version, which publishes the WSDL and dispatches requests.

Spyne's protocols are kept from parsing, validating and logging: they are handed an element, and what they would make
of it is made by the shapes' reader and writers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from lxml import etree

from gateway.domain.errors import Finding, InvalidRequest
from gateway.soap.contract import Operation, ServiceContract
from gateway.soap.faults import FAULT_SHAPE
from gateway.soap.reader import CODE, read
from gateway.soap.spyne_shim import (
    Application,
    MethodContext,
    ServerBase,
    Service,
    Soap11,
    Soap12,
    Wsdl11,
    rpc,
)
from gateway.soap.versions import SOAP11, Version
from gateway.soap.wire import WireTypes
from gateway.soap.writers import writer
from gateway.soap.wsdl import publish, schema_of
from gateway.xml.paths import line_of, local
from gateway.xml.schemas import validate

Execute = Callable[[Operation, Any], object]
"""Runs one operation on its request and returns what the operation answers."""


@dataclass(frozen=True, slots=True)
class _Call:
    body: etree._Element
    execute: Execute


class _Handed:
    """Protocol mixin: takes the element it is handed, reads and writes by the shapes."""

    schema: bytes
    ns_soap_env: str
    app: Any

    def create_in_document(self, *_: object) -> None:
        """Do nothing: the gate has parsed."""

    def decompose_incoming_envelope(self, ctx: Any, *_: object) -> None:
        """Take the body element the gate has found; Spyne dispatches on its tag."""
        ctx.in_body_doc = ctx.udc.body
        ctx.method_request_string = ctx.in_body_doc.tag

    def deserialize(self, ctx: Any, **_: object) -> None:
        """Validate the body element and read it into the request of its operation."""
        findings = validate(ctx.in_body_doc, self.schema)
        if findings:
            raise InvalidRequest("Запрос не соответствует схеме сервиса.", findings)
        ctx.in_object = (read(ctx.descriptor.udd.operation.request, ctx.in_body_doc),)

    def serialize(self, *_: object, **__: object) -> None:
        """Do nothing: the writers make text of objects."""

    def create_out_string(self, ctx: Any) -> None:
        """Write the whole answer."""
        operation: Operation = ctx.descriptor.udd.operation
        (result,) = ctx.out_object
        tag = f"{operation.name}Response"
        ctx.out_string = (
            f'<?xml version="1.0" encoding="utf-8"?>\n<soap:Envelope xmlns:soap="{self.ns_soap_env}"><soap:Body>'
            f'<{tag} xmlns="{self.app.tns}"><result>{writer(operation.answer)(result)}</result></{tag}>'
            f"</soap:Body></soap:Envelope>",
        )


class _HandedSoap11(_Handed, Soap11):
    """SOAP 1.1."""


class _HandedSoap12(_Handed, Soap12):
    """SOAP 1.2."""


class _Application(Application):
    """Lets every failure through to the door, which alone makes faults; Spyne would log and rephrase it."""

    def process_request(self, ctx: Any) -> None:
        """Call the operation."""
        ctx.out_object = (self.call_wrapper(ctx),)


class _Server(ServerBase):
    """Spyne's way of one request, from dispatch to text, without its HTTP."""

    transport = "http://schemas.xmlsoap.org/soap/http"

    def __init__(self, app: Application, contract: ServiceContract) -> None:
        super().__init__(app)
        self._contract = contract

    def run(self, call: _Call) -> str:
        """Answer one body element."""
        initial = MethodContext(self, MethodContext.SERVER)
        initial.udc = call
        ctx = self.generate_contexts(initial)[0]
        named = etree.QName(call.body).namespace  # a name in no namespace Spyne takes for one of its own
        if ctx.in_error is not None or named != self._contract.namespace:
            raise _no_operation(call.body, self._contract)
        self.get_in_object(ctx)
        self.get_out_object(ctx)
        self.get_out_string(ctx)
        return str(ctx.out_string[0])


def _no_operation(body: etree._Element, contract: ServiceContract) -> InvalidRequest:
    """Refuse a body element that Spyne knows no operation by; its name is told only where it is one of ours."""
    name = local(body)
    named = name in {operation.name for operation in contract.operations}
    missing = "Операция названа в другом пространстве имён" if named else "Такой операции в сервисе нет"
    message = f"{missing}: ожидается операция из пространства имён {contract.namespace}."
    return InvalidRequest(message, (Finding(f"/{name}" if named else "/", line_of(body), CODE, message),))


class Publication:
    """One service in one SOAP version: its WSDL, and its answers to body elements."""

    def __init__(self, contract: ServiceContract, version: Version, public_url: str) -> None:
        protocol = _HandedSoap11 if version is SOAP11 else _HandedSoap12
        incoming = protocol()
        application = _Application(
            [_service(contract, types := WireTypes(contract.namespace))],
            tns=contract.namespace,
            name=contract.title,
            in_protocol=incoming,
            out_protocol=protocol(),
            classes=[types.of(FAULT_SHAPE)],
        )
        self._server = _Server(application, contract)
        document = Wsdl11(application.interface)
        document.event_manager.add_listener("wsdl_document_built", partial(publish, contract=contract, version=version))
        document.build_interface_document(f"{public_url}{version.root}/{contract.code}")
        self.wsdl: bytes = etree.tostring(document.root_elt, xml_declaration=True, encoding="utf-8", pretty_print=True)
        incoming.schema = etree.tostring(schema_of(document.root_elt), encoding="utf-8")

    def answer(self, body: etree._Element, execute: Execute) -> bytes:
        """Answer one body element with a whole envelope.

        Raises:
            InvalidRequest: no such operation, or a request that breaks the schema, with findings.
            GatewayError: whatever ``execute`` raises.
        """
        return self._server.run(_Call(body, execute)).encode()


def _service(contract: ServiceContract, types: WireTypes) -> Any:
    methods = {operation.name: _method(operation, types) for operation in contract.operations}
    return type(Service)(contract.title, (Service,), methods)


def _method(operation: Operation, types: WireTypes) -> Any:
    def call(ctx: Any, request: object) -> object:
        return ctx.udc.execute(operation, request)

    call.__name__ = operation.name  # Spyne tells the methods of a service apart by it
    members = types.members(operation.request)
    return rpc(
        *(kind for _, kind in members),
        _args=[name for name, _ in members],
        _returns=types.member(operation.answer, required=True),
        _out_variable_name="result",
        _udd={"operation": operation},
    )(call)
