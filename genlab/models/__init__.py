"""Model families: what one is (`base`), the layers they share (`layers`), and one file and one line here for each."""

from genlab.models.base import MODELS, Draft, Encoding, GenerativeModel, Given, LatentModel, Loss, Player
from genlab.models.diffusion import Diffusion
from genlab.models.gan import GAN
from genlab.models.vae import VAE

MODELS.register("vae")(VAE)
MODELS.register("gan")(GAN)
MODELS.register("diffusion")(Diffusion)

__all__ = ["MODELS", "Draft", "Encoding", "GenerativeModel", "Given", "LatentModel", "Loss", "Player"]
