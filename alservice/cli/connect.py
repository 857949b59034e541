"""How commands reach a server: a few options, and failures as one line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from alservice.cli.failure import Failure, Misuse
from alservice.client import Client, ServiceError

CALL_TIMEOUT_S = 10.0  # a person waits

Address = Annotated[
    str, typer.Option(envvar="ALSERVICE_ADDRESS", help="Where the server is, host:port.")
]
Tls = Annotated[bool, typer.Option("--tls", help="Speak TLS, and trust what this machine trusts.")]
TlsCa = Annotated[
    Path | None, typer.Option(help="Speak TLS, and trust certificates signed by this, PEM.")
]
DEFAULT_ADDRESS = "127.0.0.1:50051"

# The service and the client speak of their API; a person here has commands and flags.
IN_FLAGS: Final[Mapping[str, str]] = {
    "CreateProject makes one": "`alservice import FILE --project NAME --create` makes one",
    "on_conflict may skip or replace": "--on-conflict skip|replace takes them",
    "AddClasses adds classes": "--create makes the classes that the file names",
    "vector_columns": "--vector-columns",
    "content_columns": "--content-columns",
}


@contextmanager
def connect(
    address: str,
    tls: bool = False,
    tls_ca: Path | None = None,
    words: Mapping[str, str] = IN_FLAGS,
) -> Iterator[Client]:
    """A client for `address`. What goes wrong inside becomes a Failure, in these words."""
    with told(words), Client(address, timeout=CALL_TIMEOUT_S, tls=tls, ca_file=tls_ca) as client:
        yield client


@contextmanager
def told(words: Mapping[str, str] = IN_FLAGS) -> Iterator[None]:
    """Refusals of the service become Failures, bad input and unreadable files a Misuse."""
    try:
        yield
    except ServiceError as error:
        raise Failure(_in(words, error.message)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Misuse(f"{where}{error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise Misuse(_in(words, str(error))) from error


def _in(words: Mapping[str, str], text: str) -> str:
    for theirs, ours in words.items():
        text = text.replace(theirs, ours)
    return text
