# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes GGUF files (version 3, little-endian): metadata, then tensors as F32 or Q8_0; and reads
the metadata of one that was written so."""

import struct

ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TYPE_F32, TYPE_Q8_0 = 0, 8


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value):
    if isinstance(value, str):
        return STRING, _string(value)
    if isinstance(value, bool):
        return BOOL, struct.pack("<B", value)
    if isinstance(value, float):
        return F32, struct.pack("<f", value)
    if isinstance(value, int):
        return U32, struct.pack("<I", value)
    kind = STRING if isinstance(value[0], str) else I32
    items = b"".join(_string(item) if kind == STRING else struct.pack("<i", item)
                     for item in value)
    return ARRAY, struct.pack("<IQ", kind, len(value)) + items


def q8_0(matrix):
    """Blocks of 32: a 16-bit scale and 32 signed bytes."""
    import numpy  # only training has it
    blocks = numpy.ascontiguousarray(matrix, dtype=numpy.float32).reshape(-1, 32)
    scales = (numpy.abs(blocks).max(axis=1, keepdims=True) / 127).astype(numpy.float16)
    divisors = scales.astype(numpy.float32)
    divisors[divisors == 0] = 1
    quants = numpy.clip(numpy.rint(blocks / divisors), -127, 127).astype(numpy.int8)
    out = numpy.empty((len(blocks), 34), dtype=numpy.uint8)
    out[:, :2] = scales.view(numpy.uint8).reshape(-1, 2)
    out[:, 2:] = quants.view(numpy.uint8)
    return out.tobytes()


def write(path, metadata, tensors):
    """metadata: dict; tensors: dict of name to numpy array. Vectors stay F32."""
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    for key, value in metadata.items():
        kind, data = _value(value)
        head += [_string(key), struct.pack("<I", kind), data]
    offset, chunks = 0, []
    for name, array in tensors.items():
        kind = TYPE_Q8_0 if array.ndim == 2 else TYPE_F32
        data = q8_0(array) if kind == TYPE_Q8_0 else array.astype("<f4").tobytes()
        head.append(_string(name) + struct.pack("<I", array.ndim))
        head += [struct.pack("<Q", n) for n in reversed(array.shape)]
        head.append(struct.pack("<IQ", kind, offset))
        padding = -len(data) % ALIGNMENT
        chunks.append(data + bytes(padding))
        offset += len(data) + padding
    header = b"".join(head)
    with open(path, "wb") as file:
        file.write(header + bytes(-len(header) % ALIGNMENT))
        for chunk in chunks:
            file.write(chunk)


def read_metadata(path):
    with open(path, "rb") as file:
        def number(form):
            return struct.unpack("<" + form, file.read(struct.calcsize(form)))[0]

        def value(kind):
            if kind == STRING:
                return file.read(number("Q")).decode()
            if kind == ARRAY:
                kind, n = number("I"), number("Q")
                return [value(kind) for _ in range(n)]
            return number({U32: "I", I32: "i", F32: "f", BOOL: "?"}[kind])

        if file.read(4) != b"GGUF" or number("I") != 3:
            raise ValueError(f"{path} is no GGUF file of version 3")
        number("Q")
        result = {}
        for _ in range(number("Q")):
            key = value(STRING)
            result[key] = value(number("I"))
        return result
