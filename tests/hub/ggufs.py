# SPDX-License-Identifier: GPL-3.0-or-later
"""GGUF files made on the fly for the stand-in of a hub: real headers of Llama-family models of any
size, with tensor data that is computed where it is read, so that a 40 GB model costs nothing."""

import functools
import struct

BLOCKS = {  # GGUF type number, elements and bytes of a block
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "Q4_0": (2, 32, 18),
    "Q8_0": (8, 32, 34),
    "Q2_K": (10, 256, 84),
    "Q3_K": (11, 256, 110),
    "Q4_K": (12, 256, 144),
    "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210),
    "IQ4_XS": (23, 256, 136),
    "BF16": (30, 1, 2),
}
MIXES = {  # label: (file_type, most weights, output and some others)
    "F32": (0, "F32", "F32"),
    "F16": (1, "F16", "F16"),
    "BF16": (32, "BF16", "BF16"),
    "Q4_0": (2, "Q4_0", "Q6_K"),
    "Q8_0": (7, "Q8_0", "Q8_0"),
    "Q2_K": (10, "Q2_K", "Q6_K"),
    "Q3_K_M": (12, "Q3_K", "Q6_K"),
    "Q4_K_M": (15, "Q4_K", "Q6_K"),
    "Q5_K_M": (17, "Q5_K", "Q6_K"),
    "Q6_K": (18, "Q6_K", "Q6_K"),
    "IQ4_XS": (30, "IQ4_XS", "Q6_K"),
}
ALIGNMENT = 32
TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + "
    "'</s>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, value):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    return text(key) + struct.pack("<II", 4, value)


@functools.lru_cache
def vocabulary(n):
    """The three arrays of a SentencePiece vocabulary, as they stand in the file."""
    names = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % byte for byte in range(256)]
    names += ["\u2581w%d" % i for i in range(n - len(names))]
    kinds = [2, 3, 3] + [6] * 256 + [1] * (n - 259)
    scores = [0.0] * 259 + [-float(i) for i in range(n - 259)]
    return (
        text("tokenizer.ggml.tokens")
        + struct.pack("<IIQ", 9, 8, n)
        + b"".join(map(text, names))
        + text("tokenizer.ggml.scores")
        + struct.pack("<IIQ", 9, 6, n)
        + struct.pack("<%df" % n, *scores)
        + text("tokenizer.ggml.token_type")
        + struct.pack("<IIQ", 9, 5, n)
        + struct.pack("<%di" % n, *kinds)
    )


class Shape:
    """Dimensions of a model; ffn and vocabulary may be given, the rest follows."""

    def __init__(self, layers, embd, heads, kv_heads, ffn, vocab=32000, context=8192):
        self.layers, self.embd, self.heads, self.kv_heads = layers, embd, heads, kv_heads
        self.ffn, self.vocab, self.context = ffn, vocab, context

    def tensors(self, mix):
        _, most, best = MIXES[mix]
        kv = self.embd // self.heads * self.kv_heads
        out = [("token_embd.weight", [self.embd, self.vocab], most)]
        for i in range(self.layers):
            some = best if i % 2 == 0 else most
            for name, shape, kind in [
                ("attn_norm", [self.embd], "F32"),
                ("attn_q", [self.embd, self.embd], most),
                ("attn_k", [self.embd, kv], most),
                ("attn_v", [self.embd, kv], some),
                ("attn_output", [self.embd, self.embd], most),
                ("ffn_norm", [self.embd], "F32"),
                ("ffn_gate", [self.embd, self.ffn], most),
                ("ffn_up", [self.embd, self.ffn], most),
                ("ffn_down", [self.ffn, self.embd], some),
            ]:
                out.append(("blk.%d.%s.weight" % (i, name), shape, kind))
        out.append(("output_norm.weight", [self.embd], "F32"))
        out.append(("output.weight", [self.embd, self.vocab], best))
        return out

    def parameters(self):
        total = 0
        for _, shape, _ in self.tensors("F32"):
            n = 1
            for dim in shape:
                n *= dim
            total += n
        return total


@functools.lru_cache
def pattern(seed):
    return bytes((i * 167 + seed * 31 + (i >> 8)) & 0xFF for i in range(65536 - 17))


def filler(seed, start, n):
    """Bytes [start, start + n) of an endless sequence that depends on the seed."""
    block = pattern(seed)
    at = start % len(block)
    repeats = (at + n) // len(block) + 1
    return (block * repeats)[at : at + n] if n else b""


class MadeFile:
    """One GGUF file (or one part of a split one): a header and computed data."""

    def __init__(self, name, shape, mix, seed=1, part=None, parts=1):
        tensors = shape.tensors(mix)
        mine = tensors
        if parts > 1:
            each = -(-len(tensors) // parts)
            mine = tensors[part * each : (part + 1) * each]
        entries = [entry("general.architecture", "llama")]
        if not part:
            entries += [
                entry("general.name", name),
                entry("general.license", "apache-2.0"),
                entry("general.file_type", MIXES[mix][0]),
                entry("llama.context_length", shape.context),
                entry("llama.embedding_length", shape.embd),
                entry("llama.block_count", shape.layers),
                entry("llama.feed_forward_length", shape.ffn),
                entry("llama.rope.dimension_count", shape.embd // shape.heads),
                entry("llama.rope.freq_base", 10000.0),
                entry("llama.attention.head_count", shape.heads),
                entry("llama.attention.head_count_kv", shape.kv_heads),
                entry("llama.attention.layer_norm_rms_epsilon", 1e-5),
                entry("llama.vocab_size", shape.vocab),
                entry("tokenizer.ggml.model", "llama"),
                entry("tokenizer.ggml.bos_token_id", 1),
                entry("tokenizer.ggml.eos_token_id", 2),
                entry("tokenizer.chat_template", TEMPLATE),
            ]
        n_entries = len(entries) + (0 if part else 3)
        if parts > 1:
            entries += [
                text("split.no") + struct.pack("<IH", 2, part),
                text("split.count") + struct.pack("<IH", 2, parts),
                text("split.tensors.count") + struct.pack("<Ii", 5, len(tensors)),
            ]
            n_entries += 3
        table, offset = [], 0
        for tensor, dims, kind in mine:
            number, elements, size = BLOCKS[kind]
            table.append(
                text(tensor)
                + struct.pack("<I", len(dims))
                + struct.pack("<%dQ" % len(dims), *dims)
                + struct.pack("<IQ", number, offset)
            )
            n = 1
            for dim in dims:
                n *= dim
            offset += n // elements * size
            offset += -offset % ALIGNMENT
        header = struct.pack("<4sIQQ", b"GGUF", 3, len(mine), n_entries)
        header += b"".join(entries) + (b"" if part else vocabulary(shape.vocab)) + b"".join(table)
        self.header = header + b"\0" * (-len(header) % ALIGNMENT)
        self.size = len(self.header) + offset
        self.seed = seed

    def read(self, start, n):
        n = max(0, min(n, self.size - start))
        head = self.header[start : start + n]
        return head + filler(self.seed, start + len(head), n - len(head))


class RealFile:
    """A file of this computer."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        self.size = len(self.data)

    def read(self, start, n):
        return self.data[start : start + n]


class Bytes(RealFile):
    def __init__(self, data):
        self.data, self.size = data, len(data)
