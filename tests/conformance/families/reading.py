# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain reading of transformer mathematics, one position and one number at a time, in Python's
own floats: what tiny models of the families are compared with. Nothing here is shared with the
engine. A model is made while it is read: a tensor comes into being, with random values, when its
name is first asked for, and is written to the file as it was read.
"""
import array
import json
import math
import os
import random
import struct
from operator import mul

U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9
TYPE_F32, TYPE_F16 = 0, 1


def as_f32(values):
    return array.array("f", values)


def as_f16(values):
    return struct.pack(f"<{len(values)}e", *values)


def dot(a, b):
    return sum(map(mul, a, b))


def add(xs, ys, scale=1.0):
    return [[a + scale * b for a, b in zip(x, y)] for x, y in zip(xs, ys)]


def scaled(xs, scale):
    return [[a * scale for a in x] for x in xs]


def sigmoid(v):
    return 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))


def silu(v):
    return v * sigmoid(v)


def gelu(v):
    return 0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v ** 3)))


def relu_squared(v):
    return max(v, 0.0) ** 2


def softplus(v):
    return v if v > 20 else math.log1p(math.exp(v))


def softmax(values):
    top = max(values)
    each = [math.exp(v - top) for v in values]
    total = sum(each)
    return [v / total for v in each]


def heads_of(x, n, offset=0, stride=None):
    """`n` heads out of one row; by default they fill it."""
    width = stride or (len(x) - offset) // n
    return [x[offset + i * width:offset + (i + 1) * width] for i in range(n)]


def rms(x, eps, w=None, b=None):
    scale = 1 / math.sqrt(dot(x, x) / len(x) + eps)
    y = [v * scale for v in x]
    if w:
        y = list(map(mul, y, w))
    return [v + c for v, c in zip(y, b)] if b else y


def layer_norm(x, eps, w=None, b=None):
    mean = sum(x) / len(x)
    x = [v - mean for v in x]
    return rms(x, eps, w, b)


def rotate(head, position, pairs, n_rot, base, factors=None, magnitude=1.0):
    """pairs "near": (2i, 2i + 1); "far": (i, i + n_rot / 2)."""
    out = list(head)
    for i in range(n_rot // 2):
        angle = position * base ** (-2 * i / n_rot)
        if factors:
            angle /= factors[i]
        a, b = (2 * i, 2 * i + 1) if pairs == "near" else (i, i + n_rot // 2)
        c, s = math.cos(angle) * magnitude, math.sin(angle) * magnitude
        out[a], out[b] = head[a] * c - head[b] * s, head[a] * s + head[b] * c
    return out


def causal_conv(xs, kernel, bias=None):
    """kernel: for each channel its taps, the last one for the newest row."""
    taps = len(kernel[0])
    out = []
    for t in range(len(xs)):
        row = []
        for c, k in enumerate(kernel):
            total = bias[c] if bias else 0.0
            for j in range(taps):
                at = t - (taps - 1) + j
                if at >= 0:
                    total += k[j] * xs[at][c]
            row.append(total)
        out.append(row)
    return out


def choose_experts(scores, selection, n_used, groups):
    """Indices of the chosen, best first; groups (n, used): the best groups by their two best."""
    allowed = set(range(len(scores)))
    if groups:
        n, used = groups
        size = len(scores) // n
        worth = [sum(sorted(selection[g * size:(g + 1) * size])[-2:]) for g in range(n)]
        kept = sorted(range(n), key=lambda g: -worth[g])[:used]
        allowed = {g * size + i for g in kept for i in range(size)}
    return sorted(allowed, key=lambda e: -selection[e])[:n_used]


def sparse_mixer(logits, n_used, jitter=0.01):
    """Weights and indices: the best is weighed among those within twice the jitter of it, then the
    best of the rest likewise (Liu, Gao, Chen 2023)."""
    left, weights, chosen = dict(enumerate(logits)), [0.0] * len(logits), []
    for _ in range(n_used):
        best = max(left, key=lambda e: left[e])
        top = left[best]
        near = [v for v in left.values() if (top - v) <= 2 * jitter * max(abs(v), top)]
        weights[best] = 1 / sum(math.exp(v - top) for v in near)
        chosen.append(best)
        del left[best]
    return weights, chosen


class Model:
    """One tiny model: its file, and the reading of its parts. Sequences are lists of rows."""

    def __init__(self, name, arch, tokens, n_vocab, seed=None):
        self.name, self.arch, self.tokens, self.n_vocab = name, arch, tokens, n_vocab
        self.random = random.Random(seed or name)
        self.keys, self.tensors = {}, {}
        self.eps = 1e-5
        self.norm_kind = "rms"
        self.activation = silu

    # ---- the file ----

    def put(self, **keys):
        """Keys of the family; __ stands for a dot."""
        for key, value in keys.items():
            self.keys[self.arch + "." + key.replace("__", ".")] = value

    def sizes(self, layers, embd, ff, heads, kv_heads, width=None, **more):
        self.layers, self.embd = layers, embd
        self.put(block_count=layers, embedding_length=embd, context_length=256)
        if heads:
            self.put(attention__head_count=heads, attention__head_count_kv=kv_heads)
        if ff:
            self.put(feed_forward_length=ff)
        if width:
            self.put(attention__key_length=width, attention__value_length=width)
        self.put(**more)

    def norms(self, kind, eps=1e-5):
        self.norm_kind, self.eps = kind, eps
        name = "attention__layer_norm_epsilon" if kind == "layer" else \
            "attention__layer_norm_rms_epsilon"
        self.put(**{name: eps})
        self.eps = as_f32([eps])[0]

    def tensor(self, name, shape, draw, half):
        """shape as in the file: the first is the length of a row. Returns the flat values."""
        if name not in self.tensors:
            n = math.prod(shape)
            values = [draw() for _ in range(n)]
            raw = as_f16(values) if half else as_f32(values).tobytes()
            values = list(struct.unpack(f"<{n}e", raw)) if half else list(as_f32(values))
            self.tensors[name] = (shape, TYPE_F16 if half else TYPE_F32, raw, values)
        return self.tensors[name][3]

    def vector(self, name, n, around=0.0, spread=0.1, shape=None):
        return self.tensor(name, shape or [n], lambda: around + self.random.gauss(0, spread), False)

    def matrix(self, name, n_in, n_out, gain=1.0, half=True):
        flat = self.tensor(name, [n_in, n_out],
                           lambda: self.random.gauss(0, gain / math.sqrt(n_in)), half)
        return [flat[i * n_in:(i + 1) * n_in] for i in range(n_out)]

    def stack(self, name, n_in, n_out, n, gain=1.0):
        flat = self.tensor(name, [n_in, n_out, n],
                           lambda: self.random.gauss(0, gain / math.sqrt(n_in)), True)
        rows = [flat[i * n_in:(i + 1) * n_in] for i in range(n_out * n)]
        return [rows[e * n_out:(e + 1) * n_out] for e in range(n)]

    def stack_apart(self, il, kind, n_in, n_out, n):
        """Each expert a tensor of its own, as files of early 2024 have it, and of changing types."""
        return [self.matrix(self.at(il, f"ffn_{kind}.{e}.weight"), n_in, n_out, half=e % 2 == 0)
                for e in range(n)]

    def at(self, il, name):
        return f"blk.{il}.{name}"

    # ---- parts ----

    def embed(self, scale=1.0, gain=4.0):
        table = self.matrix("token_embd.weight", self.embd, self.n_vocab, gain)
        return [[v * scale for v in table[t]] for t in self.tokens]

    def norm(self, xs, name, bias=False, n=None):
        n = n or len(xs[0])
        w = self.vector(name + ".weight", n, 1.0)
        b = self.vector(name + ".bias", n) if bias else None
        f = layer_norm if self.norm_kind == "layer" else rms
        return [f(x, self.eps, w, b) for x in xs]

    def linear(self, xs, name, n_out, bias=False, gain=1.0, half=True):
        rows = self.matrix(name + ".weight", len(xs[0]), n_out, gain, half)
        b = self.vector(name + ".bias", n_out) if bias else [0.0] * n_out
        return [[dot(row, x) + c for row, c in zip(rows, b)] for x in xs]

    def dense(self, xs, il, n_ff, bias=False, gated=True, suffix=""):
        up = self.linear(xs, self.at(il, "ffn_up" + suffix), n_ff, bias)
        if gated:
            gate = self.linear(xs, self.at(il, "ffn_gate" + suffix), n_ff, bias)
            inner = [[self.activation(g) * u for g, u in zip(a, b)] for a, b in zip(gate, up)]
        else:
            inner = [[self.activation(u) for u in row] for row in up]
        return self.linear(inner, self.at(il, "ffn_down" + suffix), len(xs[0]), bias)

    def experts(self, xs, il, n, used, n_ff, gating="softmax", bias=False, renormalise=True,
                scale=1.0, groups=None, shared=0, shared_gate=False, apart=False):
        """A mixture of gated experts; bias: added to the scores for the choice alone."""
        router = self.matrix(self.at(il, "ffn_gate_inp.weight"), self.embd, n, 3.0, False)
        prefer = self.vector(self.at(il, "exp_probs_b.bias"), n, 0.0, 0.3) if bias else [0.0] * n
        if apart:
            gate, up = (self.stack_apart(il, kind, self.embd, n_ff, n) for kind in ("gate", "up"))
            down = self.stack_apart(il, "down", n_ff, self.embd, n)
        else:
            gate = self.stack(self.at(il, "ffn_gate_exps.weight"), self.embd, n_ff, n)
            up = self.stack(self.at(il, "ffn_up_exps.weight"), self.embd, n_ff, n)
            down = self.stack(self.at(il, "ffn_down_exps.weight"), n_ff, self.embd, n)
        out = []
        for x in xs:
            logits = [dot(row, x) for row in router]
            if gating == "sparse mixer":
                scores, chosen = sparse_mixer(logits, used)
            else:
                scores = softmax(logits) if gating == "softmax" else [sigmoid(v) for v in logits]
                chosen = choose_experts(scores, [s + p for s, p in zip(scores, prefer)], used,
                                        groups)
            total = sum(scores[e] for e in chosen) if renormalise else 1.0
            row = [0.0] * self.embd
            for e in chosen:
                inner = [self.activation(dot(g, x)) * dot(u, x) for g, u in zip(gate[e], up[e])]
                weight = scores[e] / total * scale
                row = [r + weight * dot(d, inner) for r, d in zip(row, down[e])]
            out.append(row)
        if shared:
            beside = self.dense(xs, il, shared, suffix="_shexp")
            if shared_gate:
                w = self.vector(self.at(il, "ffn_gate_inp_shexp.weight"), self.embd, 0.0, 0.3)
                beside = [[v * sigmoid(dot(w, x)) for v in row] for row, x in zip(beside, xs)]
            out = add(out, beside)
        return out

    def project(self, xs, il, heads, kv_heads, width, bias=(), fused=False):
        """Queries, keys and values: for each position a list of heads."""
        nq, nk = heads * width, kv_heads * width
        if fused:
            rows = self.linear(xs, self.at(il, "attn_qkv"), nq + 2 * nk, "q" in bias)
            q, k, v = ([r[:nq] for r in rows], [r[nq:nq + nk] for r in rows],
                       [r[nq + nk:] for r in rows])
        else:
            q = self.linear(xs, self.at(il, "attn_q"), nq, "q" in bias)
            k = self.linear(xs, self.at(il, "attn_k"), nk, "k" in bias)
            v = self.linear(xs, self.at(il, "attn_v"), nk, "v" in bias)
        return q, k, v

    def head_norm(self, rows, il, name, n_heads):
        """One weight for all heads."""
        width = len(rows[0]) // n_heads
        w = self.vector(self.at(il, name + ".weight"), width, 1.0)
        return [[v for h in heads_of(r, n_heads) for v in rms(h, self.eps, w)] for r in rows]

    def turn(self, rows, n_heads, pairs, n_rot, base, factors=None):
        return [[v for h in heads_of(r, n_heads) for v in rotate(h, t, pairs, n_rot, base, factors)]
                for t, r in enumerate(rows)]

    def attend(self, q, k, v, heads, kv_heads, scale=None, slopes=None, window=None):
        """Softmax over what came before; rows of all heads side by side."""
        qs, ks, vs = ([heads_of(r, n) for r in rows]
                      for rows, n in ((q, heads), (k, kv_heads), (v, kv_heads)))
        scale = scale or 1 / math.sqrt(len(qs[0][0]))
        out = []
        for t, of_t in enumerate(qs):
            row = []
            first = max(0, t + 1 - window) if window else 0
            for h, query in enumerate(of_t):
                g = h // (heads // kv_heads)
                scores = [dot(query, ks[s][g]) * scale + (slopes[h] * (s - t) if slopes else 0.0)
                          for s in range(first, t + 1)]
                weights = softmax(scores)
                width = len(vs[0][0])
                row += [sum(w * vs[first + s][g][i] for s, w in enumerate(weights))
                        for i in range(width)]
            out.append(row)
        return out

    def attention(self, xs, il, heads, kv_heads, width, pairs=None, n_rot=None, base=10000.0,
                  bias=(), fused=False, head_norm=None, clamp=None, factors=None, **how):
        """head_norm: None, "before" or "after" the rotation; bias: letters of q, k, v, o."""
        q, k, v = self.project(xs, il, heads, kv_heads, width, bias, fused)
        if clamp:
            q, k, v = ([[max(-clamp, min(clamp, a)) for a in r] for r in rows] for rows in (q, k, v))
        for step in ("before", "rotate", "after"):
            if step == "rotate" and pairs:
                q = self.turn(q, heads, pairs, n_rot or width, base, factors)
                k = self.turn(k, kv_heads, pairs, n_rot or width, base, factors)
            elif step == head_norm:
                q = self.head_norm(q, il, "attn_q_norm", heads)
                k = self.head_norm(k, il, "attn_k_norm", kv_heads)
        out = self.attend(q, k, v, heads, kv_heads, **how)
        return self.linear(out, self.at(il, "attn_output"), len(xs[0]), "o" in bias)

    def logits(self, xs, norm="output_norm", norm_bias=False, tied=False, bias=False, scale=1.0):
        if norm:
            xs = self.norm(xs, norm, norm_bias)
        name = "token_embd.weight" if tied else "output.weight"
        rows = self.matrix(name, self.embd, self.n_vocab)
        b = self.vector("output.bias", self.n_vocab) if bias else [0.0] * self.n_vocab
        return [[(dot(row, x) + c) * scale for row, c in zip(rows, b)] for x in xs]

    # ---- writing ----

    def write(self, folder, logits):
        path = os.path.join(folder, self.name)
        keys = {"general.architecture": self.arch, "general.alignment": 32, **self.keys}
        with open(path + ".gguf", "wb") as f:
            f.write(b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(keys)))
            for key, value in keys.items():
                f.write(text(key) + entry(value))
            offset = 0
            for name, (shape, kind, raw, _) in self.tensors.items():
                f.write(text(name) + struct.pack("<I", len(shape)))
                f.write(struct.pack(f"<{len(shape)}Q", *shape))
                f.write(struct.pack("<IQ", kind, offset))
                offset += (len(raw) + 31) // 32 * 32
            f.write(bytes(-f.tell() % 32))
            for _, _, raw, _ in self.tensors.values():
                f.write(raw + bytes(-len(raw) % 32))
        with open(path + ".logits.f32", "wb") as f:
            for row in logits:
                f.write(as_f32(row).tobytes())
        with open(path + ".json", "w", encoding="utf-8") as f:
            json.dump({"name": self.name, "tokens": self.tokens, "n_vocab": self.n_vocab,
                       "n_ctx": 256, "tolerance": {"exact": 1e-6, "fast": 1e-3}}, f)


def text(s):
    raw = s.encode()
    return struct.pack("<Q", len(raw)) + raw


def scalar(value):
    if isinstance(value, bool):
        return BOOL, struct.pack("<?", value)
    if isinstance(value, int):
        return U32, struct.pack("<I", value)
    if isinstance(value, float):
        return F32, struct.pack("<f", value)
    return STRING, text(value)


def entry(value):
    if isinstance(value, list):
        kind = scalar(value[0])[0]
        return struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(scalar(v)[1] for v in value)
    kind, raw = scalar(value)
    return struct.pack("<I", kind) + raw
