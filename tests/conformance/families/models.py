# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny models of families, each read as its makers describe it (their papers and model cards)."""
import math

from reading import (add, causal_conv, dot, gelu, heads_of, layer_norm, relu_squared, rms, scaled,
                     sigmoid, silu, softplus)

FAMILIES = {}


def family(name, arch=None):
    def enter(f):
        FAMILIES[name] = (arch or name, f)
        return f
    return enter


def near(m, n):
    m.put(rope__dimension_count=n)
    return {"pairs": "near", "n_rot": n}


def far(m, n):
    m.put(rope__dimension_count=n)
    return {"pairs": "far", "n_rot": n}


def plain(m, attention, feed_forward, pre_ffn="ffn_norm", norm_bias=False, embed_scale=1.0,
          residual=1.0):
    """The usual layers: norm, attention, norm, feed-forward, each added to the stream."""
    x = m.embed(embed_scale)
    for il in range(m.layers):
        h = m.norm(x, m.at(il, "attn_norm"), norm_bias)
        x = add(x, attention(h, il), residual)
        h = m.norm(x, m.at(il, pre_ffn), norm_bias)
        x = add(x, feed_forward(h, il), residual)
    return x


# ---- dense ----

@family("llama-own", "llama")
def llama(m):
    m.sizes(2, 32, 48, 4, 2, 12)
    m.norms("rms", 1e-6)
    rope = near(m, 12)
    factors = m.vector("rope_freqs.weight", 6, 3.0, 0.8)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 12, factors=factors, **rope),
              lambda h, il: m.dense(h, il, 48))
    return m.logits(x, tied=True)


@family("seed_oss")
def seed_oss(m):
    """ByteDance Seed-OSS: biases on queries, keys and values; heads wider than the stream / n."""
    m.sizes(2, 32, 48, 4, 2, 12, rope__freq_base=1e7)
    m.norms("rms", 1e-6)
    rope = far(m, 12)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 12, bias="qkv", base=1e7, **rope),
              lambda h, il: m.dense(h, il, 48), pre_ffn="post_attention_norm")
    return m.logits(x)


@family("qwen3vl")
def qwen3vl(m):
    """Its text side: every section of the rotation has the same position."""
    m.sizes(2, 32, 48, 4, 2, 16, rope__freq_base=5e6, rope__dimension_sections=[3, 3, 2, 0],
            n_deepstack_layers=1)
    m.norms("rms", 1e-6)
    rope = far(m, 16)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 16, head_norm="before", base=5e6, **rope),
              lambda h, il: m.dense(h, il, 48))
    return m.logits(x, tied=True)


@family("arcee")
def arcee(m):
    m.sizes(2, 32, 64, 4, 2, 8)
    m.norms("rms")
    m.activation = relu_squared
    rope = near(m, 8)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, **rope),
              lambda h, il: m.dense(h, il, 64, gated=False))
    return m.logits(x)


@family("deci")
def deci(m):
    """Llama-Nemotron: a search left out the attention or the feed-forward of some layers of Llama,
    and put one matrix in the place of some attentions."""
    heads, kv_heads, widths = [4, 0, 4, 4, 0], [2, 0, 0, 1, 0], [48, 24, 40, 0, 0]
    m.sizes(5, 32, widths, heads, kv_heads, 8)
    m.norms("rms")
    rope = near(m, 8)
    x = m.embed()
    for il in range(m.layers):
        if heads[il]:
            h = m.norm(x, m.at(il, "attn_norm"))
            x = add(x, m.attention(h, il, heads[il], kv_heads[il], 8, **rope) if kv_heads[il]
                    else m.linear(h, m.at(il, "attn_output"), m.embd))
        if widths[il]:
            x = add(x, m.dense(m.norm(x, m.at(il, "ffn_norm")), il, widths[il]))
    return m.logits(x)


@family("exaone")
def exaone(m):
    """EXAONE 3: rotation factors of the Llama 3 kind."""
    m.sizes(2, 32, 48, 4, 2, 8)
    m.norms("rms")
    rope = far(m, 8)
    factors = m.vector("rope_freqs.weight", 4, 4.0, 1.0)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, factors=factors, **rope),
              lambda h, il: m.dense(h, il, 48))
    return m.logits(x, tied=True)


