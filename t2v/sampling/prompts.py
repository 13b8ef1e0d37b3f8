"""Embeds prompts: weights, prompts of any length, prompts that change over a clip.

The notation is that of the web UI for Stable Diffusion: `(word:1.3)` weighs 1.3, `(word)` 1.1, `[word]`
1 / 1.1, nested ones multiply, and a backslash escapes a bracket. A prompt that is too long for the text tower
is split into chunks, each with its own start and end token, whose embeddings are concatenated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from t2v.configs import Preset
from t2v.networks.text_encoder import PAD, TextEncoder, framing, token_ids
from t2v.toon.direction import DIRECTION_WORDS, ENDING, act, describe_direction
from t2v.toon.drawing.poses import PERIOD
from t2v.toon.prompts.understand import NOTHING, WEIGHTED, Understood, understand
from t2v.toon.world import Described

Prompt = str | Mapping[int, str]  # of the clip, or by frame index and interpolated between
DIRECTED = re.compile(  # a word of a direction
    rf"(?<![\w-])({'|'.join(sorted(DIRECTION_WORDS, key=len, reverse=True))})(?![\w-])"
)
EMPHASIS = 1.1
COMMA_WITHIN = 20  # tokens before the end of a chunk where a comma is a better place to break

_MARK = re.compile(r"\\(?P<plain>[\\()\[\]])|:\s*(?P<weight>\d*\.?\d+)\s*\)|(?P<bracket>[()\[\]])")


@dataclass(frozen=True)
class WeightedText:
    """A part of a prompt, and its weight."""

    text: str
    weight: float = 1.0


def parse_weights(prompt: str) -> list[WeightedText]:
    """The parts of a prompt, without its brackets, with their weights."""
    out: list[WeightedText] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    end = 0
    for mark in _MARK.finditer(prompt):
        out.append(WeightedText(prompt[end : mark.start()]))
        end = mark.end()
        _take(mark, out, opened)
    out.append(WeightedText(prompt[end:]))
    for bracket, weight in (("(", EMPHASIS), ("[", 1 / EMPHASIS)):
        for start in opened[bracket]:
            _weigh(out, start, weight)
    return _joined(out)


def _take(mark: re.Match[str], out: list[WeightedText], opened: dict[str, list[int]]) -> None:
    written = mark[0]
    if written in opened:
        opened[written].append(len(out))
        return
    bracket = "[" if written == "]" else "("
    weight = 1 / EMPHASIS if written == "]" else float(mark["weight"] or EMPHASIS)
    if mark["plain"] is None and opened[bracket]:
        _weigh(out, opened[bracket].pop(), weight)
    else:  # a bracket that closes nothing is text
        out.append(WeightedText(mark["plain"] or written))


def _weigh(out: list[WeightedText], start: int, weight: float) -> None:
    out[start:] = [WeightedText(piece.text, piece.weight * weight) for piece in out[start:]]


def _joined(parts: list[WeightedText]) -> list[WeightedText]:
    """The parts with neighbours of equal weight joined, without empty ones."""
    out: list[WeightedText] = []
    for piece in parts:
        if out and out[-1].weight == piece.weight:
            out[-1] = WeightedText(out[-1].text + piece.text, piece.weight)
        elif piece.text:
            out.append(piece)
    return out


def translate_prompt(
    prompt: str, preset: Preset, frame: int | None = None, *, acted: bool = True
) -> list[WeightedText]:
    """The weighted parts of a prompt; for TOON in the words of its world.

    TOON reads bare brackets as punctuation, and `(word:1.3)` as the weight of its translation of the word. In
    a `frame` of a clip figures without a direction do what their actions are then. Not `acted`, everybody in
    a directed prompt just stands there.
    """
    if not preset.speaks_toon:
        return parse_weights(prompt)
    if not prompt:
        translated = ""
    elif not preset.directed:
        translated = understand(prompt).prompt
    else:
        translated = _acted_prompt(prompt, frame) if acted else _unacted_prompt(prompt)
    weights = {
        word: float(mark["weight"])
        for mark in WEIGHTED.finditer(prompt)
        for word in re.findall(r"[\w-]+", _with_translation(mark["text"]).lower())
    }
    parts = re.split(r"([\w-]+)", translated) if weights else [translated]
    return _joined([WeightedText(part, weights.get(part, 1.0)) for part in parts])


def _acted_prompt(prompt: str, frame: int | None) -> str:
    """A directed prompt in the words of TOON's world; the words of a direction stay with the figure before.

    Words before the first figure are the first one's.
    """
    understood = _understood(DIRECTED.sub("", prompt))
    count = len(understood.figures)

    def figure_of(word: re.Match[str]) -> int:
        before = " ".join(DIRECTED.sub("", prompt[: word.start()]).split())
        return min(max(len(_understood(before).figures), 1), count) - 1

    if not count:
        return understood.prompt
    directions: list[list[str]] = [[] for _ in understood.figures]
    for word in DIRECTED.finditer(prompt):
        directions[figure_of(word)].append(word[0])
    if frame is not None:
        acted = zip(directions, understood.figures, strict=True)
        directions = [said or _acted(one, i, frame) for i, (said, one) in enumerate(acted)]
    return understood.directed([" ".join(of_figure) for of_figure in directions])


def _unacted_prompt(prompt: str) -> str:
    """A directed prompt in the words of TOON's world, in which everybody just stands there."""
    understood = _understood(DIRECTED.sub("", prompt))
    figures = tuple(replace(figure, action="standing") for figure in understood.figures)
    return replace(understood, figures=figures).directed(())


