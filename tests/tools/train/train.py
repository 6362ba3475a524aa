#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains Parley Guide from nothing and writes its GGUF: the tokenizer first, then the network.

    train.py [--out FILE] [--seed N] [--steps N] [--threads N] [--state FILE]

With --state, what is reached is kept there every 25 steps; a run that finds the file goes on from it.

Needs PyTorch (Debian: python3-torch libopenblas0-pthread). Quickest where the processor multiplies
bfloat16 matrices (AVX-512 BF16, AMX)."""

import argparse
import os
import random
import resource
import time

import numpy
import torch

import bpe
import gguf
import heldout
from corpus import Corpus
from muon import Muon
from network import EPSILON, Network, Shape, Surprise
from rows import WEIGHT_TOPIC, Rows

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
TEMPLATE = ("{%- for message in messages -%}"
            "{%- if message.role == 'user' -%}<|user|>{{ message.content | trim | lower }}<|end|>"
            "{%- elif message.role == 'assistant' -%}"
            "<|assistant|>{{ message.content | trim }}<|end|>"
            "{%- endif -%}{%- endfor -%}"
            "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}")
N_TOKENS, N_ROWS = 256, 12          # a step
N_LONG, SHARE_LONG = 1024, 0.06     # the last steps: fewer and longer rows
WARM_UP, COOL_DOWN = 14, 0.375      # steps; share of the run
RATE_MATRICES, RATE_REST, DECAY = 0.02, 0.004, 0.02


def learn_tokenizer(corpus, seed):
    rng = random.Random(seed)
    turns = corpus.turns(rng)
    texts = [answer for intent in corpus.intents.values() for answer in intent.answers] * 40
    texts += [intent.more for intent in corpus.intents.values() if intent.more] * 40
    texts += [next(turns)[1] for _ in range(40000)]
    return bpe.learn(texts, Shape.n_vocab)


def batch(rows, n_rows, n_tokens):
    made = [rows.row(n_tokens) for _ in range(n_rows)]
    tokens = torch.tensor([row[0] for row in made], dtype=torch.long)
    weights = torch.tensor([row[1] for row in made])
    positions = torch.tensor([row[2] for row in made], dtype=torch.long)
    return tokens[:, :-1], tokens[:, 1:], weights, positions


def rate_at(step, n_steps):
    return min(1.0, step / WARM_UP, (n_steps - step) / n_steps / COOL_DOWN)


class State:
    """What a run has reached, in a file, so that it can go on after an interruption."""

    def __init__(self, path):
        self.path = path
        self.merges = None

    def tokenizer(self, corpus, seed):
        """The tokenizer that the run began with."""
        if self.path and os.path.exists(self.path):
            merges = torch.load(self.path)["merges"]
        else:
            merges = learn_tokenizer(corpus, seed).merges
        tokenizer = bpe.Tokenizer(merges, corpus.topics)
        self.merges = tokenizer.merges
        return tokenizer

    def save(self, step, network, muon, adam, rows):
        if not self.path:
            return
        torch.save({"step": step, "network": network.state_dict(), "means": muon.means,
                    "adam": adam.state_dict(), "rng": rows.rng.getstate(),
                    "turns": rows.n_turns, "merges": self.merges}, self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def load(self, network, muon, adam, rows):
        """The step to go on with."""
        if not self.path or not os.path.exists(self.path):
            return 0
        kept = torch.load(self.path)
        network.load_state_dict(kept["network"])
        muon.means = kept["means"]
        adam.load_state_dict(kept["adam"])
        rows.rng.setstate(kept["rng"])
        rows.n_turns = kept["turns"]
        return kept["step"]


def train(network, rows, n_steps, state):
    matrices = [m.weight for layer in network.layers for m in layer.children()]
    others = [p for p in network.parameters() if all(p is not m for m in matrices)]
    muon = Muon(matrices)
    adam = torch.optim.Adam(others, lr=RATE_REST, betas=(0.9, 0.95))
    started, shown, losses = time.time(), time.time(), []
    topic_losses = []
    for step in range(state.load(network, muon, adam, rows), n_steps):
        long = step >= n_steps * (1 - SHARE_LONG)
        n_rows, n_tokens = (N_ROWS * N_TOKENS // N_LONG, N_LONG) if long else (N_ROWS, N_TOKENS)
        tokens, targets, weights, positions = batch(rows, n_rows, n_tokens)
        wanted = weights > 0
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(tokens, positions, wanted)
        w = weights[wanted]
        loss, each = Surprise.apply(logits, targets[wanted], w / w.sum())
        loss.backward()
        losses.append(each[w == 1].mean().item())
        topic_losses.append(each[w == WEIGHT_TOPIC].mean().item())
        rate = rate_at(step, n_steps)
        for group in adam.param_groups:
            group["lr"] = RATE_REST * rate
        muon.step(RATE_MATRICES * rate, DECAY)
        adam.step()
        adam.zero_grad(set_to_none=True)
        if (step + 1) % 25 == 0:
            state.save(step + 1, network, muon, adam, rows)
        if time.time() - shown > 20 or step == n_steps - 1:
            shown = time.time()
            print(f"step {step + 1} of {n_steps}, {rows.n_turns} turns, loss of topics "
                  f"{numpy.mean(topic_losses[-50:]):.3f}, of answers {numpy.mean(losses[-50:]):.3f}, "
                  f"{shown - started:.0f} s", flush=True)


def metadata(tokenizer, shape):
    tokens = tokenizer.tokens
    control = {*bpe.SPECIAL, *(f"<|{name}|>" for name in tokenizer.topics)}
    result = {
        "general.architecture": "qwen3",
        "general.type": "model",
        "general.name": "Parley Guide",
        "general.description": "A tiny demonstration: answers simple questions about Parley.",
        "general.license": "gpl-3.0-or-later",
        "general.size_label": "3M",
        "general.file_type": 7,
        "general.quantization_version": 2,
        "qwen3.context_length": shape.n_ctx,
        "qwen3.block_count": shape.n_layers,
        "qwen3.embedding_length": shape.n_embd,
        "qwen3.feed_forward_length": shape.n_ff,
        "qwen3.attention.head_count": shape.n_heads,
        "qwen3.attention.head_count_kv": shape.n_kv_heads,
        "qwen3.attention.key_length": shape.head_width,
        "qwen3.attention.value_length": shape.head_width,
        "qwen3.attention.layer_norm_rms_epsilon": EPSILON,
        "qwen3.rope.freq_base": shape.rope_base,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3 if token in control else 1 for token in tokens],
        "tokenizer.ggml.merges": [f"{left} {right}" for left, right in tokenizer.merges],
        "tokenizer.ggml.eos_token_id": tokenizer.end,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": TEMPLATE,
        "general.sampling.temp": 0.0,
    }
    return result


def tensors(network):
    def array(tensor):
        return tensor.detach().float().numpy().astype(numpy.float32)

    result = {"token_embd.weight": array(network.token_embd.weight)}
    for number, layer in enumerate(network.layers):
        for name, value in layer.named_parameters():
            result[f"blk.{number}.{name.removesuffix('.weight')}.weight"] = array(value)
    result["output_norm.weight"] = array(network.output_norm)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=os.path.join(ROOT, "data", "models", "parley-guide.gguf"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--state")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    corpus = Corpus()
    state = State(options.state)
    tokenizer = state.tokenizer(corpus, options.seed)
    n_heldout = len(heldout.questions())
    print(f"{len(corpus.intents)} intents, {len(tokenizer.tokens)} tokens, {n_heldout} held-out "
          "questions", flush=True)
    shape = Shape()
    shape.n_vocab = len(tokenizer.tokens)
    network = Network(shape)
    print(f"{sum(p.numel() for p in network.parameters())} parameters", flush=True)
    rows = Rows(corpus, tokenizer, options.seed, shape.n_ctx, heldout.forbidden())
    train(network, rows, options.steps, state)
    os.makedirs(os.path.dirname(os.path.abspath(options.out)), exist_ok=True)
    gguf.write(options.out, metadata(tokenizer, shape), tensors(network))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{options.out}: {os.path.getsize(options.out)} bytes; "
          f"{used.ru_utime + used.ru_stime:.0f} s of processor time")


if __name__ == "__main__":
    main()
