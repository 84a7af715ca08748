"""What transports of messages share that hear nothing of a message once it is handed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workers.exchange import Notice, Word


class OneWay:
    """The half of a carrier (``workers.exchange.Carrier``) that would listen."""

    def take_notices(self, limit: int, wait_s: float) -> Sequence[Notice]:
        """Nothing comes this way."""
        del limit, wait_s
        return ()

    def ask(self, peer_ids: Sequence[str]) -> Mapping[str, Word]:
        """Nothing can be asked."""
        del peer_ids
        return {}

    def confirm(self, tokens: Sequence[int]) -> None:
        """Nothing is to be confirmed."""
