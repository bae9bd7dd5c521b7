"""A cursor: the last offset told of each partition of `mist.job-events`, as one opaque url-safe string.

The same on every replica, since it names places in the log and nothing else.
"""

import base64
import binascii
import struct
from collections.abc import Sequence

BEFORE_ALL = -1


def write_cursor(offsets: Sequence[int]) -> str:
    """`offsets[p]` is the last offset of partition `p` that was told, -1 for none."""
    packed = struct.pack(f">{len(offsets)}q", *offsets)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def read_cursor(text: str, partitions: int) -> list[int]:
    """The offsets of a cursor. Raises `ValueError` when it is none of a log with that many partitions."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        offsets = list(struct.unpack(f">{partitions}q", packed))
    except (binascii.Error, struct.error, ValueError) as error:
        raise ValueError("it is not a cursor that Mist gave out") from error
    if min(offsets) < BEFORE_ALL or write_cursor(offsets) != text.rstrip("="):
        raise ValueError("it is not a cursor that Mist gave out")
    return offsets


def write_place(partition: int, offset: int, partitions: int) -> str:
    """The cursor of one record alone, the same whoever writes it: what stands in other partitions it does not tell."""
    offsets = [BEFORE_ALL] * partitions
    offsets[partition] = offset
    return write_cursor(offsets)
