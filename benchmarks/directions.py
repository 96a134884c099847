"""Do directions found from known factors move these factors and leave the others? On `sprites`, measured in the pictures.

    python -m benchmarks.directions [--model vae-sprites] [--bases 100]

Each of some sprites of the test part is encoded; then the slider of a factor's direction goes in 11 steps over all positions at
which that factor stays within the range of the data, and the factors are measured in the decoded pictures. Told are the
correlation of slider and measured factor, and how far each other factor moves, as a share of its range in the data; means over
the sprites, and what one in ten exceeds. Size follows from the area and the sprite's own shape; how often that shape is still the
most alike is told as well.
"""

import argparse

import numpy as np
import torch

from genlab import latent
from genlab.data import load, to_model, to_pixels
from genlab.data.sprites import AREAS, FACTORS, measure
from genlab.training.checkpoint import load_model

STEPS = 11
JUDGED = (1, 3, 4, 5)  # size, x, y and hue; shape and angle have no order or no scale that all shapes share


def moved(measured: np.ndarray) -> np.ndarray:
    """[n, F] how far each factor goes along sweeps [n, STEPS, F]; hues are on a circle, of which 0 and 1 are the same place."""
    hue = measured[:, :, 5:]
    circle = (hue - hue[:, STEPS // 2, None] + 0.5) % 1
    return np.ptp(np.concatenate([measured[:, :, :5], circle], axis=2), axis=1)


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="vae-sprites")
    parser.add_argument("--bases", type=int, default=100)
    given = parser.parse_args()
    trained, data = load_model(given.model), load("sprites")
    model, test = trained.model, data.test
    rows = torch.arange(given.bases)
    factors = test.column("factors")[rows]
    low, high = data.train.column("factors").amin(0), data.train.column("factors").amax(0)
    areas = np.array([AREAS[shape] for shape in sorted(AREAS)])
    ranges = (high - low).numpy()
    *_, encoding = model.encode(to_model(test.read(rows)))
    print(f"{trained.name}, step {trained.step:,}; {len(rows)} sprites of the test part, {STEPS} positions each")
    print("slider   correlation (least)   " + "   ".join(f"{FACTORS[i]:>14}" for i in JUDGED) + "   shape kept")
    for name in ("size", "x", "y"):
        i = FACTORS.index(name)
        found = latent.along_factor(model, data.train, name, trained.weights)
        a_unit = 2 * found.reach / ranges[i]  # of the slider, for one of the factor
        ends = torch.stack([low[i] - factors[:, i], high[i] - factors[:, i]], 1) * a_unit  # [n, 2]
        values = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * torch.linspace(0, 1, STEPS)  # [n, STEPS]
        z = found.move(encoding.z.repeat_interleave(STEPS, 0), values.flatten())
        measured = measure(to_pixels(model.decode(z)).numpy()).reshape(len(rows), STEPS, -1)
        kept = (measured[:, :, 0] == factors[:, :1].numpy()).mean()
        measured[:, :, 1] *= np.sqrt(areas[measured[:, :, 0].astype(int)] / areas[factors[:, :1].int()])
        correlation = [np.corrcoef(v, m)[0, 1] for v, m in zip(values.numpy(), measured[:, :, i], strict=True)]
        shares = moved(measured) / ranges
        told = [f"{shares[:, j].mean():6.3f} ({np.quantile(shares[:, j], 0.9):.3f})" for j in JUDGED]
        print(f"{name:<8} {np.mean(correlation):.3f} ({np.min(correlation):.3f})       " + "   ".join(told) + f"   {kept:.1%}")


if __name__ == "__main__":
    main()