def _acted(figure: Described, number: int, frame: int) -> list[str]:
    """The direction of a figure's action in a frame; of two who talk the second does so in the pauses."""
    late = 0 if figure.action in ENDING else number * PERIOD // 2
    facing = -1.0 if figure.place == "right" else 1.0
    return list(describe_direction(act(figure.action, frame + late, facing=facing)))


@lru_cache(64)
def _understood(prompt: str) -> Understood:
    """What is understood of a directed prompt, which is asked for every frame."""
    return understand(prompt, directed=True)


def _with_translation(words: str) -> str:
    """Words, and TOON's translation of them if it knows any."""
    translated = understand(words).prompt
    return words if translated == NOTHING else f"{words} {translated}"


def token_chunks(parts: list[WeightedText], encoder: TextEncoder) -> list[tuple[list[int], list[float]]]:
    """Token ids and weights of every chunk, without padding; there is at least one chunk."""
    config = encoder.config
    start, end = framing(config)
    comma = (token_ids(",", config) or [-1])[0]
    tokens = [(token, part.weight) for part in parts for token in token_ids(part.text, config)]
    room = config.context_length - 2
    out: list[tuple[list[int], list[float]]] = []
    while tokens or not out:
        size = min(room, len(tokens))
        if len(tokens) > room:
            commas = [i + 1 for i in range(max(0, room - COMMA_WITHIN), room) if tokens[i][0] == comma]
            size = commas[-1] if commas else room
        part, tokens = tokens[:size], tokens[size:]
        ids, weights = [start, *(i for i, _ in part), end], [1.0, *(weight for _, weight in part), 1.0]
        out.append((ids, weights))
    return out


def embed_prompt(encoder: TextEncoder, parts: list[WeightedText]) -> Tensor:
    """The embeddings of a prompt (1, chunks * l, d), multiplied by the weights, with their mean restored."""
    length = encoder.config.context_length
    rows = token_chunks(parts, encoder)
    ids = torch.tensor([[*row, *[PAD] * (length - len(row))] for row, _ in rows])
    weights = torch.tensor([[*row, *[1.0] * (length - len(row))] for _, row in rows])
    out = encoder.encode(ids.to(encoder.tower.positional_embedding.device))
    if bool((weights != 1).any()):
        weighed = out * weights.to(out)[..., None]
        out = weighed * (out.mean() / weighed.mean())
    return out.flatten(0, 1)[None]


