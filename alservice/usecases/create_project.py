"""CreateProject: an empty project, its settings checked and its defaults filled in."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from alservice.domain.call import Call
from alservice.domain.errors import InvalidField, ProjectExists
from alservice.domain.names import check_project_id, new_id, project_name
from alservice.domain.project import ClassLabel, LabelSchema, Policy, Project, VectorSpace
from alservice.domain.project_json import project_from_json, project_to_json
from alservice.domain.project_rules import check_classes, check_policy, check_space, check_text
from alservice.domain.strategy import Strategy
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once_above_projects

SALT_BITS = 63  # fits a signed 64-bit column


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProjectCommand:
    """What to make."""

    project_id: str
    display_name: str = ""
    classes: tuple[ClassLabel, ...] = ()
    space: VectorSpace = field(default_factory=VectorSpace)
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class CreateProject:
    """Makes a project.

    Raises ProjectExists, InvalidName, InvalidField, LimitExceeded, StrategyUnknown,
    LearnerUnknown, NotBuilt.
    """

    catalog: Catalog
    strategies: Mapping[str, Strategy]
    learners: Collection[str]

    def __call__(self, call: Call, command: CreateProjectCommand) -> Project:
        """The project as it was made."""
        project = self._project(command)

        def insert(tx: Tx) -> Project:
            made = replace(project, create_time_ms=tx.now_ms())
            if not tx.projects.insert(made):
                text = f"{project_name(made.project_id)} exists already; choose another id"
                raise ProjectExists(text, project=made.project_id)
            return made

        def work(tx: Tx) -> Project:
            # Above projects: the record outlives the project.
            return once_above_projects(
                tx, call, lambda: insert(tx), project_to_json, project_from_json
            )

        return self.catalog.transact(work)

    def _project(self, command: CreateProjectCommand) -> Project:
        project_id = check_project_id(command.project_id)
        classes = check_classes(command.classes)
        if len({c.class_id for c in classes}) < len(classes):
            text = "two classes of label_schema have the same class_id"
            raise InvalidField(text, field="project.label_schema.classes")
        return Project(
            project_id=project_id,
            uid=new_id("p"),
            display_name=check_text("display_name", command.display_name) or project_id,
            schema=LabelSchema(classes),
            space=check_space(command.space),
            policy=check_policy(command.policy, self.strategies, self.learners),
            salt=secrets.randbits(SALT_BITS),
        )
