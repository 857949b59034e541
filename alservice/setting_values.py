"""What each kind of setting may say, from a flag, the environment or a file."""

import sys
from collections.abc import Callable
from pathlib import Path

from alservice.domain.address import is_address


def path(value: object) -> Path:
    """A path. Raises ValueError."""
    if not str(value):
        raise ValueError("must be a path, not empty")
    return Path(str(value))


def place(value: object) -> str:
    """A path, or the address of an object store. Raises ValueError."""
    if not str(value):
        raise ValueError("must be a path or an address such as s3://bucket/prefix, not empty")
    return str(value)


def roots(value: object) -> tuple[str, ...]:
    """Folders, as absolute paths, and addresses. Raises ValueError."""
    given = value if isinstance(value, list | tuple) else str(value).split(",")
    named = [str(root).strip() for root in given]
    if not all(named):
        raise ValueError("must be folders and s3://bucket/folder addresses, parted by commas")
    return tuple(root if "://" in root else str(Path(root).absolute()) for root in named)


def catalog(value: object) -> str:
    """A PostgreSQL URI. Raises ValueError."""
    # Not repeated in the error: it may hold a password.
    if not str(value).startswith(("postgresql://", "postgres://")):
        raise ValueError("must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    return str(value)


def address(value: object) -> str:
    """host:port or unix:path. Raises ValueError."""
    if not is_address(str(value)):
        raise ValueError(f"must be host:port or unix:path, not {str(value)!r}")
    return str(value)


def http(value: object) -> str | None:
    """host:port; None for off. Raises ValueError."""
    if str(value) == "off":
        return None
    if not is_address(str(value)) or str(value).startswith("unix"):
        raise ValueError(f"must be host:port or off, not {str(value)!r}")
    return str(value)


def scoring(value: object) -> str:
    """local, ray or ray://host:port. Raises ValueError."""
    text = str(value)
    host, _, port = text.removeprefix("ray://").rpartition(":")
    if text in {"local", "ray"} or (text.startswith("ray://") and host and port.isdigit()):
        return text
    raise ValueError(f"must be local, ray or ray://host:port, not {text!r}")


def number(kind: type[int] | type[float], minimum: float, maximum: float) -> Callable[..., float]:
    """A parser of numbers within these bounds. Raises ValueError."""

    def parse(value: object) -> float:
        text = f"must be a number from {minimum:g} to {maximum:g}, not {str(value)!r}"
        try:
            parsed = kind(str(value))
        except ValueError:
            raise ValueError(text) from None
        if not minimum <= parsed <= maximum:
            raise ValueError(text)
        return parsed

    return parse


def switch(value: object) -> bool:
    """True or false. Raises ValueError."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if str(value).lower() not in words:
        raise ValueError(f"must be true or false, not {str(value)!r}")
    return words[str(value).lower()]


def one_of(*choices: str) -> Callable[[object], str]:
    """A parser of these words. Raises ValueError."""

    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {str(value)!r}")
        return str(value)

    return parse


def log_format(value: object) -> str:
    """Json or console; auto looks whether a person reads. Raises ValueError."""
    choice = one_of("auto", "json", "console")(value)
    if choice == "auto":
        return "console" if sys.stderr.isatty() else "json"
    return choice
