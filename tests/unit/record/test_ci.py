"""The variables of GitHub Actions and GitLab CI."""

import pytest

from pennant.record import ci

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "ada",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "shop/fraud",
    "GITHUB_RUN_ID": "123",
    "GITHUB_SHA": COMMIT,
    "GITHUB_WORKFLOW": "train",
}
GITLAB = {
    "GITLAB_CI": "true",
    "GITLAB_USER_LOGIN": "ada",
    "GITLAB_USER_EMAIL": "ada@example.com",
    "CI_JOB_ID": "7",
    "CI_JOB_URL": "https://gitlab.example/shop/fraud/-/jobs/7",
    "CI_JOB_NAME": "train",
    "CI_PROJECT_URL": "https://gitlab.example/shop/fraud",
    "CI_COMMIT_SHA": COMMIT,
}


def test_github_actions() -> None:
    part = ci.read(GITHUB)
    assert part is not None
    assert part.spec == {
        "author": {"name": "ada", "kind": "User"},
        "training": {
            "run": "123",
            "runUri": "https://github.com/shop/fraud/actions/runs/123",
            "pipeline": "train",
        },
        "code": {"repository": "https://github.com/shop/fraud", "commit": COMMIT},
    }


def test_who_runs_a_job_again_is_its_author_and_a_robot_is_a_pipeline() -> None:
    part = ci.read(GITHUB | {"GITHUB_TRIGGERING_ACTOR": "renovate[bot]"})
    assert part is not None
    assert part.spec["author"] == {"name": "renovate[bot]", "kind": "Pipeline"}


def test_gitlab_ci() -> None:
    part = ci.read(GITLAB)
    assert part is not None
    assert part.spec == {
        "author": {"name": "ada", "email": "ada@example.com", "kind": "User"},
        "training": {"run": "7", "runUri": "https://gitlab.example/shop/fraud/-/jobs/7", "pipeline": "train"},
        "code": {"repository": "https://gitlab.example/shop/fraud", "commit": COMMIT},
    }


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}])
def test_elsewhere_there_is_nothing(environ: dict[str, str]) -> None:
    assert ci.read(environ) is None


@pytest.mark.parametrize("environ", [{"GITHUB_ACTIONS": "true"}, {"GITLAB_CI": "true"}])
def test_missing_variables_leave_fields_out(environ: dict[str, str]) -> None:
    part = ci.read(environ)
    assert part is not None
    assert part.spec == {}
