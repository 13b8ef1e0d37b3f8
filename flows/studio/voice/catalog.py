"""The voices by name: those in the package, Kokoro's once they are pulled, and any server's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from flows.studio.errors import StudioError
from flows.studio.voice import kokoro, speech_api
from flows.studio.voice.settings import Speaker, Timbre, VoiceSettings
from scripts_llm.errors import suggest


@dataclass(frozen=True)
class NamedVoice:
    """A voice that a premise can name. `register` is whom it suits: man, old woman, cat, robot …"""

    register: str
    description: str
    settings: VoiceSettings


def _named(
    register: str, description: str, name: str, timbre: Timbre, *, speed: float = 1.0, effect: str = "none"
) -> NamedVoice:
    return NamedVoice(register, description, VoiceSettings(name, timbre, speed, effect))


_PACKAGE_VOICES = (
    _named("man", "an ordinary man", "frank", Timbre(118, 0.86)),
    _named("man", "a young man, quick and eager", "nico", Timbre(142, 0.90, intonation=1.2), speed=1.06),
    _named("man", "a big man who takes his time", "duke", Timbre(100, 0.82, intonation=0.9), speed=0.95),
    _named("man", "a hollow, important man", "walt", Timbre(122, 0.78, intonation=0.85)),
    _named("woman", "an ordinary woman", "rosa", Timbre(205, 1.0)),
    _named("woman", "a dry, low woman", "vera", Timbre(172, 0.96, intonation=0.8), speed=0.97),
    _named("woman", "a bright, quick woman", "daisy", Timbre(262, 1.07, intonation=1.15), speed=1.06),
    _named("woman", "a warm, high woman", "june", Timbre(232, 0.98)),
    _named("old man", "a deep old man", "gus", Timbre(84, 0.78, growl=0.12, tremor=0.4), speed=0.92),
    _named("old man", "a thin old man", "otto", Timbre(162, 0.86, tremor=0.7), speed=0.94),
    _named("old woman", "an old woman", "agnes", Timbre(186, 0.88, tremor=0.6), speed=0.93),
    _named("child", "a child", "pip", Timbre(290, 1.20, intonation=1.2), speed=1.03),
    _named("child", "a small child", "dot", Timbre(330, 1.14, intonation=1.1)),
    _named("cat", "a large cat with a purr", "tom", Timbre(104, 1.0, growl=0.22), speed=0.93),
    _named("cat", "a small cat", "minka", Timbre(300, 1.05, intonation=1.3)),
    _named("dog", "a hoarse dog", "rex", Timbre(140, 1.02, intonation=1.25, growl=0.25), speed=1.05),
    _named("fish", "a fish, wobbling", "coral", Timbre(218, 1.15, intonation=1.1, tremor=0.35)),
    _named("robot", "a robot on one note", "bolt", Timbre(124, 0.94, intonation=0.15), effect="robot"),
    _named("toaster", "an appliance", "pop", Timbre(190, 1.12, intonation=0.4), effect="phone"),
    _named("ghost", "a ghost", "boo", Timbre(160, 1.06, 0.75, breath=0.45), speed=0.92, effect="ghost"),
    _named("alien", "an alien with a long throat", "zed", Timbre(208, 0.80, intonation=1.5)),
    _named("monster", "a monster", "grum", Timbre(74, 0.72, growl=0.45), speed=0.92),
)  # fmt: skip

VOICES: Mapping[str, NamedVoice] = {entry.settings.name: entry for entry in _PACKAGE_VOICES}

# Kokoro's voices and their usual pitch in Hz, measured; the first letter is their native language.
_KOKORO_HZ = {
    "af_alloy": 146, "af_aoede": 183, "af_bella": 194, "af_heart": 200, "af_jessica": 211, "af_kore": 155,
    "af_nicole": 148, "af_nova": 167, "af_river": 183, "af_sarah": 186, "af_sky": 164, "am_adam": 125,
    "am_echo": 109, "am_eric": 159, "am_fenrir": 145, "am_liam": 127, "am_michael": 118, "am_onyx": 90,
    "am_puck": 122, "am_santa": 209, "bf_alice": 229, "bf_emma": 183, "bf_isabella": 206, "bf_lily": 190,
    "bm_daniel": 127, "bm_fable": 127, "bm_george": 146, "bm_lewis": 103, "ef_dora": 183, "em_alex": 137,
    "em_santa": 145, "ff_siwis": 210, "hf_alpha": 219, "hf_beta": 187, "hm_omega": 134, "hm_psi": 142,
    "if_sara": 234, "im_nicola": 103, "jf_alpha": 274, "jf_gongitsune": 232, "jf_nezumi": 226,
    "jf_tebukuro": 312, "jm_kumo": 96, "pf_dora": 181, "pm_alex": 140, "pm_santa": 147, "zf_xiaobei": 236,
    "zf_xiaoni": 230, "zf_xiaoxiao": 242, "zf_xiaoyi": 302, "zm_yunjian": 120, "zm_yunxi": 169,
    "zm_yunxia": 293, "zm_yunyang": 132,
}  # fmt: skip
_LANGUAGES = {
    "a": "American English", "b": "British English", "e": "Spanish", "f": "French", "h": "Hindi",
    "i": "Italian", "j": "Japanese", "p": "Portuguese", "z": "Chinese",
}  # fmt: skip


def _kokoro_voice(name: str, hertz: int) -> NamedVoice:
    register = "woman" if name[1] == "f" else "man"
    description = f"a {register}, {_LANGUAGES[name[0]]}"
    return NamedVoice(register, description, VoiceSettings(name, Timbre(hertz), speaker="kokoro"))


KOKORO_VOICES: Mapping[str, NamedVoice] = {
    name: _kokoro_voice(name, hertz) for name, hertz in _KOKORO_HZ.items()
}


@dataclass(frozen=True)
class SpeakerCredit:
    """A speaker's name in the film's credits, and with its licence in publish.txt."""

    name: str
    licensed: str


# By `speaker` in the recipe of a line; a murmur is the formants' own, where hibari is missing.
SPEAKER_CREDITS: Mapping[str, SpeakerCredit] = {
    "embedded": SpeakerCredit("hibari-tts", "hibari-tts (Apache-2.0)"),
    "kokoro": SpeakerCredit("Kokoro", "Kokoro-82M (Apache-2.0)"),
    "server": SpeakerCredit("a speech server", "a speech server"),
    "murmur": SpeakerCredit("nobody in words", "murmured"),
}


def default_speaker(before: str | None = None) -> Speaker:
    """Who speaks for characters without a `voice:`.

    COLDOPEN_VOICES decides, else the speaker that the episode had `before`, else Kokoro if it was pulled.

    Raises:
        StudioError: COLDOPEN_VOICES is neither embedded nor kokoro.
    """
    asked = os.environ.get("COLDOPEN_VOICES") or before
    if asked not in (None, "embedded", "kokoro"):
        raise StudioError(f"COLDOPEN_VOICES: wanted embedded or kokoro, got {asked!r}", code=2)
    if asked:
        return "kokoro" if asked == "kokoro" else "embedded"
    return "kokoro" if kokoro.folder() else "embedded"


def find_voice(name: str, *, where: str) -> VoiceSettings:
    """The voice of that name; `where` begins the message if there is none.

    Raises:
        StudioError: no voice has this name, with the nearest and all others; or Kokoro was not pulled.
    """
    if speech_api.parse_name(name) is not None:
        return VoiceSettings(name.strip(), Timbre(), speaker="server")
    known = {**VOICES, **KOKORO_VOICES}
    voice = known.get(name.strip().lower())
    if voice is None:
        meant = suggest(name, known)
        hint = f"did you mean {meant}? " if meant else ""
        raise StudioError(
            f"{where}: no voice is called {name!r}; {hint}there are {', '.join(VOICES)}; Kokoro's (coldopen "
            "voices lists them); and VOICE@URL for a server of one's own.",
            code=2,
        )
    if voice.settings.speaker == "kokoro" and kokoro.folder() is None:
        raise StudioError(
            f"{where}: {name} is one of Kokoro's voices, which are not on this machine yet: "
            "prefect run pull kokoro",
            code=2,
        )
    return voice.settings


def speaker_pitch(voice: VoiceSettings) -> float:
    """The usual pitch in Hz of the speaker behind a voice."""
    named = KOKORO_VOICES.get(voice.name) or VOICES.get(voice.name)
    return named.settings.timbre.pitch_hz if named else Timbre().pitch_hz
