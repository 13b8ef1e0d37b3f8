from __future__ import annotations

import pytest
import torch

from t2v.memory.precision import best_dtype


@pytest.mark.parametrize(
    ("has", "wanted"),
    [
        ({"avx512_bf16"}, torch.bfloat16),  # AMD's
        ({"avx512_bf16", "avx512_fp16", "amx_bf16"}, torch.bfloat16),  # Intel's with AMX
        ({"avx512_bf16", "avx512_fp16"}, torch.float32),  # the same where AMX is hidden
        ({"avx2"}, torch.float32),
        (set(), torch.float32),
    ],
)
def test_a_cpu_films_in_bf16_where_that_is_faster_than_fp32(
    has: set[str], wanted: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(has, True), raising=False)
    assert best_dtype(torch.device("cpu")) == wanted
