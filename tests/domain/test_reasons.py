"""The part in which an item stands out comes first."""

from alservice.domain.batch import Arm, BatchItem
from alservice.domain.reasons import reasons


def item(name: str, **components: float) -> BatchItem:
    return BatchItem(
        item_id=name,
        incarnation=1,
        rank=1,
        score=1.0,
        arm=Arm.STRATEGY,
        components=components,
    )


def test_what_an_item_is_best_at_is_named_first_whatever_its_unit() -> None:
    batch = [item("a", gain=100.0, uncertainty=0.1), item("b", gain=50.0, uncertainty=0.9)]
    assert reasons(batch, "herding") == [
        "herding: gain 100 (rank 1 of 2), uncertainty 0.1 (rank 2 of 2)",
        "herding: uncertainty 0.9 (rank 1 of 2), gain 50 (rank 2 of 2)",
    ]


def test_equals_share_the_better_rank_and_no_parts_leave_the_name() -> None:
    assert reasons([item("a", margin=0.5), item("b", margin=0.5)], "margin") == [
        "margin: margin 0.5 (rank 1 of 2)",
        "margin: margin 0.5 (rank 1 of 2)",
    ]
    assert reasons([item("a")], "random") == ["random"]
