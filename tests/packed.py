"""Packed numbers unpacked in Python, to compare; the browser does it in network.js."""

import base64
import zlib

import numpy as np
import torch


def inflated(text):
    return zlib.decompress(base64.b64decode(text))


def unpack_integers(packed, count, bits):
    """Return the `count` integers that `pack_integers` has packed."""
    planes = np.frombuffer(packed, np.uint8).reshape(-1, count).astype(np.int64)
    return planes[0] if len(planes) == 1 else (planes[0] << bits - 8) + planes[1]


def unpack_array(packed):
    """Return the numbers of `pack_array` again, rounded as they were packed, float64."""
    count = int(np.prod(packed["shape"]))
    integers = torch.from_numpy(unpack_integers(inflated(packed["data"]), count, packed["bits"]))
    return (packed["low"] + packed["step"] * integers.double()).view(packed["shape"])
