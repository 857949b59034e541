"""From the columns of some rows to a block of items."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from alservice.domain.errors import AlserviceError, SourceInvalid
from alservice.domain.item import EMPTY_ATTRIBUTES, Attributes, ContentPart, ItemBlock, Role
from alservice.domain.project import DType

BLOCK_BYTES: Final = 1 << 20
MOST_ROWS: Final = 8192
ROLES: Final = {"": Role.POOL, **{role.name.lower(): role for role in Role}}
_WRONG: Final = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    OSError,
    RuntimeError,
    BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a file: `vectors` (n, d) in `dtype`, other columns by field, a value each."""

    first: int
    vectors: NDArray[Any]
    dtype: DType
    columns: Mapping[str, Sequence[object]]


def rows_at_once(row_bytes: int) -> int:
    """How many rows make a block."""
    return max(1, min(BLOCK_BYTES // max(row_bytes, 1), MOST_ROWS))


def assemble(rows: Rows, id_prefix: str) -> ItemBlock:
    """The items. Raises SourceInvalid."""
    columns, count = rows.columns, len(rows.vectors)
    texts = {
        field: tuple(map(text_of, columns[field]))
        for field in ("item_id", "class_id", "text", "uri", "group", "role")
        if field in columns
    }
    numbers = range(rows.first, rows.first + count)
    return ItemBlock(
        item_ids=texts.get("item_id") or tuple(f"{id_prefix}{number}" for number in numbers),
        vectors=rows.vectors,
        dtype=rows.dtype,
        roles=_roles(texts["role"], rows.first) if "role" in texts else None,
        costs=_costs(columns["cost"]) if "cost" in columns else None,
        attributes=_attributes(texts, count),
        class_ids=texts.get("class_id"),
    )


def text_of(value: object) -> str:
    """A value as text: nothing and NaN are "", 3.0 is "3". Raises UnicodeDecodeError."""
    if isinstance(value, str):
        return value
    if value is None or value != value:  # noqa: PLR0124 (only NaN differs from itself)
        return ""
    if isinstance(value, bytes):
        return value.decode()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@contextmanager
def readable(uri: str) -> Iterator[None]:
    """Whatever is found wrong with a file inside is told in one line. Raises SourceInvalid."""
    try:
        yield
    except SourceInvalid as error:
        if uri in str(error):
            raise
        raise SourceInvalid(f"{uri}: {error}", **{"uri": uri, **error.metadata}) from None
    except AlserviceError:
        raise
    except _WRONG as error:
        told = (str(error) or "it ends too early").split("\n", 1)[0][:300]
        raise SourceInvalid(f"{uri} cannot be read: {told}", uri=uri) from error


def _roles(words: Iterable[str], first: int) -> NDArray[np.uint8]:
    found = []
    for number, word in enumerate(words, start=first):
        if word.lower() not in ROLES:
            text = f"row {number} has the role {word!r}; a role is pool, test or gold"
            raise SourceInvalid(text, field="role", row=number)
        found.append(ROLES[word.lower()])
    return np.array(found, dtype=np.uint8)


def _costs(values: Sequence[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # an infinity is refused later, by name
        return np.array([np.nan if v is None else v for v in values], dtype=np.float32)


def _attributes(texts: Mapping[str, Sequence[str]], count: int) -> tuple[Attributes, ...] | None:
    if not {"text", "uri", "group"} & set(texts):
        return None
    nothing = ("",) * count
    columns = zip(*(texts.get(field, nothing) for field in ("group", "text", "uri")), strict=True)
    return tuple(_carried(*row) for row in columns)


def _carried(group: str, text: str, uri: str) -> Attributes:
    parts = [ContentPart(text=text)] if text else []
    if uri:
        parts.append(ContentPart(uri=uri))
    return Attributes(group=group, content=tuple(parts)) if group or parts else EMPTY_ATTRIBUTES
