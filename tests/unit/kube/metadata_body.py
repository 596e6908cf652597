"""Lists of metadata as the API server sends them."""

from aiohttp import web

TYPE = b"\n\x0emeta.k8s.io/v1\x12\x19PartialObjectMetadataList"


def a_varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def a_field(number: int, value: bytes) -> bytes:
    return a_varint(number << 3 | 2) + a_varint(len(value)) + value


def an_item(namespace: str, name: str, uid: str, at: int) -> bytes:
    """Return an object, with generateName, selfLink, generation and managedFields, which are not read."""
    texts = [(1, name), (2, ""), (3, namespace), (4, ""), (5, uid), (6, str(at))]
    fields = b"".join(a_field(number, value.encode()) for number, value in texts)
    return a_field(2, a_field(1, fields + b"\x38\x01" + a_field(17, b"x" * 300)))


def a_body(at: int, *items: bytes) -> bytes:
    """Return the list of this resourceVersion."""
    raw = a_field(1, a_field(1, b"") + a_field(2, str(at).encode()) + a_field(3, b"")) + b"".join(items)
    return b"k8s\0" + a_field(1, TYPE) + a_field(2, raw) + a_field(3, b"") + a_field(4, b"")


def an_answer(at: int, *items: bytes) -> web.Response:
    return web.Response(body=a_body(at, *items), content_type="application/vnd.kubernetes.protobuf")
