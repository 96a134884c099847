"""Model families: what one is (`base`), the layers they share (`layers`), and one file and one line here for each."""

from typing import TYPE_CHECKING

from genlab.lazy import named, on_use
from genlab.models.settings import DiffusionSettings, GANSettings, GPTSettings, RNNSettings, VAESettings
from genlab.registry import Registry

if TYPE_CHECKING:
    from genlab.models import many, sequence
    from genlab.models.base import Draft, Encoding, GenerativeModel, Given, LatentModel, Loss, Player
    from genlab.models.sequence import SequenceModel
    from genlab.models.series import SeriesModel

MODELS: "Registry[type[GenerativeModel]]" = Registry("model family")
MODELS.defer("vae", named("genlab.models.vae", "VAE"), VAESettings)
MODELS.defer("gan", named("genlab.models.gan", "GAN"), GANSettings)
MODELS.defer("diffusion", named("genlab.models.diffusion", "Diffusion"), DiffusionSettings)
MODELS.defer("gpt", named("genlab.models.gpt", "GPT"), GPTSettings)
MODELS.defer("rnn", named("genlab.models.rnn", "RNN"), RNNSettings)

__all__ = [
    "MODELS",
    "Draft",
    "Encoding",
    "GenerativeModel",
    "Given",
    "LatentModel",
    "Loss",
    "Player",
    "SequenceModel",
    "SeriesModel",
    "many",
    "sequence",
]

__getattr__, __dir__ = on_use(__name__)
