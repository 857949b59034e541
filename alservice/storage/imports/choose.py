"""Which columns of a file are taken for what."""

from collections.abc import Mapping, Sequence
from typing import Final

from alservice.domain.errors import InvalidField, did_you_mean
from alservice.domain.source import NONE, SourceColumns

USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "item_id": ("id", "ids", "item_id"),
    "vector": ("X", "vector", "vectors", "embedding", "embeddings"),
    "class_id": ("y", "label", "labels", "class", "class_id"),
    "text": ("text",),
    "uri": ("uri",),
    "group": ("group", "groups"),
    "cost": ("cost", "costs"),
    "role": ("role", "roles"),
}
_SHOWN: Final = 20


def choose(there: Sequence[str], asked: SourceColumns) -> dict[str, tuple[str, ...]]:
    """The names of the columns for each field that has any. Raises InvalidField."""
    chosen = {field: _names(field, there, asked) for field in USUAL}
    return {field: names for field, names in chosen.items() if names}


def listed(names: Sequence[str]) -> str:
    """The names, for a message."""
    more = ", ..." if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "nothing") + more


def _names(field: str, there: Sequence[str], asked: SourceColumns) -> tuple[str, ...]:
    given = getattr(asked, field)
    names = (given,) if isinstance(given, str) and given else tuple(given)
    if names == (NONE,):
        return ()
    for name in names:
        if name not in there:
            text = f"the file has no column {name!r}; it holds {listed(there)}"
            hint = did_you_mean(name, there)
            raise InvalidField(text, field=f"columns.{field}", got=name, **hint)
    return names or next(((name,) for name in USUAL[field] if name in there), ())
