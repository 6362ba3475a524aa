# SPDX-License-Identifier: GPL-3.0-or-later
"""The Muon optimizer for matrices: momentum whose singular values are all brought near one by a
few steps of a Newton-Schulz iteration. It needs about half the steps of Adam here."""

import torch


def orthogonal(x, n_steps=5):
    """Close to U V' of x = U S V'; the coefficients widen the range that converges quickly."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = x.shape[0] > x.shape[1]
    x = x.bfloat16()
    if tall:
        x = x.t()
    x = x / (x.norm() + 1e-7)
    for _ in range(n_steps):
        square = x @ x.t()
        x = a * x + (b * square + c * square @ square) @ x
    return (x.t() if tall else x).float()


class Muon:
    def __init__(self, matrices, momentum=0.95):
        self.matrices, self.momentum = list(matrices), momentum
        self.means = [torch.zeros_like(matrix) for matrix in self.matrices]

    @torch.no_grad()
    def step(self, rate, decay):
        for matrix, mean in zip(self.matrices, self.means):
            mean.lerp_(matrix.grad, 1 - self.momentum)
            update = orthogonal(matrix.grad.lerp(mean, self.momentum))
            scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
            matrix.mul_(1 - rate * decay)
            matrix.add_(update, alpha=-rate * scale)
            matrix.grad = None
