"""AddClasses: a label schema grows at its end, so that the index of a class never changes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from alservice.domain.call import Call
from alservice.domain.errors import ClassExists
from alservice.domain.project import ClassLabel, LabelSchema, Project
from alservice.domain.project_json import project_from_json, project_to_json
from alservice.domain.project_rules import check_class_count, check_classes
from alservice.ports.catalog import Catalog, Tx
from alservice.usecases.once import once
from alservice.usecases.require import lock_project


@dataclass(frozen=True, slots=True)
class AddClassesCommand:
    """Which classes, in this order."""

    project_id: str
    classes: tuple[ClassLabel, ...]


@dataclass(frozen=True, slots=True)
class AddClasses:
    """Raises ProjectNotFound, ClassExists, InvalidField, LimitExceeded."""

    catalog: Catalog

    def __call__(self, call: Call, command: AddClassesCommand) -> Project:
        """The project after the change; the same as before if all classes were there."""
        classes = check_classes(command.classes)

        def add(tx: Tx, project: Project) -> Project:
            schema = _grown(project.schema, classes)
            if schema is project.schema:
                return project
            changed = replace(project, schema=schema, generation=project.generation + 1)
            tx.projects.update(changed)
            return changed

        def work(tx: Tx) -> Project:
            project = lock_project(tx, command.project_id)
            return once(
                tx,
                call,
                command.project_id,
                lambda: add(tx, project),
                project_to_json,
                project_from_json,
            )

        return self.catalog.transact(work)


def _grown(schema: LabelSchema, classes: Iterable[ClassLabel]) -> LabelSchema:
    """The schema with the new ones among `classes`; itself if there are none."""
    known = {c.class_id: c for c in schema.classes}
    for label in classes:
        if known.setdefault(label.class_id, label) != label:
            text = f"there is a class {label.class_id!r} with another name or description already"
            raise ClassExists(text, class_id=label.class_id)
    if len(known) == len(schema.classes):
        return schema
    check_class_count(len(known))
    return LabelSchema(tuple(known.values()), schema.revision + 1)
