"""Columns as the journal's tables use them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP


def moment(name: str, *, nullable: bool = True, **options: Any) -> Column[Any]:
    """A moment with zone; nullable unless told."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable, **options)


def now(name: str) -> Column[Any]:
    """A moment that is now unless told."""
    return moment(name, nullable=False, server_default=text("now()"))


def words(name: str, **options: Any) -> Column[str]:
    """Text."""
    return Column(name, Text, nullable=False, **options)


def flag(name: str) -> Column[bool]:
    """False unless told."""
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def count(name: str) -> Column[int]:
    """Zero unless told."""
    return Column(name, Integer, nullable=False, server_default=text("0"))


def blob(name: str, *, nullable: bool = True) -> Column[bytes]:
    """Bytes; nullable unless told."""
    return Column(name, LargeBinary, nullable=nullable)
