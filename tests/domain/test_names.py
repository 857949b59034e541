"""Every name comes apart as it was put together, and nothing else comes apart at all."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alservice.domain import errors, names

COMPONENTS = st.from_regex(r"[A-Za-z0-9_.@+-]{1,128}", fullmatch=True)
PROJECT_IDS = st.from_regex(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
NAMED: dict[str, tuple[Callable[[str, str], str], Callable[[str], tuple[str, str]]]] = {
    "batches": (names.batch_name, names.parse_batch),
    "models": (names.model_name, names.parse_model),
    "operations": (names.operation_name, names.parse_operation),
}
PARSERS = [names.parse_project, *(parse for _, parse in NAMED.values())]


@given(project_id=PROJECT_IDS, other=COMPONENTS, kind=st.sampled_from(sorted(NAMED)))
def test_a_name_comes_apart_as_it_was_put_together(project_id: str, other: str, kind: str) -> None:
    make, parse = NAMED[kind]
    name = make(project_id, other)
    assert name == f"projects/{project_id}/{kind}/{other}"
    assert parse(name) == (project_id, other)
    assert names.parse_project(names.project_name(project_id)) == project_id
    for stranger in PARSERS:
        if stranger is not parse:
            with pytest.raises(errors.InvalidName):
                stranger(name)


@given(text=st.text(max_size=60))
def test_no_text_breaks_a_parser(text: str) -> None:
    for parse in PARSERS:
        with pytest.raises(errors.InvalidName):
            parse(text if not text.startswith("projects/") else text + "//")


@pytest.mark.parametrize(
    "name",
    ["projects/", "projects/a b", "projects/a/batches/", "projects//batches/b", "project/a"],
)
def test_a_name_with_a_part_missing_is_refused(name: str) -> None:
    for parse in PARSERS:
        with pytest.raises(errors.InvalidName):
            parse(name)


@given(project_id=PROJECT_IDS)
def test_a_project_id_is_a_label_of_the_domain_name_system(project_id: str) -> None:
    assert names.check_project_id(project_id) == project_id
    for wrong in (project_id + "-", "-" + project_id, "1" + project_id, project_id.upper()):
        with pytest.raises(errors.InvalidName):
            names.check_project_id(wrong)


@pytest.mark.parametrize("wrong", ["", "a" * 64, "ä", "a_b", "a\n"])
def test_other_project_ids_are_refused(wrong: str) -> None:
    with pytest.raises(errors.InvalidName):
        names.check_project_id(wrong)


@given(item_id=st.text(min_size=1, max_size=600))
def test_an_item_id_is_any_text_of_few_bytes_without_control_characters(item_id: str) -> None:
    fits = len(item_id.encode()) <= names.MAX_ITEM_ID_BYTES
    plain = not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in item_id)
    if fits and plain:
        assert names.check_item_id(item_id) == item_id
    else:
        with pytest.raises(errors.InvalidItemId):
            names.check_item_id(item_id)


def test_the_empty_item_id_is_refused_and_the_empty_annotator_is_anonymous() -> None:
    with pytest.raises(errors.InvalidItemId):
        names.check_item_id("")
    assert names.check_annotator_id("") == names.ANONYMOUS
    with pytest.raises(errors.InvalidName):
        names.check_annotator_id("a/b")


def test_new_ids_are_components_that_nobody_has() -> None:
    made = {names.new_id("b") for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(names.COMPONENT.fullmatch(each) and each.startswith("b-") for each in made)
