"""Times pretraining steps of ECG-CPC (forward, backward, AdamW) in PyTorch on the CPU, float32. Prints one JSON object.

Inputs and negatives are drawn once: no data loading is timed, on either side of the comparison.
"""

import argparse
import json
import statistics
import time

import torch

from ecgcpc import ECGCPC


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--way", choices=["products", "gathered"], default="products")
    options = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    model = ECGCPC(width=options.width, depth=options.depth)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-3)
    signal = torch.randn(options.batch, 12, 2400)
    negatives = torch.randint(0, 1186, (1186, options.batch, 128))

    seconds = []
    for step in range(options.warm_up + options.steps):
        started = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model.loss(signal, negatives, options.way).backward()
        optimizer.step()
        if step >= options.warm_up:
            seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    print(json.dumps({
        "step_seconds": median, "samples_per_second": options.batch / median, "way": options.way,
        "depth": options.depth, "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
