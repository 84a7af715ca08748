"""Spyne types of one service, made from the shapes: what the WSDL publishes.

Every type stands in the service's own namespace; every element is either required or absent, never nil.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.soap.shapes import Choice, Kind, Listed, Record, Scalar
from gateway.soap.spyne_shim import (
    Boolean,
    ByteArray,
    ComplexModel,
    Date,
    DateTime,
    Enum,
    Integer32,
    Unicode,
)

_SCALARS: Final[dict[Scalar, Any]] = {
    Scalar.TEXT: Unicode,
    Scalar.UUID: Unicode,
    Scalar.INTEGER: Integer32,
    Scalar.BOOLEAN: Boolean,
    Scalar.INSTANT: DateTime,
    Scalar.DATE: Date,
    Scalar.BINARY: ByteArray,
}


class WireTypes:
    """The Spyne types of one namespace, one per shape however often it is used."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._made: dict[str, Any] = {}

    def of(self, kind: Kind) -> Any:
        """Spyne type of a shape."""
        if isinstance(kind, Scalar):
            return _SCALARS[kind]
        if isinstance(kind, Choice) and not kind.closed:
            return Unicode
        if kind.name not in self._made:
            self._made[kind.name] = self._make(kind)
        return self._made[kind.name]

    def member(self, kind: Kind, required: bool) -> Any:
        """Spyne type of an element: required, or absent."""
        return self.of(kind).customize(min_occurs=int(required), nillable=False)

    def members(self, shape: Record) -> list[tuple[str, Any]]:
        """Elements of a record, in order, with their Spyne types."""
        return [(element.name, self.member(element.kind, element.required)) for element in shape.elements]

    def _make(self, kind: Choice | Listed | Record) -> Any:
        if isinstance(kind, Choice):
            made = Enum(*kind.codes, type_name=kind.name)
            made.__namespace__ = self.namespace
            return made
        if isinstance(kind, Listed):
            item = self.of(kind.of).customize(min_occurs=0, max_occurs="unbounded", nillable=False)
            return self._complex(kind.name, [(kind.item, item)])
        return self._complex(kind.name, self.members(kind))

    def _complex(self, name: str, members: list[tuple[str, Any]]) -> Any:
        return ComplexModel.produce(self.namespace, name, members)
