"""What people and attackers upload: sixty and more files that are made here, and what is to come of each."""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

UPLOADS: dict[str, "Upload"] = {}
Maker = Callable[[Path], list[Path]]
DAMAGED = "cut off or damaged"
STRANGER = "not an image; genlab reads PNG, JPEG, WebP, BMP and GIF"
TOO_LARGE = "at most 24 megapixels and 8,192 pixels a side"
LINK = "a link or a device, not a file"
UNSAFE = "its path leads out of the archive"
NO_ZIP = " is not a zip archive, or it is damaged or forged. Nothing was imported."
TOO_MUCH = " unpacks to more than 200 MB (limit). Nothing was imported."


@dataclass(frozen=True)
class Upload:
    """What is given, and either the sentence that refuses it or the words about its files and the pixels of some."""

    make: Maker
    refused: str = ""
    words: Mapping[str, str] = field(default_factory=dict)  # of files that are skipped or have a remark
    pixels: Mapping[str, np.ndarray] = field(default_factory=dict)  # uint8 [size, size, 3] of files that are kept
    files: Mapping[str, bytes] = field(default_factory=dict)  # what the zip holds, where more may join it


def picture(seed: int, size: tuple[int, int] = (12, 12), mode: str = "RGB") -> Image.Image:
    """Noise, so that no two pictures are alike."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], bands), np.uint8)
    return Image.fromarray(noise[..., 0] if bands == 1 else noise, mode)


def packed(image: Image.Image, kind: str = "png", **options: object) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


GOOD = {"cat/1.png": packed(picture(1)), "dog/2.png": packed(picture(2))}


def zipped(files: Mapping[str, bytes], name: str = "photos.zip", change: Callable[[bytes], bytes] = bytes) -> Maker:
    """Files in a zip, whose bytes may be changed afterwards."""

    def make(folder: Path) -> list[Path]:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, content in files.items():
                archive.writestr(file, content)
        (folder / name).write_bytes(change(buffer.getvalue()))
        return [folder / name]

    return make


def laid(files: Mapping[str, bytes], top: str = "photos") -> Maker:
    """Files in a folder."""

    def make(folder: Path) -> list[Path]:
        (folder / top).mkdir()
        for name, content in files.items():
            (folder / top / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / top / name).write_bytes(content)
        return [folder / top]

    return make


def skips(name: str, content: bytes, words: str, upload: str = "") -> None:
    """List an upload of two good images and one file, or add to it one more, that is skipped with these words."""
    _list(upload or name, name, content, words)


def keeps(name: str, content: bytes, expected: Image.Image, words: str = "", upload: str = "") -> None:
    """List an upload of two good images and one more, or add to it one more, that comes out as expected."""
    _list(upload or name, name, content, words, {name: np.asarray(expected)})


def _list(upload: str, name: str, content: bytes, words: str, pixels: Mapping[str, np.ndarray] | None = None) -> None:
    before = UPLOADS.get(upload, Upload(zipped({}), files=GOOD))
    files = {**before.files, name: content}
    UPLOADS[upload] = Upload(zipped(files), "", {**before.words, name: words}, {**before.pixels, **(pixels or {})}, files)


def square(image: Image.Image, size: int = 12) -> Image.Image:
    return ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.LANCZOS)


# --- Archives that are refused as a whole ---

UPLOADS["an empty zip"] = Upload(zipped({}), "There are no files in photos.zip.")
UPLOADS["a zip of zero bytes"] = Upload(zipped({}, change=lambda _: b""), "photos.zip" + NO_ZIP)
UPLOADS["a text called zip"] = Upload(zipped({}, change=lambda _: b"cats and dogs"), "photos.zip" + NO_ZIP)
UPLOADS["a zip cut off"] = Upload(zipped(GOOD, change=lambda zip: zip[:-40]), "photos.zip" + NO_ZIP)
UPLOADS["a zip without its start"] = Upload(zipped(GOOD, change=lambda zip: zip[200:]), "photos.zip" + NO_ZIP)
UPLOADS["twenty thousand files"] = Upload(
    zipped({f"cat/{i}.png": b"" for i in range(20_000)}), "photos.zip holds more than 2,000 files (limit). Nothing was imported."
)
UPLOADS["more than it may unpack to"] = Upload(zipped({f"{i}.bmp": bytes(30 * 2**20) for i in range(7)}), "photos.zip" + TOO_MUCH)


def heavy(folder: Path) -> list[Path]:
    (folder / "photos.zip").write_bytes(b"")
    os.truncate(folder / "photos.zip", 340 * 2**20)
    return [folder / "photos.zip"]


UPLOADS["a heavy upload"] = Upload(
    heavy, "photos.zip is 340 MB (limit 20 MB). Run genlab on your own computer, from a folder, for larger sets."
)


def overlapping(zip: bytes) -> bytes:
    """Let the second entry of the directory point at the first file (Fifield 2019)."""
    second = zip.rindex(b"PK\1\2")
    return zip[: second + 42] + struct.pack("<I", 0) + zip[second + 46 :]


def forged(size: int) -> Callable[[bytes], bytes]:
    """Let the last entry of the directory claim another unpacked size."""

    def change(zip: bytes) -> bytes:
        last = zip.rindex(b"PK\1\2")
        return zip[: last + 24] + struct.pack("<I", size) + zip[last + 28 :]

    return change


UPLOADS["files that overlap"] = Upload(zipped(GOOD, change=overlapping), "photos.zip" + NO_ZIP)
UPLOADS["a size forged to be huge"] = Upload(zipped(GOOD, change=forged(4_000_000_000)), "photos.zip" + NO_ZIP)
UPLOADS["a size forged to be small"] = Upload(
    zipped({**GOOD, "cat/3.png": packed(picture(3))}, change=forged(50)), words={"cat/3.png": "cannot be unpacked"}
)

# --- Members of an archive ---

for path in ("../evil.png", "cat/../../evil.png", "/tmp/evil.png", "C:\\evil.png", "..\\..\\evil.png", "C:/Windows/evil.png"):
    skips(path, packed(picture(3)), UNSAFE, "absolute paths" if ":" in path or path[0] == "/" else "paths that climb")
skips("a bomb/zeros.bmp", bytes(5 * 2**20), "unpacks to more than 100 times its size")
skips("cat/more.zip", b"PK\3\4" + bytes(60), "an archive in the archive; unpack it first")
skips("__MACOSX/cat/._1.png", b"\0\5\x16\7", "a file of the operating system", "what systems leave")
skips("cat/.DS_Store", b"\0\0\0\1Bud1", "a file of the operating system", "what systems leave")
skips("cat/Thumbs.db", b"\xd0\xcf\x11\xe0", "a file of the operating system", "what systems leave")


def linked(folder: Path) -> list[Path]:
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for name, content in GOOD.items():
            archive.writestr(name, content)
        link = zipfile.ZipInfo("cat/passwd.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return [folder / "photos.zip"]


def flagged(offset: int, value: int) -> Callable[[bytes], bytes]:
    """Overwrite a field of the last entry, at this offset after the signature in the directory, in the file's own head too."""

    def change(zip: bytes) -> bytes:
        changed = bytearray(zip)
        for start, more in ((zip.rindex(b"PK\1\2"), 2), (zip.rindex(b"PK\3\4"), 0)):
            struct.pack_into("<H", changed, start + offset + more, value)
        return bytes(changed)

    return change


