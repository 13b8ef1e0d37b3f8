"""`speak`: one line of the script is spoken, to be heard before anything is filmed; the run keeps it."""

from __future__ import annotations

from flows.studio.errors import StudioError
from flows.studio.production import messages
from flows.studio.production.console import Console
from flows.studio.production.episode import Episode, on_the_last_one
from flows.studio.production.plan import make_plan
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.production.script import is_complete, preview_complete_script
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice import lines as voice_lines
from flows.studio.workspace import files
from scripts_llm.errors import suggest


def speak(request: EpisodeRequest, label: str, console: Console) -> Outcome:
    """Speaks a line, "s02-03", unless it is there already; the outcome names its WAV file.

    The episode is not locked, so that lines are heard while a film is made. Raises StudioError for a line
    that is not there.
    """
    episode = Episode.open(on_the_last_one(request))
    if not episode.has_script:
        command = messages.command(episode, verb="script")
        raise StudioError(f"{episode.folder.script}: wanted a script, there is none yet; {command}", code=2)
    episode, _ = preview_complete_script(episode)
    assert is_complete(episode.script)
    plan = make_plan(episode)
    known = {line.label: line for line in plan.lines}
    line = known.get(label)
    if line is None:
        close = suggest(label, known, cutoff=0.5)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(list(known)[:20])}"
        raise StudioError(
            f"{episode.folder.script}: wanted a line like s02-03, got {label!r}, {hint}", code=2
        )
    stored = plan.voices.get(line.digest)
    if stored is None:
        console.progress(f"speaking {label}")
        voices = voice_lines.premise_voices(plan.premise, speaker=episode.speaker)
        with files.disk_errors(episode.folder.root):
            stored = voice_lines.speak_line(line, voices[line.line.who], episode.folder.voices)
    seconds = int(stored.notes["num_samples"]) / SAMPLE_RATE
    murmur = ", murmured: nobody here speaks this" if stored.notes["murmured"] else ""
    return Outcome(0, stored.path, (f"{label}: {seconds:.1f} s, {stored.path}{murmur}",))
