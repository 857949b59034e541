"""How complaints are worded: what, how many, and the first few names."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_SHOWN: Final = 5


def named(what: str, names: Iterable[object]) -> Iterator[str]:
    """One complaint about all of these names; none if there are none."""
    listed: Sequence[str] = sorted(map(str, names))
    if listed:
        more = ", ..." if len(listed) > _SHOWN else ""
        yield f"{len(listed)} {what}: {', '.join(listed[:_SHOWN])}{more}"


def differ(what: str, expected: Sequence[str], got: Sequence[str]) -> Iterator[str]:
    """What is in one list and not in the other; repeats count."""
    missing, extra = Counter(expected) - Counter(got), Counter(got) - Counter(expected)
    yield from named(f"{what}: missing", missing.elements())
    yield from named(f"{what}: too many", extra.elements())