@family("hunyuan-dense")
def hunyuan_dense(m):
    m.sizes(2, 32, 48, 4, 2, 12)
    m.norms("rms")
    rope = far(m, 12)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 12, head_norm="after", **rope),
              lambda h, il: m.dense(h, il, 48))
    return m.logits(x, tied=True)


@family("nemotron")
def nemotron(m):
    """LayerNorm (the one is in the weights), half rotated, squared ReLU."""
    m.sizes(2, 32, 64, 4, 2, 8)
    m.norms("layer")
    m.activation = relu_squared
    rope = far(m, 4)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, **rope),
              lambda h, il: m.dense(h, il, 64, gated=False), norm_bias=True)
    return m.logits(x, norm_bias=True)


@family("olmo")
def olmo(m):
    """Norms without weights, queries, keys and values clamped; rows in the order of pairs."""
    m.sizes(2, 32, 48, 4, 4, 8, attention__clamp_kqv=1.5)
    m.norms("layer")
    rope = near(m, 8)
    x = m.embed()
    for il in range(m.layers):
        h = [layer_norm(r, m.eps) for r in x]
        x = add(x, m.attention(h, il, 4, 4, 8, clamp=1.5, **rope))
        h = [layer_norm(r, m.eps) for r in x]
        x = add(x, m.dense(h, il, 48))
    return m.logits([layer_norm(r, m.eps) for r in x], norm=None, tied=True)


@family("starcoder")
def starcoder(m):
    """GPT-2's layers with one head of keys for all queries, and learned positions."""
    m.sizes(2, 32, 64, 4, 1)
    m.norms("layer")
    m.activation = gelu
    places = m.matrix("position_embd.weight", 32, 256, 2.0)
    x = [[a + b for a, b in zip(r, places[t])] for t, r in enumerate(m.embed())]
    for il in range(m.layers):
        h = m.norm(x, m.at(il, "attn_norm"), True)
        x = add(x, m.attention(h, il, 4, 1, 8, bias="qkvo", fused=True))
        h = m.norm(x, m.at(il, "ffn_norm"), True)
        x = add(x, m.dense(h, il, 64, True, gated=False))
    return m.logits(x, norm_bias=True, tied=True)


@family("bloom")
def bloom(m):
    """Linear biases by distance instead of positions; a norm behind the embedding."""
    m.sizes(2, 32, 64, 4, 4)
    m.norms("layer")
    m.activation = gelu
    slopes = [2 ** (-8 * (h + 1) / 4) for h in range(4)]
    x = m.norm(m.embed(), "token_embd_norm", True)
    for il in range(m.layers):
        h = m.norm(x, m.at(il, "attn_norm"), True)
        x = add(x, m.attention(h, il, 4, 4, 8, bias="qkvo", fused=True, slopes=slopes))
        h = m.norm(x, m.at(il, "ffn_norm"), True)
        x = add(x, m.dense(h, il, 64, True, gated=False))
    return m.logits(x, norm_bias=True, tied=True)


