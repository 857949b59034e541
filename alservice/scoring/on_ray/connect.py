"""From `ray` or `ray://host:port` to a connected Ray, or to what is wrong."""

import importlib
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alservice.domain.startup import StartupError

_KNOCK_S: Final = 5.0
_TRIES: Final = 3
_TOKENS: Final = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_QUIET: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is reported to anybody unless the user says so
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # of calls that were cancelled
    "RAY_ENABLE_AUTO_CONNECT": "0",  # a lost cluster is not replaced by one that Ray starts here
    "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "5",  # seconds for which a query waits for a lost head
}


def connect(address: str, threads: int) -> Any:
    """The `ray` module, connected.

    "ray": the cluster that RAY_ADDRESS names or that runs on this machine, else one that is
    started here with so many CPUs and ends with this process. Raises StartupError.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if _has_token():
        # Ray turns tokens on by itself for clusters that it starts, not where it is a client.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    ray = _imported()
    try:
        _knock(address)
        with _own_signals():
            _init(ray, address, threads)
    except Exception as error:  # Ray raises bare ones, too
        text = (
            f"--scoring {address} cannot be reached ({_first_line(error)}): see that the cluster "
            "runs, that the port is that of Ray clients (10001), and that RAY_AUTH_TOKEN or "
            "~/.ray/auth_token is the cluster's; or leave --scoring local"
        )
        raise StartupError(text) from error
    return ray


def _imported() -> Any:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        text = "--scoring ray needs Ray: pip install 'alservice[ray]', or leave --scoring local"
        raise StartupError(text) from error


def _knock(address: str) -> None:
    """Raise OSError at once where nothing listens; Ray would try for half a minute."""
    if address != "ray":
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_S).close()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself; the server means to drain."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _init(ray: Any, address: str, threads: int) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.WARNING}
    if address != "ray":
        _join(ray, address, quiet)
    elif os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        try:
            ray.init("auto", **quiet)
        except ConnectionError:
            # Else Ray would leave one in the home folder, which a service need not have.
            os.environ.setdefault(_TOKENS[0], secrets.token_hex(32))
            os.environ.setdefault("RAY_worker_niceness", "0")  # it works for this process
            ray.init("local", num_cpus=threads, include_dashboard=False, **quiet)


def _join(ray: Any, address: str, quiet: Mapping[str, Any]) -> None:
    """Ray starts a server for each client, on a port that another program may just have taken."""
    for left in reversed(range(_TRIES)):
        try:
            ray.init(address, **quiet)
        except ConnectionAbortedError:
            if not left:
                raise
            ray.shutdown()
        else:
            return


def _has_token() -> bool:
    named = any(os.environ.get(name) for name in _TOKENS)
    return named or (Path.home() / ".ray" / "auth_token").is_file()


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
