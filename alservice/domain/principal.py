"""Who is calling."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `subject` is stable and goes into logs and request records."""

    subject: str


LOCAL = Principal("local")
