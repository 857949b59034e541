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


def page_limit(page_size: int) -> int:
    """How many rows `page_size` asks for: 50 for 0. Raises InvalidField outside 0 to 1,000."""
    if not 0 <= page_size <= MAX_PAGE_SIZE:
        text = f"page_size must be 0 to {MAX_PAGE_SIZE}, not {page_size}"
        raise InvalidField(text, field="page_size", value=page_size)
    return page_size or DEFAULT_PAGE_SIZE


def cut_page(
    kind: str, rows: Sequence[T], limit: int, position: Callable[[T], tuple[str | int, ...]]
) -> Page[T]:
    """The first `limit` of `rows`, which were asked one longer, and a token for the rest."""
    if len(rows) <= limit:
        return Page(rows)
    return Page(rows[:limit], encode_token(kind, *position(rows[limit - 1])))


def last_text(kind: str, token: str, *scope: str) -> str:
    """The id in a token of (*scope, id); "" for the first page. Raises InvalidPageToken."""
    position = decode_token(kind, token)
    if not position:
        return ""
    *inside, last = position
    if tuple(inside) != scope or not isinstance(last, str):
        text = f"this page_token belongs to another list than {'/'.join(scope) or 'this one'}"
        raise InvalidPageToken(text, method=kind)
    return last
