"""The process that opens strangers' files: it reads one job, writes a line of JSON a step, and knows nothing of genlab.

It is run by its path and imports neither torch nor numpy, so it starts at once and its memory can be held small.
"""

import errno
import json
import logging
import os
import shutil
import stat
import sys
import time
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZipInfo

import safezip
from PIL import Image, ImageOps, UnidentifiedImageError, WebPImagePlugin  # noqa: F401  Pillow loads WebP's plugin on demand only

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
READS = "PNG, JPEG, WebP, BMP and GIF"
SMALLEST, LARGEST = 8, 64  # pixels a side, where the size is found and not given
MOST_CLASSES = 1000
PARTS = {"train": "train", "training": "train", "test": "test"} | dict.fromkeys(("val", "valid", "validation"), "validation")
NOT_THEIRS = {"__MACOSX", "Thumbs.db", "desktop.ini"}
LINK = "a link or a device, not a file"
GREY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
ORIENTATION, GPS = 0x0112, 0x8825  # EXIF 2.3, tables 3 and 12
CAMERA, TAKEN = 0x8769, 0x9003  # tables 3 and 8: the camera's own block, and in it when the picture was taken
UNSET = {date(1970, 1, 1), date(1980, 1, 1)}  # of clocks that nobody set, and of zips that know no dates
PAUSE = 0.1  # seconds between two lines of progress
MEMORY = 850 * 2**20  # bytes that the process may ask for; what Python and Pillow take beside it stays under 1 GB


@dataclass(frozen=True)
class Limits:
    """What one import may bring along."""

    upload: int  # bytes of the given files
    files: int
    unpacked: int  # bytes
    ratio: int  # of a file's size to its packed size
    pixels: int  # of an image
    side: int  # pixels
    seconds: float  # that all of it may take


@dataclass(frozen=True)
class Job:
    """What is to be imported, and how."""

    paths: Sequence[str]
    scratch: str  # an empty folder; "" to look at names only
    limits: Limits
    folders: Sequence[str] | None = None  # the classes to take; None for all
    size: int | None = None  # pixels a side; None to go by the smallest image
    mode: str = "auto"  # grey, colour, or auto: grey where all images are
    least: int = 2  # images without which it is refused


@dataclass(frozen=True)
class File:
    """A file that was found: what it is called, where its bytes lie, what its folders say."""

    name: str
    source: Path | tuple[safezip.SafeZipFile, ZipInfo]
    part: str = "train"
    label: str = ""
    written: int = 0  # the day, as `_day` has it


@dataclass(frozen=True)
class Brought:
    """An image at the size and in the mode of all."""

    content: bytes  # size·size·C
    words: str
    day: int  # on which the picture was taken, as `_day` has it


@dataclass(frozen=True)
class Head:
    """What is known of an image before it is decoded."""

    path: Path
    side: int  # pixels, the shorter one
    grey: bool


class Refused(Exception):
    """The whole import cannot be; the sentence why."""


class Skip(Exception):
    """One file cannot be used; the words why."""


def run(job: Job) -> Iterator[dict[str, Any]]:
    """Do the job; yields records of progress, then what came of it."""
    files = [file for path in job.paths for file in _found(Path(path), job.limits)]
    if not files:
        raise Refused(f"There are no files in {_named(job.paths)}.")
    files = sorted(_placed(files), key=lambda file: file.name)
    counts = Counter(file.label for file in files if not _odd(file.name))
    if not job.scratch:
        yield {"folders": sorted(counts.items()), "parts": Counter(file.part for file in files)}
        return
    if job.folders is not None:
        files = [file for file in files if file.label in _known(job.folders, counts)]
    if len({file.label for file in files}) > MOST_CLASSES:
        raise Refused(f"{_named(job.paths)} has {len(counts):,} folders; at most {MOST_CLASSES:,} can be classes. Choose some.")
    yield from _brought(job, files)