def embed_prompts(
    encoder: TextEncoder, prompt: Prompt, negative_prompt: str, preset: Preset, num_frames: int
) -> tuple[Tensor, Tensor]:
    """Embeddings of a prompt, (1, l, d) or (1, f, l, d), and of the negative prompt, of the same length l."""
    negative = embed_prompt(
        encoder, parse_weights(negative_prompt) if not preset.speaks_toon else [WeightedText(negative_prompt)]
    )
    if isinstance(prompt, str) and preset.directed:
        parts = [translate_prompt(prompt, preset, frame) for frame in range(num_frames)]
        texts = {frame: embed_prompt(encoder, of_frame) for frame, of_frame in enumerate(parts)}
        return _of_frames(encoder, texts, negative, num_frames)
    if isinstance(prompt, str):
        text = embed_prompt(encoder, translate_prompt(prompt, preset))
        length = max(text.shape[1], negative.shape[1])
        return _filled(encoder, text, length), _filled(encoder, negative, length)
    stops = {
        frame: embed_prompt(encoder, translate_prompt(prompt[frame], preset)) for frame in sorted(prompt)
    }
    return _of_frames(encoder, stops, negative, num_frames)


def embed_unacted(encoder: TextEncoder, prompt: Prompt, preset: Preset, text: Tensor) -> Tensor | None:
    """Embeddings of a prompt in which everybody just stands there: (1, l, d), or (1, f, l, d) if it changes.

    None where nobody acts: `text`, the embeddings of the prompt's frames (1, f, l, d), says no more. And in
    establishing shots, where acting is too small to be seen and guiding it costs kinds and colours.
    """
    stops = dict(sorted(prompt.items())) if isinstance(prompt, Mapping) else {0: prompt}
    if all(_understood(DIRECTED.sub("", words)).size == "establishing" for words in stops.values()):
        return None
    parts = {frame: tuple(translate_prompt(words, preset, acted=False)) for frame, words in stops.items()}
    texts = {said: embed_prompt(encoder, list(said)) for said in dict.fromkeys(parts.values())}
    if len(texts) == 1:
        (out,) = texts.values()
        return None if text.shape[2:] == out.shape[1:] and bool((text == out[:, None]).all()) else out
    of_stops = {frame: texts[said] for frame, said in parts.items()}
    return _of_frames(encoder, of_stops, embed_prompt(encoder, []), text.shape[1])[0]


def _of_frames(
    encoder: TextEncoder, stops: Mapping[int, Tensor], negative: Tensor, num_frames: int
) -> tuple[Tensor, Tensor]:
    """Embeddings of all frames (1, f, l, d) from those of some, and the negative prompt's, of one length."""
    length = max(t.shape[1] for t in [*stops.values(), negative])
    filled = {frame: _filled(encoder, text, length) for frame, text in stops.items()}
    text = torch.stack([_between(filled, frame) for frame in range(num_frames)], dim=1)
    return text, _filled(encoder, negative, length)


def _filled(encoder: TextEncoder, text: Tensor, length: int) -> Tensor:
    """The embeddings, padded to a length with those of empty chunks."""
    missing = (length - text.shape[1]) // encoder.config.context_length
    return torch.cat([text, *[embed_prompt(encoder, [])] * missing], dim=1) if missing else text


def _between(stops: Mapping[int, Tensor], frame: int) -> Tensor:
    """The embedding of a frame, interpolated between the nearest given ones."""
    before = max((stop for stop in stops if stop <= frame), default=min(stops))
    after = min((stop for stop in stops if stop >= frame), default=max(stops))
    if before >= after:
        return stops[before] if before <= frame else stops[after]
    share = (frame - before) / (after - before)
    return torch.lerp(stops[before], stops[after], share)
