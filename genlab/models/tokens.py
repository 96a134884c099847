"""Tokens: what a text is to a sequence model; characters, or byte-level BPE, learnt from the training part.

Both are `tokenizers`' own, so that the tokenizer.json beside a checkpoint opens in transformers, too.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor

from genlab.data import Dataset
from genlab.data.dataset import even_rows
from genlab.errors import BadCheckpoint, BadSetting
from genlab.files import DiskFault, keep, write_bytes, write_json
from genlab.messages import Message, joined
from genlab.modalities.text import EDGE, NOTHING
from genlab.paths import cache_folder

FILE = "tokenizer.json"
END, UNKNOWN = "<|endoftext|>", "<|unknown|>"  # before and after a document; a character that the training part does not have
USUAL = 100  # characters that a text has, as long as nobody has looked
MOST = 65_536  # characters that a model may know
READ = 4096  # documents that are read at once
LEARNT = 2**26  # bytes of documents that BPE learns from; of more, from some at even distances
PROBE = "A probe: Don't  change \t«Ärger», 漢字 🙂,\n\n    x = 0.5  # nor spaces\n"  # a text that a tokenizer has to give back


class Tokens:
    """The tokens that a model knows, and the way from codes of texts (`modalities.text`) to their numbers and back."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        tokenizer.encode_special_tokens = True  # who writes the name of one has written text
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.size: int = tokenizer.get_vocab_size()
        end, self.unknown = tokenizer.token_to_id(END), tokenizer.token_to_id(UNKNOWN)
        if end is None:
            raise BadCheckpoint("There is no token {end} in this tokenizer.json, which begins and ends a text.", end=END)
        self.end: int = end

    @classmethod
    def characters(cls, texts: Iterable[str]) -> "Tokens":
        """A token for every character of the texts."""
        found: set[str] = set()
        for text in texts:  # one by one, as there may be more than memory holds
            found.update(text)
        signs = sorted(found)
        if len(signs) > MOST - 2:
            raise BadSetting(
                "These documents have {n:,} different characters, more than {most:,}; set tokens to bpe.",
                "tokens",
                n=len(signs),
                most=MOST - 2,
            )
        vocabulary = {token: i for i, token in enumerate([END, UNKNOWN, *signs])}
        tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=UNKNOWN))
        tokenizer.decoder = decoders.Fuse()
        tokenizer.add_special_tokens([END, UNKNOWN])
        return cls(tokenizer)

    @classmethod
    def bpe(cls, texts: Iterable[str], size: int) -> "Tokens":
        """Up to `size` tokens of one or more bytes (Sennrich et al. 2016, on bytes as in GPT-2)."""
        tokenizer = _bytewise(models.BPE())
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator(texts, trainer)
        return cls(tokenizer)

    @classmethod
    def read(cls, file: Path) -> "Tokens":
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as fault:  # the library raises nothing more particular
            raise BadCheckpoint("The tokenizer.json of {name!r} is missing or damaged.", name=file.parent.name) from fault
        return cls(tokenizer)

    @classmethod
    def of_others(cls, folder: Path) -> "Tokens":
        """Those of a model that transformers saved: its tokenizer.json, or GPT-2's vocab.json and merges.txt.

        Raises BadCheckpoint for one that would change texts.
        """
        old = [str(folder / name) for name in ("vocab.json", "merges.txt")]
        if not (folder / FILE).is_file() and all(map(os.path.isfile, old)):
            try:
                tokenizer = _bytewise(models.BPE.from_file(*old))
            except Exception as fault:  # as above
                told = "The vocab.json or the merges.txt of {name!r} is damaged."
                raise BadCheckpoint(told, name=folder.name) from fault
            if tokenizer.token_to_id(END) is not None:
                tokenizer.add_special_tokens([END])
            found = cls(tokenizer)
        else:
            found = cls.read(folder / FILE)
        found.tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)  # a token is all of what it stands for
        if found.decode(found.encode(PROBE)) != PROBE or "".join(found.pieces(PROBE)) != PROBE:
            raise BadCheckpoint(
                "The tokenizer of {name!r} does not give texts back as they were; genlab opens those that do, such as GPT-2's.",
                name=folder.name,
            )
        return found

    @classmethod
    def learnt(cls, data: Dataset, size: int = 0) -> "Tokens":
        """Those of documents: their characters, or up to `size` tokens of BPE, which are learnt once for the same documents."""
        if not size:
            return cls.characters(texts_of(data))
        file = cache_folder() / "tokens" / f"{data.fingerprint}-{size}.json"
        try:
            return cls(Tokenizer.from_str(file.read_text("utf-8")))
        except Exception:  # not there, or damaged, for which the library has nothing more particular
            tokens = cls.bpe(texts_of(data, LEARNT), size)
            with suppress(DiskFault):  # they can be learnt again
                keep(file, tokens.tokenizer.to_str().encode())
            return tokens

    def write(self, folder: Path) -> None:
        """Put the tokenizer into a folder, with what transformers looks for beside it."""
        write_bytes(folder / FILE, self.tokenizer.to_str(pretty=True).encode())
        told = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": END,
            "eos_token": END,
            "clean_up_tokenization_spaces": False,
        }
        write_json(folder / "tokenizer_config.json", told)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokens) and self.tokenizer.to_str() == other.tokenizer.to_str()

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def widest(self) -> int:
        """Bytes of the longest token."""
        return max(len(self.decode([token]).encode()) for token in range(self.size))

    @cached_property
    def of_byte(self) -> np.ndarray | None:
        """The token of each code, where every token is one character of ASCII; None where texts must be read for that."""
        if any(len(sign) > 1 or not sign.isascii() for sign in self.tokenizer.get_vocab() if sign not in (END, UNKNOWN)):
            return None
        if self.unknown is None:
            return None
        table = np.full(EDGE + 2, self.unknown, np.int64)
        for sign, number in self.tokenizer.get_vocab().items():
            if sign not in (END, UNKNOWN):
                table[ord(sign)] = number
        table[EDGE], table[NOTHING] = self.end, NOTHING
        return table

    def encode(self, text: str) -> list[int]:
        """The tokens of a text."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def pieces(self, text: str) -> list[str]:
        """What each token of a text is of it; joined, they are the text, and the first of a letter's tokens has all of it."""
        ends = [end for _, end in self.tokenizer.encode(text, add_special_tokens=False).offsets]
        return [text[before:end] for before, end in zip([0, *ends], ends, strict=False)]

    def asked(self, prompt: str, name: str = "prompt") -> list[int]:
        """The tokens of a prompt; raises BadSetting where there are characters in it that the model has never seen."""
        if not prompt.isascii() and prompt.encode(errors="replace").decode() != prompt:
            raise BadSetting("There are bytes in the text that are no UTF-8; write it in UTF-8.", name)
        tokens = self.encode(prompt)
        if self.unknown in tokens:
            known = self.tokenizer.get_vocab()
            raise BadSetting(
                "There is {unknown} in the text, which this model has never seen; it knows {known}.",
                name,
                unknown=joined([repr(sign) for sign in dict.fromkeys(prompt) if sign not in known], Message(" and ")),
                known="".join(sorted(sign for sign in known if len(sign) == 1 and sign.isprintable()))[:200],
            )
        return tokens

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without those that are none of it."""
        return self.tokenizer.decode([token for token in tokens if token != self.end], skip_special_tokens=False)

    def spelled(self, tokens: Sequence[int]) -> list[str]:
        """What each of some tokens adds to their text; of a letter that is several, the last has all of it."""
        whole = self.decode(tokens)
        ends = [len(self.decode(tokens[: i + 1]).rstrip("\ufffd")) for i in range(len(tokens) - 1)]
        return [whole[before:end] for before, end in pairwise([0, *accumulate(ends, max), len(whole)])] if tokens else []

    def of_codes(self, codes: Tensor) -> Tensor:
        """[n, T'] tokens of texts as codes [n, T], NOTHING after the end of each."""
        rows = codes.cpu().numpy()
        if self.of_byte is not None:
            return torch.from_numpy(self.of_byte[rows]).to(codes.device)
        texts = [row[(row >= 0) & (row < EDGE)].astype(np.uint8).tobytes().decode(errors="ignore") for row in rows]
        found = [encoding.ids for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=False)]
        whole = [
            [*([self.end] if row[0] == EDGE else []), *ids, *([self.end] if (row[1:] == EDGE).any() else [])]
            for row, ids in zip(rows, found, strict=True)
        ]
        return padded(whole).to(codes.device)

    def to_codes(self, tokens: Sequence[Sequence[int]], least: int = 0) -> Tensor:
        """int16 [n, T] codes of documents told by tokens, at least so long; one ends at the first END after its first token."""
        rows = []
        for row in tokens:
            stop = row.index(self.end, 1) if self.end in row[1:] else len(row)
            text = self.decode(row[:stop]).encode(errors="replace")
            rows.append([EDGE, *text, *([EDGE] if stop < len(row) else [])])
        return padded(rows, least).to(torch.int16)


def texts_of(data: Dataset, most: int = 0) -> Iterator[str]:
    """The documents as texts; with `most`, of more bytes than that only some of them, at even distances."""
    size = int(getattr(data.base, "nbytes", 0))
    rows = even_rows(len(data), max(1, len(data) * most // size) if most and size > most else len(data))
    for start in range(0, len(rows), READ):
        yield from (data.spec.kind.told(item) for item in data.read(rows[start : start + READ]))


def _bytewise(model: models.Model) -> Tokenizer:
    """A tokenizer of runs of bytes, as GPT-2's is."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def padded(rows: Sequence[Sequence[int]], least: int = 1) -> Tensor:
    """[n, T] rows of varying length, NOTHING after the end of each."""
    whole = np.full((len(rows), max(least, *map(len, rows))), NOTHING, np.int64)
    for filled, row in zip(whole, rows, strict=True):
        filled[: len(row)] = row
    return torch.from_numpy(whole)
