"""Making room: what can be made again from scripts and recipes goes, of all but a show's newest episodes."""

from __future__ import annotations

from pathlib import Path

from flows import night
from flows.options import Outcome
from flows.studio import space
from flows.studio.errors import StudioError


def clean(output: Path, *, keep: int, dry_run: bool) -> Outcome:
    """Takes the clips, voices and segments of older episodes away, or says how much that would be."""
    lines: list[str] = []
    freed = 0
    for removal in space.removable(output, keep=keep):
        size = f"{space.in_words(removal.num_bytes)} in {len(removal.files)} files"
        if not dry_run:
            try:
                space.remove(removal)
            except StudioError as busy:
                lines.append(f"! {busy}")
                continue
        freed += removal.num_bytes
        lines.append(f"  {removal.episode.root}: {size}")
    verb = "would free" if dry_run else "freed"
    lines.append(f"{verb} {space.in_words(freed)}; {night.space_line(output)}")
    return Outcome(0, output, tuple(lines))