def repeated(folder: Path) -> list[Path]:
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive, _without_warnings():
        for seed in (1, 2, 3):
            archive.writestr("cat/1.png", packed(picture(seed)))
    return [folder / "photos.zip"]


def _without_warnings():
    import warnings

    context = warnings.catch_warnings()
    warnings.simplefilter("ignore")
    return context


LAST = {**GOOD, "cat/3.png": packed(picture(3))}
UPLOADS["a link in a zip"] = Upload(linked, words={"cat/passwd.png": LINK})
UPLOADS["an encrypted file"] = Upload(
    zipped(LAST, change=flagged(6, 1)), words={"cat/3.png": "locked with a password; pack it without one"}
)
UPLOADS["an unknown packing"] = Upload(zipped(LAST, change=flagged(8, 99)), words={"cat/3.png": "cannot be unpacked"})
UPLOADS["a name twice"] = Upload(repeated)
UPLOADS["a changed byte"] = Upload(
    zipped(LAST, change=lambda zip: zip.replace(packed(picture(3))[60:64], b"\0\0\0\0")),
    words={"cat/3.png": "cannot be unpacked"},
)
UPLOADS["only locked files"] = Upload(
    zipped({"cat/3.png": packed(picture(3))}, change=flagged(6, 1)),
    "No image found in photos.zip; genlab reads PNG, JPEG, WebP, BMP and GIF. "
    "Skipped: locked with a password; pack it without one.",
)

# --- Folders ---