@family("minicpm3")
def minicpm3(m):
    """Latent attention; embedding times 12, branches times 1.4 / sqrt (layers), logits times
    256 / width. Its files do not say so."""
    heads, plain_width, rot, v_width, rank_q, rank = 4, 12, 4, 8, 16, 16
    m.sizes(2, 32, 48, heads, heads)
    m.put(attention__q_lora_rank=rank_q, attention__kv_lora_rank=rank,
          attention__key_length=plain_width + rot)
    m.norms("rms")
    m.put(rope__dimension_count=rot)
    factors = m.vector("rope_factors_short.weight", rot // 2, 1.5, 0.2)
    m.vector("rope_factors_long.weight", rot // 2, 9.0, 0.2)

    def attention(h, il):
        q = m.norm(m.linear(h, m.at(il, "attn_q_a"), rank_q), m.at(il, "attn_q_a_norm"))
        q = m.linear(q, m.at(il, "attn_q_b"), heads * (plain_width + rot))
        kv = m.linear(h, m.at(il, "attn_kv_a_mqa"), rank + rot)
        latent = m.norm([r[:rank] for r in kv], m.at(il, "attn_kv_a_norm"))
        turned = m.turn([r[rank:] for r in kv], 1, "far", rot, 10000.0, factors)
        both = m.linear(latent, m.at(il, "attn_kv_b"), heads * (plain_width + v_width))
        qs, ks, vs = [], [], []
        for t, row in enumerate(q):
            parts = [h[:plain_width] + m.turn([[0.0] * rot] * t + [h[plain_width:]], 1, "far", rot,
                                              10000.0, factors)[t] for h in heads_of(row, heads)]
            qs.append([v for p in parts for v in p])
            pairs = heads_of(both[t], heads)
            ks.append([v for p in pairs for v in p[:plain_width] + turned[t]])
            vs.append([v for p in pairs for v in p[plain_width:]])
        out = m.attend(qs, ks, vs, heads, heads)
        return m.linear(out, m.at(il, "attn_output"), m.embd)

    x = plain(m, attention, lambda h, il: m.dense(h, il, 48), embed_scale=12.0,
              residual=1.4 / math.sqrt(m.layers))
    return m.logits(x, tied=True, scale=256 / 32)


# ---- mixtures of experts ----

@family("deepseek")
def deepseek(m):
    """DeepSeek (v1): the first layer dense; weights as the softmax gives them; shared experts."""
    m.sizes(3, 32, 48, 4, 4, 8, expert_count=6, expert_used_count=2, expert_shared_count=2,
            expert_feed_forward_length=16, leading_dense_block_count=1, expert_weights_scale=1.5)
    m.norms("rms", 1e-6)
    rope = near(m, 8)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 4, 8, **rope),
              lambda h, il: m.dense(h, il, 48) if il < 1 else
              m.experts(h, il, 6, 2, 16, renormalise=False, scale=1.5, shared=32))
    return m.logits(x)


@family("dots1")
def dots1(m):
    m.sizes(3, 32, 48, 4, 2, 8, expert_count=6, expert_used_count=2, expert_shared_count=1,
            expert_feed_forward_length=16, leading_dense_block_count=1, expert_weights_scale=2.5,
            expert_weights_norm=True, expert_gating_func=2)
    m.norms("rms")
    rope = far(m, 8)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, head_norm="before", **rope),
              lambda h, il: m.dense(h, il, 48) if il < 1 else
              m.experts(h, il, 6, 2, 16, "sigmoid", True, scale=2.5, shared=16))
    return m.logits(x)


@family("glm4moe")
def glm4moe(m):
    """GLM 4.5: half rotated, norm named post_attention_norm before the feed-forward, and a
    prediction layer behind the last that takes no part."""
    m.sizes(3, 32, 48, 4, 2, 8, expert_count=6, expert_used_count=3, expert_shared_count=1,
            expert_feed_forward_length=16, leading_dense_block_count=1, expert_weights_scale=1.5,
            expert_weights_norm=True, expert_gating_func=2, nextn_predict_layers=1)
    m.norms("rms")
    m.layers = 2
    rope = far(m, 4)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, bias="qkv", head_norm="before", **rope),
              lambda h, il: m.dense(h, il, 48) if il < 1 else
              m.experts(h, il, 6, 3, 16, "sigmoid", True, scale=1.5, shared=16),
              pre_ffn="post_attention_norm")
    m.matrix("blk.2.nextn.eh_proj.weight", 64, 32)
    m.vector("blk.2.nextn.enorm.weight", 32, 1.0)
    m.vector("blk.2.attn_norm.weight", 32, 1.0)
    return m.logits(x)


@family("ernie4_5-moe")
def ernie_moe(m):
    m.sizes(3, 32, 48, 4, 2, 8, expert_count=6, expert_used_count=2, expert_shared_count=1,
            expert_feed_forward_length=16, expert_shared_feed_forward_length=16,
            leading_dense_block_count=1, interleave_moe_layer_step=1)
    m.norms("rms")
    rope = near(m, 8)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, **rope),
              lambda h, il: m.dense(h, il, 48) if il < 1 else
              m.experts(h, il, 6, 2, 16, bias=True, shared=16))
    return m.logits(x, tied=True)


