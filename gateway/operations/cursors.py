"""Cursors of lists: opaque, signed, bound to the account and to the filter they were given for."""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from gateway.domain.errors import InvalidRequest
from gateway.domain.roles import Viewer

FORGED: Final = "Курсор не относится к этому списку: запросите первую страницу без cursor"


class Cursors:
    """Makes and reads cursors with the installation's secret."""

    def __init__(self, secret: bytes) -> None:
        self._serializer = URLSafeSerializer(secret, salt="cursor")

    def make(self, viewer: Viewer, query: object, last: UUID) -> str:
        """Cursor of the page that follows the item ``last`` of this list."""
        return str(self._serializer.dumps([_binding(viewer, query), last.hex]))

    def read(self, viewer: Viewer, query: object, cursor: str) -> UUID:
        """Id of the last item already given.

        Raises:
            InvalidRequest: forged, or of another account, actor, list or filter.
        """
        try:
            binding, last = self._serializer.loads(cursor)
            if binding == _binding(viewer, query):
                return UUID(hex=last)
        except (BadData, ValueError, TypeError, AttributeError) as error:
            raise InvalidRequest(FORGED) from error
        raise InvalidRequest(FORGED)


def _binding(viewer: Viewer, query: object) -> str:
    actor = viewer.actor
    who = f"{viewer.account.id}|{actor}" if actor else str(viewer.account.id)
    return hashlib.sha256(f"{who}|{query!r}".encode()).hexdigest()[:32]
