"""MLflow's webhooks: who sent one, and which model it is about.

The signature is `v1,` and the base64 of HMAC-SHA256 over `<delivery id>.<timestamp>.<body>`, with the secret of the
webhook as the key; the timestamp has seconds since 1970 (`mlflow/webhooks/delivery.py` of MLflow 3.17). MLflow signs
only if the webhook has a secret. It repeats a request after 429 and 5xx with the same identifier and timestamp.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

SIGNATURE, TIMESTAMP, DELIVERY = "X-MLflow-Signature", "X-MLflow-Timestamp", "X-MLflow-Delivery-Id"
WINDOW_SECONDS = 300.0
"""How far the timestamp may be from the time of arrival."""
LONGEST_ID = 128
ENTITIES = frozenset({"registered_model", "model_version", "model_version_tag", "model_version_alias"})
"""What a webhook is about, where its data has the name of a registered model."""


def checked(headers: Mapping[str, str], body: bytes, secret: bytes, now: datetime) -> tuple[str, frozenset[str]]:
    """Return the identifier of a request and the models that it is about.

    Raises `PermissionError` where MLflow has not signed it, and `ValueError` where the signed body is none of MLflow's.
    """
    signature, delivery = headers.get(SIGNATURE, ""), headers.get(DELIVERY, "")
    stamp = headers.get(TIMESTAMP, "")
    if not secret:
        raise PermissionError("the secret is empty")
    if not signature or not delivery or len(delivery) > LONGEST_ID:
        raise PermissionError("a signature is missing: give the webhook a secret in MLflow")
    if not hmac.compare_digest(signature.encode(errors="replace"), signed(delivery, stamp, body, secret)):
        raise PermissionError("the signature is wrong: is the secret the same in MLflow and here?")
    # Only now, so that nothing is said of a request that is not signed.
    if not stamp.isdecimal() or abs(now.timestamp() - int(stamp[:15])) > WINDOW_SECONDS:
        raise PermissionError(f"the timestamp is more than {WINDOW_SECONDS:.0f} s away: are both clocks right?")
    return delivery, _models(body)


def signed(delivery: str, stamp: str, body: bytes, secret: bytes) -> bytes:
    """Return the signature of a request."""
    content = b".".join((delivery.encode(errors="replace"), stamp.encode(errors="replace"), body))
    return b"v1," + base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest())


def _models(body: bytes) -> frozenset[str]:
    try:
        payload = json.loads(body)
        entity, data = payload["entity"], payload["data"]
        name = data["name"] if entity in ENTITIES else ""
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("the body is no webhook of MLflow") from error
    return frozenset({str(name)} if name else ())
