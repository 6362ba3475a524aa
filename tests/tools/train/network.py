# SPDX-License-Identifier: GPL-3.0-or-later
"""The network, of the shape that GGUF files call "qwen3": RMS norms before attention and before a
gated feed-forward, norms of queries and keys, rotary positions, grouped keys and values, and one
table for both ends."""

import torch
from torch import nn
from torch.nn import functional as F

EPSILON = 1e-6


class Shape:
    n_embd, n_layers, n_heads, n_kv_heads, head_width, n_ff = 256, 4, 4, 2, 64, 640
    n_vocab, n_ctx, rope_base = 2048, 2048, 10000.0


def rms_norm(x, weight):
    scale = torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + EPSILON)
    return (x * scale.to(x.dtype)) * weight.to(x.dtype)


def rotate(x, cos, sin):
    """Elements i and i + half turn together."""
    left, right = x.chunk(2, -1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), -1)


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        width, kv = shape.n_heads * shape.head_width, shape.n_kv_heads * shape.head_width
        self.attn_norm = nn.Parameter(torch.ones(shape.n_embd))
        self.attn_q = nn.Linear(shape.n_embd, width, bias=False)
        self.attn_k = nn.Linear(shape.n_embd, kv, bias=False)
        self.attn_v = nn.Linear(shape.n_embd, kv, bias=False)
        self.attn_output = nn.Linear(width, shape.n_embd, bias=False)
        self.attn_q_norm = nn.Parameter(torch.ones(shape.head_width))
        self.attn_k_norm = nn.Parameter(torch.ones(shape.head_width))
        self.ffn_norm = nn.Parameter(torch.ones(shape.n_embd))
        self.ffn_gate = nn.Linear(shape.n_embd, shape.n_ff, bias=False)
        self.ffn_up = nn.Linear(shape.n_embd, shape.n_ff, bias=False)
        self.ffn_down = nn.Linear(shape.n_ff, shape.n_embd, bias=False)

    def attend(self, x, cos, sin, mask):
        s = self.shape
        n_rows, n, _ = x.shape
        q = self.attn_q(x).view(n_rows, n, s.n_heads, s.head_width)
        k = self.attn_k(x).view(n_rows, n, s.n_kv_heads, s.head_width)
        v = self.attn_v(x).view(n_rows, n, s.n_kv_heads, s.head_width)
        q = rotate(rms_norm(q, self.attn_q_norm), cos, sin).transpose(1, 2)
        k = rotate(rms_norm(k, self.attn_k_norm), cos, sin).transpose(1, 2)
        times = s.n_heads // s.n_kv_heads
        k = k.repeat_interleave(times, 1)
        v = v.transpose(1, 2).repeat_interleave(times, 1)
        scores = q @ k.transpose(-1, -2) * s.head_width ** -0.5 + mask
        mixed = torch.softmax(scores, -1).to(v.dtype) @ v
        return self.attn_output(mixed.transpose(1, 2).reshape(n_rows, n, -1))

    def forward(self, x, cos, sin, mask):
        x = x + self.attend(rms_norm(x, self.attn_norm), cos, sin, mask)
        y = rms_norm(x, self.ffn_norm)
        return x + self.ffn_down(F.silu(self.ffn_gate(y)) * self.ffn_up(y))


class Network(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.n_vocab, shape.n_embd)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.n_layers))
        self.output_norm = nn.Parameter(torch.ones(shape.n_embd))
        nn.init.normal_(self.token_embd.weight, std=0.02)
        for layer in self.layers:
            for matrix in layer.children():
                nn.init.normal_(matrix.weight, std=matrix.in_features ** -0.5)
            nn.init.zeros_(layer.attn_output.weight)
            nn.init.zeros_(layer.ffn_down.weight)

    def forward(self, tokens, positions, wanted):
        """tokens, positions: rows x n; wanted: rows x n, true where logits are needed. Those."""
        s = self.shape
        half = s.head_width // 2
        rates = s.rope_base ** (-torch.arange(half, dtype=torch.float32) / half)
        angles = positions[..., None].float() * rates
        x = self.token_embd(tokens)
        kind = torch.bfloat16 if torch.is_autocast_cpu_enabled() else torch.float32
        x = x.to(kind)
        cos, sin = angles.cos()[:, :, None].to(kind), angles.sin()[:, :, None].to(kind)
        n = tokens.shape[1]
        mask = torch.full((n, n), -1e9, dtype=kind).triu(1)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        x = rms_norm(x[wanted], self.output_norm)
        return F.linear(x, self.token_embd.weight)


class Surprise(torch.autograd.Function):
    """The cross entropy of each row of logits, to be summed with `weights`. Half of a step goes into
    logits, so this makes as few passes over them as it can."""

    @staticmethod
    def forward(ctx, logits, targets, weights):
        shares = logits.float()
        shares -= shares.max(-1, keepdim=True).values
        wanted = shares.gather(-1, targets[:, None])
        total = shares.exp_().sum(-1, keepdim=True)
        shares /= total
        ctx.save_for_backward(shares, targets, weights)
        ctx.kind = logits.dtype
        each = (total.log() - wanted)[:, 0]
        ctx.mark_non_differentiable(each)
        return (each * weights).sum(), each

    @staticmethod
    def backward(ctx, gradient, _):
        shares, targets, weights = ctx.saved_tensors
        shares[torch.arange(len(targets)), targets] -= 1
        shares *= (weights * gradient)[:, None]
        return shares.to(ctx.kind), None, None
