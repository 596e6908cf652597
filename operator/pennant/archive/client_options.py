"""Options of the HTTP client of obstore, from the environment.

obstore itself reads them only where code gives no option. Credentials, the region and the endpoint it always reads.
"""

from collections.abc import Mapping
from typing import Any

PREFIXES: Mapping[str, str] = {
    **dict.fromkeys(("s3", "s3a"), "AWS_"),
    "gs": "GOOGLE_",
    **dict.fromkeys(("az", "adl", "azure", "abfs", "abfss"), "AZURE_"),
}
"""How variables begin, by the scheme of a URL."""
OPTIONS = (
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "default_content_type",
    "http1_only",
    "http2_keep_alive_interval",
    "http2_keep_alive_timeout",
    "http2_keep_alive_while_idle",
    "http2_only",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_ca_certificate",
    "proxy_excludes",
    "proxy_url",
    "randomize_addresses",
    "read_timeout",
    "timeout",
    "user_agent",
)
"""What obstore takes from the environment, such as `allow_http` from AWS_ALLOW_HTTP."""


def client_options(scheme: str, environment: Mapping[str, str], **defaults: Any) -> dict[str, Any]:
    """Return the options for a URL with this scheme: those of the environment, and these defaults for the others."""
    prefix = PREFIXES[scheme]
    given = {each: environment.get(f"{prefix}{each.upper()}") for each in OPTIONS}
    return defaults | {name: value for name, value in given.items() if value is not None}
