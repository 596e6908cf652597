"""Calls of the AWS client for Python, which are synchronous, from a loop; and its errors with what to do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from botocore import exceptions as aws

from pennant.api.meta import Json, clip
from pennant.registries.http import CHUNK
from pennant.registries.protocol import NoAccess, NotThere, Refused, RegistryError, Unreadable
from pennant.registries.sagemaker.calls import Place

HINT = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
UNKNOWN = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})
BUSY = frozenset(
    {
        "429",
        "BandwidthLimitExceeded",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
ABSENT = frozenset({"404", "NoSuchBucket", "NoSuchKey", "NotFound", "ResourceNotFound", "ResourceNotFoundException"})
NOT_AWS = frozenset({"InvalidAction", "UnknownOperationException", "UnknownOperation"})
_ABSENT_WORDS = ("not found", "not exist", "could not find")
_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.SSOError,
    aws.NoAuthTokenError,
)
T = TypeVar("T")


class Client:
    """Implements `Calls`."""

    def __init__(self, sagemaker: Any, s3: Any) -> None:
        """Use these clients, which threads may share."""
        self._sagemaker = sagemaker
        self._s3 = s3
        self._has_answered = False
        """Whether SageMaker has answered, so that the address and the credentials are right."""

    @property
    def address(self) -> str:
        """The URL of SageMaker."""
        return str(self._sagemaker.meta.endpoint_url)

    async def sagemaker(self, operation: str, **params: Any) -> Json:
        """Return the answer of SageMaker to an operation."""
        found: Json = await self._called(operation, lambda: getattr(self._sagemaker, operation)(**params))
        self._has_answered = True
        return found

    async def s3(self, operation: str, **params: Any) -> Json:
        """Return the answer of S3 to an operation."""
        found: Json = await self._called(operation, lambda: getattr(self._s3, operation)(**params))
        return found

    async def content(self, place: Place, etag: str | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of an object."""
        condition = {"IfMatch": f'"{etag}"'} if etag is not None else {}
        try:
            answer = await self.s3("get_object", Bucket=place.bucket, Key=place.key, **condition)
        except NotThere as error:
            raise NotThere(
                f"there is no object s3://{place.bucket}/{place.key}, so it was deleted after the registration. "
                "Restore it, such as from an earlier version of the bucket, or import without --verify"
            ) from error
        body = answer["Body"]
        try:
            while part := await self._called("get_object", lambda: body.read(CHUNK)):
                yield part
        finally:
            body.close()

    async def _called(self, operation: str, call: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(call)
        except aws.ClientError as error:
            raise self._refused(operation, error) from error
        except _CREDENTIALS as error:
            raise NoAccess(f"there are no AWS credentials that can be used: {_said(error)}. {HINT}") from error
        except (aws.HTTPClientError, aws.ConnectionError) as error:
            kind = RegistryError if self._has_answered else NoAccess
            raise kind(f"{_said(error)}. Is the region right, and can it be reached from here?") from error
        except (aws.IncompleteReadError, aws.ResponseStreamingError, OSError) as error:
            raise RegistryError(f"{operation}: the answer ends early: {_said(error)}. Run the import again") from error
        except (aws.BotoCoreError, ValueError, AttributeError, LookupError, TypeError) as error:
            # The client's own parser fails in these ways for JSON of another form.
            kind = RegistryError if self._has_answered else NoAccess
            raise kind(
                f"{self.address} gives an answer to {operation} that is not one of AWS: {_said(error)}. Is this the "
                "address of SageMaker?"
            ) from error

    def _refused(self, operation: str, error: aws.ClientError) -> RegistryError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        text = clip(str(error.response.get("Error", {}).get("Message") or code), 300).rstrip(".")
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        early = RegistryError if self._has_answered else NoAccess
        found: RegistryError
        if code in EXPIRED:
            found = NoAccess(f"the AWS credentials have expired: {text}. Log in again, such as with `aws sso login`")
        elif code in UNKNOWN:
            found = NoAccess(f"AWS does not accept the credentials ({code}): {text}. {HINT}")
        elif code in DENIED:
            found = early(f"AWS does not allow {operation} ({code}): {text}. Give the role this permission")
        elif code in BUSY:
            found = RegistryError(f"AWS asks to wait ({code}), also after repetitions: {text}. Run the import later")
        elif code in ABSENT or (status == 400 and any(word in text.lower() for word in _ABSENT_WORDS)):
            found = NotThere(f"not found: {text}")
        elif status == 412:
            found = Refused("the object was replaced after the registration, so its bytes are not those registered")
        elif code in NOT_AWS or (not self._has_answered and status == 404):
            found = NoAccess(f"{self.address} does not know {operation}: {text}. Is this the address of SageMaker?")
        elif status >= 500:
            found = Unreadable(f"{operation} fails with HTTP {status}: {text}. Run the import again")
        else:
            found = Refused(f"{operation} is refused ({code}): {text}")
        return found


def _said(error: BaseException) -> str:
    return clip(str(error) or type(error).__name__, 300).rstrip(".")
