"""What pytest gets of mm7_wsgi: one fixture. The package is imported when a test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mm7_wsgi.testing import MM7Client


@pytest.fixture(scope="session")
def mm7_client() -> type[MM7Client]:
    """A peer of a WSGI application, to be made for it: ``mm7_client(application, "acme", "s3cret").submit()``."""
    from mm7_wsgi.testing import MM7Client

    return MM7Client
