"""Prints the numbers of Tests/KernelsTests/PyTorchNumbersTests.swift, computed by PyTorch in float64.

usage: kernel_numbers.py
Inputs are short decimals, the same here and in the test.
"""

import torch

torch.set_default_dtype(torch.float64)
torch.set_printoptions(precision=12)


def show(name: str, *tensors: torch.Tensor) -> None:
    numbers = torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).tolist()
    print(f"{name}: [" + ", ".join(f"{number:.10g}" for number in numbers) + "]")


def adamw() -> None:
    parameter = torch.nn.Parameter(torch.tensor([0.5, -1.25, 2.0]))
    optimiser = torch.optim.AdamW([parameter], lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    for gradient in ([0.1, -0.2, 0.0], [0.3, 0.4, -1e-4], [-0.5, 0.25, 2.0]):
        parameter.grad = torch.tensor(gradient)
        optimiser.step()
        show("AdamW", parameter)


def teacher() -> None:
    average, x = torch.tensor([1.0, -2.0, 0.25]), torch.tensor([0.5, 2.0, 0.25])
    for _ in range(3):
        average = 0.996 * average + (1 - 0.996) * x
        show("moving average", average)


def cell(kind: str) -> None:
    """A cell of two units whose gates get `input` through a unit matrix and `hidden` as the bias."""
    gates = 3 if kind == "GRU" else 4
    network = (torch.nn.GRUCell if kind == "GRU" else torch.nn.LSTMCell)(2 * gates, 2)
    pre = [0.4, -1.1, 0.7, 0.2, -0.9, 1.3, 0.6, -0.3][: 2 * gates]
    bias = [-0.2, 0.5, 0.3, -0.8, 1.2, 0.1, -0.6, 0.9][: 2 * gates]
    with torch.no_grad():
        network.weight_ih.copy_(torch.eye(2 * gates))
        network.weight_hh.zero_()
        network.bias_ih.zero_()
        network.bias_hh.copy_(torch.tensor(bias))
    x = torch.tensor([pre], requires_grad=True)
    previous = torch.tensor([[0.35, -0.65]], requires_grad=True)
    dy, d_cell = torch.tensor([[1.0, -0.5]]), torch.tensor([[0.25, 2.0]])
    if kind == "GRU":
        y = network(x, previous)
        (y * dy).sum().backward()
        show("GRU state", y)
        show("GRU gradients of hidden, previous", network.bias_hh.grad, previous.grad)
    else:
        y, state = network(x, (torch.zeros(1, 2), previous))
        (y * dy + state * d_cell).sum().backward()
        show("LSTM state, cell", y, state)
        show("LSTM gradient of previous cell", previous.grad)
    show(f"{kind} gradient of input", x.grad)


adamw()
teacher()
cell("GRU")
cell("LSTM")