ONE = "One image found; training needs at least 2 (50+ advised)."
UPLOADS["an empty folder"] = Upload(laid({}), "There are no files in photos.")
UPLOADS["nothing there"] = Upload(lambda folder: [folder / "gone.zip"], "gone.zip: There is no such file or folder.")
UPLOADS["a folder of one image"] = Upload(laid({"1.png": packed(picture(1))}), ONE)
UPLOADS["one image"] = Upload(lambda folder: [laid({"1.png": packed(picture(1))})(folder)[0] / "1.png"], ONE)
UPLOADS["one image and a note"] = Upload(
    laid({"1.png": packed(picture(1)), "note.txt": b"my cat"}), f"{ONE} Skipped: {STRANGER}."
)
UPLOADS["a folder of texts"] = Upload(
    laid({"a.txt": b"a", "b.txt": b"b"}),
    f"No image found in photos; genlab reads PNG, JPEG, WebP, BMP and GIF. Skipped: 2 × {STRANGER}.",
)


def astray(folder: Path) -> list[Path]:
    """A folder with a link out of it, a link into itself, and a pipe that nobody writes to."""
    (photos,) = laid(GOOD)(folder)
    (folder / "secret.png").write_bytes(packed(picture(3)))
    (photos / "cat" / "secret.png").symlink_to(folder / "secret.png")
    (photos / "cat" / "loop").symlink_to(photos)
    os.mkfifo(photos / "cat" / "pipe.png")
    return [photos]


UPLOADS["links and pipes"] = Upload(astray, words={"photos/cat/secret.png": LINK, "photos/cat/pipe.png": LINK})


def loose(folder: Path) -> list[Path]:
    (photos,) = laid({"1.png": packed(picture(1)), "2.png": packed(picture(2)), "3.txt": b"a note"})(folder)
    return sorted(photos.iterdir())


UPLOADS["a handful of files"] = Upload(loose, words={"3.txt": STRANGER})

# --- Files that are no whole image ---


