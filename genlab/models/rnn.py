"""RNN: a recurrent network that goes on with a text or a series: plain (Elman 1990), LSTM (Hochreiter & Schmidhuber 1997) or GRU
(Cho et al. 2014)."""

from collections.abc import Callable
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor, nn

from genlab.data import DataSpec
from genlab.models.base import Given
from genlab.models.sequence import MOST_READ, SequenceModel
from genlab.models.series import SeriesModel, Values
from genlab.models.settings import CommonSettings, RNNSettings

CELLS: dict[str, Callable[..., nn.RNNBase]] = {"plain": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class RNN(SequenceModel):
    """Carries all that it has read in a few numbers, and says from them what comes next."""

    Settings: ClassVar[type[CommonSettings]] = RNNSettings
    modalities: ClassVar[tuple[str, ...]] = ("text", "series")
    endless = True
    inside: ClassVar[tuple[str, ...]] = ("units",)
    network: "Recurrent"

    def __new__(cls, spec: DataSpec | None = None, settings: Any = None) -> Self:
        """Of series it is the class below; a copy is of its own class."""
        of_series = spec and not spec.kind.reads and not issubclass(cls, SeriesModel)
        return cast(Self, super().__new__(SeriesRNN if of_series else cls))

    def build(self, vocabulary: int) -> nn.Module:
        embedding = nn.Embedding(vocabulary, self.settings.width)
        nn.init.normal_(embedding.weight, std=0.5)
        return Recurrent(embedding, vocabulary, self.settings)

    def logits(self, x: Tensor, shift: Tensor | None = None, cache: Any = None) -> tuple[Tensor, Any]:
        told, state = self.network.cells(self._vectors(x, shift), None if isinstance(cache, tuple) and not cache else cache)
        return self.network.head(self.network.dropout(told)), state

    @property
    def embedding(self) -> nn.Embedding:
        return cast(nn.Embedding, self.network.embedding)  # of series it is like one

    @torch.no_grad()
    def units(self, text: str, given: Given | None = None) -> Tensor:
        """The state after each token; of an LSTM tanh of its memory, as Karpathy et al. (2015) show it."""
        x, shift = self._at_once(text, given, MOST_READ)
        state, told = None, []
        for vector in self._vectors(x, shift).split(1, 1):  # for of layers below the last, the cells tell but the end
            _, state = self.network.cells(vector, state)
            told.append(state[1].tanh() if isinstance(state, tuple) else state)
        return torch.stack(told, -1)[:, 0].float().cpu()


class SeriesRNN(SeriesModel, RNN):
    """The same over values, whose next is foretold as a mixture."""

    modalities = RNN.modalities

    def build(self, vocabulary: int) -> nn.Module:
        return Recurrent(Values(self.spec.shape[1], self.settings.width), vocabulary, self.settings)


class Recurrent(nn.Module):
    """Vectors of what stands at each place, layers of cells, and so many numbers that tell what follows."""

    def __init__(self, embedding: nn.Module, outputs: int, settings: RNNSettings) -> None:
        super().__init__()
        width, layers = settings.width, settings.layers
        self.embedding = embedding
        self.cells = CELLS[settings.cell](width, width, layers, batch_first=True, dropout=settings.dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(width, outputs)
        nn.init.zeros_(self.head.bias)
        nn.init.normal_(self.head.weight, std=0.02)
