"""Own texts: how long an import of a large text takes, and how much memory its two processes do.

python -m benchmarks.own_texts [MEGABYTES] [CUT]

The text is written first: lines of words drawn by Zipf's law, with a few letters beyond ASCII. What is told of memory is the peak
of the process that opens files, and how much that of genlab itself grew.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from genlab.data import importer, load
from genlab.data.importing import LOCAL, import_files

WORDS = 20_000
WRAPPER = """
import atexit, pathlib, runpy
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: pathlib.Path({note!r}).write_text(status.read_text()))
runpy.run_path({importer!r}, run_name="__main__")
"""


def main() -> None:
    size, cut = int(next(iter(sys.argv[1:2]), "256")), next(iter(sys.argv[2:3]), "auto")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["GENLAB_DATASETS"] = str(folder / "datasets")
        write(folder / "large.txt", size * 2**20)
        note, wrapper = folder / "status", folder / "wrapper.py"
        wrapper.write_text(WRAPPER.format(note=str(note), importer=importer.__file__))
        importer.__file__ = str(wrapper)
        load("gaussians")  # torch is loaded now
        before, began, used = peak(), time.monotonic(), time.process_time()
        *_, last = import_files([folder / "large.txt"], "large", limits=LOCAL, cut=cut)  # type: ignore[arg-type]
        took = time.monotonic() - began
        parts = {part: len(data) for part, data in load("large").parts.items()}
        print(
            f"{size:,} MB, {cut}: {took:.1f} s ({size / took:.0f} MB/s); here {time.process_time() - used:.1f} s of the processor"
        )
        print(f"peak of the importer {peak(note):.0f} MB; here {peak() - before:.0f} MB more than before")
        print(parts, last.imported and last.imported.summary)


def write(file: Path, size: int) -> None:
    """A text of about so many bytes."""
    random = np.random.default_rng(0)
    letters = np.array([*"etaoinshrdluäß"])
    words = np.array(["".join(random.choice(letters, 1 + i % 9)) for i in range(WORDS)])
    with file.open("w", encoding="utf-8") as out:
        while out.tell() < size:
            drawn = words[np.minimum(random.zipf(1.3, 100_000), WORDS) - 1]
            out.write("".join(" ".join(line) + "\n" for line in np.array_split(drawn, 8000)))


def peak(status: Path = Path("/proc/self/status")) -> float:
    """The most memory that a process took, in MB."""
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
