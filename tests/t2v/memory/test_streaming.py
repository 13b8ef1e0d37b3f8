"""Layer by layer: copies of the weights are there while a layer runs, and nothing is lost or left."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from t2v.memory.streaming import LayerStream

CPU = torch.device("cpu")


def test_a_layer_that_is_streamed_has_copies_of_its_weights_only_while_it_runs() -> None:
    layer, x = nn.Linear(4, 4), torch.ones(1, 4)
    kept, wanted = layer.weight.data_ptr(), layer(x)
    inside: list[int] = []
    streamed = LayerStream([layer], CPU, ahead=False)
    layer.register_forward_pre_hook(lambda m, _: inside.append(m.weight.data_ptr()))
    assert torch.equal(layer(x), wanted)
    assert inside != [kept]
    assert layer.weight.data_ptr() == kept
    streamed.end()
    layer(x)
    assert inside[-1] == kept


@pytest.mark.parametrize("ahead", [False, True])
def test_a_streamed_layer_that_fails_gives_its_weights_back_too(ahead: bool) -> None:
    layer = nn.Linear(4, 4)
    kept = layer.weight.data_ptr()
    LayerStream([layer, nn.Linear(4, 4)], CPU, ahead=ahead)
    with pytest.raises(RuntimeError):
        layer(torch.ones(1, 5))
    assert layer.weight.data_ptr() == kept


def test_the_next_layer_is_fetched_while_one_runs_and_a_skipped_one_is_let_go() -> None:
    layers, x = [nn.Linear(4, 4) for _ in range(4)], torch.ones(1, 4)
    wanted = layers[3](layers[1](layers[0](x)))
    streamed = LayerStream(layers, CPU, ahead=True)
    waiting: list[list[int]] = []
    for layer in layers:
        layer.register_forward_pre_hook(lambda *_: waiting.append(sorted(streamed._fetched)))
    assert torch.equal(layers[3](layers[1](layers[0](x))), wanted)
    assert waiting == [[1], [2], []]
    assert torch.equal(layers[3](layers[1](layers[0](x))), wanted)
