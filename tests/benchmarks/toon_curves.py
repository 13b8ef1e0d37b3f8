"""Draw the losses that every stage of TOON's training wrote down, from the metadata of the weights.

python tests/benchmarks/toon_curves.py docs/toon_curves.svg
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from t2v.training.toon_stages import PACKAGED, stages_of

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 420, 240, 44, 34, 30
COLUMNS = 3
Points = list[tuple[int, float]]


def panel(title: str, points: Points) -> list[str]:
    """One stage: loss over steps, the loss on a logarithmic axis, as SVG."""
    steps = points[-1][0]
    low, high = (math.log(pick(loss for _, loss in points)) for pick in (min, max))
    high = max(high, low + 0.1)

    def at(step: float, loss: float) -> tuple[float, float]:
        right, down = step / steps, (high - math.log(loss)) / (high - low)
        return (
            LEFT + right * (WIDTH - LEFT - 16),
            TOP + down * (HEIGHT - TOP - BOTTOM),
        )

    out = [f'<text x="{LEFT}" y="20" font-weight="bold">{title}</text>']
    for loss in (math.exp(low + (high - low) * k / 4) for k in range(5)):
        x, y = at(0, loss)
        out.append(f'<path d="M{x:.0f} {y:.1f}H{WIDTH - 16}" stroke="#ddd"/>')
        out.append(f'<text x="{x - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{loss:.2f}</text>')
    for share in (0, 0.5, 1):
        x, _ = at(share * steps, points[0][1])
        out.append(f'<text x="{x:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{share * steps:.0f}</text>')
    line = " ".join("{:.1f},{:.1f}".format(*at(*point)) for point in points)
    out.append(f'<polyline points="{line}" fill="none" stroke="#c0392b" stroke-width="1.2"/>')
    return out


def main(path: Path) -> None:
    stages = {
        name: [(int(step), float(loss)) for step, loss in stage["losses"]]
        for name, stage in stages_of(PACKAGED).items()
    }
    told = {name: points for name, points in stages.items() if len(points) > 1}
    body: list[str] = []
    for i, (name, points) in enumerate(told.items()):
        corner = f"{i % COLUMNS * WIDTH} {i // COLUMNS * HEIGHT}"
        title = f"{name}: loss over steps, last {points[-1][1]:.3f}"
        body += [f'<g transform="translate({corner})">', *panel(title, points), "</g>"]
    size = f'width="{WIDTH * COLUMNS}" height="{HEIGHT * -(-len(told) // COLUMNS)}"'
    style = 'font-family="sans-serif" font-size="11" fill="#222"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect {size} fill="white"/><g {style}>'
    path.write_text("\n".join([head, *body, "</g></svg>"]) + "\n", "utf-8")
    sys.stdout.write(f"{path}: {', '.join(told)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
