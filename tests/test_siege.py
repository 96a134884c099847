"""A public page under siege: whatever strangers do, the honest lose nothing, and no more is taken than there are quotas for."""

from pathlib import Path

import pytest
from marks import long

from benchmarks.siege import besiege, besieged
from genlab.ui.server.preset import PUBLIC

MB = 2**20
BLOCKS = 1.05  # files take whole blocks


@pytest.mark.long
@pytest.mark.parametrize(
    ("seconds", "attackers", "honest"),
    [pytest.param(8, 6, 2, id="short"), long(60, 20, 5, id="long")],
)
def test_under_siege_the_honest_lose_nothing(tmp_path: Path, seconds: float, attackers: int, honest: int):
    with besieged(tmp_path) as address:
        found = besiege(address, tmp_path, seconds, attackers, honest)
    assert not found["wrong"], "\n".join(found["wrong"])
    assert "Traceback" not in (tmp_path / "server.log").read_text("utf-8")
    assert sum(found["attacks"].values()) > attackers
    assert found["done"]["latent_decode"] > 10 * honest
    assert all(found["done"][what] for what in ("sample", "import", "gallery")), found["refused"]
    assert found["done"]["train"] or any(what.startswith("train: ") for what in found["refused"]), "others may wait already"
    assert found["largest space, MB"] * MB <= BLOCKS * PUBLIC.visitor_disk
    assert found["all spaces, MB"] * MB <= BLOCKS * PUBLIC.disk
    assert found["uploads, MB"] * MB <= BLOCKS * PUBLIC.all_uploads