def _brought(job: Job, files: list[File]) -> Iterator[dict[str, Any]]:
    """Two rounds: look at every file's head, then bring every image to one size and mode in the file `pixels`."""
    verdicts: dict[int, dict[str, Any]] = {}
    heads: dict[int, Head] = {}
    scratch = Path(job.scratch)
    for i, file in enumerate(files):
        try:
            heads[i] = _head(_at(file, scratch / str(i), job.limits), job.limits)
        except Skip as skip:
            verdicts[i] = _skipped(skip)
        yield {"doing": "look", "done": i + 1, "total": len(files), "kept": len(heads), "skipped": len(verdicts)}
    size = job.size or _fitting(head.side for head in heads.values())
    grey = all(head.grey for head in heads.values()) if job.mode == "auto" else job.mode == "grey"
    kept = 0
    with (scratch / "pixels").open("wb") as pixels:
        for done, (i, head) in enumerate(heads.items(), 1):
            try:
                image, file = _pixels(head.path, size, grey, job.limits), files[i]
                pixels.write(image.content)
                verdicts[i] = {"kept": True, "part": file.part, "label": file.label, "words": image.words}
                verdicts[i]["day"] = image.day or file.written
                kept += 1
            except Skip as skip:
                verdicts[i] = _skipped(skip)
            yield {"doing": "bring", "done": done, "total": len(heads), "kept": kept, "skipped": len(verdicts) - kept}
    table = [{"file": file.name, **verdicts[i]} for i, file in enumerate(files)]
    if kept < job.least:
        raise Refused(_too_few(job, table, kept))
    yield {"shape": [kept, size, size, 1 if grey else 3], "table": table}


# --- Which files, and what their folders say ---


def _found(path: Path, limits: Limits) -> list[File]:
    """All files of a zip or a folder, or the file itself."""
    if path.is_dir():
        found = [Path(folder) / name for folder, _, names in os.walk(path) for name in names]
        if len(found) > limits.files:
            raise Refused(_holds(path, limits))
        names = [_clean(str(PurePosixPath(file.relative_to(path.parent)))) for file in found]
        return _dated([File(name, file, written=_day(_modified(file))) for name, file in zip(names, found, strict=True)])
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as fault:
        reason = "There is no such file or folder" if fault.errno == errno.ENOENT else "It cannot be read"
        raise Refused(f"{path.name}: {reason}.") from None
    if size > limits.upload:
        raise Refused(
            f"{path.name} is {_megabytes(size)} (limit {_megabytes(limits.upload)}). "
            "Run genlab on your own computer, from a folder, for larger sets."
        )
    if path.suffix.lower() == ".zip" or start in (b"PK\3\4", b"PK\5\6"):
        return _members(path, limits)
    return [File(_clean(path.name), path)]


def _members(path: Path, limits: Limits) -> list[File]:
    """The files of a zip, which is refused as a whole when it is forged or larger than may be."""
    try:
        archive = safezip.SafeZipFile(
            path,
            max_files=limits.files,
            max_file_size=limits.unpacked,
            max_total_size=2**50,  # judged below, in our words
            max_per_member_ratio=limits.ratio,
            max_total_ratio=limits.ratio,
        )
    except safezip.FileCountExceededError:
        raise Refused(_holds(path, limits)) from None
    except safezip.FileSizeExceededError:
        raise Refused(_unpacks(path, limits)) from None
    except (safezip.SafezipError, OSError, ValueError, NotImplementedError):
        raise Refused(f"{path.name} is not a zip archive, or it is damaged or forged. Nothing was imported.") from None
    members = [info for info in archive.infolist() if not info.is_dir()]
    if sum(info.file_size for info in members) > limits.unpacked:
        raise Refused(_unpacks(path, limits))
    return _dated([File(_clean(info.filename), (archive, info), written=_day(info.date_time)) for info in members])


def _dated(files: list[File]) -> list[File]:
    """The files of one zip or folder; what was all written within two days tells when it was copied, not when it was made."""
    days = {file.written for file in files if not _hidden(file.name)} - {0}
    return files if days and max(days) - min(days) > 1 else [replace(file, written=0) for file in files]


def _modified(file: Path) -> Sequence[int]:
    try:
        return time.localtime(file.lstat().st_mtime)[:3]
    except (OSError, ValueError, OverflowError):
        return ()


def _day(when: Sequence[int]) -> int:
    """(year, month, day, …) as a day of the calendar, counted from the first of the year 1; 0 for what no file can date from."""
    try:
        day = date(*when[:3])
    except (TypeError, ValueError):
        return 0
    return 0 if day in UNSET or day > date.today() + timedelta(days=1) else day.toordinal()  # zones differ by a day


def _holds(path: Path, limits: Limits) -> str:
    return f"{path.name} holds more than {limits.files:,} files (limit). Nothing was imported."


def _unpacks(path: Path, limits: Limits) -> str:
    return f"{path.name} unpacks to more than {_megabytes(limits.unpacked)} (limit). Nothing was imported."


def _placed(files: list[File]) -> list[File]:
    """Read part and class off the folders: the last is the class, one named train, validation or test at the top is the part.

    Folders that wrap all of it are looked through. Parts without a `train` among them are no parts.
    """
    folders = [_parts(file.name)[:-1] for file in files]
    theirs = [parts for parts, file in zip(folders, files, strict=True) if not _odd(file.name)]
    depth = _wrappers(theirs)
    tops = {PARTS.get(parts[depth].lower()) for parts in theirs if len(parts) > depth}
    split = "train" in tops
    return [_place(file, parts, depth, split) for file, parts in zip(files, folders, strict=True)]


