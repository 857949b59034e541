"""Making projects."""

import math
from collections.abc import Callable

import pytest

from alservice import strategies
from alservice.domain import errors
from alservice.domain.project import ClassLabel, DType, Policy, Project, Retrain, VectorSpace
from alservice.domain.strategy_version import effective_version
from alservice.ports.catalog import Catalog
from alservice.usecases.create_project import CreateProject, CreateProjectCommand
from tests.usecases.conftest import CallFactory


def command(**changes: object) -> CreateProjectCommand:
    fields: dict[str, object] = {"project_id": "reviews", "classes": (ClassLabel("good"),)}
    return CreateProjectCommand(**{**fields, **changes})  # type: ignore[arg-type]


def pinned(name: str) -> int:
    """The version that a project gets."""
    known = strategies.discover()
    return effective_version(known, known[name])


def test_a_project_is_kept_as_it_was_answered_with_all_defaults_filled_in(
    create_project: CreateProject, call: CallFactory, catalog: Catalog
) -> None:
    made = create_project(call(), command())
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == made
    assert made.display_name == "reviews"
    assert made.schema.classes == (ClassLabel("good", "good"),)
    assert made.policy == Policy(strategy_version=pinned("auto"))
    assert made.create_time_ms > 0 and made.etag and made.active_model_id is None


def test_all_that_was_asked_for_is_kept(
    create_project: CreateProject, call: CallFactory, catalog: Catalog
) -> None:
    policy = Policy(
        strategy="k_center",
        batch_size=7,
        lease_duration_ms=60_000,
        reserve_share=0.25,
        audit_share=0.0,
        retrain=Retrain.AUTO,
    )
    space = VectorSpace(dimension=384, dtype=DType.F16, encoder="e5")
    made = create_project(call(), command(policy=policy, space=space, display_name="Kritiken"))
    assert (made.policy, made.space, made.display_name) == (policy, space, "Kritiken")
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == made


def test_projects_differ_in_salt_and_uid(make_project: Callable[..., Project]) -> None:
    one, other = make_project(), make_project()
    assert one.salt != other.salt and one.uid != other.uid


def test_a_retry_gets_an_equal_answer_even_after_a_change(
    create_project: CreateProject, call: CallFactory, catalog: Catalog
) -> None:
    made = create_project(call("CreateProject", "r1"), command())
    catalog.transact(lambda tx: tx.projects.delete("reviews"))
    assert create_project(call("CreateProject", "r1"), command()) == made
    assert catalog.read(lambda tx: tx.projects.get("reviews")) is None


def test_another_request_under_the_same_id_is_refused(
    create_project: CreateProject, call: CallFactory
) -> None:
    create_project(call("CreateProject", "r1", fingerprint="a"), command())
    with pytest.raises(errors.RequestIdReused):
        create_project(call("CreateProject", "r1", fingerprint="b"), command(project_id="other"))


def test_a_taken_id_is_refused_and_changes_nothing(
    create_project: CreateProject, call: CallFactory, catalog: Catalog
) -> None:
    made = create_project(call(), command())
    with pytest.raises(errors.ProjectExists, match="projects/reviews"):
        create_project(call(), command(display_name="another"))
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == made


@pytest.mark.parametrize(
    ("project_id", "fits"),
    [
        ("a", True),
        ("a" * 63, True),
        ("a-1", True),
        ("", False),
        ("a" * 64, False),
        ("A", False),
        ("1a", False),
        ("a-", False),
        ("a/b", False),
        ("ä", False),
        ("a\n", False),
    ],
)
def test_ids_are_lower_case_labels(
    create_project: CreateProject,
    call: CallFactory,
    project_id: str,
    fits: bool,  # noqa: FBT001
) -> None:
    if fits:
        assert create_project(call(), command(project_id=project_id)).project_id == project_id
    else:
        with pytest.raises(errors.InvalidName):
            create_project(call(), command(project_id=project_id))


@pytest.mark.parametrize(
    "policy",
    [
        {"batch_size": 0},
        {"batch_size": 10_001},
        {"batch_size": -1},
        {"lease_duration_ms": 999},
        {"lease_duration_ms": 90 * 86_400_000 + 1},
        {"reserve_share": 0.51},
        {"reserve_share": -0.01},
        {"reserve_share": math.nan},
        {"audit_share": 0.51},
        {"audit_share": math.nan},
    ],
)
def test_a_policy_out_of_range_names_its_field(
    create_project: CreateProject, call: CallFactory, policy: dict[str, float]
) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        create_project(call(), command(policy=Policy(**policy)))  # type: ignore[arg-type]
    (name,) = policy
    assert caught.value.metadata["field"] == f"policy.{name.removesuffix('_ms')}"


def test_what_is_misspelt_gets_a_suggestion(
    create_project: CreateProject, call: CallFactory
) -> None:
    with pytest.raises(errors.StrategyUnknown) as strategy:
        create_project(call(), command(policy=Policy(strategy="margni")))
    assert strategy.value.metadata == {"strategy": "margni", "did_you_mean": "margin"}
    with pytest.raises(errors.LearnerUnknown) as learner:
        create_project(call(), command(policy=Policy(learner="logistc")))
    assert learner.value.metadata == {"learner": "logistc", "did_you_mean": "logistic"}


def test_several_opinions_per_item_are_not_built_yet(
    create_project: CreateProject, call: CallFactory
) -> None:
    with pytest.raises(errors.NotBuilt):
        create_project(call(), command(policy=Policy(opinions_per_item=2)))


@pytest.mark.parametrize("class_id", ["", "x" * 129, "é" * 65, "a\x00b", "a\nb"])
def test_a_malformed_class_id_is_refused(
    create_project: CreateProject, call: CallFactory, class_id: str
) -> None:
    with pytest.raises(errors.InvalidField):
        create_project(call(), command(classes=(ClassLabel(class_id),)))


def test_classes_are_distinct_and_at_most_a_thousand(
    create_project: CreateProject, call: CallFactory
) -> None:
    classes = tuple(ClassLabel(f"c{i}") for i in range(1_001))
    assert len(create_project(call(), command(classes=classes[:1_000])).schema.classes) == 1_000
    with pytest.raises(errors.LimitExceeded):
        create_project(call(), command(project_id="b", classes=classes))
    with pytest.raises(errors.InvalidField):
        create_project(call(), command(project_id="b", classes=classes[:1] * 2))


@pytest.mark.parametrize("dimension", [-1, 65_537])
def test_a_dimension_out_of_range_is_refused(
    create_project: CreateProject, call: CallFactory, dimension: int
) -> None:
    with pytest.raises(errors.InvalidField):
        create_project(call(), command(space=VectorSpace(dimension=dimension)))
