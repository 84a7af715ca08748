"""Bodies of packets and source objects: zstd, level 3, compressed here and stored as bytes."""

from __future__ import annotations

import threading
from typing import Final

import zstandard

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""No stored body unpacks to more; a larger one is a damaged row."""

_local = threading.local()


def pack(data: bytes) -> bytes:
    """Compress one body."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=3)
    packed: bytes = _local.compressor.compress(data)
    return packed


def unpack(packed: bytes) -> bytes:
    """Give a body back, byte for byte."""
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    data: bytes = _local.decompressor.decompress(packed, max_output_size=MAX_BODY_BYTES)
    return data
