"""Options that take a few words, or lists of words, told in our own way."""

from collections.abc import Callable, Sequence

import typer


def one_of(*words: str) -> Callable[[str], str]:
    """A callback for an option that takes one of `words`."""

    def check(value: str) -> str:
        if value not in words:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(words)}")
        return value

    return check


def listed(values: Sequence[str] | None) -> list[str] | None:
    """`a,b` and `c` as a, b, c: an option that may be repeated; None if it was not given."""
    if not values:
        return None
    return [word.strip() for value in values for word in value.split(",") if word.strip()]
