"""What the families can be set to, told apart from their networks, so that forms, flags and files need no torch."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from genlab.config import Config, Field
from genlab.errors import BadSetting
from genlab.messages import Message
from genlab.modalities import MODALITIES

SEEDS = 2**31  # there are, from 0 on


class Truncation(Config):
    """How a family whose latents come from a density is sampled."""

    truncation: float = Field(1.0, ge=0, le=2, description="distance from the usual items; below 1 safer and less varied")


class CommonSettings(Config):
    """The settings that all families share; a family adds its own and may change these defaults."""

    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}  # dataset name or "small" -> settings that do well there

    steps: int = Field(5000, ge=1, le=10_000_000, description="training steps, each on one batch")
    batch_size: int = Field(
        128, ge=1, le=8192, description="items a step; more is smoother, slower and needs more memory; never more than there are"
    )
    learning_rate: float = Field(1e-3, ge=1e-7, le=1, description="size of a step; too high and the loss becomes NaN")
    conditional: bool = Field(False, description="learn each class by name, so that one can ask for a class or blend two")
    augment: Literal["none", "shift", "flip", "crop", "noise"] = Field(
        "none", description="vary the training images; the held-out ones never change"
    )
    seed: int = Field(0, ge=0, le=SEEDS - 1, description="start of all randomness; the same seed repeats the run")
    measured: str = Field(
        "",
        description="metrics of its own samples while it trains, such as recall,coverage,copies; alarms follow from them",
        json_schema_extra={"parts": "quick metric"},
    )
    warmup: int = Field(100, ge=0, le=100_000, description="steps over which the learning rate rises from 0",
                        json_schema_extra={"advanced": True})  # fmt: skip
    decay: Literal["none", "cosine", "linear"] = Field(
        "none", description="how the learning rate falls towards the end", json_schema_extra={"advanced": True}
    )
    weight_decay: float = Field(0.0, ge=0, le=1, description="pull of the weights towards 0 (AdamW)",
                                json_schema_extra={"advanced": True})  # fmt: skip
    clip: float = Field(1.0, ge=0, le=1000, description="longest gradient that is let through; 0 lets all through",
                        json_schema_extra={"advanced": True})  # fmt: skip
    ema: float = Field(0.999, ge=0, le=0.99999, description="memory of the averaged weights, which samples come from",
                       json_schema_extra={"advanced": True})  # fmt: skip
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto takes bf16 where a GPU has it", json_schema_extra={"advanced": True}
    )
    save_every: int = Field(500, ge=1, le=1_000_000, description="steps between checkpoints, from which a run can be resumed",
                            json_schema_extra={"advanced": True})  # fmt: skip
    compile: bool = Field(False, description="compile the networks: slow to start, faster on a GPU",
                          json_schema_extra={"advanced": True})  # fmt: skip

    def sampling(self, modality: str) -> type[Config]:
        """How a model with these settings can be sampled."""
        return Truncation


class VAESettings(CommonSettings):
    """What a VAE can be set to."""

    network: Literal["auto", "mlp", "conv"] = Field(
        "auto", description="mlp is fast and sees all pixels at once; conv sees shapes; auto is mlp"
    )
    latent: int = Field(2, ge=2, le=512, description="latent axes; 2 can be seen on a map, 16 draw sharper digits")
    width: int = Field(256, ge=8, le=2048, description="units of a hidden layer; a conv network has a quarter as channels")
    beta: float = Field(1.0, ge=0, le=100, description="weight of the KL term; above 1 the axes separate and images blur")
    likelihood: Literal["auto", "bernoulli", "gaussian", "cross-entropy"] = Field(
        "auto",
        description="bernoulli binarises pixels; gaussian learns its noise; cross-entropy is no likelihood; "
        "auto is bernoulli for images and gaussian for points",
    )
    importance: int = Field(
        1, ge=1, le=64, description="latents drawn for each item; above 1 the bound is importance-weighted, tighter and slower",
        json_schema_extra={"advanced": True},
    )  # fmt: skip

    presets = {
        "small": {"latent": 8, "steps": 2000},
        "mnist": {"network": "conv", "latent": 16, "width": 96, "likelihood": "cross-entropy", "decay": "cosine"},
        "sprites": {"network": "conv", "latent": 8, "width": 128, "likelihood": "gaussian"},
        "points": {"steps": 5000, "batch_size": 256, "learning_rate": 2e-3, "decay": "cosine"},
    }


_POINTS = {
    "latent": 2,
    "steps": 4000,
    "batch_size": 256,
    "learning_rate": 1e-3,
    "discriminator_learning_rate": 1e-3,
    "spectral_norm": False,
    "decay": "cosine",
    "ema": 0.99,
}


class GANSettings(CommonSettings):
    """What a GAN can be set to."""

    network: Literal["auto", "mlp", "dcgan"] = Field(
        "auto",
        description="mlp is the classic pair of 2014; dcgan is convolutional; auto is dcgan for images, mlp for points",
    )
    loss: Literal["non-saturating", "hinge", "wgan-gp"] = Field(
        "non-saturating", description="the rules of the game; wgan-gp has a critic that measures a distance"
    )
    latent: int = Field(100, ge=2, le=512, description="numbers that a picture is drawn from; points need 2")
    width: int = Field(32, ge=8, le=512, description="channels of the finest layer of a dcgan; points have four times the units")
    learning_rate: float = Field(2e-4, ge=1e-7, le=1, description="size of a step of the generator")
    discriminator_learning_rate: float = Field(2e-4, ge=1e-7, le=1, description="size of a step of the discriminator")
    critic_steps: int = Field(
        1, ge=1, le=20, description="discriminator steps for one of the generator, on the same real items and fresh noise"
    )
    spectral_norm: bool = Field(
        True, description="bound the discriminator's slope, which steadies the game; wgan-gp has its penalty instead"
    )
    penalty: float = Field(10.0, ge=0, le=1000, description="weight of wgan-gp's gradient penalty; less for points",
                           json_schema_extra={"advanced": True})  # fmt: skip
    batch_size: int = Field(64, ge=2, le=8192, description="items a step; batch norm needs at least 2")
    clip: float = Field(0.0, ge=0, le=1000, description="longest gradient that is let through; 0 lets all through",
                        json_schema_extra={"advanced": True})  # fmt: skip

    @property
    def bounded(self) -> bool:
        """Whether the discriminator has spectral norm."""
        return self.spectral_norm and self.loss != "wgan-gp"

    presets = {
        "small": {"network": "mlp", "steps": 4000},
        "mnist": {"conditional": True, "steps": 8000, "discriminator_learning_rate": 4e-4},
        "points": _POINTS,
        "points, hinge": _POINTS | {"loss": "hinge", "learning_rate": 3e-4},
        "points, wgan-gp": _POINTS | {"loss": "wgan-gp", "steps": 2500, "critic_steps": 3, "penalty": 1.0},
    }


class DiffusionSettings(CommonSettings):
    """What diffusion can be set to."""

    target: Literal["flow", "v", "noise"] = Field("flow", description="what the network predicts; flow has the straightest path")
    width: int = Field(
        16,
        ge=8,
        le=512,
        multiple_of=8,
        description="channels at full size, twice as many at half size, and so on; points have eight times the units",
    )
    depth: int = Field(1, ge=1, le=4, description="residual blocks at each size; for points, hidden layers beyond two")
    attention: bool = Field(False, description="look across the whole image at the smallest size; slow on a CPU")
    unlabelled: float = Field(0.1, ge=0, le=1, description="share of images shown without their class, which guidance needs")
    learning_rate: float = Field(1e-3, ge=1e-7, le=1, description="size of a step; too high and the loss becomes NaN")
    decay: Literal["none", "cosine", "linear"] = Field(
        "cosine", description="how the learning rate falls towards the end", json_schema_extra={"advanced": True}
    )

    presets = {
        "small": {"width": 16, "steps": 3000},
        "mnist": {"conditional": True, "steps": 6000},
        "cifar10": {"width": 64, "depth": 2, "attention": True, "conditional": True, "steps": 100_000, "augment": "flip"},
        "points": {"steps": 5000, "batch_size": 512, "learning_rate": 4e-3},
    }

    def sampling(self, modality: str) -> type[Config]:
        return SAMPLING[MODALITIES[modality].pixels][self.target != "flow"]


class SequenceSampling(Config):
    """How a family that writes token after token is sampled."""

    prompt: str = Field("", max_length=10_000, description="how each text begins; empty lets the model begin")
    length: int = Field(200, ge=1, le=2000, description="tokens that are written at most; a text that ends is shorter")
    temperature: float = Field(0.8, ge=0, le=5, description="below 1 safer, above 1 wilder; 0 takes what is likeliest")
    top_k: int = Field(0, ge=0, le=100_000, description="take one of so many likeliest tokens; 0 takes any",
                       json_schema_extra={"advanced": True})  # fmt: skip
    top_p: float = Field(1.0, gt=0, le=1, description="take one of the fewest tokens that have this share together",
                         json_schema_extra={"advanced": True})  # fmt: skip
    repetition_penalty: float = Field(1.0, ge=1, le=10, description="above 1, what was written already becomes less likely",
                                      json_schema_extra={"advanced": True})  # fmt: skip
    until: str = Field("", max_length=100, description="a text ends once this is written", json_schema_extra={"advanced": True})
    other: str = Field("", max_length=10_000, description="a second prompt, which the first one can be blended with",
                       json_schema_extra={"advanced": True})  # fmt: skip
    blend: float = Field(0.0, ge=0, le=1, description="from 0, as after the prompt, to 1, as after the other prompt",
                         json_schema_extra={"advanced": True})  # fmt: skip

    @property
    def shares(self) -> dict[str, float]:
        """The prompts that have a say in what follows, each with its share."""
        return {name: share for name, share in (("prompt", 1 - self.blend), ("other", self.blend)) if share}


class SeriesSampling(Config):
    """How a family that goes on value after value is sampled."""

    length: int = Field(192, ge=1, le=2000, description="values of each series")
    temperature: float = Field(1.0, ge=0, le=5, description="below 1 steadier, above 1 wilder; 0 takes what is likeliest")


class SequenceSettings(CommonSettings):
    """What families that write token after token share."""

    tokens: Literal["characters", "bpe"] = Field(
        "characters", description="what is written at a time: a character, or one of a vocabulary of frequent runs of bytes"
    )
    vocabulary: int = Field(1024, ge=300, le=65_536, description="tokens that bpe learns", json_schema_extra={"advanced": True})
    context: int = Field(128, ge=8, le=512, description="tokens that it learns from at once, and looks back to")
    layers: int = Field(4, ge=1, le=24, description="layers of the network")
    width: int = Field(128, ge=8, le=1024, description="numbers that stand for a token between the layers")
    dropout: float = Field(0.0, ge=0, le=0.9, description="share of numbers left out while it learns, against learning by heart")
    batch_size: int = Field(
        32,
        ge=1,
        le=8192,
        description="windows a step; more is smoother, slower and needs more memory; never more than there are documents",
    )
    decay: Literal["none", "cosine", "linear"] = Field(
        "linear", description="how the learning rate falls towards the end", json_schema_extra={"advanced": True}
    )
    ema: float = Field(0.99, ge=0, le=0.99999, description="memory of the averaged weights, which samples come from",
                       json_schema_extra={"advanced": True})  # fmt: skip

    def sampling(self, modality: str) -> type[Config]:
        return SequenceSampling if MODALITIES[modality].reads else SeriesSampling


class GPTSettings(SequenceSettings):
    """What a GPT can be set to."""

    architecture: Literal["modern", "gpt2"] = Field(
        "modern", description="modern has rotary positions and squared ReLU; gpt2 is that of 2019"
    )
    heads: int = Field(4, ge=1, le=32, description="ways of looking back in each layer; the width is shared among them")
    optimizer: Literal["muon", "adamw"] = Field(
        "muon", description="muon keeps the steps of matrices orthogonal; adamw is the classic"
    )
    learning_rate: float = Field(5e-3, ge=1e-7, le=1, description="size of a step; too high and the loss becomes NaN")

    presets = {
        "small": {"layers": 2, "width": 64, "context": 64, "steps": 1500},
        "names": {"layers": 3, "width": 96, "context": 16, "steps": 3000, "batch_size": 128},
        "tiny-shakespeare": {"steps": 2000},
        "10 million": {"layers": 6, "width": 384, "heads": 6, "context": 512, "steps": 5000, "dropout": 0.1},
    }


class RNNSettings(SequenceSettings):
    """What an RNN can be set to."""

    cell: Literal["lstm", "gru", "plain"] = Field("lstm", description="what carries the memory; plain forgets within a few words")
    layers: int = Field(1, ge=1, le=24, description="layers of cells, one upon the other")
    width: int = Field(256, ge=8, le=2048, description="numbers that carry what was read")
    learning_rate: float = Field(3e-3, ge=1e-7, le=1, description="size of a step; too high and the loss becomes NaN")
    components: int = Field(
        5, ge=1, le=32, description="normal distributions that foretell the next value of a series together; texts have none",
        json_schema_extra={"advanced": True},
    )  # fmt: skip

    presets = {
        "small": {"width": 96, "context": 64, "steps": 1500},
        "waves": {"width": 128, "context": 192, "steps": 3000, "batch_size": 128},
        "names": {"width": 192, "context": 16, "steps": 3000, "batch_size": 128, "dropout": 0.2},
    }


def _steps(default: int) -> Any:
    return Field(default, ge=1, le=1000, description="steps from noise to data; more is better up to a point, and slower")


class _Sampling(Config):
    steps: int = _steps(10)
    guidance: float = Field(1.5, ge=1, le=10, description="how strictly a class is kept to; above 1 a step costs two evaluations")


class NoiseSampling(_Sampling):
    sampler: Literal["dpm-solver++", "ddim", "heun", "ddpm"] = Field(
        "dpm-solver++", description="dpm-solver++ is good in 10 steps; ddpm adds fresh noise and wants hundreds"
    )


class FlowSampling(_Sampling):
    sampler: Literal["dpm-solver++", "euler", "heun"] = Field(
        "dpm-solver++", description="dpm-solver++ and euler look once a step, heun twice"
    )


class NoisePointSampling(NoiseSampling):
    steps: int = _steps(20)  # points show every bend of the way


class FlowPointSampling(FlowSampling):
    steps: int = _steps(20)


SAMPLING: dict[bool, tuple[type[Config], type[Config]]] = {  # of images or not; for the flow target, and for the others
    True: (FlowSampling, NoiseSampling),
    False: (FlowPointSampling, NoisePointSampling),
}


def check_seeds(seed: int, n: int = 1, name: str = "seed") -> None:
    """Raise BadSetting unless each of n items, item i from seed + i, has a seed that can be entered to draw it alone."""
    if not 0 <= seed <= SEEDS - n:
        told = {"name": name, "seed": seed, "last": SEEDS - n}
        if n == 1:
            raise BadSetting("{name} is {seed}; it must be a whole number from 0 to {last:,}.", name, **told)
        several = "{name} is {seed}; for {n:,} items, one from each seed on, it must be from 0 to {last:,}."
        raise BadSetting(Message(several, n=n, **told), name)


def check_count(n: int) -> None:
    """Raise BadSetting unless so many items can be drawn."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise BadSetting("n is {n!r}; it must be a whole number from 1 up.", "n", n=n)
