"""The registries that Pennant reads: what each is called, how it is named in a command, and the module that opens it.

A module is imported when its registry is opened, so that no command waits for the clients of the others.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, cast

from pennant.registries.protocol import NoAccess, Registry


@dataclass(frozen=True, slots=True)
class Given:
    """What a user says of the registry to open."""

    address: str | None
    """Where it is: a URL, or what `Kind.address` says; None: the variables of its own client say it."""
    environment: Mapping[str, str]
    """Variables of the environment, which have the credentials."""
    now: Callable[[], datetime]
    repository: str | None = None
    """URL of the code, if the registry only has its commit."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of registry."""

    title: str
    """Its name for people, as `spec.source.registry` has it."""
    address: str
    """What `--from` takes, and what counts without it."""
    credentials: str
    """Where its credentials come from."""
    extra: str | None = None
    """The optional part of Pennant that brings its client, as in `pip install 'pennant[sagemaker]'`."""


KINDS: Mapping[str, Kind] = {
    "mlflow": Kind(
        "MLflow",
        "URL of the tracking server; default: MLFLOW_TRACKING_URI",
        "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    ),
    "dvc": Kind(
        "DVC",
        "path or URL of a Git repository with tags of GTO, such as churn@v1.2.3; default: the current directory",
        "those of git; for --verify, those that the remote of DVC needs, such as AWS_ACCESS_KEY_ID",
    ),
    "git": Kind(
        "Git",
        "path or URL of a repository with tags such as v1.2.3 or churn-1.2.3, and after a # the path of the model in "
        "it, such as REPOSITORY#models/{model}/model.onnx; default: the current directory",
        "those of git; what Git LFS keeps is downloaded by git-lfs",
    ),
    "vertex": Kind(
        "Vertex AI",
        "projects/PROJECT/locations/LOCATION; default: GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_REGION",
        "application default credentials of Google, or GOOGLE_OAUTH_ACCESS_TOKEN",
        "vertex",
    ),
    "azureml": Kind(
        "Azure ML",
        "azureml://subscriptions/S/resourceGroups/G/workspaces/W or azureml://registries/R",
        "those of azure-identity, such as az login, or AZURE_ACCESS_TOKEN",
        "azureml",
    ),
    "sagemaker": Kind(
        "SageMaker",
        "region, or URL of a SageMaker endpoint; default: AWS_REGION, or the region of AWS_PROFILE",
        "those that the AWS client finds: AWS_PROFILE, AWS_ACCESS_KEY_ID, a role, ...",
        "sagemaker",
    ),
    "kubeflow": Kind(
        "Kubeflow",
        "URL of the model registry; default: MODEL_REGISTRY_BASE_URL",
        "the file with a token that KF_PIPELINES_SA_TOKEN_PATH names",
    ),
    "neptune": Kind(
        "Neptune",
        "directory with model_data and model_files, as neptune-exporter wrote them",
        "files need none",
        extra="neptune",
    ),
    "wandb": Kind(
        "W&B",
        "ENTITY/PROJECT, ENTITY or wandb-registry-NAME; default: WANDB_ENTITY and WANDB_PROJECT on the server "
        "WANDB_BASE_URL; or a directory of offline runs, which needs pip install 'pennant[wandb]'",
        "WANDB_API_KEY, or those of `wandb login`",
    ),
}
"""By name in commands; `registries/<name>/connection.py` opens it."""


def where(name: str, given: Given) -> str:
    """Return what was read, for messages: the registry, and its address or the variables that say it."""
    return f"{KINDS[name].title} at {_address(name, given)}"


def _address(name: str, given: Given) -> str:
    if given.address is not None:
        return _shown(given.address)
    named = re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", KINDS[name].address)
    found = [f"{each}={_shown(given.environment[each])}" for each in named if given.environment.get(each)]
    return ", ".join(found) or f"the default of --from ({KINDS[name].address})"


def _shown(address: str) -> str:
    # What is before an @ may be a password.
    return re.sub("//[^/]*@", "//", address)


def missing_client(name: str, extra: str, module: str) -> NoAccess:
    """Return the error for a registry whose client is not installed."""
    return NoAccess(
        f"reading {KINDS[name].title} needs {module}, which is not installed; "
        f"install it with `pip install 'pennant[{extra}]'`"
    )


@asynccontextmanager
async def opened(name: str, given: Given) -> AsyncIterator[Registry]:
    """Open a registry; raises `RegistryError` where nothing says which one, or its client is missing."""
    kind = KINDS[name]
    async with AsyncExitStack() as stack:
        try:
            # A client may be imported by the module, or only where the credentials need it.
            module = import_module(f"pennant.registries.{name}.connection")
            open_ = cast("Callable[[Given], AbstractAsyncContextManager[Registry]]", cast(Any, module).opened)
            registry = await stack.enter_async_context(open_(given))
        except ModuleNotFoundError as error:
            if kind.extra is None or (error.name or "").startswith("pennant"):
                raise
            raise missing_client(name, kind.extra, error.name or kind.extra) from error
        yield registry
