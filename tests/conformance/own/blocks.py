# SPDX-License-Identifier: GPL-3.0-or-later
"""The tensor types of GGUF files, read in plain Python as their layouts are published: block by
block, one value at a time, nothing shared with the engine. The code books alone are the engine's,
for they are nothing but figures; their digests are those of the figures that the format defines."""
import hashlib
import pathlib
import random
import re
import struct

READERS = {}

GRIDS = {  # name: (table in iq-grids.c, what its digits stand for, digest of the values)
    "IQ1": ("iq1", [-1, 0, 1], 8,
            "07540ffc1aeaf6ad4d97e96b0fcc765aae39671d4ae4a27bbd0e796fde167c6a"),
    "IQ2_XXS": ("iq2_xxs", [8, 25, 43], 8,
                "05826b5d3e472a3a78f196be62ac78acf81df0f909626e12ab9fa2a5d490dd54"),
    "IQ2_XS": ("iq2_xs", [8, 25, 43], 8,
               "06e47aaca60b4dc1d9b5a3f34540437058a6b142b4d7a59d5ded769b4d1bf1de"),
    "IQ2_S": ("iq2_s", [8, 25, 43], 8,
              "e1aa1473412b0552c2174c30ef22ab4073f6a181b85a17056e8249bd2932fd88"),
    "IQ3_XXS": ("iq3_xxs", [4, 12, 20, 28, 36, 44, 52, 62], 4,
                "46e35f5a997efdee6c99ce57854c8a0d4f0ff8ca57e5e8a60c0793ea580acf5d"),
    "IQ3_S": ("iq3_s", [1, 3, 5, 7, 9, 11, 13, 15], 4,
              "bd1af4945a1717c65610b0284e4628b9a1ba3b306fae3a06f6e5f597356e349f"),
}
NL = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
FP4 = [0, .5, 1, 1.5, 2, 3, 4, 6, -0.0, -.5, -1, -1.5, -2, -3, -4, -6]


def grid(name, _read={}):
    """The entries of a code book, each a list of values."""
    if name not in _read:
        table, values, length, digest = GRIDS[name]
        source = pathlib.Path(__file__).parents[3] / "src/engine/quant/iq-grids.c"
        body = re.search(rf"pe_{table}_grid\[\d+\] = {{(.*?)}}", source.read_text(), re.S)[1]
        bits = 2 if length == 8 else 3
        entries = [[values[int(word, 16) >> bits * i & (1 << bits) - 1] for i in range(length)]
                   for word in re.findall("0x[0-9a-f]+", body)]
        found = hashlib.sha256(bytes(v & 255 for e in entries for v in e)).hexdigest()
        if found != digest:
            raise ValueError(f"the code book {name} is not that of the format")
        _read[name] = entries
    return _read[name]


def half(block, at):
    return struct.unpack_from("<e", block, at)[0]


def layout(name, n_bytes, n, halves=()):
    """Enters a reader of blocks of n values; halves: where the block has scales of that type."""
    def enter(read):
        READERS[name] = (n_bytes, n, halves, read)
        return read
    return enter


