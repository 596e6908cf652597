"""Opens SageMaker with the region, the profile and the credentials that the AWS client finds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3
from botocore import exceptions as aws
from botocore.config import Config

from pennant import __version__
from pennant.registries.catalogue import Given
from pennant.registries.http import base_address
from pennant.registries.protocol import NoAccess, Registry
from pennant.registries.reading import CONCURRENCY
from pennant.registries.sagemaker.client import Client
from pennant.registries.sagemaker.registry import SageMaker

REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
MAX_ATTEMPTS = 5
"""Requests in all, with growing pauses, where AWS asks to wait or fails. AWS_MAX_ATTEMPTS is another number."""


@asynccontextmanager
async def opened(given: Given) -> AsyncIterator[Registry]:
    """Open SageMaker; raises `NoAccess` where no region is known, or the profile is none."""
    region, endpoint = _place(given)
    try:
        session = boto3.session.Session(region_name=region)
        if session.region_name is None:
            raise NoAccess("no region is given; use --from REGION, such as eu-west-1, or set AWS_REGION")
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=2 * CONCURRENCY,
            user_agent_extra=f"pennant/{__version__}",
            retries=_retries(given),
        )
        sagemaker: Any = session.client("sagemaker", endpoint_url=endpoint, config=config)
        s3: Any = session.client("s3", config=config)
    except (aws.BotoCoreError, ValueError) as error:
        raise NoAccess(f"SageMaker cannot be opened: {error}. Check AWS_PROFILE, AWS_REGION and --from") from error
    try:
        yield SageMaker(Client(sagemaker, s3), given.repository)
    finally:
        sagemaker.close()
        s3.close()


def _place(given: Given) -> tuple[str | None, str | None]:
    """Return the region and the URL that are given; None: the client finds it."""
    region = next((given.environment[each] for each in REGIONS if given.environment.get(each)), None)
    if given.address is None:
        return region, None
    if "://" not in given.address:
        return given.address, None
    return region, base_address(given.address, "SageMaker")


def _retries(given: Given) -> dict[str, Any]:
    if given.environment.get("AWS_MAX_ATTEMPTS") or given.environment.get("AWS_RETRY_MODE"):
        return {}
    return {"mode": "standard", "total_max_attempts": MAX_ATTEMPTS}
