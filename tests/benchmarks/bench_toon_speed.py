"""What each means of `speed="fast"` costs by the judge: a row a means, over the first takes of `bench_toon`.

    python tests/benchmarks/bench_toon_speed.py --minutes 60     # stops cleanly; the next call goes on

The reference of 50 steps of DDIM and TOON's own default are judged on all prompts, the rest on the first
hundred, and so is the default in fp32 where bf16 is the CPU's own. Seconds are medians, decoding included;
how many times less the denoising alone takes, `bench_fast.py` says. In brackets stands how much
more a row shows than the default does of the same prompts and seeds, and half the 95 % interval of that.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import bench_fast
import toon_scores
import torch
from bench_toon import Bench, TimeIsUp, common, first_takes, opened

import t2v
from t2v.memory.precision import best_dtype

FEW = 100


def rows(bench: Bench, model: str) -> Iterator[tuple[str, int, Bench]]:
    """Name of the means, how many prompts, and what films them."""
    means = bench_fast.MEANS
    reference = next(iter(means))
    yield "fast, as it is without a word", bench.num_prompts, replace(bench, settings={})
    for name, settings in means.items():
        if name != "fast":
            count = bench.num_prompts if name == reference else min(FEW, bench.num_prompts)
            yield name, count, replace(bench, settings={"speed": "exact"} | settings)
    if best_dtype(torch.device("cpu")) == torch.bfloat16:  # elsewhere it is emulated, and tells nothing
        film = t2v.load(model, device="cpu", dtype=torch.float32)
        row = replace(bench, settings={}, model=film, weights=f"{bench.weights} float32")
        yield "fast in float32", min(FEW, bench.num_prompts), row


def main() -> None:
    options = common(__doc__).parse_args()
    bench = opened(options)
    names = [title for title, *_ in toon_scores.ROWS]
    sys.stdout.write(
        f"| | prompts | seconds | {' | '.join(names)} |\n| --- |" + " --- |" * (2 + len(names)) + "\n"
    )
    default: list[toon_scores.Score] = []
    for name, count, row in rows(bench, options.model):
        try:
            scores = list(first_takes(replace(row, num_prompts=count)))
        except TimeIsUp:
            sys.stdout.write("the minutes are over; the same command goes on\n")
            break
        default = default or scores
        seconds = statistics.median(score["seconds"] for score in scores)
        cells = " | ".join(
            cell(scores, default[:count], right, asked) for _, right, asked, _ in toon_scores.ROWS
        )
        sys.stdout.write(f"| {name} | {count} | {seconds:.2f} | {cells} |\n")
        sys.stdout.flush()


def cell(
    scores: Sequence[toon_scores.Score], default: Sequence[toon_scores.Score], right: str, asked: str
) -> str:
    """A share in percent, and what it is beside the default's of the same prompts."""
    share = f"{100 * toon_scores.share(scores, right, asked)[0]:.1f}"
    more, half = toon_scores.difference(scores, default, right, asked)
    return share if scores == default else f"{share} ({100 * more:+.1f} ± {100 * half:.1f})"


if __name__ == "__main__":
    main()
