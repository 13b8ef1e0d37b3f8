"""`clean`: frees the disk of what can be made again, in all but a show's newest episodes."""

from __future__ import annotations

from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.production.request import Outcome
from flows.studio.workspace import disk_usage


def clean(output: Path, *, keep: int, dry_run: bool, paid: bool = False) -> Outcome:
    """Removes clips, voices and segments of older episodes; a dry run says how many bytes that frees."""
    lines: list[str] = []
    freed = 0
    for removal in disk_usage.removable_files(output, keep=keep, paid=paid):
        size = f"{disk_usage.format_bytes(removal.num_bytes)} in {len(removal.files)} files"
        if not dry_run:
            try:
                disk_usage.remove(removal)
            except StudioError as in_use:
                lines.append(f"! {in_use}")
                continue
        freed += removal.num_bytes
        lines.append(f"  {removal.episode.root}: {size}")
    verb = "would free" if dry_run else "freed"
    lines.append(f"{verb} {disk_usage.format_bytes(freed)}; {disk_usage.space_line(output)}")
    return Outcome(0, output, tuple(lines))
