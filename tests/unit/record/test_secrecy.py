"""Addresses in a record have no passwords, tokens and signatures."""

import pytest

from pennant.record.secrecy import without_credentials


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("https://user:pw@host.example:8443/a/b.git", "https://host.example:8443/a/b.git"),
        ("https://token@host.example/a", "https://host.example/a"),
        ("ssh://git:pw@host.example/a", "ssh://git@host.example/a"),
        ("git@host.example:a/b.git", "git@host.example:a/b.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("abfs://models@account.example/m", "abfs://models@account.example/m"),
        ("s3://key:secret@models/m", "s3://models/m"),
        ("https://x.example/m?versionId=7", "https://x.example/m?versionId=7"),
        ("https://x.example/m?X-Amz-Credential=a&X-Amz-Signature=b", "https://x.example/m"),
        ("https://x.example/m?sv=1&sig=b", "https://x.example/m"),
        ("https://x.example/m?private_token=b", "https://x.example/m"),
    ],
)
def test_an_address_has_no_secret(url: str, without: str) -> None:
    assert without_credentials(url) == without
