from __future__ import annotations

from hypothesis import settings

from tests.served import _server, served

__all__ = ["_server", "served"]

settings.register_profile("house", deadline=None)  # a test that is timed fails on a busy machine
settings.load_profile("house")
