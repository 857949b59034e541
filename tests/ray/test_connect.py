"""What is said to whoever cannot have Ray."""

import socket
import sys

import pytest

from alservice.domain.startup import StartupError
from alservice.scoring.on_ray import connect
from tests.ray.cluster import need_ray


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(StartupError, match=r"pip install 'alservice\[ray\]'"):
        connect("ray", 1)


def test_where_nothing_listens_it_says_what_to_check() -> None:
    need_ray()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken, and nobody answers
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=r"cannot be reached .*RAY_AUTH_TOKEN"):
            connect(f"ray://127.0.0.1:{port}", 1)