def _wrappers(folders: list[tuple[str, ...]]) -> int:
    """How many folders at the top hold everything and are no part."""
    depth = 0
    while folders and all(len(parts) > depth + 1 for parts in folders):
        if len({parts[depth] for parts in folders}) > 1 or folders[0][depth].lower() in PARTS:
            break
        depth += 1
    return depth


def _place(file: File, folders: tuple[str, ...], depth: int, split: bool) -> File:
    part = PARTS.get(folders[depth].lower()) if split and len(folders) > depth else None
    return replace(file, part=part or "train", label=folders[-1] if len(folders) > depth + bool(part) else "")


def _known(folders: Sequence[str], counts: Counter[str]) -> set[str]:
    for folder in folders:
        if folder not in counts:
            raise Refused(f"There is no folder called {folder!r}. Possible: {', '.join(sorted(counts))}.")
    return set(folders)


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/")).parts


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part in NOT_THEIRS for part in _parts(name) if part != "..")


def _odd(name: str) -> bool:
    """Whether a name says nothing of folders: it is the system's own, or leads astray."""
    return _hidden(name) or bool({"..", "/"} & set(_parts(name)))


# --- One file ---


def _at(file: File, target: Path, limits: Limits) -> Path:
    """Where the file's bytes lie; those of a zip are unpacked there first."""
    if _hidden(file.name):
        raise Skip("a file of the operating system")
    if isinstance(file.source, Path):
        if not stat.S_ISREG(file.source.lstat().st_mode):
            raise Skip(LINK)
        return file.source
    archive, info = file.source
    if info.flag_bits & 1:
        raise Skip("locked with a password; pack it without one")
    try:
        Path(archive.extract(info, target.parent / "unpacked")).replace(target)
    except safezip.UnsafeZipError:
        is_link = stat.S_ISLNK(info.external_attr >> 16)
        raise Skip(LINK if is_link else "its path leads out of the archive") from None
    except safezip.CompressionRatioError:
        raise Skip(f"unpacks to more than {limits.ratio} times its size") from None
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Skip("its name cannot be that of a file here") from None
    except Exception as fault:  # BadZipFile, zlib.error, lzma.LZMAError: each decoder has faults of its own
        raise Skip("cannot be unpacked") from fault
    return target


def _head(path: Path, limits: Limits) -> Head:
    with _opened(path, limits) as image:
        return Head(path, min(image.size), _is_grey(image))


def _pixels(path: Path, size: int, grey: bool, limits: Limits) -> Brought:
    """An image's middle square, brought to `size` by an antialiased (Lanczos) filter; of the rest only its day is kept."""
    with _opened(path, limits) as image:
        remarks = ", ".join(words for words, holds in _remarks(image) if holds)
        day = _taken(image)
        image.draft(image.mode, (2 * size, 2 * size))  # a JPEG is decoded at no more than it takes
        turned = ImageOps.exif_transpose(image)
        square = ImageOps.fit(_flat(turned, "L" if grey else "RGB"), (size, size), Image.Resampling.LANCZOS)
        return Brought(square.tobytes(), remarks, day)


def _taken(image: Any) -> int:
    """The day on which a picture was taken, as its EXIF block tells; 0 where it does not."""
    with suppress(Exception):  # a damaged block dates nothing, and harms nothing
        return _day([int(part) for part in str(image.getexif().get_ifd(CAMERA)[TAKEN]).split(" ")[0].split(":")])
    return 0


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[Any]:
    """The image in a file, not yet decoded; whatever is wrong with it is why it is skipped."""
    Image.MAX_IMAGE_PIXELS = limits.pixels
    most = f"at most {limits.pixels / 1e6:g} megapixels and {limits.side:,} pixels a side"
    try:
        if path.stat().st_size == 0:
            raise Skip("0 bytes")
        with Image.open(path, formats=FORMATS) as image:
            if max(image.size) > limits.side:
                raise Skip(f"{image.width:,} × {image.height:,} pixels; {most}")
            yield image
    except Skip:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Skip(f"more than {limits.pixels / 1e6:g} megapixels; {most}") from None
    except UnidentifiedImageError:
        raise _stranger(path) from None
    except MemoryError:
        raise Skip("takes more memory than an import may have") from None
    except Exception as fault:  # each of Pillow's decoders has faults of its own
        raise Skip("cut off or damaged") from fault


