"""The story: what is damaged is found and repaired, and three models show the difference."""

import pytest
import torch

from genlab.story import LINES, PARTS, tell


@pytest.mark.long
def test_the_story_is_told_to_its_end(tmp_path):
    scenes = list(tell(steps=400, folder=tmp_path))
    by_step = {scene.step: scene for scene in scenes}
    assert list(by_step) == ["damage", "look", "report", "repair", "train", "end"]
    assert by_step["report"].facts["found"]["label-errors"] > 100
    right = {part: by_step["repair"].facts[part]["right"] for part in PARTS}
    assert right["clean"] == 1
    assert right["damaged"] < 0.8
    assert right["repaired"] > 0.9
    walls = by_step["end"].walls
    assert all(wall.shape == (10 * LINES, 1, 8, 8) for wall in walls.values())
    assert not torch.equal(walls["clean"], walls["damaged"])
    shares = by_step["end"].facts["agreement"]
    assert shares["damaged"] < min(shares["clean"], shares["repaired"]) - 0.1
    assert not list(tmp_path.iterdir())  # nothing stays behind


@pytest.mark.long
def test_a_story_that_nobody_hears_ends(tmp_path):
    story = tell(steps=400, folder=tmp_path)
    while next(story).step != "train":
        pass
    story.close()
    assert not list(tmp_path.iterdir())
