"""RNN: a recurrent network that writes token after token: plain (Elman 1990), LSTM (Hochreiter & Schmidhuber 1997) or GRU
(Cho et al. 2014)."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genlab.models.base import Given
from genlab.models.sequence import MOST_READ, SequenceModel
from genlab.models.settings import CommonSettings, RNNSettings

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"plain": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RNN(SequenceModel):
    """Carries all that it has read in a few numbers, and says from them what comes next."""

    Settings: ClassVar[type[CommonSettings]] = RNNSettings
    endless = True
    inside = ("units",)
    network: "Recurrent"

    def build(self, vocabulary: int) -> nn.Module:
        return Recurrent(vocabulary, self.settings)

    def logits(self, x: Tensor, shift: Tensor | None = None, cache: Any = None) -> tuple[Tensor, Any]:
        told, state = self.network.cells(self._vectors(x, shift), None if isinstance(cache, tuple) and not cache else cache)
        return self.network.head(self.network.dropout(told)), state

    @property
    def embedding(self) -> nn.Embedding:
        return self.network.embedding

    @torch.no_grad()
    def units(self, text: str, given: Given | None = None) -> Tensor:
        """The state after each token; of an LSTM tanh of its memory, as Karpathy et al. (2015) show it."""
        x, shift = self._at_once(text, given, MOST_READ)
        state, told = None, []
        for vector in self._vectors(x, shift).split(1, 1):  # for of layers below the last, the cells tell but the end
            _, state = self.network.cells(vector, state)
            told.append(state[1].tanh() if isinstance(state, tuple) else state)
        return torch.stack(told, -1)[:, 0].float().cpu()


class Recurrent(nn.Module):
    """Vectors of the tokens, layers of cells, and logits of what follows."""

    def __init__(self, vocabulary: int, settings: RNNSettings) -> None:
        super().__init__()
        width, layers = settings.width, settings.layers
        self.embedding = nn.Embedding(vocabulary, width)
        self.cells = CELLS[settings.cell](width, width, layers, batch_first=True, dropout=settings.dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(width, vocabulary)
        nn.init.normal_(self.embedding.weight, std=0.5)
        nn.init.zeros_(self.head.bias)
        nn.init.normal_(self.head.weight, std=0.02)
