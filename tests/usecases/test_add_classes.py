"""A label schema that grows."""

from collections.abc import Callable

import pytest

from alservice.domain import errors
from alservice.domain.project import ClassLabel, Project
from alservice.ports.catalog import Catalog
from alservice.usecases.add_classes import AddClasses, AddClassesCommand
from tests.usecases.conftest import CallFactory

MakeProject = Callable[..., Project]


def command(*classes: ClassLabel) -> AddClassesCommand:
    return AddClassesCommand("reviews", classes)


def test_new_classes_come_after_the_old_ones_whose_index_never_changes(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    before = make_project("reviews", classes=("m", "z"))
    after = AddClasses(catalog)(call(), command(ClassLabel("b"), ClassLabel("a", "A", "first")))
    assert after.schema.class_ids == ("m", "z", "b", "a")
    assert after.schema.classes[2:] == (ClassLabel("b", "b"), ClassLabel("a", "A", "first"))
    assert after.schema.revision == before.schema.revision + 1
    assert after.etag != before.etag
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == after


def test_what_is_there_already_is_left_alone(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    before = make_project("reviews", classes=("cat", "dog"))
    assert AddClasses(catalog)(call(), command(ClassLabel("dog"))) == before
    after = AddClasses(catalog)(call(), command(ClassLabel("dog"), ClassLabel("emu")))
    assert after.schema.class_ids == ("cat", "dog", "emu")


def test_another_name_for_a_class_that_is_there_is_refused_and_nothing_is_added(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    before = make_project("reviews", classes=("cat",))
    for clash in (
        command(ClassLabel("emu"), ClassLabel("cat", "Cat")),
        command(ClassLabel("emu", "one"), ClassLabel("emu", "two")),
    ):
        with pytest.raises(errors.ClassExists):
            AddClasses(catalog)(call(), clash)
    assert catalog.read(lambda tx: tx.projects.get("reviews")) == before


def test_a_thousand_classes_are_enough(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews", classes=tuple(f"c{i}" for i in range(999)))
    assert len(AddClasses(catalog)(call(), command(ClassLabel("x"))).schema.classes) == 1_000
    with pytest.raises(errors.LimitExceeded):
        AddClasses(catalog)(call(), command(ClassLabel("y")))


def test_a_retry_answers_as_the_first_time(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews", classes=())
    first = AddClasses(catalog)(call("AddClasses", "r1"), command(ClassLabel("a")))
    AddClasses(catalog)(call("AddClasses", "r2"), command(ClassLabel("b")))
    assert AddClasses(catalog)(call("AddClasses", "r1"), command(ClassLabel("a"))) == first


def test_a_malformed_class_is_refused(
    catalog: Catalog, call: CallFactory, make_project: MakeProject
) -> None:
    make_project("reviews")
    with pytest.raises(errors.InvalidField):
        AddClasses(catalog)(call(), command(ClassLabel("a\tb")))
