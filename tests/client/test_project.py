import contextlib

import numpy as np
import pytest

import alservice
from alservice.client import Part
from alservice.client.errors import (
    AlreadyExists,
    Cancelled,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
)

CLASSES = ["good", "bad"]


def clusters(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two clouds of points, and which one each point is of."""
    rng = np.random.default_rng(seed)
    answers = rng.integers(0, 2, count)
    return rng.normal(size=(count, 6)) + 3 * answers[:, None], np.array(CLASSES)[answers]


def test_from_an_array_to_a_model_that_scores(client: alservice.Client) -> None:
    vectors, truth = clusters(300)
    project = client.create_project("round-trip", classes=CLASSES)
    project.add_items(vectors)
    batch = project.query(20)
    assert len(batch) == 20 and batch.ranks.tolist() == list(range(1, 21))
    assert batch.scores.dtype == np.float32 and (np.diff(batch.scores) <= 0).all()
    assert batch.because and not batch.notes

    assert repr(batch).startswith(
        f"Batch(20 items, {batch.name}, strategy typiclust: {batch.ids[0]}"
    )
    for size in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            project.query(size)

    answers = truth[np.array(batch.ids, int)]
    assert project.submit_labels(batch.ids, answers, annotator="ann") == ["recorded"] * 20
    model = project.train()
    assert model.active and model.state == "ready" and model.label_count > 10
    assert model == project.model() == project.model(model.model_id) == next(project.models())
    assert {metric.name for metric in model.metrics} >= {"accuracy", "log_loss"}

    second = project.query(10, view="full")
    assert second.model == model.name and second.strategy == "auto"
    assert not set(second.ids) & set(batch.ids)
    assert np.all(np.diff(second.scores[second.scores > 0]) <= 0)


def test_what_is_uploaded_comes_back(client: alservice.Client) -> None:
    project = client.create_project("attributes", classes={"good": "Good one", 2: "Two"})
    project.add_items(
        np.eye(3, dtype=np.float32),
        ids=["x", "y", "z"],
        labels=["good", None, np.int64(2)],
        roles=["pool", "pool", "test"],
        contents=["a text", Part(uri="https://example.org/y.png", media_type="image/png"), None],
        groups=["g", "", "g"],
        tags=[["new"], [], []],
        costs=[2.0, float("nan"), None],
        metadata=[{"page": 3, "who": ["me"]}, None, {}],
    )
    x, y, z = (project.item(name, vector=True) for name in "xyz")
    assert x.vector is not None and x.vector.tolist() == [1, 0, 0]
    assert (x.text, x.group, x.tags, x.cost) == ("a text", "g", ("new",), 2.0)
    assert x.metadata == {"page": 3, "who": ["me"]} and x.settled_class_id == "good"
    assert y.content == (Part(uri="https://example.org/y.png", media_type="image/png"),)
    assert (y.cost, y.settled_class_id, y.role) == (None, None, "pool")
    assert (z.role, z.settled_class_id, z.content) == ("test", "2", ())
    assert {label.item_id: label.provenance for label in project.labels()} == {
        "x": "imported",
        "z": "imported",
    }
    assert project.update_items(["x", "y"], groups=["h", "h"], contents=["b", ["c", "d"]]) == 2
    assert project.item("x").group == "h" and project.item("y").text == "c\nd"
    assert project.item("x").tags == ("new",)
    assert project.delete_items(["x", "nothing"]) == 1
    assert sorted(item.item_id for item in project.items()) == ["y", "z"]


def test_settings_are_shown_and_changed(client: alservice.Client) -> None:
    project = client.create_project(
        "settings", ["a"], display_name="Settings", strategy="entropy", lease_s=90, batch_size=7
    )
    info = project.info()
    assert info.project_id == "settings" and info.display_name == "Settings"
    assert (info.policy.strategy, info.policy.lease_s, info.policy.batch_size) == (
        "entropy",
        90,
        7,
    )
    assert info.classes == {"a": "a"} and info.dimension is None and info.active_model == ""
    assert project.update(display_name="Other", lease_s=60).policy.lease_s == 60
    assert project.add_classes(["b", "a"]).classes.keys() == {"a", "b"}
    assert "settings" in {listed.project_id for listed in client.projects()}
    with pytest.raises(ValueError, match="unknown or malformed setting"):
        project.update(stratgy="margin")


def test_a_batch_is_renewed_resumed_and_released(client: alservice.Client) -> None:
    project = client.create_project("leases", CLASSES)
    project.add_items(np.eye(8))
    batch = project.query(3, annotator="ann", lease_s=60)
    assert project.query(3, annotator="ann", resume=True).ids == batch.ids
    renewed = project.renew(batch, lease_s=3600)
    assert renewed.expire_time is not None and batch.expire_time is not None
    assert renewed.expire_time > batch.expire_time
    assert project.release(batch).closed
    assert project.batch(batch.name).states == ["released"] * 3
    assert [b.name for b in project.batches(annotator="ann")] == [batch.name]
    assert list(project.batches(open_only=True)) == []
    assert project.query(2, dry_run=True).name == ""


def test_every_outcome_is_kept(client: alservice.Client) -> None:
    project = client.create_project("outcomes", CLASSES)
    project.add_items(np.eye(4))
    statuses = project.submit_labels(
        [0, 1, 2, 3],
        ["good", None, None, "bad"],
        outcomes=["value", "abstain", "unusable", "unsure"],
        confidences=[0.5, None, None, 1.0],
        seconds=np.array([1.5, 2.0, 0.0, 3.0]),
    )
    assert statuses == ["recorded"] * 4
    assert project.submit_labels([0], ["good"]) == ["duplicate"]
    assert project.submit_labels([0], ["bad"], annotator="other") == ["disagrees"]
    kept = {label.item_id: label for label in project.labels() if label.annotator != "other"}
    assert [kept[str(row)].outcome for row in range(4)] == [
        "value",
        "abstain",
        "unusable",
        "unsure",
    ]
    assert (kept["0"].confidence, kept["0"].seconds, kept["1"].class_id) == (0.5, 1.5, None)
    assert kept["0"].create_time is not None and kept["0"].create_time.tzinfo is not None
    assert {label.item_id for label in project.labels(settled=True)} >= {"0", "3"}


def test_training_can_be_followed_and_cancelled(client: alservice.Client) -> None:
    vectors, truth = clusters(200)
    project = client.create_project("follow", CLASSES)
    project.add_items(vectors, labels=truth)
    training = project.train(wait=False)
    assert training.model_name.startswith("projects/follow/models/")
    training.cancel()
    with contextlib.suppress(Cancelled):  # it may have been too late to cancel
        training.wait()
    again = project.train(wait=False, force=True)
    model = again.wait()
    assert again.done and model.state == "ready"
    assert project.train().name == model.name, "nothing is new, so nothing is trained"
    assert project.activate(model).active


def test_refusals_are_plain_errors_with_reason_and_way_out(client: alservice.Client) -> None:
    project = client.create_project("refusals", CLASSES)
    with pytest.raises(FailedPrecondition) as empty:
        project.query(5)
    assert empty.value.reason == "ERROR_REASON_POOL_EMPTY" and empty.value.__context__ is None
    project.add_items(np.eye(4))
    with pytest.raises(InvalidArgument, match="margin") as typo:
        project.query(1, strategy="margn")
    assert typo.value.reason == "ERROR_REASON_STRATEGY_UNKNOWN"
    with pytest.raises(InvalidArgument, match="good"):
        project.submit_labels([0], ["goood"])
    with pytest.raises(NotFound) as missing:
        project.submit_labels(["nothing"], ["good"])
    assert missing.value.reason == "ERROR_REASON_ITEM_NOT_FOUND"
    with pytest.raises(FailedPrecondition, match=r"two|2"):
        project.train()
    with pytest.raises(NotFound, match="train one first"):
        project.model()
    with pytest.raises(ValueError, match="classes has 1 entries for 2 items"):
        project.submit_labels([0, 1], ["good"])
    with pytest.raises(ValueError, match="one of abstain, flag"):
        project.submit_labels([0], ["good"], outcomes=["dunno"])


def test_creating_twice_is_refused_unless_that_is_fine(client: alservice.Client) -> None:
    client.create_project("twice", CLASSES)
    with pytest.raises(AlreadyExists, match="twice"):
        client.create_project("twice", CLASSES)
    assert client.create_project("twice", ["bad"], exist_ok=True).project_id == "twice"
    with pytest.raises(AlreadyExists):
        client.create_project("twice", ["ugly"], exist_ok=True)
    client.project("twice").delete()
    with pytest.raises(NotFound):
        client.project("twice")


def test_strategies_are_listed_with_their_sources(client: alservice.Client) -> None:
    names = {strategy.name for strategy in client.strategies()}
    assert names >= {"random", "margin", "entropy", "least_confidence", "k_center"}
