"""Changing the settings of a project."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from alservice import strategies
from alservice.domain import errors
from alservice.domain.project import Policy, Project, Retrain
from alservice.domain.strategy import Scoring, Strategy
from alservice.domain.strategy_version import effective_version
from alservice.ports.catalog import Catalog
from alservice.usecases.update_project import UpdateProject, UpdateProjectCommand
from tests.usecases.conftest import LEARNERS, CallFactory

NEW = Policy(
    strategy="entropy",
    batch_size=3,
    lease_duration_ms=5_000,
    audit_share=0.3,
    retrain=Retrain.AUTO,
)
MakeProject = Callable[..., Project]


@pytest.fixture
def update(catalog: Catalog) -> UpdateProject:
    return UpdateProject(catalog, strategies.discover(), LEARNERS)


def command(*paths: str, **values: object) -> UpdateProjectCommand:
    fields: dict[str, object] = {"project_id": "reviews", "policy": NEW, "paths": paths}
    return UpdateProjectCommand(**{**fields, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "attribute"),
    [
        ("policy.strategy", "strategy"),
        ("policy.batch_size", "batch_size"),
        ("policy.lease_duration", "lease_duration_ms"),
        ("policy.audit_share", "audit_share"),
        ("policy.retrain", "retrain"),
    ],
)
def test_only_what_the_mask_names_changes(
    update: UpdateProject,
    call: CallFactory,
    catalog: Catalog,
    make_project: MakeProject,
    path: str,
    attribute: str,
) -> None:
    before = make_project("reviews")
    after = update(call(), command(path, display_name="ignored", encoder="ignored"))
    policy = replace(before.policy, **{attribute: getattr(NEW, attribute)})
    known = strategies.discover()
    version = effective_version(known, known[policy.strategy])
    policy = replace(policy, strategy_version=version)
    assert after == replace(before, policy=policy, generation=before.generation + 1)
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == after


def test_display_name_and_encoder_change_together(
    update: UpdateProject, call: CallFactory, make_project: MakeProject
) -> None:
    before = make_project("reviews")
    asked = command("display_name", "vector_space.encoder", display_name="R", encoder="e5")
    after = update(call(), asked)
    assert (after.display_name, after.space.encoder) == ("R", "e5")
    assert after.policy == before.policy
    assert update(call(), command("display_name")).display_name == "reviews"


def test_a_whole_policy_keeps_the_reserve(
    update: UpdateProject, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews", reserve_share=0.2)
    after = update(call(), command("policy"))
    assert after.policy == replace(NEW, reserve_share=0.2)
    assert update(call(), command("policy", reserve_share=0.2)).policy == after.policy
    with pytest.raises(errors.InvalidField, match="fixed at creation"):
        update(call(), command("policy", reserve_share=0.3))


def test_the_etag_changes_with_every_change_and_guards_against_lost_updates(
    update: UpdateProject, call: CallFactory, make_project: MakeProject
) -> None:
    before = make_project("reviews")
    after = update(call(), command("policy.batch_size", etag=before.etag))
    assert after.etag != before.etag
    with pytest.raises(errors.EtagMismatch):
        update(call(), command("policy.retrain", etag=before.etag))
    assert update(call(), command("policy.retrain", etag=after.etag)).policy.batch_size == 3


def test_a_new_version_of_a_strategy_is_used_only_when_it_is_named(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews", strategy="margin")
    margin = strategies.discover()["margin"]
    assert isinstance(margin, Scoring)
    upgraded: Mapping[str, Strategy] = {"margin": replace(margin, version=2)}
    update = UpdateProject(catalog, upgraded, LEARNERS)
    assert update(call(), command("policy.batch_size")).policy.strategy_version == 1
    same = replace(NEW, strategy="margin")
    assert update(call(), command("policy", policy=same)).policy.strategy_version == 1
    named = update(call(), command("policy.strategy", policy=same))
    assert named.policy.strategy_version == 2


def test_a_new_version_of_a_part_is_pinned_like_one_of_the_whole(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    before = make_project("reviews", strategy="auto").policy.strategy_version
    known = strategies.discover()
    part = "uncertainty_herding"
    upgraded = {**known, part: replace(known[part], version=known[part].version + 1)}
    update = UpdateProject(catalog, upgraded, LEARNERS)
    assert update(call(), command("policy.batch_size")).policy.strategy_version == before
    named = command("policy.strategy", policy=replace(NEW, strategy="auto"))
    assert update(call(), named).policy.strategy_version == before + 1


def test_a_retry_changes_nothing_and_answers_the_same(
    update: UpdateProject, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews")
    first = update(call("UpdateProject", "r1"), command("policy.batch_size"))
    later = update(call("UpdateProject", "r2"), command("display_name", display_name="x"))
    assert update(call("UpdateProject", "r1"), command("policy.batch_size")) == first
    assert later.generation == first.generation + 1


@pytest.mark.parametrize("path", ["", "*", "revision", "policy.reserve_share", "label_schema"])
def test_a_path_that_cannot_be_changed_is_refused(
    update: UpdateProject, call: CallFactory, make_project: MakeProject, path: str
) -> None:
    make_project("reviews")
    with pytest.raises(errors.InvalidUpdateMask, match="display_name"):
        update(call(), command(path))


def test_an_empty_mask_is_refused(update: UpdateProject, call: CallFactory) -> None:
    with pytest.raises(errors.InvalidUpdateMask):
        update(call(), command())


def test_a_bad_value_changes_nothing(
    update: UpdateProject, call: CallFactory, catalog: Catalog, make_project: MakeProject
) -> None:
    before = make_project("reviews")
    with pytest.raises(errors.StrategyUnknown):
        update(call(), command("display_name", "policy.strategy", policy=Policy(strategy="no")))
    with pytest.raises(errors.InvalidField):
        update(call(), command("display_name", display_name="x" * 513))
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == before


def test_a_missing_project_is_refused(update: UpdateProject, call: CallFactory) -> None:
    with pytest.raises(errors.ProjectNotFound):
        update(call(), command("display_name"))
