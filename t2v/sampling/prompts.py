"""What a person writes, as the network reads it: weights, prompts of any length, prompts that travel.

The notation is that of the web UI for Stable Diffusion: `(word:1.3)` weighs 1.3, `(word)` 1.1, `[word]`
1 / 1.1, nested ones multiply, and a backslash takes a bracket for what it is. A prompt that is too long for
the text tower is read in chunks, each with a start and an end of its own, and their embeddings follow one
another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from t2v.configs import Preset
from t2v.networks.text_encoder import PAD, TextEncoder, framing, token_ids
from t2v.toon.prompts.understand import NOTHING, WEIGHTED, understand

Prompt = (
    str | Mapping[int, str]
)  # one for the clip, or one from a frame on, the next one growing into its place
EMPHASIS = 1.1
COMMA_WITHIN = 20  # tokens before the end of a chunk where a comma is a better place to break

_MARK = re.compile(r"\\(?P<plain>[\\()\[\]])|:\s*(?P<weight>\d*\.?\d+)\s*\)|(?P<bracket>[()\[\]])")


@dataclass(frozen=True)
class WeightedText:
    """A stretch of a prompt and how much it weighs."""

    text: str
    weight: float = 1.0


def parse_weights(prompt: str) -> list[WeightedText]:
    """The stretches of a prompt between its brackets, with their weights."""
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
    else:  # a bracket that closes nothing is what it is
        out.append(WeightedText(mark["plain"] or written))


def _weigh(out: list[WeightedText], start: int, weight: float) -> None:
    out[start:] = [WeightedText(piece.text, piece.weight * weight) for piece in out[start:]]


def _joined(found: list[WeightedText]) -> list[WeightedText]:
    """Neighbours of the same weight as one piece, none empty."""
    out: list[WeightedText] = []
    for piece in found:
        if out and out[-1].weight == piece.weight:
            out[-1] = WeightedText(out[-1].text + piece.text, piece.weight)
        elif piece.text:
            out.append(piece)
    return out


def translate_prompt(prompt: str, preset: Preset) -> list[WeightedText]:
    """The prompt as the model was trained to read it: for TOON in the words of its world.

    TOON reads bare brackets as the punctuation that they are, and `(word:1.3)` as a weight of what it makes
    of the word.
    """
    if not preset.speaks_toon:
        return parse_weights(prompt)
    said = understand(prompt).prompt if prompt else ""
    weights = {
        word: float(mark["weight"])
        for mark in WEIGHTED.finditer(prompt)
        for word in re.findall(r"[\w-]+", _said_and_meant(mark["text"]).lower())
    }
    parts = re.split(r"([\w-]+)", said) if weights else [said]
    return _joined([WeightedText(part, weights.get(part, 1.0)) for part in parts])


def _said_and_meant(words: str) -> str:
    """Words, and what TOON makes of them if it knows any."""
    meant = understand(words).prompt
    return words if meant == NOTHING else f"{words} {meant}"


def token_chunks(found: list[WeightedText], encoder: TextEncoder) -> list[tuple[list[int], list[float]]]:
    """Token ids and weights of every chunk, without padding; at least one."""
    config = encoder.config
    start, end = framing(config)
    comma = (token_ids(",", config) or [-1])[0]
    tokens = [(token, piece.weight) for piece in found for token in token_ids(piece.text, config)]
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


def embed_prompt(encoder: TextEncoder, found: list[WeightedText]) -> Tensor:
    """The embeddings of a prompt (1, chunks * l, d); weights multiply them and the mean stays as it was."""
    length = encoder.config.context_length
    rows = token_chunks(found, encoder)
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
    """Embeddings of a prompt, (1, l, d) or one a frame (1, f, l, d), and of a negative one, equally long."""
    negative = embed_prompt(
        encoder, parse_weights(negative_prompt) if not preset.speaks_toon else [WeightedText(negative_prompt)]
    )
    if isinstance(prompt, str):
        text = embed_prompt(encoder, translate_prompt(prompt, preset))
        length = max(text.shape[1], negative.shape[1])
        return _filled(encoder, text, length), _filled(encoder, negative, length)
    stops = {
        frame: embed_prompt(encoder, translate_prompt(prompt[frame], preset)) for frame in sorted(prompt)
    }
    length = max(t.shape[1] for t in [*stops.values(), negative])
    filled = {frame: _filled(encoder, text, length) for frame, text in stops.items()}
    text = torch.stack([_between(filled, frame) for frame in range(num_frames)], dim=1)
    return text, _filled(encoder, negative, length)


def _filled(encoder: TextEncoder, text: Tensor, length: int) -> Tensor:
    """The embeddings with empty chunks behind them."""
    missing = (length - text.shape[1]) // encoder.config.context_length
    return torch.cat([text, *[embed_prompt(encoder, [])] * missing], dim=1) if missing else text


def _between(stops: Mapping[int, Tensor], frame: int) -> Tensor:
    """What is read in a frame: on the way from the stop before it to the one after it."""
    before = max((stop for stop in stops if stop <= frame), default=min(stops))
    after = min((stop for stop in stops if stop >= frame), default=max(stops))
    if before >= after:
        return stops[before] if before <= frame else stops[after]
    share = (frame - before) / (after - before)
    return torch.lerp(stops[before], stops[after], share)
