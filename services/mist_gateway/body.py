"""Reading a request's body, up to a limit."""

from fastapi import Request

from mist_domain.start_json import MAX_REQUEST_BYTES
from mist_gateway.errors import too_large


async def read_body(request: Request, limit: int = MAX_REQUEST_BYTES) -> bytes:
    """The body; 413 as soon as it is known to be larger than `limit` bytes."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)
