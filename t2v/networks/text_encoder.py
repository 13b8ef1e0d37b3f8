"""OpenCLIP's text tower: texts to embeddings of their tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import torch
from torch import Tensor, nn

from t2v.configs import TextEncoderConfig

PAD = 0  # ModelScope pads with token 0 ("!"), and the padding is attended to


@cache
def bpe() -> Any:
    """CLIP's byte-pair tokenizer."""
    from open_clip.tokenizer import SimpleTokenizer

    return SimpleTokenizer()


@cache
def vocabulary(name: str) -> dict[int | str, int]:
    """A small model's token id for each of CLIP's, and each whole word, of a table in t2v/weights."""
    ids = json.loads((files("t2v") / "weights" / name).read_text("utf-8"))
    return {entry: i for i, entry in enumerate(ids)}


@cache
def _own_words(name: str) -> re.Pattern[str] | None:
    """What finds the words that are one token of the small model's; None where it has none."""
    words = [entry for entry in vocabulary(name) if isinstance(entry, str)]
    found = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({found})(?![\w-])") if words else None


def bpe_tokens(text: str) -> list[int]:
    """CLIP's byte-pair tokens of a text, without start and end."""
    return list(bpe().encode(text))


def token_ids(text: str, config: TextEncoderConfig) -> list[int]:
    """The model's own ids of a text, without start and end; what a small vocabulary lacks is left out."""
    if config.vocabulary is None:
        return bpe_tokens(text)
    table, own = vocabulary(config.vocabulary), _own_words(config.vocabulary)
    out = []
    for i, part in enumerate(own.split(text) if own else [text]):
        tokens: Sequence[int | str] = [part] if i % 2 else bpe_tokens(part)
        out += [table[token] for token in tokens if token in table]
    return out


def framing(config: TextEncoderConfig) -> tuple[int, int]:
    """The ids of start and end."""
    start, end = bpe().sot_token_id, bpe().eot_token_id
    if config.vocabulary is None:
        return start, end
    table = vocabulary(config.vocabulary)
    return table[start], table[end]


def tokenize(texts: Sequence[str], config: TextEncoderConfig) -> Tensor:
    """Texts to token ids (b, l): start, text, end, zeros. A long text is cut before its end token.

    Tokens that a small vocabulary does not have are left out.
    """
    start, end = framing(config)
    out = torch.full((len(texts), config.context_length), PAD, dtype=torch.long)
    for row, text in zip(out, texts, strict=True):
        ids = [start, *token_ids(text, config)[: len(row) - 2], end]
        row[: len(ids)] = torch.tensor(ids)
    return out


class TextEncoder(nn.Module):
    """`open_clip.transformer.TextTransformer`, read at the layer that the film model is trained on."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        from open_clip.transformer import TextTransformer

        self.config = config
        self.tower = TextTransformer(
            context_length=config.context_length,
            vocab_size=config.vocabulary_size,
            width=config.width,
            heads=config.heads,
            layers=config.layers,
            output_dim=config.width if config.projection else None,
        )

    def encode(self, tokens: Tensor) -> Tensor:
        """Token ids (b, l) to embeddings (b, l, d)."""
        layer = self.config.layers - 1 - self.config.skipped_layers
        out = self.tower.forward_intermediates(
            tokens,
            indices=[layer],
            stop_early=True,
            normalize_intermediates=True,
            intermediates_only=True,
            output_fmt="NLC",
        )
        return out["text_intermediates"][0]

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Embeddings (b, l, d) of texts, with their padding."""
        return self.encode(tokenize(texts, self.config).to(self.tower.positional_embedding.device))
