"""The runs of a workspace, which is an MLflow server too: their parameters, metrics and data sets."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from pennant.api.meta import Json
from pennant.registries.azureml.source import Source
from pennant.registries.http import Reader
from pennant.registries.notes import Notes
from pennant.registries.protocol import NoAccess, NotThere, RegistryError

API = "/api/2.0/mlflow/runs/get"


class Runs:
    """Reads runs by the names of their jobs."""

    def __init__(self, source: Source, session: Callable[[str], Reader]) -> None:
        """`session` opens another host with the same credentials."""
        self._source = source
        self._session = session
        self._server: tuple[Reader, str] | None = None
        self._why: str | None = None
        """Why the server is not asked any more."""

    async def of_job(self, job: str, notes: Notes) -> Json:
        """Return the run of a job; empty: there is none, or it cannot be read, which is noted."""
        if self._why is None:
            try:
                http, path = await self._opened()
                return dict((await http.json(path + API, (("run_id", job),))).get("run") or {})
            except NotThere:
                notes.add(f"the workspace has no run {job}, so metrics are not known")
                return {}
            except NoAccess as error:
                self._why = str(error)
            except (RegistryError, TypeError, ValueError) as error:
                notes.add(f"the run of the job cannot be read, so metrics are not known: {error}")
                return {}
        notes.add(f"the runs of the workspace cannot be read, so metrics are not known: {self._why}")
        return {}

    async def _opened(self) -> tuple[Reader, str]:
        """Return the MLflow server of the workspace, and the path of its API."""
        if self._server is None:
            workspace: Any = (await self._source.get()).get("properties") or {}
            parts = urlsplit(str(workspace.get("mlFlowTrackingUri") or ""))
            if not parts.hostname:
                raise NoAccess("the workspace says no mlFlowTrackingUri")
            # Azure ML writes azureml:// for https://.
            scheme = "http" if parts.scheme == "http" else "https"
            self._server = self._session(f"{scheme}://{parts.netloc}"), quote(parts.path.rstrip("/"))
        return self._server
