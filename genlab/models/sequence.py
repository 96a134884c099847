"""SequenceModel: what the families that write token after token share: their tokens, their losses, how they are sampled."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from genlab.config import Config
from genlab.data import Batch, Dataset, DataSpec
from genlab.errors import BadCheckpoint, BadSetting
from genlab.messages import Message
from genlab.modalities.text import EDGE, NOTHING
from genlab.models.base import Draft, GenerativeModel, Given, Loss, give_weights, weights_of
from genlab.models.settings import CommonSettings, SequenceSampling, SequenceSettings, check_count
from genlab.models.tokens import FILE, READ, USUAL, Tokens

WINDOWS = 4  # of a document that a held-out loss looks at
OFTEN = 4096  # tokens that are read again to show what was written so far, for each draft at most
SURE = 10  # steps of how sure it is of the next token
MOST_READ = 4096  # tokens of a text that is looked into


@dataclass(frozen=True)
class Place:
    """A place of a text: what the model holds likely there, and what stands there."""

    text: str  # of the token that stands there; nothing at the end, nor of a token that is the rest of a letter
    nats: float | None  # how surprising that is, −log p; None at the end
    likeliest: tuple[tuple[str, float], ...]  # tokens and their probabilities, the likeliest first; END is no text


@dataclass(frozen=True)
class Surprise:
    """How surprising a whole text is."""

    nats: float  # a token
    perplexity: float  # to how many equally likely tokens that comes
    bits: float  # a byte

    @classmethod
    def of(cls, places: Sequence[Place]) -> Self:
        """Of the places of a text that has at least one token."""
        told = [place.nats for place in places if place.nats is not None]
        mean, size = sum(told) / len(told), len("".join(place.text for place in places).encode())
        return cls(mean, math.exp(min(mean, 700)), sum(told) / math.log(2) / size)


@dataclass(frozen=True)
class Grown:
    """Texts so far."""

    x: Tensor  # [n, T] their tokens
    start: int  # of which so many were there before
    done: bool


class SequenceModel(GenerativeModel):
    """Writes a document token after token, each drawn from what it holds likely after those before it."""

    Settings: ClassVar[type[CommonSettings]] = SequenceSettings
    modalities: ClassVar[tuple[str, ...]] = ("text",)
    of_data = ("tokens_an_item", "bytes_a_token")
    endless: ClassVar[bool] = False  # whether it remembers more than its context
    writes: ClassVar[bool] = True  # texts, which can be read
    inside: ClassVar[tuple[str, ...]] = ()  # what can be seen of what it does with a text: its attention, its units
    tokens: Tokens | None = None  # none until it has seen what it shall learn
    tokens_an_item: Tensor  # that a window of the training part has on average
    bytes_a_token: Tensor  # of the training part

    def __init__(self, spec: DataSpec, settings: Any) -> None:
        super().__init__(spec, settings)
        self.register_buffer("tokens_an_item", torch.tensor(float(settings.context)))
        self.register_buffer("bytes_a_token", torch.tensor(1.0))
        self._build(settings.vocabulary if settings.tokens == "bpe" else USUAL)

    # --- What a family adds ---

    def build(self, vocabulary: int) -> nn.Module:
        """The network over so many tokens."""
        raise NotImplementedError

    def logits(self, x: Tensor, shift: Tensor | None = None, cache: Any = None) -> tuple[Tensor, Any]:
        """What follows each of the tokens x [n, T], as logits [n, T, V], and the cache with which to go on.

        `shift` [n, W] is added to what stands for each token: the class that is asked for.
        """
        raise NotImplementedError

    @property
    def embedding(self) -> nn.Embedding:
        """The part that has the vectors which stand for the tokens."""
        raise NotImplementedError

    def attention(self, text: str, given: Given | None = None) -> Tensor:
        """[layers, heads, T, T] how much each place of a text looks at each; the first place is the beginning, before all tokens.

        Raises BadSetting for a text that it cannot see at once, and where a family does not look back.
        """
        raise BadSetting("This model has no attention; it carries what it has read in its units. Look at those.")

    def units(self, text: str, given: Given | None = None) -> Tensor:
        """[layers, W, T] how far each unit is on, from -1 to 1, once each place of a text is read; the first is the beginning.

        Raises BadSetting for a text that it cannot read, and where a family carries nothing.
        """
        raise BadSetting("This model has no units that carry what it has read; it looks back at the text. Look at its attention.")

    # --- Its tokens ---

    def prepare(self, data: Dataset, folder: Path) -> None:
        """Learn the tokens from the training part, once; a run that goes on or starts from a model has them already."""
        known = next((place / FILE for place in (folder / "start", folder) if (place / FILE).is_file()), None)
        if known:
            tokens = Tokens.read(known)
        else:
            tokens = Tokens.learnt(data, self.settings.vocabulary if self.settings.tokens == "bpe" else 0)
            if tokens.size <= 2:
                raise BadSetting("There are no texts to learn: the documents of the training part are empty.")
        tokens.write(folder)
        self.know(tokens)
        some = data.inputs(torch.arange(len(data))[:: max(1, len(data) // READ)])
        x = self.tokens_of(some)
        lengths = (x != NOTHING).sum(1)
        self.tokens_an_item.fill_(float((lengths - 1).clamp(0, self.settings.context).float().mean()))
        self.bytes_a_token.fill_(float(((some >= 0) & (some < 256)).sum() / (lengths - 1).sum().clamp(min=1)))

    def tokens_of(self, codes: Tensor) -> Tensor:
        """[n, T'] tokens of texts as codes."""
        assert self.tokens
        return self.tokens.of_codes(codes)

    def lengths(self, x: Tensor) -> Tensor:
        """[n] places of x [n, T, ...] up to its end."""
        return (x != NOTHING).sum(1)

    def told(self, x: Tensor) -> Tensor:
        """What of x [n, T, ...] is there to be told, as bool of its shape."""
        return x != NOTHING

    def logs(self, value: Tensor) -> dict[str, Tensor]:
        """What goes with losses [B]."""
        return {"bits a byte": value.mean() / self.bytes_a_token / math.log(2)}

    def adopt(self, source: Self) -> None:
        assert source.tokens
        ours, theirs = ((of.tokens, of.tokens == "bpe" and of.vocabulary) for of in (self.settings, source.settings))
        if ours == theirs:
            self.know(source.tokens)

    def know(self, tokens: Tokens) -> None:
        """Be built for these tokens."""
        self.tokens = tokens
        self._build(tokens.size)

    def _build(self, vocabulary: int) -> None:
        self.network = self.build(vocabulary)
        if self.classes:
            self.shift = nn.Linear(self.classes, self.settings.width, bias=False)
            nn.init.normal_(self.shift.weight, std=0.02)

    # --- How it learns ---

    @classmethod
    def loss_unit(cls, settings: Any, modality: str = "text") -> str:
        return Message("nats a token: negative log-likelihood")

    @classmethod
    def log_units(cls, settings: Any) -> dict[str, str]:
        return {"bits a byte": Message("bits a byte")}

    def training_losses(self, batch: Batch, step: int) -> Iterator[Loss]:
        """The negative log-likelihood of a window that is drawn from each document, each counted by its length."""
        x = self.tokens_of(batch.x)
        left = (self.lengths(x) - self.settings.context - 1).clamp(min=0)  # places where a window may begin, less one
        start = (batch.rand(1)[:, 0] * (left + 1)).long()
        drawn = window(x, start, self.settings.context + 1)
        value = self._nats(drawn, batch.label) * len(drawn) / self.told(drawn[:, 1:]).sum().clamp(min=1)
        yield Loss("model", value, self.logs(value))

    def held_out_loss(self, batch: Batch) -> Tensor:
        """The same over windows at even distances, so that only the weights move it."""
        x = self.tokens_of(batch.x)
        left = (self.lengths(x) - self.settings.context - 1).clamp(min=0)
        count = WINDOWS if self.spec.shape[0] > 2 * self.settings.context else 1
        starts = [left * i // max(1, count - 1) for i in range(count)]
        nats = [self._nats(window(x, start, self.settings.context + 1), batch.label) for start in starts]
        return torch.stack(nats).mean(0) / self.tokens_an_item

    @torch.no_grad()
    def spelled(self, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Every token is told by those before it, by at least half a context of them where there are so many."""
        x, reach = self.tokens_of(batch.x), self.settings.context
        shift, nats, done = self._shift_of(self._weights(batch.label)), torch.zeros(len(x), device=x.device), 0
        sure = torch.zeros(len(x), SURE, 3, device=x.device)
        while done < x.shape[1] - 1:
            start = max(0, done - reach // 2)
            part = x[:, start : start + reach + 1]
            likely = self.logits(part[:, :-1].clamp(min=0), shift)[0][:, done - start :].float().log_softmax(2)
            asked = part[:, 1 + done - start :]
            there, known = asked != NOTHING, asked.clamp(min=0)
            nats -= (likely.gather(2, known[..., None])[..., 0] * there).sum(1)
            best, guess = likely.max(2)
            best = best.exp()
            step = (best * SURE).long().clamp(max=SURE - 1)  # [B, T]
            told = torch.stack([torch.ones_like(best), best, (guess == known).float()], 2) * there[..., None]
            sure.scatter_add_(1, step[..., None].expand(-1, -1, 3), told)
            done = start + part.shape[1] - 1
        return torch.stack([nats, ((batch.x >= 0) & (batch.x < EDGE)).sum(1)], 1), sure

    def _nats(self, x: Tensor, label: Tensor) -> Tensor:
        """[B] nats of the tokens x [B, T], the first of each given."""
        return self._each(x, self._shift_of(self._weights(label))).sum(1)

    def _each(self, x: Tensor, shift: Tensor | None) -> Tensor:
        """[B, T - 1] nats of each but the first of the tokens x [B, T], 0 where there is none."""
        known = x.clamp(min=0)
        logits, _ = self.logits(known[:, :-1], shift)
        nats = F.cross_entropy(logits.flatten(0, 1).float(), known[:, 1:].flatten(), reduction="none").view_as(x[:, 1:])
        return nats * (x[:, 1:] != NOTHING)

    def _weights(self, label: Tensor) -> Tensor | None:
        return F.one_hot(label.clamp(min=0), self.classes).float() * (label >= 0)[:, None] if self.classes else None

    def _vectors(self, x: Tensor, shift: Tensor | None) -> Tensor:
        """[n, T, W] what the network reads of the tokens x [n, T]."""
        vectors: Tensor = self.embedding(x)
        return vectors if shift is None else vectors + shift[:, None]

    def _shift_of(self, weights: Tensor | None) -> Tensor | None:
        return None if weights is None else self.shift(weights)

    # --- How it writes ---

    def sample(self, n: int, settings: Config, seed: int, given: Given | None = None) -> Iterator[Draft]:
        """Write n documents, each from the prompt on, token after token."""
        assert isinstance(settings, SequenceSampling)
        assert self.tokens
        for step, grown in enumerate(self.grow(n, settings, seed, given), 1):
            if grown.done or step % max(1, n * settings.length // OFTEN) == 0:
                items = self.tokens.to_codes(grown.x.tolist(), self._room(settings))
                yield Draft(items, settings.length if grown.done else step, settings.length)

    @torch.no_grad()
    def grow(self, n: int, settings: SequenceSampling, seed: int, given: Given | None = None) -> Iterator[Grown]:
        """The tokens of n documents each time they have got one more.

        The token at place t of sample i is the one whose log-probability plus Gumbel noise is largest (Gumbel 1954), and
        that noise depends on (seed + i, t) alone, the prompt counted in: what barely changes the probabilities barely
        changes the text, and a text is gone on with from any of its places as it was. Of two prompts that are blended, the
        log-probabilities are; the text stands behind the one that has the larger share.
        """
        assert self.tokens
        check_count(n)
        shift = self._shift_of(self.class_weights(given, n))
        voices = [self._voice(n, settings, name, share, shift) for name, share in settings.shares.items()]
        lead, ended = max(voices, key=lambda voice: voice.share), torch.zeros(n, dtype=torch.bool)
        start = lead.x.shape[1]
        for step in range(1, settings.length + 1):
            mixed = torch.stack([voice.share * voice.reader.read(voice.x).float().cpu() for voice in voices]).sum(0)
            logits = likely(mixed, torch.cat([voice.x for voice in voices], 1).cpu(), settings)
            if self.tokens.unknown is not None:
                logits[:, self.tokens.unknown] = -math.inf  # it is no text
            if settings.temperature:
                logits = logits + torch.stack([noise(seed + i, voices, self.tokens.size) for i in range(n)])
            chosen = logits.argmax(1)
            chosen[ended] = self.tokens.end
            for voice in voices:
                voice.x = torch.cat([voice.x, chosen[:, None].to(voice.x.device)], 1)
            ended |= (chosen == self.tokens.end) | self._stops(lead.x, settings.until)
            done = step == settings.length or bool(ended.all())
            yield Grown(lead.x, start, done)
            if done:
                return

    def _voice(self, n: int, settings: SequenceSampling, name: str, share: float, shift: Tensor | None) -> "Voice":
        assert self.tokens
        prompt = [self.tokens.end, *self.tokens.asked(getattr(settings, name), name)]
        return Voice(share, torch.tensor([prompt], device=self.device).expand(n, -1), Reader(self, shift))

    def _room(self, settings: SequenceSampling) -> int:
        """Codes that any text has room in which is written with these settings, so that all are of one shape."""
        assert self.tokens
        longest = max(len(getattr(settings, name).encode()) for name in settings.shares)
        return max(self.spec.shape[0], 2 + longest + self.tokens.widest * settings.length)

    def _stops(self, x: Tensor, stop: str) -> Tensor:
        """[n] whether a text has come to what shall end it."""
        assert self.tokens
        if not stop:
            return torch.zeros(len(x), dtype=torch.bool)
        rows = x[:, -len(stop.encode()) - 1 :].tolist()  # a letter may be several tokens
        return torch.tensor([self.tokens.decode(row).count(stop) > self.tokens.decode(row[:-1]).count(stop) for row in rows])

    def evaluations(self, settings: Any) -> int:
        return sum(int(settings.length) + len(getattr(settings, name)) for name in settings.shares)

    @torch.no_grad()
    def read(self, text: str, k: int = 8, given: Given | None = None) -> list[Place]:
        """What it holds likely at every place of a text, and after it; raises BadSetting for a text that it cannot read."""
        assert self.tokens
        tokens = self.tokens.asked(text, "text")
        pieces = self.tokens.pieces(text)
        if len(tokens) > MOST_READ:
            raise BadSetting("This text has {n:,} tokens; at most {most:,} are read.", "text", n=len(tokens), most=MOST_READ)
        x = torch.tensor([[self.tokens.end, *tokens]], device=self.device)
        shift, reach = self._shift_of(self.class_weights(given, 1)), len(x[0]) if self.endless else self.settings.context
        told: list[Place] = []
        while len(told) < len(x[0]):
            start = max(0, len(told) - reach // 2) if told else 0  # half of what is in sight was read before
            logits, _ = self.logits(x[:, start : start + reach], shift)
            likely = logits[0, len(told) - start :].float().cpu().log_softmax(1)
            known = likely.clone()
            if self.tokens.unknown is not None:
                known[:, self.tokens.unknown] = -math.inf
            best = known.topk(min(k, self.tokens.size - 1))
            for row, values, numbers in zip(likely, best.values.exp().tolist(), best.indices.tolist(), strict=True):
                token = tokens[len(told)] if len(told) < len(tokens) else None
                told.append(
                    Place(
                        pieces[len(told)] if token is not None else "",
                        -float(row[token]) if token is not None else None,
                        tuple((self.tokens.decode([number]), value) for number, value in zip(numbers, values, strict=True)),
                    )
                )
        return told

    def _at_once(self, text: str, given: Given | None, most: int) -> tuple[Tensor, Tensor | None]:
        """The tokens [1, T] of a text, fewer than `most` but not none, and what is added to each for its class."""
        assert self.tokens
        tokens = self.tokens.asked(text, "text")
        if not tokens:
            raise BadSetting("There is no text to look into; write one.", "text")
        if len(tokens) >= most:
            raise BadSetting(
                "This text has {n:,} tokens; at most {most:,} of them are seen at once. Shorten it.",
                "text",
                n=len(tokens),
                most=most - 1,
            )
        return torch.tensor([[self.tokens.end, *tokens]], device=self.device), self._shift_of(self.class_weights(given, 1))

    # --- Its files ---

    def save(self, folder: Path) -> None:
        assert self.tokens
        self.tokens.write(folder)
        own = {name: tensor for name, tensor in weights_of(self).items() if not name.startswith("network.")}
        network = {**weights_of(self.network), **{f"genlab.{name}": tensor for name, tensor in own.items()}}
        save_file({name: tensor.contiguous() for name, tensor in network.items()}, folder / "model.safetensors",
                  {"format": "pt"})  # fmt: skip

    def restore(self, folder: Path) -> None:
        self.know(Tokens.read(folder / FILE))
        found = load_file(folder / "model.safetensors")
        own = {name.removeprefix("genlab."): tensor for name, tensor in found.items() if name.startswith("genlab.")}
        network = {f"network.{name}": tensor for name, tensor in found.items() if not name.startswith("genlab.")}
        if not network:
            raise BadCheckpoint("The weights of {name!r} are those of another kind of model.", name=folder.name)
        give_weights(self, {**network, **own})


def gumbel(seed: int, place: int, size: int) -> Tensor:
    """[size] Gumbel noise of a place of a text, which nothing else has a part in: Philox counts from it (Salmon et al. 2011)."""
    uniform = np.random.Generator(np.random.Philox(counter=[0, place, 0, 0], key=seed)).random(size)
    return -(-torch.from_numpy(uniform).log()).log()


def noise(seed: int, voices: Sequence["Voice"], size: int) -> Tensor:
    """[size] Gumbel noise of the next place; where two prompts differ in length, each has its own for its share of the tokens."""
    first, *others = [gumbel(seed, voice.x.shape[1], size) for voice in voices]
    for voice, other in zip(voices[1:], others, strict=True):
        turn = np.random.Generator(np.random.Philox(counter=[0, voices[0].x.shape[1], 1, 0], key=seed)).random(size)
        first = torch.where(torch.from_numpy(turn) < voice.share, other, first)
    return first


class Reader:
    """Reads texts as they grow, each token once for as long as the network's context reaches."""

    def __init__(self, model: SequenceModel, shift: Tensor | None) -> None:
        self.model, self.shift, self.seen = model, shift, 0
        self.cache: Any = None
        self.start = 0  # the first token that is still in sight

    def read(self, x: Tensor) -> Tensor:
        """[n, V] logits of what follows the tokens x [n, T], which begin as they did before."""
        reach = self.model.settings.context
        if x.shape[1] - self.start > reach and not self.model.endless:  # half of what was in sight is kept
            self.start, self.cache = x.shape[1] - (reach + 1) // 2, None
        new = x[:, self.start :] if self.cache is None else x[:, self.seen :]
        logits, self.cache = self.model.logits(new, self.shift, self.cache if self.cache is not None else ())
        self.seen = x.shape[1]
        return logits[:, -1]

    def spread(self, n: int) -> None:
        """From here on what an RNN has read goes on n times, one beside the other."""
        self.shift = None if self.shift is None else self.shift.repeat_interleave(n, 0)
        if isinstance(self.cache, tuple):  # of an LSTM
            self.cache = tuple(state.repeat_interleave(n, 1) for state in self.cache)
        elif isinstance(self.cache, Tensor):
            self.cache = self.cache.repeat_interleave(n, 1)


@dataclass
class Voice:
    """A prompt that has a say in what is written."""

    share: float
    x: Tensor  # [n, T] the texts, as they go on from it
    reader: Reader


def likely(logits: Tensor, x: Tensor, settings: SequenceSampling) -> Tensor:
    """Logits [n, V] as the settings change them: repetition penalty (Keskar et al. 2019), temperature, top-k, top-p."""
    if settings.repetition_penalty != 1:
        said = torch.zeros_like(logits, dtype=torch.bool).scatter(1, x, True)
        logits = torch.where(
            said, torch.where(logits > 0, logits / settings.repetition_penalty, logits * settings.repetition_penalty), logits
        )
    logits = logits.double() / (settings.temperature or 1)
    if settings.top_k:
        least = logits.topk(min(settings.top_k, logits.shape[1])).values[:, -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    if settings.top_p < 1:  # nucleus sampling (Holtzman et al. 2020): the fewest tokens that have this share together
        best, order = logits.sort(descending=True)
        shares = best.softmax(1)
        left_out = shares.cumsum(1) - shares >= settings.top_p
        logits = logits.masked_fill(left_out.scatter(1, order, left_out), -math.inf)
    return logits


def window(x: Tensor, start: Tensor, length: int) -> Tensor:
    """[n, length, ...] of the rows x [n, T, ...], each from its start; NOTHING, of numbers NaN, beyond their ends."""
    length = min(length, x.shape[1])
    places = start[:, None] + torch.arange(length, device=x.device)
    found = x[torch.arange(len(x), device=x.device)[:, None], places.clamp(max=x.shape[1] - 1)]
    found[places >= x.shape[1]] = math.nan if x.is_floating_point() else NOTHING
    return found
