"""Parentheticals: "(whispering)" as changes to a voice and to its sound."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import reduce

from flows.studio.voice.settings import VoiceSettings


@dataclass(frozen=True)
class Delivery:
    """The changes that a parenthetical makes to a line."""

    speed: float = 1.0
    semitones: float = 0.0
    intonation: float = 1.0
    breath: float = 0.0
    level_db: float = 0.0
    bright_db: float = 0.0  # above 1.5 kHz: a raised voice is bright, a quiet one dull
    effect: str | None = None
    pause_seconds: float = 0.0  # of silence before the line

    def then(self, other: Delivery) -> Delivery:
        """Both together: `shouting slowly`."""
        return Delivery(
            speed=self.speed * other.speed,
            semitones=self.semitones + other.semitones,
            intonation=self.intonation * other.intonation,
            breath=max(self.breath, other.breath),
            level_db=self.level_db + other.level_db,
            bright_db=self.bright_db + other.bright_db,
            effect=other.effect or self.effect,
            pause_seconds=max(self.pause_seconds, other.pause_seconds),
        )


# Stems of words, as regular expressions, and their delivery.
_DIRECTIONS = {
    "whisper, under (?:his|her|their|its) breath, hushed": Delivery(speed=0.95, breath=1.0, level_db=-5),
    "shout, yell, scream, bellow, holler, roar, loud": Delivery(
        speed=1.04, semitones=3.5, intonation=1.25, level_db=2.5, bright_db=5
    ),
    "slow, drawn out, drawl, patient": Delivery(speed=0.78),
    "fast, quick, hurr, rush, rapid, panic, frantic": Delivery(speed=1.22, semitones=0.8),
    "soft, quiet, gentl, tender, low, mutter, mumbl, murmur, aside, to (?:him|her|it|them)sel": Delivery(
        level_db=-3, bright_db=-3, breath=0.15
    ),
    "deadpan, flat, dry, wry, bored, monoton, tired": Delivery(speed=0.95, intonation=0.5),
    "excite, thrill, delight, happ, cheer, proud, sing": Delivery(speed=1.06, semitones=1.5, intonation=1.3),
    "nervous, anxious, scared, afraid, terrif": Delivery(speed=1.1, semitones=1.2, breath=0.15),
    "sad, sigh, weary, hurt, cry, sob": Delivery(
        speed=0.88, semitones=-1, intonation=0.75, breath=0.2, level_db=-1.5
    ),
    "angr, furious, fum, snap, bark": Delivery(
        speed=1.05, semitones=1, intonation=1.2, level_db=1.5, bright_db=3
    ),
    "(?:on|into|over|through) (?:the )?(?:tele)?phone, filtered, on (?:the )?radio": Delivery(effect="phone"),
    "in chorus, in unison, all together": Delivery(effect="crowd"),
    "pause, beat, after a silence": Delivery(pause_seconds=0.7),
}
_DELIVERIES = tuple(
    (re.compile(rf"\b(?:{words.replace(', ', '|')})", re.I), delivery)
    for words, delivery in _DIRECTIONS.items()
)


def read_parenthetical(parenthetical: str | None) -> Delivery:
    """Everything that a parenthetical asks for and a voice can do; other words change nothing."""
    asked = [delivery for words, delivery in _DELIVERIES if words.search(parenthetical or "")]
    return reduce(Delivery.then, asked, Delivery())


def apply_delivery(voice: VoiceSettings, delivery: Delivery) -> VoiceSettings:
    """The voice changed for one line."""
    timbre = replace(
        voice.timbre,
        pitch_hz=voice.timbre.pitch_hz * 2 ** (delivery.semitones / 12),
        intonation=voice.timbre.intonation * delivery.intonation,
        breath=max(voice.timbre.breath, delivery.breath),
    )
    effect = delivery.effect if delivery.effect and voice.effect == "none" else voice.effect
    return replace(voice, timbre=timbre, speed=voice.speed * delivery.speed, effect=effect)
