from __future__ import annotations

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gateway.journal import bodies
from gateway.journal.bodies import DamagedBody, pack, unpack


@given(st.binary(max_size=5_000))
def test_a_body_comes_back_byte_for_byte(data: bytes) -> None:
    assert unpack(pack(data)) == data


def test_a_long_body_of_little_content_packs_small() -> None:
    data = b"<Rec/>" * 1_000_000
    packed = pack(data)
    assert len(packed) < len(data) // 1000
    assert unpack(packed) == data


@pytest.mark.parametrize("told", [True, False])
def test_nothing_unpacks_beyond_the_bound(monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", 1_000)
    compressor = zstandard.ZstdCompressor(write_content_size=told)
    assert unpack(compressor.compress(bytes(1_000))) == bytes(1_000)
    with pytest.raises(DamagedBody):
        unpack(compressor.compress(bytes(1_001)))


@pytest.mark.parametrize("damaged", [b"", b"<xml/>", pack(b"<a/>" * 50)[:-3]])
def test_a_damaged_body_is_told_as_such(damaged: bytes) -> None:
    with pytest.raises(DamagedBody):
        unpack(damaged)
