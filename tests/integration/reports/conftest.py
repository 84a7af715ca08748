"""The region after its first launches, as the operations' own tests know it."""

from __future__ import annotations

from tests.integration.operations.conftest import world as world
from tests.integration.operations.conftest import world_url as world_url
