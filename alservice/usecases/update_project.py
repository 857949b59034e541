"""UpdateProject: change the settings that an update mask names, and nothing else."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from alservice.domain.call import Call
from alservice.domain.errors import InvalidField, InvalidUpdateMask, did_you_mean
from alservice.domain.project import Policy, Project
from alservice.domain.project_json import project_from_json, project_to_json
from alservice.domain.project_rules import check_policy, check_space, check_text
from alservice.domain.strategy import Strategy
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
from alservice.usecases.require import check_etag, lock_project


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProjectCommand:
    """New values, of which only those count that `paths` names.

    `reserve_share` is None where the caller did not send it.
    """

    project_id: str
    paths: tuple[str, ...]
    display_name: str = ""
    encoder: str = ""
    policy: Policy = field(default_factory=Policy)
    reserve_share: float | None = None
    etag: str = ""


Change = Callable[[Project, UpdateProjectCommand], Project]


@dataclass(frozen=True, slots=True)
class UpdateProject:
    """Changes settings.

    Raises ProjectNotFound, InvalidUpdateMask, InvalidField, StrategyUnknown, LearnerUnknown,
    NotBuilt, EtagMismatch.
    """

    catalog: Catalog
    strategies: Mapping[str, Strategy]
    learners: Collection[str]

    def __call__(self, call: Call, command: UpdateProjectCommand) -> Project:
        """The project after the change."""
        changes = _changes(command.paths)

        def update(tx: Tx, project: Project) -> Project:
            check_etag(project, command.etag)
            changed = self._apply(project, command, changes)
            tx.projects.update(changed)
            return changed

        def work(tx: Tx) -> Project:
            project = lock_project(tx, command.project_id)
            return once(
                tx,
                call,
                command.project_id,
                lambda: update(tx, project),
                project_to_json,
                project_from_json,
            )

        return self.catalog.transact(work)

    def _apply(
        self, project: Project, command: UpdateProjectCommand, changes: Collection[Change]
    ) -> Project:
        changed = project
        for change in changes:
            changed = change(changed, command)
        check_text("display_name", changed.display_name)
        check_space(changed.space)
        policy = changed.policy
        if policy != project.policy or "policy.strategy" in command.paths:
            policy = check_policy(policy, self.strategies, self.learners)
        # A change of something else never moves a project to another version of its strategy.
        if policy.strategy == project.policy.strategy and "policy.strategy" not in command.paths:
            policy = replace(policy, strategy_version=project.policy.strategy_version)
        return replace(changed, policy=policy, generation=project.generation + 1)


def _changes(paths: Collection[str]) -> list[Change]:
    """What to do for each path. Raises InvalidUpdateMask."""
    known = ", ".join(CHANGES)
    if not paths:
        raise InvalidUpdateMask(f"update_mask names nothing; it may name {known}")
    for path in paths:
        if path not in CHANGES:
            text = f"{path!r} cannot be changed; update_mask may name {known}"
            raise InvalidUpdateMask(text, path=path, **did_you_mean(path, CHANGES))
    return [CHANGES[path] for path in paths]


def _display_name(project: Project, command: UpdateProjectCommand) -> Project:
    return replace(project, display_name=command.display_name or project.project_id)


def _encoder(project: Project, command: UpdateProjectCommand) -> Project:
    return replace(project, space=replace(project.space, encoder=command.encoder))


def _policy(project: Project, command: UpdateProjectCommand) -> Project:
    reserve_share = project.policy.reserve_share
    if command.reserve_share not in (None, reserve_share):
        text = f"policy.reserve_share is fixed at creation; here it is {reserve_share}"
        raise InvalidField(text, field="policy.reserve_share", value=command.reserve_share)
    version = project.policy.strategy_version
    policy = replace(command.policy, reserve_share=reserve_share, strategy_version=version)
    return replace(project, policy=policy)


def _part(name: str) -> Change:
    def change(project: Project, command: UpdateProjectCommand) -> Project:
        new = {name: getattr(command.policy, name)}
        return replace(project, policy=replace(project.policy, **new))

    return change


CHANGES: Final[Mapping[str, Change]] = {
    "display_name": _display_name,
    "policy": _policy,
    "policy.strategy": _part("strategy"),
    "policy.batch_size": _part("batch_size"),
    "policy.lease_duration": _part("lease_duration_ms"),
    "policy.audit_share": _part("audit_share"),
    "policy.retrain": _part("retrain"),
    "policy.learner": _part("learner"),
    "vector_space.encoder": _encoder,
}
