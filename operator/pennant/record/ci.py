"""The variables of GitHub Actions and GitLab CI: who started the run, its number and address, and the commit."""

from collections.abc import Mapping
from typing import Any

from pennant.record.merging import Part
from pennant.record.secrecy import without_credentials

ROBOTS = ("[bot]",)
"""What the names of accounts end in that are no people."""


def read(environ: Mapping[str, str]) -> Part | None:
    """Return author, run and code of the job that this process runs in; None: it runs in neither."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return Part("GitHub Actions", _without_empty(_github(environ)))
    if environ.get("GITLAB_CI"):
        return Part("GitLab CI", _without_empty(_gitlab(environ)))
    return None


def _github(environ: Mapping[str, str]) -> dict[str, Any]:
    project = _joined(environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY"))
    run = environ.get("GITHUB_RUN_ID", "")
    author = environ.get("GITHUB_TRIGGERING_ACTOR") or environ.get("GITHUB_ACTOR", "")
    return {
        "author": {"name": author, "kind": _kind(author)},
        "training": {
            "run": run,
            "runUri": f"{project}/actions/runs/{run}" if project and run else "",
            "pipeline": environ.get("GITHUB_WORKFLOW", ""),
        },
        "code": {"repository": project, "commit": environ.get("GITHUB_SHA", "")},
    }


def _gitlab(environ: Mapping[str, str]) -> dict[str, Any]:
    author = environ.get("GITLAB_USER_LOGIN", "")
    return {
        "author": {"name": author, "email": environ.get("GITLAB_USER_EMAIL", ""), "kind": _kind(author)},
        "training": {
            "run": environ.get("CI_JOB_ID", ""),
            "runUri": environ.get("CI_JOB_URL", ""),
            "pipeline": environ.get("CI_JOB_NAME", ""),
        },
        "code": {
            "repository": without_credentials(environ.get("CI_PROJECT_URL", "")),
            "commit": environ.get("CI_COMMIT_SHA", ""),
        },
    }


def _kind(author: str) -> str:
    return "" if not author else "Pipeline" if author.endswith(ROBOTS) else "User"


def _joined(server: str | None, repository: str | None) -> str:
    return f"{without_credentials(server)}/{repository}" if server and repository else ""


def _without_empty(spec: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: {key: each for key, each in fields.items() if each} for name, fields in spec.items()}
    if not {"repository", "commit"} <= kept["code"].keys():
        del kept["code"]
    return {name: fields for name, fields in kept.items() if fields and (name != "author" or "name" in fields)}
