"""Models: rows that are replaced while training runs, and heads beside them."""

from dataclasses import replace

from alservice.domain.model import ModelRow, ModelState
from alservice.ports.catalog import Catalog, Tx
from tests.contract.catalog_rows import P, a_model

FULL = a_model(
    "m-1",
    state=ModelState.READY,
    revision=2**40,
    label_count=12,
    parameters={"C": 0.1, "standardised": True, "solver": "lbfgs"},
    metrics=({"name": "accuracy", "basis": "audit", "value": 0.5, "n": 7},),
    create_time_ms=1,
    end_time_ms=2,
    error="none",
)


def add(catalog: Catalog, *models: ModelRow) -> None:
    def work(tx: Tx) -> None:
        for model in models:
            tx.models.insert(P, model)

    catalog.transact(work)


def test_every_field_of_a_model_comes_back(catalog: Catalog) -> None:
    add(catalog, FULL)
    assert catalog.read(lambda tx: tx.models.get(P, "m-1")) == FULL
    assert catalog.read(lambda tx: tx.models.get("other", "m-1")) is None
    assert catalog.read(lambda tx: tx.models.get(P, "m-2")) is None


def test_a_head_is_kept_until_another_one_comes(catalog: Catalog) -> None:
    add(catalog, a_model("m-1"))
    assert catalog.read(lambda tx: tx.models.head(P, "m-1")) is None
    catalog.transact(lambda tx: tx.models.store(P, FULL, b"one"))
    catalog.transact(lambda tx: tx.models.store(P, replace(FULL, error="x"), None))
    assert catalog.read(lambda tx: tx.models.get(P, "m-1")) == replace(FULL, error="x")
    assert catalog.read(lambda tx: tx.models.head(P, "m-1")) == b"one"
    catalog.transact(lambda tx: tx.models.store(P, FULL, b"two"))
    assert catalog.read(lambda tx: tx.models.head(P, "m-1")) == b"two"


def test_pages_of_models_go_from_the_newest(catalog: Catalog) -> None:
    add(
        catalog,
        a_model("m-3", create_time_ms=1),
        a_model("m-1", create_time_ms=2),
        a_model("m-2", create_time_ms=2),
        a_model("m-0", create_time_ms=30),
    )
    first = catalog.read(lambda tx: tx.models.page(P, "", 3))
    rest = catalog.read(lambda tx: tx.models.page(P, first[-1].model_id, 3))
    assert [model.model_id for model in (*first, *rest)] == ["m-0", "m-2", "m-1", "m-3"]


def test_the_latest_ready_model_has_the_greatest_revision_then_is_the_newest(
    catalog: Catalog,
) -> None:
    assert catalog.read(lambda tx: tx.models.latest_ready(P)) is None
    ready = {"state": ModelState.READY}
    add(
        catalog,
        a_model("m-1", revision=5, create_time_ms=1, **ready),
        a_model("m-2", revision=5, create_time_ms=2, **ready),
        a_model("m-3", revision=4, create_time_ms=9, **ready),
        a_model("m-4", revision=9, create_time_ms=9, state=ModelState.FAILED),
    )
    latest = catalog.read(lambda tx: tx.models.latest_ready(P))
    assert latest is not None
    assert latest.model_id == "m-2"