@family("hunyuan-moe")
def hunyuan_moe(m):
    m.sizes(2, 32, 48, 4, 2, 8, expert_count=4, expert_used_count=2,
            expert_feed_forward_length=16, expert_shared_feed_forward_length=24)
    m.norms("rms")
    rope = far(m, 8)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, head_norm="after", **rope),
              lambda h, il: m.experts(h, il, 4, 2, 16, shared=24))
    return m.logits(x, tied=True)


@family("bailingmoe2")
def bailing(m):
    """Ling 2: fused projections, half rotated, groups of experts, sigmoid scores."""
    m.sizes(3, 32, 48, 4, 2, 8, expert_count=8, expert_used_count=2, expert_shared_count=1,
            expert_feed_forward_length=16, expert_shared_feed_forward_length=16,
            leading_dense_block_count=1, expert_weights_scale=2.5, expert_weights_norm=True,
            expert_gating_func=2, expert_group_count=4, expert_group_used_count=2)
    m.norms("rms", 1e-6)
    rope = far(m, 4)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, fused=True, head_norm="before", **rope),
              lambda h, il: m.dense(h, il, 48) if il < 1 else
              m.experts(h, il, 8, 2, 16, "sigmoid", True, scale=2.5, groups=(4, 2), shared=16))
    return m.logits(x)


@family("minimax-m2")
def minimax(m):
    """Queries and keys normed over all their heads together; half rotated."""
    m.sizes(2, 32, 16, 4, 2, 12, expert_count=6, expert_used_count=2,
            expert_feed_forward_length=16, expert_gating_func=2)
    m.norms("rms", 1e-6)
    m.put(rope__dimension_count=6)

    def attention(h, il):
        q, k, v = m.project(h, il, 4, 2, 12)
        q, k = m.norm(q, m.at(il, "attn_q_norm")), m.norm(k, m.at(il, "attn_k_norm"))
        q, k = m.turn(q, 4, "far", 6, 10000.0), m.turn(k, 2, "far", 6, 10000.0)
        return m.linear(m.attend(q, k, v, 4, 2), m.at(il, "attn_output"), m.embd)

    x = plain(m, attention, lambda h, il: m.experts(h, il, 6, 2, 16, "sigmoid", True))
    return m.logits(x)


@family("phimoe")
def phimoe(m):
    """LayerNorm, whose epsilon the files store under RMS; biases everywhere."""
    m.sizes(2, 32, 24, 4, 2, 8, expert_count=16, expert_used_count=2)
    m.norms("rms", 1e-4)
    m.norm_kind = "layer"
    rope = far(m, 8)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, bias="qkvo", **rope),
              lambda h, il: m.experts(h, il, 16, 2, 24, gating="sparse mixer", renormalise=False),
              norm_bias=True)
    return m.logits(x, norm_bias=True, bias=True)


@family("llama-apart", "llama")
def llama_apart(m):
    """Mixtral in a file of early 2024: a tensor for each expert, of several types in a layer."""
    m.sizes(2, 32, 24, 4, 2, 8, expert_count=5, expert_used_count=2)
    m.norms("rms")
    rope = near(m, 8)
    x = plain(m, lambda h, il: m.attention(h, il, 4, 2, 8, **rope),
              lambda h, il: m.experts(h, il, 5, 2, 24, apart=True))
    return m.logits(x)


# ---- other mixers ----

def short_conv(m, xs, il, taps):
    rows = m.linear(xs, m.at(il, "shortconv.in_proj"), 3 * m.embd)
    gate_in, gate_out, x = ([r[i * m.embd:(i + 1) * m.embd] for r in rows] for i in range(3))
    mixed = [[a * b for a, b in zip(g, r)] for g, r in zip(gate_in, x)]
    mixed = causal_conv(mixed, m.matrix(m.at(il, "shortconv.conv.weight"), taps, m.embd, half=False))
    mixed = [[a * b for a, b in zip(g, r)] for g, r in zip(gate_out, mixed)]
    return m.linear(mixed, m.at(il, "shortconv.out_proj"), m.embd)