def bits(block, at, width, i):
    """Number i of the `width`-bit numbers that begin at byte `at`, lowest bits first."""
    first = i * width
    word = int.from_bytes(block[at + first // 8:at + first // 8 + 4], "little")
    return word >> first % 8 & (1 << width) - 1


def nibble(block, at, i):
    """Of 16 bytes the 32 nibbles, all lower ones first."""
    return block[at + i % 16] >> 4 * (i // 16) & 15


# ---- plain numbers ----

@layout("F16", 2, 1, [0])
def f16(b):
    return [half(b, 0)]


@layout("BF16", 2, 1)
def bf16(b):
    return [struct.unpack("<f", b"\0\0" + b)[0]]


# ---- blocks of 32 ----

@layout("Q4_0", 18, 32, [0])
def q4_0(b):
    return [half(b, 0) * (nibble(b, 2, i) - 8) for i in range(32)]


@layout("Q4_1", 20, 32, [0, 2])
def q4_1(b):
    return [half(b, 0) * nibble(b, 4, i) + half(b, 2) for i in range(32)]


@layout("Q5_0", 22, 32, [0])
def q5_0(b):
    return [half(b, 0) * (nibble(b, 6, i) + 16 * bits(b, 2, 1, i) - 16) for i in range(32)]


@layout("Q5_1", 24, 32, [0, 2])
def q5_1(b):
    return [half(b, 0) * (nibble(b, 8, i) + 16 * bits(b, 4, 1, i)) + half(b, 2) for i in range(32)]


@layout("Q8_0", 34, 32, [0])
def q8_0(b):
    return [half(b, 0) * q for q in struct.unpack_from("32b", b, 2)]


@layout("IQ4_NL", 18, 32, [0])
def iq4_nl(b):
    return [half(b, 0) * NL[nibble(b, 2, i)] for i in range(32)]


@layout("MXFP4", 17, 32)
def mxfp4(b):
    return [FP4[nibble(b, 1, i)] * 2.0 ** (b[0] - 127) for i in range(32)]


@layout("NVFP4", 36, 64)
def nvfp4(b):
    out = []
    for s in range(4):
        e, m = b[s] >> 3 & 15, b[s] & 7
        scale = 0.0 if b[s] in (0, 0x7f) else m * 2.0 ** -9 if e == 0 else (1 + m / 8) * 2.0 ** (e - 7)
        out += [FP4[b[4 + 8 * s + i % 8] >> 4 * (i // 8) & 15] * scale for i in range(16)]
    return out


@layout("Q1_0", 18, 128, [0])
def q1_0(b):
    return [half(b, 0) * (1 if bits(b, 2, 1, i) else -1) for i in range(128)]


@layout("Q2_0", 18, 64, [0])
def q2_0(b):
    return [half(b, 0) * (bits(b, 2, 2, i) - 1) for i in range(64)]


# ---- super-blocks of 256 ----

def two_bits(b, at, i):
    """Q2_K and Q3_K: 128 values share 32 bytes, each byte has four that are 32 apart."""
    return b[at + 32 * (i // 128) + i % 32] >> 2 * (i % 128 // 32) & 3


@layout("Q2_K", 84, 256, [80, 82])
def q2_k(b):
    d, dmin = half(b, 80), half(b, 82)
    return [d * (b[i // 16] & 15) * two_bits(b, 16, i) - dmin * (b[i // 16] >> 4)
            for i in range(256)]


@layout("Q3_K", 110, 256, [108])
def q3_k(b):
    d, s = half(b, 108), b[96:108]

    def scale(j):
        low = s[j] & 15 if j < 8 else s[j - 8] >> 4
        return low + 16 * (s[8 + j % 4] >> 2 * (j // 4) & 3) - 32

    def value(i):
        high = b[i % 32] >> (i // 32) & 1
        return two_bits(b, 32, i) - (0 if high else 4)

    return [d * scale(i // 16) * value(i) for i in range(256)]


def six_bit_pairs(s):
    """Q4_K and Q5_K: eight scales and eight minima in 12 bytes."""
    for j in range(8):
        if j < 4:
            yield s[j] & 63, s[j + 4] & 63
        else:
            yield (s[j + 4] & 15 | s[j - 4] >> 6 << 4), (s[j + 4] >> 4 | s[j] >> 6 << 4)


@layout("Q4_K", 144, 256, [0, 2])
def q4_k(b):
    d, dmin, pairs = half(b, 0), half(b, 2), list(six_bit_pairs(b[4:16]))
    return [d * pairs[i // 32][0] * (b[16 + 32 * (i // 64) + i % 32] >> 4 * (i // 32 % 2) & 15)
            - dmin * pairs[i // 32][1] for i in range(256)]


@layout("Q5_K", 176, 256, [0, 2])
def q5_k(b):
    d, dmin, pairs = half(b, 0), half(b, 2), list(six_bit_pairs(b[4:16]))
    return [d * pairs[i // 32][0] * ((b[48 + 32 * (i // 64) + i % 32] >> 4 * (i // 32 % 2) & 15)
                                     + 16 * (b[16 + i % 32] >> i // 32 & 1))
            - dmin * pairs[i // 32][1] for i in range(256)]


@layout("Q6_K", 210, 256, [208])
def q6_k(b):
    d, scales = half(b, 208), struct.unpack_from("16b", b, 192)

    def value(i):
        h, r, l = i // 128, i % 128 // 32, i % 32
        low = b[64 * h + 32 * (r & 1) + l] >> (4 if r >= 2 else 0) & 15
        return low | (b[128 + 32 * h + l] >> 2 * r & 3) << 4

    return [d * scales[i // 16] * (value(i) - 32) for i in range(256)]


@layout("IQ4_XS", 136, 256, [0])
def iq4_xs(b):
    d = half(b, 0)
    scales = [(bits(b, 4, 4, g) | bits(b, 2, 2, g) << 4) - 32 for g in range(8)]
    return [d * scales[i // 32] * NL[nibble(b, 8 + 16 * (i // 32), i % 32)] for i in range(256)]


@layout("TQ1_0", 54, 256, [52])
def tq1_0(b):
    """Base 3 as fractions: multiplied by 3 the highest digit moves out of the byte."""
    d = half(b, 52)

    def digit(byte, k):
        return (byte * 3 ** k & 255) * 3 >> 8

    q = [digit(b[j], k) for k in range(5) for j in range(32)]
    q += [digit(b[32 + j], k) for k in range(5) for j in range(16)]
    q += [digit(b[48 + j], k) for k in range(4) for j in range(4)]
    return [d * (v - 1) for v in q]


@layout("TQ2_0", 66, 256, [64])
def tq2_0(b):
    d = half(b, 64)
    return [d * (two_bits(b, 0, i) - 1) for i in range(256)]


# ---- code books ----

def signed(values, signs):
    return [-v if signs >> i & 1 else v for i, v in enumerate(values)]


def even(seven):
    """Seven signs; the eighth makes their number even."""
    return seven | (bin(seven).count("1") & 1) << 7


@layout("IQ2_XXS", 66, 256, [0])
def iq2_xxs(b):
    out, table = [], grid("IQ2_XXS")
    for g in range(8):
        indices, tail = b[2 + 8 * g:6 + 8 * g], int.from_bytes(b[6 + 8 * g:10 + 8 * g], "little")
        scale = half(b, 0) * (0.5 + (tail >> 28)) / 4
        for l, index in enumerate(indices):
            out += [scale * v for v in signed(table[index], even(tail >> 7 * l & 127))]
    return out


@layout("IQ2_XS", 74, 256, [0])
def iq2_xs(b):
    out, table = [], grid("IQ2_XS")
    for k in range(32):
        word = int.from_bytes(b[2 + 2 * k:4 + 2 * k], "little")
        scale = half(b, 0) * (0.5 + bits(b, 66, 4, k // 2)) / 4
        out += [scale * v for v in signed(table[word & 511], even(word >> 9))]
    return out


@layout("IQ2_S", 82, 256, [0])
def iq2_s(b):
    out, table = [], grid("IQ2_S")
    for k in range(32):
        index = b[2 + k] | bits(b, 66, 2, k) << 8
        scale = half(b, 0) * (0.5 + bits(b, 74, 4, k // 2)) / 4
        out += [scale * v for v in signed(table[index], b[34 + k])]
    return out


@layout("IQ3_XXS", 98, 256, [0])
def iq3_xxs(b):
    out, table = [], grid("IQ3_XXS")
    for g in range(8):
        tail = int.from_bytes(b[66 + 4 * g:70 + 4 * g], "little")
        scale = half(b, 0) * (0.5 + (tail >> 28)) / 2
        for l in range(4):
            pair = table[b[2 + 8 * g + 2 * l]] + table[b[3 + 8 * g + 2 * l]]
            out += [scale * v for v in signed(pair, even(tail >> 7 * l & 127))]
    return out


@layout("IQ3_S", 110, 256, [0])
def iq3_s(b):
    out, table = [], grid("IQ3_S")
    for k in range(32):
        scale = half(b, 0) * (1 + 2 * bits(b, 106, 4, k // 4))
        pair = [v for j in (2 * k, 2 * k + 1) for v in table[b[2 + j] | bits(b, 66, 1, j) << 8]]
        out += [scale * v for v in signed(pair, b[74 + k])]
    return out


@layout("IQ1_S", 50, 256, [0])
def iq1_s(b):
    out, table = [], grid("IQ1")
    for g in range(8):
        word = int.from_bytes(b[34 + 2 * g:36 + 2 * g], "little")
        scale, shift = half(b, 0) * (2 * (word >> 12 & 7) + 1), -0.125 if word >> 15 else 0.125
        for l in range(4):
            out += [scale * (v + shift) for v in table[b[2 + 4 * g + l] | (word >> 3 * l & 7) << 8]]
    return out


@layout("IQ1_M", 56, 256)
def iq1_m(b):
    out, table = [], grid("IQ1")
    words = struct.unpack_from("<4H", b, 48)
    d = struct.unpack("<e", struct.pack("<H", sum((w >> 12) << 4 * i for i, w in enumerate(words))))[0]
    for k in range(32):
        high = bits(b, 32, 4, k)
        scale = d * (2 * (words[k // 8] >> 3 * (k // 2 % 4) & 7) + 1)
        shift = -0.125 if high & 8 else 0.125
        out += [scale * (v + shift) for v in table[b[k] | (high & 7) << 8]]
    return out


# ---- vectors ----

def vectors(name):
    """Blocks of one type with scales of many sizes, and their values."""
    n_bytes, n, halves, read = READERS[name]
    draw = random.Random("blocks of " + name)
    blocks, values = b"", []
    while len(values) < max(4 * n, 256):
        block = bytearray(draw.randbytes(n_bytes))
        for at in halves:
            struct.pack_into("<e", block, at, draw.choice((-1, 1)) * 2.0 ** draw.uniform(-24, 8))
        if name == "MXFP4":
            block[0] = draw.choice((0, 1, 100, 120, 127, 135, 200))
        if name == "NVFP4":
            block[:4] = draw.choice((b"\0\x7f\x01\x07", bytes(v & 127 for v in block[:4])))
        row = read(bytes(block))
        if all(abs(v) < 3e38 for v in row):  # of plain and pieced-together numbers some are not finite
            blocks, values = blocks + bytes(block), values + row
    return blocks, values
