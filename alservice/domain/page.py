"""Pages and their tokens: opaque to callers, checked when they come back."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from alservice.domain.errors import InvalidField, InvalidPageToken

T = TypeVar("T")
DEFAULT_PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000
MAX_PAGE_BYTES: Final = 3 << 20  # gRPC clients take 4 MiB unless told otherwise


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list; `next_token` is "" on the last page."""

    rows: Sequence[T]
    next_token: str = ""


def encode_token(kind: str, *position: str | int) -> str:
    """A token for the call `kind` that stands for `position`."""
    raw = json.dumps([kind, *position], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_token(kind: str, token: str) -> list[str | int]:
    """The position in a token; empty for the empty token. Raises InvalidPageToken."""
    if not token:
        return []
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        made_for, *position = json.loads(raw)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        made_for, position = None, []
    if made_for != kind or not all(isinstance(p, str | int) for p in position):
        text = f"this page_token was not made by {kind}; begin again without one"
        raise InvalidPageToken(text, method=kind)
    return list(position)


def page_limit(page_size: int, default: int = DEFAULT_PAGE_SIZE, most: int = MAX_PAGE_SIZE) -> int:
    """How many rows `page_size` asks for: `default` for 0. Raises InvalidField above `most`."""
    if not 0 <= page_size <= most:
        text = f"page_size must be 0 to {most}, not {page_size}"
        raise InvalidField(text, field="page_size", value=page_size)
    return page_size or default


def cut_page(
    kind: str,
    rows: Sequence[T],
    limit: int,
    position: Callable[[T], tuple[str | int, ...]],
    size_bytes: Callable[[T], int] = lambda _: 0,
) -> Page[T]:
    """The first `limit` of `rows`, which were asked one longer, and a token for the rest.

    Fewer if their sizes would outgrow what an untuned client receives; one at least.
    """
    kept = min(limit, fitting(rows, size_bytes))
    if len(rows) <= kept:
        return Page(rows)
    return Page(rows[:kept], encode_token(kind, *position(rows[kept - 1])))


def fitting(rows: Sequence[T], size_bytes: Callable[[T], int]) -> int:
    """How many of the rows, from the first on, fit into one answer; one at least."""
    total = 0
    for count, row in enumerate(rows):
        total += size_bytes(row)
        if total > MAX_PAGE_BYTES:
            return max(1, count)
    return len(rows)


def last_text(kind: str, token: str, *scope: str) -> str:
    """The id in a token of (*scope, id); "" for the first page. Raises InvalidPageToken."""
    last = _last(kind, token, scope) if token else ""
    if not isinstance(last, str):
        raise _of_another_list(kind, scope)
    return last


def last_number(kind: str, token: str, *scope: str) -> int:
    """The number in a token of (*scope, number); 0 for the first page. Raises InvalidPageToken."""
    last = _last(kind, token, scope) if token else 0
    if not isinstance(last, int) or not 0 <= last < 2**63:
        raise _of_another_list(kind, scope)
    return last


def _last(kind: str, token: str, scope: tuple[str, ...]) -> str | int:
    position = decode_token(kind, token)
    if len(position) != len(scope) + 1 or tuple(position[:-1]) != scope:
        raise _of_another_list(kind, scope)
    return position[-1]


def _of_another_list(kind: str, scope: tuple[str, ...]) -> InvalidPageToken:
    text = f"this page_token belongs to another list than {'/'.join(scope) or 'this one'}"
    return InvalidPageToken(text, method=kind)
