"""`export` and `import`: a script as Fountain for screenwriting programs, and one from there."""

from __future__ import annotations

from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.production import episode, messages
from flows.studio.production import script as scripts
from flows.studio.production.episode import Job
from flows.studio.production.request import EpisodeOptions, Outcome
from flows.studio.workspace import folder, manifest
from scripts_llm.files import read, schema
from scripts_llm.files.fountain_write import read_fountain, write_fountain
from scripts_llm.files.source import read_text
from scripts_llm.screenplay.script import Script

FOUNTAIN = "script.fountain"


def export(options: EpisodeOptions, out: Path | None) -> Outcome:
    """Writes the script as Fountain, beside script.yaml if no other place is named.

    Raises StudioError rather than writing over a file in the episode's folder that says something else.
    """
    job = episode.prepare(messages.on_the_last_one(options))
    if not scripts.exists(job):
        command = messages.command(job).replace("episode", "script", 1)
        raise StudioError(f"{job.folder.script}: wanted a script, there is none yet; {command}", code=2)
    script = read.read_script(job.folder.script, cast=job.premise.characters)
    text = write_fountain(script, job.premise.characters)
    path = out or job.folder.root / FOUNTAIN
    if out is None and path.exists() and path.read_text(encoding="utf-8") != text:
        raise StudioError(f"{path}: is there and says something else; name another: --out F", code=2)
    with folder.writing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    back = messages.command(job).replace("episode", f"import {path}", 1)
    return Outcome(0, path, (f"{job.name} as Fountain: {path}", f"and back: {back}"))


def import_fountain(file: Path, options: EpisodeOptions) -> Outcome:
    """Makes a Fountain file the episode's script; a script that is there is kept beside it.

    Raises ScriptError for a file that is no screenplay, StudioError where it would change a locked scene.
    """
    job = episode.prepare(messages.on_the_last_one(options))
    text = read_text(file, what="Fountain")
    script, left_out = read_fountain(text, file, job.premise.characters)
    lines = [f"left out, a script has no place for them: {', '.join(left_out)}"] if left_out else []
    with folder.locked(job.folder), folder.disk_errors(job.folder.root):
        if scripts.exists(job):
            _respect_locks(job, script)
            lines.append(f"the script that was there is kept as {scripts.put_aside(job.folder)}")
        schema.keep(job.folder.root.parent.parent, schema.SCRIPT)
        head = [f"{job.name}, from {file.name}.", schema.modeline(f"../../{schema.SCRIPT}")]
        read.write_script(script, job.folder.script, head=head)
        written = scripts.read(job)
        manifest.write(job.folder, manifest.with_script(written.memory, job.folder.script))
    told = scripts.told(written.script)
    then = messages.command(job)
    return Outcome(0, job.folder.script, (*told, *lines, f"the script: {job.folder.script}; then: {then}"))


def _respect_locks(job: Job, new: Script) -> None:
    """A locked scene must come back as it is, or not at all be touched."""
    old = read.read_script(job.folder.script, cast=job.premise.characters)
    changed = [str(scene.id) for scene in old.scenes if scene.lock and scene not in new.scenes]
    if changed:
        raise StudioError(
            f"{job.folder.script}: {', '.join(changed)} locked, and otherwise in the file; "
            "take `lock: true` out, or import into another episode: --episode next",
            code=2,
        )
