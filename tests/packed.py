"""Packed numbers unpacked in Python, to compare; the browser does it in network.js."""

import base64
import zlib

import numpy as np
import torch


def inflated(text):
    return zlib.decompress(base64.b64decode(text))


def unpack_integers(packed, count, bits):
    """Return the `count` integers that `pack_integers` has packed."""
    low = max(bits - 8, 0)
    values = np.frombuffer(packed, np.uint8, count).astype(np.int64) << low
    if low:
        rest = np.unpackbits(np.frombuffer(packed, np.uint8, offset=count), count=count * low)
        values += rest.reshape(count, low).astype(np.int64) @ (1 << np.arange(low - 1, -1, -1))
    return values


def unpack_array(packed):
    """Return the numbers of `pack_array` again, rounded as they were packed, float64."""
    count = int(np.prod(packed["shape"]))
    integers = torch.from_numpy(unpack_integers(inflated(packed["data"]), count, packed["bits"]))
    return (packed["low"] + packed["step"] * integers.double()).view(packed["shape"])
