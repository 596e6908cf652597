"""A list of metadata is read in whatever parts it arrives, and never as a shorter one."""

import pytest

from pennant.kube.http.metadata_list import Listed, MetadataReader
from pennant.ports import Unavailable
from unit.kube.metadata_body import a_body, a_field, an_item

ITEMS = [an_item("default", f"fraud-{number}.0.0", f"uid-{number}", 10 + number) for number in range(200)]
BODY = a_body(300, *ITEMS)


def read(*parts: bytes) -> MetadataReader:
    reader = MetadataReader()
    for each in parts:
        reader.feed(each)
    return reader


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
def test_a_body_is_read_in_parts_of_any_size(size: int) -> None:
    found = read(*(BODY[at : at + size] for at in range(0, len(BODY), size))).result()
    assert found.resource_version == 300
    assert len(found.items) == 200
    assert found.items[3] == Listed("default", "fraud-3.0.0", "uid-3", 13)


def test_an_empty_list_has_its_resource_version() -> None:
    found = read(a_body(7)).result()
    assert (found.resource_version, found.items) == (7, ())


def test_a_body_that_breaks_off_is_no_list() -> None:
    """Objects that it lacks would count as deleted."""
    for length in (0, 3, 20, len(BODY) // 2, len(BODY) - 30):
        with pytest.raises(Unavailable, match="not complete"):
            read(BODY[:length]).result()


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind": "PartialObjectMetadataList"}',
        a_body(300, a_field(2, b"no metadata")),
        a_body(300, a_field(2, a_field(1, a_field(1, b"fraud")))),
        a_body(300, a_field(2, a_field(1, a_field(6, b"5")))),
    ],
    ids=["JSON", "an object without metadata", "no resourceVersion", "no name"],
)
def test_another_form_is_unavailable(body: bytes) -> None:
    with pytest.raises(Unavailable):
        read(body).result()
