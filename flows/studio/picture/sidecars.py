"""Caption files beside the film: SubRip, and WebVTT with the speakers."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path

from flows.studio.rates import FPS
from flows.studio.timeline.model import Caption, Timeline
from flows.studio.workspace.files import atomic_write

_AI_NOTE = "AI-generated"
_CODES = """
    ar=ara bg=bul bn=ben cs=ces da=dan de=deu el=ell en=eng english=eng es=spa et=est fa=fas fi=fin fr=fra
    he=heb hi=hin hr=hrv hu=hun id=ind it=ita ja=jpn ko=kor lt=lit lv=lav ms=msa nl=nld no=nor pl=pol pt=por
    ro=ron ru=rus russian=rus sk=slk sl=slv sr=srp sv=swe ta=tam te=tel th=tha tr=tur uk=ukr ukrainian=ukr
    ur=urd vi=vie zh=zho
"""
_LANGUAGES = dict(re.findall(r"(\w+)=(\w+)", _CODES))


def language_code(language: str) -> str:
    """The code of three letters of a language (ISO 639-2/T) for a film's tracks; `und` if it is unknown."""
    word = language.strip().casefold().replace("_", "-").split("-")[0]
    return _LANGUAGES.get(word, word if len(word) == 3 and word.isascii() and word.isalpha() else "und")


def write_srt(timeline: Timeline, path: Path) -> None:
    """Writes the captions as SubRip."""
    cues = (
        f"{i}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{_plain(_rows(c))}\n\n"
        for i, c in enumerate(timeline.captions, 1)
    )
    _write(path, "".join(cues))


def write_vtt(timeline: Timeline, path: Path, *, names: Mapping[str, str] | None = None) -> None:
    """Writes the captions as WebVTT, each with a voice tag that names the speaker, from `names`."""
    names = timeline.names if names is None else names
    cues = [f"WEBVTT\n\nNOTE {_AI_NOTE}\n\n"]
    for c in timeline.captions:
        times = f"{_clock(c.start, '.')} --> {_clock(c.end, '.')}"
        if c.speakers:
            rows = [_voice(who, names) + html.escape(_plain(text), quote=False) for who, text in c.dashed]
            words = "\n".join(rows)
        else:
            words = _voice(c.who, names) + html.escape(_plain(c.text), quote=False)
        cues.append(f"{times}\n{words}\n\n")
    _write(path, "".join(cues))


def _voice(who: str | None, names: Mapping[str, str]) -> str:
    name = names.get(who or "", who or "")
    return f"<v {html.escape(' '.join(name.split()), quote=False)}>" if name else ""


def _rows(caption: Caption) -> str:
    return "\n".join(text for _, text in caption.dashed)


def _plain(text: str) -> str:
    """Without empty lines, which would end the cue, and without an arrow, which would begin one."""
    return "\n".join(line.replace("-->", "→") for line in text.split("\n") if line.strip())


def _clock(frame: int, point: str) -> str:
    milliseconds = round(frame * 1000 / FPS)
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{milliseconds:03d}"


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