def png_of(width: int, height: int) -> bytes:
    """The head of a PNG that claims this size, 1 bit a pixel, with hardly a pixel in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def noise_bytes(n: int) -> bytes:
    return np.random.default_rng(0).bytes(n)


for kind in ("png", "jpeg", "gif", "webp", "bmp"):
    whole = packed(picture(5, (64, 64)), kind)
    skips(f"cat/cut.{kind}", whole[: len(whole) // 2], DAMAGED, f"a {kind} cut off")
    skips(f"cat/head.{kind}", whole[:12], DAMAGED, f"a {kind} cut off")
skips("cat/empty.png", b"", "0 bytes")
skips("cat/huge.png", png_of(100_000, 100_000), f"more than 24 megapixels; {TOO_LARGE}")
skips("cat/wide.png", packed(Image.new("1", (9000, 10))), f"9,000 × 10 pixels; {TOO_LARGE}")
UPLOADS["21 kB that are 177 megapixels"] = Upload(
    laid({**GOOD, "cat/bits.png": packed(Image.new("1", (13_300, 13_300)))}),
    words={"photos/cat/bits.png": f"more than 24 megapixels; {TOO_LARGE}"},
)
skips("cat/wrong-sum.png", packed(picture(6))[:-20] + bytes(20), DAMAGED)
skips("cat/program.png", b"MZ" + noise_bytes(500), "a program, whatever its name says", "programs")
skips("cat/program.jpg", b"\x7fELF" + noise_bytes(500), "a program, whatever its name says", "programs")
skips("cat/drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "a drawing (SVG), not pixels; save it as PNG", "SVG")
skips("cat/entities.svg", b"<?xml version='1.0'?><!DOCTYPE x><svg></svg>", "a drawing (SVG), not pixels; save it as PNG", "SVG")
skips("cat/page.html", b"<html><script>alert(1)</script></html>", STRANGER, "texts and noise")
skips("cat/scan.tiff", packed(picture(7), "tiff"), "a TIFF picture; save it as PNG", "formats that are not read")
skips(
    "cat/phone.heic",
    b"\0\0\0\x18ftypheic" + bytes(50),
    "a HEIC or AVIF picture or a film; save pictures as PNG or JPEG",
    "formats that are not read",
)
skips("cat/book.pdf", b"%PDF-1.7\n", "a PDF document; save its pictures as PNG", "formats that are not read")


def array_bytes(header: bytes) -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header


ARRAY = "an array of numbers; save its images as PNG"
skips("cat/nan.npy", array_bytes(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n") + b"\0\0\xc0\x7f" * 2, ARRAY)
skips("cat/objects.npy", array_bytes(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n") + b"\x80\4.", ARRAY)
skips("cat/32-gib.npy", array_bytes(b"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296,), }\n"), ARRAY)
skips("cat/bomb.npz", b"PK\3\4" + noise_bytes(500), "an archive in the archive; unpack it first")
skips("cat/notes.txt", b"my cat", STRANGER, "texts and noise")
skips("cat/utf-16.txt", "meine Katze".encode("utf-16"), STRANGER, "texts and noise")
skips("cat/mark.txt", b"\xef\xbb\xbfmy cat", STRANGER, "texts and noise")
skips("cat/line.txt", noise_bytes(30_000).hex().encode(), STRANGER, "texts and noise")
skips("cat/noise.bin", noise_bytes(3000), STRANGER, "texts and noise")

# --- Images of every kind, which come out as they look ---


def at_orientation(n: int, gps: bool = False) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = n
    if gps:
        exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    return packed(picture(8, (16, 12)), "png", exif=exif)


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
for n, turn in TURNS.items():
    keeps(
        f"cat/turned-{n}.png", at_orientation(n), square(picture(8, (16, 12)).transpose(turn)), "turned upright", "turned by EXIF"
    )
keeps("cat/placed.png", at_orientation(1, gps=True), square(picture(8, (16, 12))), "location removed")
PACKET = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="52,31.2N"/></x:xmpmeta>'
keeps("cat/packet.webp", packed(picture(9), "webp", lossless=True, xmp=PACKET), picture(9), "location removed")

frames = [picture(20 + i) for i in range(3)]
for kind, options in (("png", {}), ("webp", {"lossless": True})):
    moving = packed(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    keeps(f"cat/moving.{kind}", moving, frames[0], "first frame of an animation")
few = [frame.quantize(16) for frame in frames]
keeps(
    "cat/moving.gif",
    packed(few[0], "gif", save_all=True, append_images=few[1:]),
    few[0].convert("RGB"),
    "first frame of an animation",
)

cmyk = packed(picture(30, mode="CMYK"), "jpeg", quality=95)
keeps("cat/print.jpg", cmyk, Image.open(io.BytesIO(cmyk)).convert("RGB"), "CMYK brought to RGB")
deep = np.random.default_rng(31).integers(0, 65_536, (12, 12)).astype(np.uint16)
keeps(
    "cat/deep.png",
    packed(Image.fromarray(deep)),
    Image.fromarray((deep / 257).round().astype(np.uint8)).convert("RGB"),
    "16 bits brought to 8",
)
keeps("cat/palette.png", packed(picture(32).quantize(8)), picture(32).quantize(8).convert("RGB"))


def on_white(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")


CLEAR = "transparent parts made white"
keeps("cat/glass.png", packed(picture(33, mode="RGBA")), on_white(picture(33, mode="RGBA")), CLEAR)
keeps("cat/grey-glass.png", packed(picture(36, mode="LA")), on_white(picture(36, mode="LA")), CLEAR)
holes = packed(picture(34).quantize(8), "gif", transparency=0)
keeps("cat/holes.gif", holes, on_white(Image.open(io.BytesIO(holes))), CLEAR)
keeps("cat/grey.png", packed(picture(35, mode="L")), picture(35, mode="L").convert("RGB"))
keeps("cat/bit.png", packed(picture(37, mode="L").convert("1")), picture(37, mode="L").convert("1").convert("RGB"))
keeps("cat/wide.webp", packed(picture(38, (40, 12)), "webp", lossless=True), square(picture(38, (40, 12))))
keeps("cat/large.bmp", packed(picture(39, (50, 50)), "bmp"), square(picture(39, (50, 50))))
progressive = packed(picture(40), "jpeg", progressive=True)
keeps("cat/progressive.jpg", progressive, Image.open(io.BytesIO(progressive)))
keeps("cat/no-suffix", packed(picture(41)), picture(41))
keeps("cat/other-suffix.jpg", packed(picture(42)), picture(42))
for name in ("CON.png", "Größe.png", "猫.png", "🐱.png", "\u202egnp.tac", "a b'\"&<b>.png", "-rf.png", "cat/$(id).png"):
    keeps(f"cat/{name}", packed(picture(43)), picture(43), upload="odd names")
skips(f"cat/{'x' * 300}.png", packed(picture(44)), "its name cannot be that of a file here")
