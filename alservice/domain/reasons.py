"""Say in plain words what decided that an item is in a batch."""

from collections.abc import Mapping, Sequence

from alservice.domain.batch import BatchItem


def reasons(items: Sequence[BatchItem], chosen_by: str) -> list[str]:
    """One sentence per item: the parts of its score, the one in which it stands out first.

    A part stands out by the item's rank among the batch, since parts have different units.
    """
    names = dict.fromkeys(name for item in items for name in item.components)
    ranks = {name: _ranks(items, name) for name in names}
    return [_reason(item, place, ranks, chosen_by) for place, item in enumerate(items)]


def _ranks(items: Sequence[BatchItem], name: str) -> list[int]:
    """The rank of each item by one part, from 1; equal parts share the better rank."""
    values = [item.components.get(name, 0.0) for item in items]
    ordered = sorted(values, reverse=True)
    first = {value: place for place, value in reversed(list(enumerate(ordered, start=1)))}
    return [first[value] for value in values]


def _reason(
    item: BatchItem, place: int, ranks: Mapping[str, Sequence[int]], chosen_by: str
) -> str:
    names = sorted(item.components, key=lambda name: ranks[name][place])
    count = len(ranks[names[0]]) if names else 0
    parts = (
        f"{name.replace('_', ' ')} {item.components[name]:.3g} (rank {ranks[name][place]} "
        f"of {count})"
        for name in names
    )
    return f"{chosen_by}: {', '.join(parts)}" if names else chosen_by
