"""Times pretraining steps (forward, backward, AdamW, a teacher's update) in PyTorch on the CPU, float32.

Prints one JSON object. Inputs are drawn once: no data loading is timed, on either side of the comparison.
"""

import argparse
import json
import statistics
import time

import torch

from jepa import ECGJEPA, block_mask, random_mask
from stmem import STMEM


def stmem(options):
    """ST-MEM and what draws a step's loss."""
    model = STMEM(
        width=options.width, depth=options.depth, heads=options.heads,
        decoder_width=options.decoder_width, decoder_depth=options.decoder_depth,
        decoder_heads=options.decoder_heads, fused=options.attention == "fused")
    signal = torch.randn(options.batch, 12, 2250)
    return model, lambda: model(signal, torch.rand(options.batch, 12, 30))[0], lambda: None


def jepa(options):
    """ECG-JEPA without drop-path, and what draws a step's loss."""
    mask = random_mask if options.masks == "random" else block_mask
    model = ECGJEPA(
        width=options.width, depth=options.depth, heads=options.heads,
        predictor_width=options.decoder_width, predictor_depth=options.decoder_depth,
        predictor_heads=options.decoder_heads, fused=options.attention == "fused")
    signal = torch.randn(options.batch, 8, 2500)
    return model, lambda: model(signal, mask(50)), lambda: model.move_teacher(0.996)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=["st-mem", "ecg-jepa"], default="st-mem")
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--depth", type=int, required=True)
    parser.add_argument("--heads", type=int, required=True)
    parser.add_argument("--decoder-width", type=int, default=256, help="of the decoder or predictor")
    parser.add_argument("--decoder-depth", type=int, default=4)
    parser.add_argument("--decoder-heads", type=int, default=4)
    parser.add_argument("--masks", choices=["block", "random"], default="block", help="of ECG-JEPA")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--attention", choices=["explicit", "fused"], default="fused")
    options = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    model, draw_loss, move_teacher = (jepa if options.method == "ecg-jepa" else stmem)(options)
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=1e-4, betas=(0.9, 0.95), weight_decay=0.01)

    seconds, forward_seconds = [], []
    for step in range(options.warm_up + options.steps):
        started = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = draw_loss()
        forward = time.perf_counter()
        loss.backward()
        optimizer.step()
        move_teacher()
        if step >= options.warm_up:
            seconds.append(time.perf_counter() - started)
            forward_seconds.append(forward - started)
    median = statistics.median(seconds)
    print(json.dumps({
        "step_seconds": median, "forward_seconds": statistics.median(forward_seconds),
        "samples_per_second": options.batch / median, "attention": options.attention,
        "parameters": sum(p.numel() for p in trainable), "torch": torch.__version__,
    }))


if __name__ == "__main__":
    main()
