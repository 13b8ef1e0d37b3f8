"""The timeline as OpenTimelineIO: the cut film with its edits, the stems under it, markers on both.

The file is OTIO's own JSON (schemas Timeline.1, Stack.1, Track.1, Clip.2, ExternalReference.1, Marker.2),
which needs no library to be written. Media are named relative to the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flows.studio.rates import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.timeline.model import Timeline
from flows.studio.workspace.files import atomic_write

Json = dict[str, Any]
Marked = tuple[int, int, str, str | None]  # from frame, to frame, its name, who or where

# What is written as markers on which stem's track, and in which of OTIO's colours.
_MARKED = {"dialogue": "GREEN", "laughs": "YELLOW", "music": "PURPLE", "effects": "ORANGE"}


def write_otio(
    timeline: Timeline, path: Path, *, segments: Mapping[str, Path], stems: Mapping[str, Path]
) -> None:
    """Writes the `.otio` of a film whose spans are encoded as `segments`, and its sounds mixed as `stems`."""
    where = path.absolute().parent
    tracks = [_picture_track(timeline, segments, where)]
    tracks += [_stem_track(timeline, name, wav, where) for name, wav in stems.items()]
    made = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": timeline.title.replace("\n", ": "),
        "global_start_time": None,
        "metadata": {"cold_open": {"width": timeline.width, "height": timeline.height, "ai_generated": True}},
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": tracks, "metadata": {}},
    }
    with atomic_write(path) as part:
        part.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def _picture_track(timeline: Timeline, segments: Mapping[str, Path], where: Path) -> Json:
    """Every cut as a part of its span's segment, which contains its effects and transitions."""
    children = []
    for span in timeline.spans:
        media = _media(segments[span.id], where, span.end - span.start, FPS)
        for cut in timeline.pictures:
            if span.start <= cut.start < span.end:
                metadata = {"scene": cut.scene, "clip": cut.clip.name if cut.clip else None, "card": cut.card}
                source = _range(cut.start - span.start, cut.end - cut.start, FPS)
                children.append(_clip(cut.shot or span.id, source, media, metadata=metadata))
    captions: list[Marked] = [(c.start, c.end, c.text.replace("\n", " / "), c.who) for c in timeline.captions]
    done: list[Marked] = [(e.start, e.end, e.name, e.scene) for e in timeline.effects]
    done += [(j.start, j.end, j.kind, None) for j in timeline.transitions]
    return _track("Film", "Video", children, [*_markers("CYAN", captions), *_markers("PINK", done)])


def _stem_track(timeline: Timeline, name: str, wav: Path, where: Path) -> Json:
    length = timeline.num_frames * SAMPLES_PER_FRAME
    clip = _clip(name, _range(0, length, SAMPLE_RATE), _media(wav, where, length, SAMPLE_RATE))
    marks: dict[str, list[Marked]] = {
        "dialogue": [(c.start, c.end, c.text, c.who) for c in timeline.lines],
        "laughs": [(c.start, c.end, c.size, None) for c in timeline.laughs],
        "music": [(c.start, c.end, c.kind, None) for c in timeline.music],
        "effects": [(c.start, c.end, c.name, c.scene) for c in timeline.sounds],
    }
    return _track(name.title(), "Audio", [clip], _markers(_MARKED.get(name, "WHITE"), marks.get(name, [])))


# ------------------------------------------------------------------------------------------- schemas


def _track(name: str, kind: str, children: list[Json], markers: list[Json]) -> Json:
    return {
        "OTIO_SCHEMA": "Track.1",
        "name": name,
        "kind": kind,
        "source_range": None,
        "children": children,
        "markers": markers,
        "effects": [],
        "metadata": {},
    }


def _clip(name: str, source: Json, media: Json, *, metadata: Json | None = None) -> Json:
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": source,
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "markers": [],
        "effects": [],
        "metadata": {"cold_open": metadata} if metadata else {},
    }


def _media(path: Path, where: Path, length: int, rate: int) -> Json:
    relative = os.path.relpath(path.absolute(), where).replace(os.sep, "/")
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": path.name,
        "target_url": quote(relative),
        "available_range": _range(0, length, rate),
        "metadata": {},
    }


def _markers(colour: str, marked: Iterable[Marked]) -> list[Json]:
    return [
        {
            "OTIO_SCHEMA": "Marker.2",
            "name": name,
            "comment": who or "",
            "color": colour,
            "marked_range": _range(start, end - start, FPS),
            "metadata": {},
        }
        for start, end, name, who in marked
    ]


def _range(start: int, length: int, rate: int) -> Json:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "value": float(start), "rate": float(rate)},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "value": float(length), "rate": float(rate)},
    }
