"""A project survives the way through a request record."""

from hypothesis import given
from hypothesis import strategies as st

from alservice.domain.project import Policy, Project
from alservice.domain.project_json import project_from_json, project_to_json

SHARES = st.floats(0, 0.5)
POLICIES = st.builds(Policy, reserve_share=SHARES, audit_share=st.none() | SHARES)


@given(project=st.builds(Project, policy=POLICIES))
def test_a_project_comes_back_from_json_as_it_was(project: Project) -> None:
    assert project_from_json(project_to_json(project)) == project


@given(project=st.builds(Project, policy=POLICIES))
def test_a_project_that_came_back_is_of_the_same_types(project: Project) -> None:
    # A string enum equals its string: only repr tells them apart.
    assert repr(project_from_json(project_to_json(project))) == repr(project)
