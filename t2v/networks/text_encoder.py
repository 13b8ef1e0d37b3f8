"""OpenCLIP's text tower: texts to embeddings of their tokens."""

from __future__ import annotations

import json
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
def vocabulary(name: str) -> dict[int, int]:
    """A small model's token id for each of CLIP's that it knows, from a table in t2v/weights."""
    ids = json.loads((files("t2v") / "weights" / name).read_text("utf-8"))
    return {clip_id: i for i, clip_id in enumerate(ids)}


def bpe_tokens(text: str) -> list[int]:
    """CLIP's byte-pair tokens of a text, without start and end."""
    return list(bpe().encode(text))


def tokenize(texts: Sequence[str], config: TextEncoderConfig) -> Tensor:
    """Texts to token ids (b, l): start, text, end, zeros. A long text is cut before its end token.

    Tokens that a small vocabulary does not have are left out.
    """
    tokenizer = bpe()
    start, end = tokenizer.sot_token_id, tokenizer.eot_token_id
    table = vocabulary(config.vocabulary) if config.vocabulary else None
    out = torch.full((len(texts), config.context_length), PAD, dtype=torch.long)
    for row, text in zip(out, texts, strict=True):
        ids = [start, *tokenizer.encode(text), end]
        if table is not None:
            ids = [table[i] for i in ids if i in table]
        if len(ids) > len(row):
            ids = [*ids[: len(row) - 1], ids[-1]]
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
