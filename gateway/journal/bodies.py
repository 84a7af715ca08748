"""Bodies of packets and source objects: zstd, level 3, compressed here and stored as bytes."""

from __future__ import annotations

import threading
from typing import Final

import zstandard

from gateway.domain.errors import GatewayError

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""No stored body unpacks to more; a larger one is a damaged row."""

_local = threading.local()


class DamagedBody(GatewayError):
    """A stored body does not unpack: its row was changed by something else than the journal."""


def pack(data: bytes) -> bytes:
    """Compress one body."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=3)
    packed: bytes = _local.compressor.compress(data)
    return packed


def unpacked_size(packed: bytes) -> int:
    """Bytes that :func:`unpack` will give back, read from the head of the frame.

    Raises:
        DamagedBody: it is not what :func:`pack` made.
    """
    try:
        return zstandard.frame_content_size(packed)
    except zstandard.ZstdError as error:
        raise DamagedBody("Сохранённый документ повреждён") from error


def unpack(packed: bytes) -> bytes:
    """Give a body back, byte for byte.

    Raises:
        DamagedBody: it is not what :func:`pack` made, or unpacks to more than ``MAX_BODY_BYTES``.
    """
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    try:
        # The library heeds its own bound only in frames that do not tell their size.
        if zstandard.frame_content_size(packed) > MAX_BODY_BYTES:
            raise DamagedBody("Сохранённый документ больше допустимого")
        data: bytes = _local.decompressor.decompress(packed, max_output_size=MAX_BODY_BYTES)
    except zstandard.ZstdError as error:
        raise DamagedBody("Сохранённый документ повреждён") from error
    return data
