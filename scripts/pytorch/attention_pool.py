"""Attention of one learned query over tokens, in PyTorch: numbers for Tests/NeuralNetworksTests/AttentionPoolTests.swift.

Queries, keys and values are mapped without a bias and cut into heads of 32, as in the benchmark of ECG foundation models. Prints the norm
of the output and of the gradients of tokens, query, and the maps q, k and v.

usage: python scripts/pytorch/attention_pool.py    (needs torch)
"""

import torch

SAMPLES, TIME, WIDTH, HEAD = 3, 9, 64, 32


def wave(number, *shape):
    count = torch.Size(shape).numel()
    places = torch.arange(count, dtype=torch.float64)
    return (0.4 * torch.sin(0.37 * places + 1.3 * number)).reshape(shape).requires_grad_()


tokens = wave(0, SAMPLES, TIME, WIDTH)
query = wave(1, 1, 1, WIDTH)
q, k, v = (wave(number, WIDTH, WIDTH) for number in (2, 3, 4))


def heads(x):
    return x.reshape(*x.shape[:-1], WIDTH // HEAD, HEAD).transpose(1, 2)


y = torch.nn.functional.scaled_dot_product_attention(
    heads(query @ q.T).expand(SAMPLES, -1, -1, -1), heads(tokens @ k.T), heads(tokens @ v.T))
y = y.transpose(1, 2).reshape(SAMPLES, WIDTH)
y.backward(torch.cos(0.21 * torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape))
print(", ".join(f"{x.norm().item():.8g}" for x in (y, tokens.grad, query.grad, q.grad, k.grad, v.grad)))