@family("lfm2moe")
def lfm2moe(m):
    m.sizes(4, 32, 48, 4, [0, 2, 0, 2], 8, shortconv__l_cache=3, expert_count=6,
            expert_used_count=2, expert_feed_forward_length=16, leading_dense_block_count=1,
            expert_gating_func=2)
    m.norms("rms")
    rope = far(m, 8)
    x = m.embed()
    for il in range(m.layers):
        h = m.norm(x, m.at(il, "attn_norm"))
        x = add(x, m.attention(h, il, 4, 2, 8, head_norm="before", **rope) if il % 2
                else short_conv(m, h, il, 3))
        h = m.norm(x, m.at(il, "ffn_norm"))
        x = add(x, m.dense(h, il, 48) if il < 1 else m.experts(h, il, 6, 2, 16, "sigmoid", True))
    return m.logits(x, norm="token_embd_norm", tied=True)


def mamba2(m, xs, il, n_heads, inner, state, groups, taps, normed):
    n_bc = groups * state
    rows = m.linear(xs, m.at(il, "ssm_in"), 2 * inner + 2 * n_bc + n_heads)
    z = [r[:inner] for r in rows]
    mixed = [r[inner:2 * inner + 2 * n_bc] for r in rows]
    dts = [r[2 * inner + 2 * n_bc:] for r in rows]
    kernel = m.matrix(m.at(il, "ssm_conv1d.weight"), taps, inner + 2 * n_bc, half=False)
    mixed = causal_conv(mixed, kernel, m.vector(m.at(il, "ssm_conv1d.bias"), inner + 2 * n_bc))
    mixed = [[silu(v) for v in r] for r in mixed]
    bias = m.vector(m.at(il, "ssm_dt.bias"), n_heads)
    a = m.vector(m.at(il, "ssm_a"), n_heads, -1.0, 0.2, shape=[1, n_heads])
    d = m.vector(m.at(il, "ssm_d"), n_heads, 1.0, 0.2, shape=[1, n_heads])
    width = inner // n_heads
    memory = [[[0.0] * state for _ in range(width)] for _ in range(n_heads)]
    out = []
    for r, dt in zip(mixed, dts):
        row = []
        for h in range(n_heads):
            g = h // (n_heads // groups)
            b = r[inner + g * state:inner + (g + 1) * state]
            c = r[inner + n_bc + g * state:inner + n_bc + (g + 1) * state]
            step = softplus(dt[h] + bias[h])
            keep = math.exp(step * a[h])
            for i in range(width):
                x = r[h * width + i]
                s = memory[h][i] = [keep * v + step * x * w for v, w in zip(memory[h][i], b)]
                row.append(dot(s, c) + d[h] * x)
        out.append(row)
    out = [[y * silu(g) for y, g in zip(r, gate)] for r, gate in zip(out, z)]
    if normed:
        w = m.vector(m.at(il, "ssm_norm.weight"), inner, 1.0, shape=[inner // groups, groups])
        ws = heads_of(w, groups)
        out = [[v for g, part in enumerate(heads_of(r, groups)) for v in rms(part, m.eps, ws[g])]
               for r in out]
    return m.linear(out, m.at(il, "ssm_out"), m.embd)


def falcon_h1_model(m, normed):
    m.sizes(2, 32, 48, 4, 2, 12, ssm__conv_kernel=4, ssm__inner_size=32, ssm__state_size=8,
            ssm__time_step_rank=4, ssm__group_count=2)
    m.norms("rms")
    rope = far(m, 12)
    x = plain(m, lambda h, il: add(m.attention(h, il, 4, 2, 12, **rope),
                                   mamba2(m, h, il, 4, 32, 8, 2, 4, normed)),
              lambda h, il: m.dense(h, il, 48))
    return m.logits(x)


@family("falcon-h1")
def falcon_h1(m):
    """Attention and Mamba 2 read the same row, and their results are summed."""
    return falcon_h1_model(m, False)


@family("falcon-h1-normed", "falcon-h1")
def falcon_h1_normed(m):
    return falcon_h1_model(m, True)


def delta_net(m, xs, il, n_k, n_v, state, taps):
    """Yang, Kautz, Hatamizadeh (2024), with a gate on the result."""
    nk, nv = n_k * state, n_v * state
    mixed = m.linear(xs, m.at(il, "attn_qkv"), 2 * nk + nv)
    z = m.linear(xs, m.at(il, "attn_gate"), nv)
    beta = m.linear(xs, m.at(il, "ssm_beta"), n_v)
    alpha = m.linear(xs, m.at(il, "ssm_alpha"), n_v)
    kernel = m.matrix(m.at(il, "ssm_conv1d.weight"), taps, 2 * nk + nv, 2.0, False)
    mixed = [[silu(v) for v in r] for r in causal_conv(mixed, kernel)]
    bias = m.vector(m.at(il, "ssm_dt.bias"), n_v)
    a = m.vector(m.at(il, "ssm_a"), n_v, -1.0, 0.2)
    w = m.vector(m.at(il, "ssm_norm.weight"), state, 1.0)
    memory = [[[0.0] * state for _ in range(state)] for _ in range(n_v)]  # [value][key]
    out = []
    for t, r in enumerate(mixed):
        row = []
        for h in range(n_v):
            at = h % n_k * state
            q, k = r[at:at + state], r[nk + at:nk + at + state]
            v = r[2 * nk + h * state:2 * nk + (h + 1) * state]
            q = [c / max(math.sqrt(dot(q, q)), m.eps) / math.sqrt(state) for c in q]
            k = [c / max(math.sqrt(dot(k, k)), m.eps) for c in k]
            keep = math.exp(softplus(alpha[t][h] + bias[h]) * a[h])
            b = sigmoid(beta[t][h])
            o = []
            for i in range(state):
                s = [keep * c for c in memory[h][i]]
                change = b * (v[i] - dot(s, k))
                s = memory[h][i] = [c + change * kc for c, kc in zip(s, k)]
                o.append(dot(s, q))
            o = rms(o, m.eps, w)
            row += [c * silu(g) for c, g in zip(o, z[t][h * state:(h + 1) * state])]
        out.append(row)
    return m.linear(out, m.at(il, "ssm_out"), m.embd)


@family("qwen35moe")
def qwen35moe(m):
    """Delta nets, every second layer attention whose heads gate their results; experts with a
    gated shared one."""
    width = 12
    m.sizes(4, 32, 16, 4, 2, width, ssm__conv_kernel=4, ssm__inner_size=32, ssm__state_size=8,
            ssm__time_step_rank=4, ssm__group_count=2, full_attention_interval=2, expert_count=6,
            expert_used_count=2, expert_feed_forward_length=16,
            expert_shared_feed_forward_length=16, rope__dimension_sections=[1, 1, 1, 0])
    m.norms("rms", 1e-6)
    m.put(rope__dimension_count=6)

    def attention(h, il):
        both = m.linear(h, m.at(il, "attn_q"), 4 * 2 * width)
        q = [[v for p in heads_of(r, 4) for v in p[:width]] for r in both]
        gate = [[v for p in heads_of(r, 4) for v in p[width:]] for r in both]
        k = m.linear(h, m.at(il, "attn_k"), 2 * width)
        v = m.linear(h, m.at(il, "attn_v"), 2 * width)
        q = m.turn(m.head_norm(q, il, "attn_q_norm", 4), 4, "far", 6, 10000.0)
        k = m.turn(m.head_norm(k, il, "attn_k_norm", 2), 2, "far", 6, 10000.0)
        out = m.attend(q, k, v, 4, 2)
        out = [[a * sigmoid(g) for a, g in zip(r, gs)] for r, gs in zip(out, gate)]
        return m.linear(out, m.at(il, "attn_output"), m.embd)

    x = plain(m, lambda h, il: attention(h, il) if il % 2 else delta_net(m, h, il, 2, 4, 8, 4),
              lambda h, il: m.experts(h, il, 6, 2, 16, shared=16, shared_gate=True),
              pre_ffn="post_attention_norm")
    return m.logits(x)
