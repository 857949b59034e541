"""How commands reach a server: one option, and failures as one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from alservice.cli.failure import Failure, Misuse
from alservice.client import Client, ServiceError

CALL_TIMEOUT_S = 10.0  # a person waits

Address = Annotated[
    str, typer.Option(envvar="ALSERVICE_ADDRESS", help="Where the server is, host:port.")
]
DEFAULT_ADDRESS = "127.0.0.1:50051"


@contextmanager
def connect(address: str) -> Iterator[Client]:
    """A client for `address`. What goes wrong inside becomes a Failure."""
    with told(), Client(address, timeout=CALL_TIMEOUT_S) as client:
        yield client


@contextmanager
def told() -> Iterator[None]:
    """Refusals of the service become Failures, bad input and unreadable files a Misuse."""
    try:
        yield
    except ServiceError as error:
        raise Failure(error.message) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Misuse(f"{where}{error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise Misuse(str(error)) from error