def _stranger(path: Path) -> Skip:
    """What a file is that is no image."""
    with path.open("rb") as file:
        head = file.read(1024)
    for start, words in STRANGERS:
        if head.startswith(start):
            return Skip(words) if words else Skip("cut off or damaged")
    if head[4:8] == b"ftyp":
        return Skip("a HEIC or AVIF picture or a film; save pictures as PNG or JPEG")
    if b"<svg" in head:
        return Skip("a drawing (SVG), not pixels; save it as PNG")
    return Skip(f"not an image; genlab reads {READS}")


STRANGERS = [
    *((start, "") for start in (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")),  # known, but not whole
    (b"PK\3\4", "an archive in the archive; unpack it first"),
    (b"\x93NUMPY", "an array of numbers; save its images as PNG"),
    (b"II*\0", "a TIFF picture; save it as PNG"),
    (b"MM\0*", "a TIFF picture; save it as PNG"),
    (b"MZ", "a program, whatever its name says"),
    (b"\x7fELF", "a program, whatever its name says"),
    (b"%PDF", "a PDF document; save its pictures as PNG"),
]


def _remarks(image: Any) -> Iterator[tuple[str, bool]]:
    """What is worth saying of an image that is kept."""
    exif = image.getexif()
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    placed = "GPSLatitude" in (packet if isinstance(packet, str) else packet.decode("latin-1"))
    yield "turned upright", exif.get(ORIENTATION, 1) in range(2, 9)
    yield "location removed", GPS in exif or placed
    yield "first frame of an animation", getattr(image, "is_animated", False) and image.format != "MPO"  # of cameras
    yield "transparent parts made white", image.has_transparency_data
    yield "CMYK brought to RGB", image.mode == "CMYK"
    yield "16 bits brought to 8", image.mode.startswith("I")


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """The image on white, 8 bits a channel, as `L` or `RGB`."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (255 / 65535) + 0.5).convert("L")  # convert alone cuts off
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _is_grey(image: Any) -> bool:
    if image.mode == "P":
        colours = image.getpalette("RGB")
        return colours[::3] == colours[1::3] == colours[2::3]
    return image.mode in GREY


def _fitting(sides: Iterator[int]) -> int:
    """The smallest side that was seen, as the size of all: a multiple of 4 that is neither tiny nor slow to train on."""
    return max(SMALLEST, min(LARGEST, min(sides, default=SMALLEST)) // 4 * 4)


# --- Words ---


def _skipped(skip: Skip) -> dict[str, Any]:
    return {"kept": False, "words": str(skip)}


def _too_few(job: Job, table: list[dict[str, Any]], kept: int) -> str:
    reasons = Counter(row["words"] for row in table if not row["kept"])
    skipped = "; ".join(f"{n:,} × {words}" if n > 1 else words for words, n in reasons.most_common(3))
    because = f" Skipped: {skipped}." if reasons else ""
    if kept:
        return f"One image found; training needs at least 2 (50+ advised).{because}"
    return f"No image found in {_named(job.paths)}; genlab reads {READS}.{because}"


def _named(paths: Sequence[str]) -> str:
    return Path(paths[0]).name if len(paths) == 1 else f"these {len(paths)} files"


def _megabytes(size: int) -> str:
    return f"{max(1, round(size / 2**20)):,} MB"


def _clean(name: str) -> str:
    """A name that can be written and shown: no lone surrogates, no control characters."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    return "".join("�" if unicodedata.category(c) == "Cc" else c for c in name)


# --- The process ---


def main() -> None:
    """Read a job from standard input and tell of it on standard output; leave the scratch folder empty when nobody listens."""
    given = json.loads(sys.stdin.readline())
    job = Job(**given | {"limits": Limits(**given["limits"])})
    _step_back()
    try:
        _tell_all(job)
    except BrokenPipeError:
        shutil.rmtree(job.scratch, ignore_errors=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more as it ends


def _tell_all(job: Job) -> None:
    tell, told = partial(print, flush=True), 0.0
    try:
        for record in run(job):
            last = record.get("done") == record.get("total")
            if last or time.monotonic() - told > PAUSE:
                tell(json.dumps(record))
                told = time.monotonic()
    except Refused as refused:
        tell(json.dumps({"refused": str(refused)}))
    except BrokenPipeError:
        raise
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        tell(json.dumps({"refused": f"The import could not write: {reason}. Free some space, then import again."}))
    except MemoryError:
        tell(json.dumps({"refused": "These files take more memory than an import may have. Import fewer at a time."}))


def _step_back() -> None:
    """Hold memory small, leave the processor to the page, and hear Pillow's warnings as faults."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    logging.disable()
    os.nice(10)
    with suppress(ImportError, OSError, ValueError):  # not every system has it
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
