"""Importing: every upload gets its exact words or comes in with its pixels; nothing is left, and memory stays small."""

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from uploads import GOOD, UPLOADS, Upload, at_orientation, laid, packed, picture, zipped

from genlab.data import importer, list_datasets, load
from genlab.data.importer import Job
from genlab.data.importing import LOCAL, PUBLIC, SCRATCH, import_images, look_at, read_image, table_of
from genlab.errors import BadData, BadSetting, GenlabError, UnknownName
from genlab.paths import datasets_folder, in_space

MEASURED = """
import atexit, pathlib, re, runpy
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: pathlib.Path({note!r}).write_text(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]))
runpy.run_path({importer!r}, run_name="__main__")
"""


@pytest.fixture
def peak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the importer notes the most memory that it took, in kB, as it ends."""
    wrapper, note = tmp_path / "measured.py", tmp_path / "peak"
    wrapper.write_text(MEASURED.format(note=str(note), importer=importer.__file__))
    monkeypatch.setattr(importer, "__file__", str(wrapper))
    return note


def put_in_its_place(source: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an importer of another text run, beside what it loads."""
    package, copy = Path(importer.__file__).parents[1], folder.with_name("copy") / "genlab"
    (copy / "data").mkdir(parents=True)
    shutil.copy(package / "messages.py", copy)
    for name in ("layout.py", "documents.py"):
        shutil.copy(package / "data" / name, copy / "data")
    (copy / "data" / "importer.py").write_text(source)
    monkeypatch.setattr(importer, "__file__", str(copy / "data" / "importer.py"))


@pytest.fixture
def given(tmp_path: Path) -> Path:
    (tmp_path / "given").mkdir()
    return tmp_path / "given"


def imported(paths, name="mine", **options):
    *_, last = import_images(paths, name, **{"limits": PUBLIC, **options})
    return last.imported


def left_over() -> list[Path]:
    return [path for path in datasets_folder().glob("*") if path.suffix != ".lock" and path.name != "mine"]


def numbered(*names: str) -> dict[str, bytes]:
    return {name: packed(picture(i)) for i, name in enumerate(names)}


@pytest.mark.parametrize("upload", UPLOADS.values(), ids=UPLOADS)
def test_an_upload_gets_its_words_or_comes_in(upload: Upload, peak: Path, given: Path, tmp_path: Path):
    paths = upload.make(given)
    before, began = set(tmp_path.rglob("*")), time.monotonic()
    if upload.refused:
        with pytest.raises(GenlabError) as refusal:
            imported(paths)
        assert str(refusal.value) == upload.refused
        assert "mine" not in list_datasets()
    else:
        table = {verdict.file: verdict for verdict in imported(paths).table}
        assert {name: table[name].words for name in upload.words} == dict(upload.words)
        for name, expected in upload.pixels.items():
            kept = load("mine").parts[table[name].part].read([table[name].row])[0]
            assert np.array_equal(kept.permute(1, 2, 0).numpy(), expected)
        assert any(verdict.kept and not verdict.words for verdict in table.values())
    assert time.monotonic() - began < 30
    assert int(peak.read_text()) < 2**20
    assert not left_over()
    assert {path for path in set(tmp_path.rglob("*")) - before if tmp_path / "datasets" not in (path, *path.parents)} == {peak}


def test_a_thousand_changed_bytes_never_fail_the_whole(given: Path):
    random = np.random.default_rng(0)
    files = dict(GOOD)
    for i in range(120):
        kind = ("png", "jpeg", "gif", "webp", "bmp")[i % 5]
        content = bytearray(packed(picture(i), kind))
        for place in random.integers(0, len(content), 1 + i % 9):
            content[place] = random.integers(256)
        files[f"cat/{i}.{kind}"] = bytes(content)
    table = imported(zipped(files)(given), size=8).table
    assert len(table) == 122
    assert all(verdict.kept for verdict in table if verdict.file in GOOD)


# --- Dates ---


def taken_on(day: str) -> bytes:
    """A picture that its camera dated, at a place that is nobody's business."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = day
    exif.get_ifd(0x8825)[1] = "N"
    return packed(picture(len(day)), "jpeg", exif=exif)


def days_of(name: str = "mine") -> set[str]:
    return {str(day) for part in load(name).parts.values() for day in part.days}


def written_on(*days: tuple[int, int, int]) -> Path:
    def make(folder: Path) -> list[Path]:
        with zipfile.ZipFile(folder / "dated.zip", "w") as archive:
            for i, day in enumerate(days):
                archive.writestr(zipfile.ZipInfo(f"{i}.png", (*day, 12, 0, 0)), packed(picture(i)))
        return [folder / "dated.zip"]

    return make


def test_a_camera_s_day_is_kept_and_nothing_else_of_what_it_noted(given: Path):
    imported(laid({"1.jpg": taken_on("2019:07:14 10:11:12"), "2.jpg": taken_on("1955:01:02 00:00:00")})(given))
    assert days_of() == {"2019-07-14", "1955-01-02"}
    columns = {file.name for file in (datasets_folder() / "mine").rglob("*.npy")}
    assert columns == {"items.npy", "label.npy", "id.npy", "date.npy"}
    assert not [file for file in (datasets_folder() / "mine").rglob("*") if file.is_file() and b"10:11" in file.read_bytes()]


@pytest.mark.parametrize("day", ["0000:00:00 00:00:00", "2999:01:01 00:00:00", "1970:01:01 00:00:00", "yesterday", "", "2019"])
def test_a_day_that_cannot_be_is_none(day: str, given: Path):
    imported(laid({"1.jpg": taken_on(day), "2.jpg": taken_on(day)})(given))
    assert "date" not in load("mine").train.columns
    assert days_of() == {"None"}


@pytest.mark.parametrize(
    ("days", "kept"),
    [
        ([(2015, 3, 1), (2021, 8, 9)], {"2015-03-01", "2021-08-09"}),
        ([(2021, 8, 9), (2021, 8, 9)], {"None"}),  # packed in one go
        ([(2021, 8, 9), (2021, 8, 10)], {"None"}),
        ([(1980, 1, 1), (2021, 8, 9), (2015, 3, 1)], {"None", "2021-08-09", "2015-03-01"}),  # where a zip's days begin
        ([(1980, 1, 1), (2099, 1, 1)], {"None"}),
    ],
)
def test_the_days_of_files_are_real_only_where_they_differ(days: list, kept: set[str], given: Path):
    imported(written_on(*days)(given))
    assert days_of() == kept


def test_files_in_a_folder_have_days_and_single_ones_have_those_of_their_upload_which_say_nothing(given: Path):
    folder = laid(numbered("1.png", "2.png"))(given)[0]
    for i, file in enumerate(sorted(folder.iterdir())):
        os.utime(file, (1.5e9, 1.5e9 + i * 1e7))
    imported([folder])
    assert days_of() == {"2017-07-14", "2017-11-06"}
    imported(sorted(folder.iterdir()), name="loose")
    assert days_of("loose") == {"None"}


# --- Classes, parts, folders ---


def test_the_last_folder_is_the_class_and_a_top_folder_the_part(given: Path):
    parts = {"train": 5, "val": 2, "test": 3}
    files = [f"pets/{part}/{kind}/{i}.png" for part, n in parts.items() for kind in ("cat", "dog") for i in range(n)]
    table = imported(zipped(numbered(*files))(given)).table
    data = load("mine")
    assert data.spec.classes == ("cat", "dog")
    assert {name: len(part) for name, part in data.parts.items()} == {"train": 10, "validation": 4, "test": 6}
    for i, verdict in enumerate(sorted(table, key=lambda v: files.index(v.file))):
        part = data.parts[verdict.part]
        assert verdict.file.split("/")[1].startswith(verdict.part[:3])
        assert data.spec.classes[part.label[verdict.row]] in verdict.file
        assert np.array_equal(part.read([verdict.row])[0].permute(1, 2, 0), picture(i))


@pytest.mark.parametrize(
    ("files", "classes"),
    [
        (("a/cat/1.png", "a/dog/2.png"), ("cat", "dog")),
        (("1.png", "2.png"), ()),
        (("cat/1.png", "2.png"), ("cat",)),
        (("test/cat/1.png", "test/dog/2.png"), ("cat", "dog")),  # a test part alone is no part
        (("train/1.png", "train/2.png", "test/3.png"), ()),
        (("a/b/cat/1.png", "a/c/cat/2.png"), ("cat",)),
    ],
)
def test_folders_become_classes(files: tuple[str, ...], classes: tuple[str, ...], given: Path):
    imported(zipped(numbered(*files))(given))
    assert load("mine").spec.classes == classes


def test_a_folder_comes_in_as_its_zip_does(given: Path):
    files = numbered("train/cat/1.png", "train/dog/2.png", "train/dog/3.png", "test/cat/4.png")
    folder = imported(laid(files)(given), "folder")
    archive = imported(zipped({f"photos/{name}": content for name, content in files.items()})(given), "archive")
    assert folder.table == archive.table
    for part, data in load("folder").parts.items():
        assert np.array_equal(data.base, load("archive").parts[part].base)


def test_a_look_tells_the_folders_and_some_can_be_taken(given: Path):
    paths = zipped(numbered("cat/1.png", "cat/2.png", "dog/3.png", "owl/4.png", "__MACOSX/x/5.png"))(given)
    assert look_at(paths).folders == {"cat": 2, "dog": 1, "owl": 1}
    assert len(imported(paths, folders=["cat", "owl"]).table) == 3
    assert load("mine").spec.classes == ("cat", "owl")
    with pytest.raises(GenlabError, match=r"There is no class called 'cats'\. Possible: cat, dog, owl\."):
        imported(paths, "other", folders=["cats"])


def test_the_tables_file_tells_the_same_later(given: Path):
    table = imported(zipped({**GOOD, "cat/a.txt": b"no"})(given)).table
    assert table_of("mine") == table
    with pytest.raises(UnknownName):
        table_of("../mine")


def test_the_summary_counts_what_was_done_and_why(given: Path):
    placed = {f"{n}.png": at_orientation(n, gps=True) for n in (1, 6)}
    found = imported(zipped({**GOOD, **placed, "a.txt": b"a", "b.txt": b"b", "c.png": b""})(given))
    assert found.summary == (
        "4 of 7 files imported. 2 × location removed; 1 × turned upright. "
        "3 skipped: 2 × not an image; genlab reads PNG, JPEG, WebP, BMP and GIF; 1 × 0 bytes."
    )


# --- What the rules of layouts (test_layout.py) need of an import ---


def test_a_table_in_a_zip_tells_the_classes(given: Path):
    table = "Image Name;Breed\n1.png;café\n2.png;pug\n".encode("cp1252")  # as spreadsheets write it
    imported(zipped({**numbered("pets/1.png", "pets/2.png"), "pets/labels.csv": table})(given))
    assert load("mine").spec.classes == ("café", "pug")


def test_a_look_shows_some_pictures_of_each_class_in_each_part_and_tells_what_it_does_not_know(given: Path):
    files = numbered(*(f"{part}/{kind}/{i}.png" for part in ("train", "test") for kind in ("cat", "dog") for i in range(4)))
    found = look_at(zipped({**files, "extra/5.png": packed(picture(99))})(given))
    assert found.cells == {(part, kind): 4 for part in ("train", "test") for kind in ("cat", "dog")}
    assert {cell: len(some) for cell, some in found.pictures.items()} == dict.fromkeys(found.cells, 3)
    first = picture(0).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.array_equal(found.pictures["train", "cat"][0].transpose(1, 2, 0), first)
    assert found.told == ("1 file is left out, beside the parts and in none of them: extra.",)
    assert not left_over()


def test_an_import_follows_what_a_person_says_as_its_look_does(given: Path):
    paths = zipped(numbered(*(f"{part}/{kind}/{i}.png" for part in ("学", "试") for kind in ("cat", "dog") for i in range(4))))(
        given
    )
    wish = {"classes": "none", "parts": {"学": "train", "试": "test"}}
    assert look_at(paths, **wish).cells == {("train", ""): 8, ("test", ""): 8}
    imported(paths, **wish)
    assert load("mine").spec.classes == ()
    assert len(load("mine").test) == 8
    with pytest.raises(BadData, match=r"There is no folder called 'dev'"):
        imported(paths, "other", parts={"dev": "test"})


def test_where_all_is_held_out_nothing_can_be_trained_on(given: Path):
    paths = zipped(GOOD)(given)
    with pytest.raises(BadData, match=r"Nothing to train on came in"):
        imported(paths, parts={"cat": "test", "dog": "validation"})


def test_a_look_refuses_what_holds_no_image(given: Path):
    with pytest.raises(BadData, match=r"No image found in photos\.zip.*a PDF document; save its pictures as PNG"):
        look_at(zipped({"book.pdf": b"%PDF-1.7\n"})(given))


def test_zips_beside_one_another_are_folders(given: Path):
    paths = [path for name in ("train", "test") for path in zipped(numbered("cat/1.png", "dog/2.png"), f"{name}.zip")(given)]
    assert look_at(paths).cells == {(part, kind): 1 for part in ("train", "test") for kind in ("cat", "dog")}


def test_names_in_utf_8_are_read_without_the_flag_that_says_so(given: Path):
    files = {"XXXXX/1.png": packed(picture(1)), "tea/2.png": packed(picture(2))}
    imported(zipped(files, change=lambda zip: zip.replace(b"XXXXX", "café".encode()))(given))
    assert load("mine").spec.classes == ("café", "tea")


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize(
    "block", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01", b"Exif\0\0no such block"]
)
def test_an_image_is_kept_whatever_its_exif_block_holds(kind: str, block: bytes, given: Path):
    shown = packed(picture(7), kind, exif=block)
    table = imported(zipped({**GOOD, f"cat/7.{kind}": shown})(given)).table
    assert all(verdict.kept for verdict in table)


def test_a_flat_drawing_as_bmp_is_no_bomb(given: Path):
    drawing = packed(Image.new("RGB", (600, 600), "navy"), "bmp")
    (path,) = zipped({**GOOD, "cat/3.bmp": drawing})(given)
    assert len(drawing) > 100 * zipfile.ZipFile(path).getinfo("cat/3.bmp").compress_size
    assert all(verdict.kept for verdict in imported([path]).table)


@pytest.mark.parametrize(
    "change", [lambda bmp: bmp[:18] + b"\x10\0\0\0" + bmp[22:], lambda bmp: bmp + bytes(5 * 2**20), lambda bmp: bmp[:20]]
)
def test_a_bomb_that_calls_itself_bmp_is_one(change, given: Path):
    bomb = change(packed(Image.new("RGB", (600, 600), "navy"), "bmp")) + bytes(2**20)
    table = {verdict.file: verdict for verdict in imported(zipped({**GOOD, "cat/3.bmp": bomb})(given)).table}
    assert table["cat/3.bmp"].words == "unpacks to more than 100 times its size"


def test_one_tiny_image_does_not_make_all_tiny_and_is_told(given: Path):
    files = {f"{kind}/{i}.png": packed(picture(i, (64, 64))) for kind in ("cat", "dog") for i in range(4)}
    found = imported(zipped({**files, "cat/spacer.png": packed(picture(9, (1, 1)))})(given))
    assert found.shape == (3, 64, 64)
    assert "1 × enlarged from 1 × 1 pixels" in found.summary


@pytest.mark.parametrize("each", [2, 3, 14])
def test_each_class_has_something_to_train_on(each: int, given: Path):
    imported(zipped(numbered(*(f"{kind}/{i}.png" for kind in ("cat", "dog", "owl") for i in range(each))))(given))
    data = load("mine")
    assert (data.train.counts > 0).all()
    assert data.train.counts.max() - data.train.counts.min() <= 1
    assert sum(map(len, data.parts.values())) == 3 * each
    assert len(data.validation) == len(data.test) == max(1, 3 * each // 12)


# --- Size and mode ---


@pytest.mark.parametrize(
    ("sides", "size"), [((40, 33), 32), ((300, 200), 64), ((28, 28), 28), ((5, 90), 8), ((31, 64), 28), ((8, 9), 8)]
)
def test_the_size_is_the_smallest_side_seen(sides: tuple[int, int], size: int, given: Path):
    files = {f"{i}.png": packed(picture(i, (side, side + 3))) for i, side in enumerate(sides)}
    assert imported(zipped(files)(given)).shape == (3, size, size)


def test_a_size_that_is_given_is_kept_and_each_image_brought_to_it(given: Path):
    wide = picture(3, (50, 20))
    imported(zipped({**GOOD, "wide.png": packed(wide)})(given), size=16)
    where = {verdict.file: verdict for verdict in table_of("mine")}["wide.png"]
    expected = wide.resize((16, 16), Image.Resampling.LANCZOS, box=(15, 0, 35, 20))
    assert np.array_equal(load("mine").parts[where.part].read([where.row])[0].permute(1, 2, 0), expected)


GREYS = {f"{i}.{kind}": packed(picture(i, mode="L"), kind) for i, kind in enumerate(("png", "jpeg", "gif", "bmp"))}


@pytest.mark.parametrize(
    ("files", "mode", "channels"),
    [(GREYS, "auto", 1), ({**GREYS, **GOOD}, "auto", 3), (GOOD, "grey", 1), (GREYS, "colour", 3)],
)
def test_grey_stays_grey_where_all_are(files, mode, channels, given: Path):
    assert imported(zipped(files)(given), mode=mode).shape == (channels, 12, 12)


def test_a_grey_image_keeps_its_pixels(given: Path):
    where = imported(zipped(GREYS)(given)).table[0]
    assert np.array_equal(load("mine").parts[where.part].read([where.row])[0, 0], picture(0, mode="L"))


# --- What can be wrong before anything is opened ---


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "../up"}, "cannot name a dataset"),
        ({"name": "digits"}, "already a dataset called 'digits'"),
        ({"size": 10}, "size is 10; it must be a multiple of 4 from 8 to 256"),
        ({"size": 1000}, "size is 1000"),
        ({"size": True}, "size is True"),
        ({"size": 16.0}, "size is 16.0"),
        ({"mode": "sepia"}, "mode is 'sepia'; it must be one of auto, grey, colour"),
        ({"paths": []}, "Name a zip, a folder or images"),
    ],
)
def test_what_cannot_be_is_said_at_once(options, sentence, given: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importer, "__file__", "/nowhere.py")  # no process is asked
    with pytest.raises((BadSetting, BadData, UnknownName), match=sentence.replace(".", r"\.")):
        imported(**{"paths": zipped(GOOD)(given), **options})


def test_too_many_classes_are_not_made(given: Path):
    files = {f"{i}/1.png": packed(picture(1)) for i in range(1001)}
    with pytest.raises(BadData, match=r"photos.zip has 1,001 folders; at most 1,000 can be classes"):
        imported(zipped(files)(given))


# --- The process ---


LINE = '{"doing": "look", "done": 1, "total": 2, "kept": 1, "skipped": 0}'


@pytest.fixture
def stand_in(given: Path, monkeypatch: pytest.MonkeyPatch):
    """Let another program take the importer's place; it has told of one step already."""

    def put(then: str) -> None:
        (given / "stand_in.py").write_text(f"import os, time\nprint({LINE!r}, flush=True)\n{then}")
        monkeypatch.setattr(importer, "__file__", str(given / "stand_in.py"))

    return put


def test_closing_ends_the_process_and_leaves_nothing(given: Path, stand_in):
    stand_in("time.sleep(100)")
    before = set(psutil.Process().children())
    with closing(import_images(zipped(GOOD)(given), "mine")) as steps:
        assert next(steps).kept == 1
        assert len(left_over()) == 1
        (process,) = set(psutil.Process().children()) - before
    assert not process.is_running()
    assert not left_over()
    assert "mine" not in list_datasets()


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os.abort()", "raise SystemExit(1)", "raise SystemExit(0)"])
def test_a_process_that_dies_is_a_sentence(end: str, given: Path, stand_in):
    stand_in(end)
    with pytest.raises(BadData, match=r"stopped by this computer, perhaps for want of memory\. Nothing was imported"):
        imported(zipped(GOOD)(given))
    assert not left_over()


def test_a_process_whose_page_is_gone_empties_its_folder(given: Path):
    (given / "scratch").mkdir()
    job = Job([str(path) for path in zipped(GOOD)(given)], str(given / "scratch"), LOCAL)
    process = subprocess.Popen([sys.executable, importer.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.close()
    process.communicate(json.dumps(asdict(job)).encode() + b"\n")
    assert process.returncode == 0
    assert not (given / "scratch").exists()


def test_a_process_that_takes_too_long_is_a_sentence(given: Path):
    with pytest.raises(BadData, match=r"took longer than 0.01 s \(limit\)\. Nothing was imported"):
        imported(zipped(GOOD)(given), limits=replace(LOCAL, seconds=0.01))
    assert not left_over()


def test_the_process_may_not_take_more_memory_than_it_is_given(given: Path, monkeypatch: pytest.MonkeyPatch):
    source = Path(importer.__file__).read_text().replace("MEMORY = 850 * 2**20", "MEMORY = 60 * 2**20")
    put_in_its_place(source, given, monkeypatch)
    files = {**GOOD, "large.png": packed(Image.new("RGB", (4800, 4800)))}
    (verdict,) = [v for v in imported(laid(files)(given), limits=LOCAL).table if not v.kept]
    assert (verdict.file, verdict.words) == ("photos/large.png", "takes more memory than an import may have")


def test_a_full_disk_is_a_sentence(given: Path, monkeypatch: pytest.MonkeyPatch):
    full = "pixels.write = lambda content: (_ for _ in ()).throw(OSError(28, 'No space left on device'))"
    opened = '    with (scratch / "pixels").open("wb") as pixels:\n'
    source = Path(importer.__file__).read_text()
    assert opened in source
    put_in_its_place(source.replace(opened, f"{opened}        class pixels: pass\n        {full}\n"), given, monkeypatch)
    with pytest.raises(BadData, match=r"could not write: no space left on device\. Free some space"):
        imported(zipped(GOOD)(given))
    assert not left_over()


def test_what_a_killed_import_left_is_swept(given: Path):
    gone = psutil.Popen(["true"])
    gone.wait()
    stale, live = (datasets_folder() / f"{SCRATCH}{pid}-x" for pid in (gone.pid, os.getpid()))
    stale.mkdir(parents=True)
    live.mkdir()
    imported(zipped(GOOD)(given))
    assert left_over() == [live]


def test_an_import_stays_in_its_space(given: Path, tmp_path: Path):
    with in_space(tmp_path / "visitor"):
        imported(zipped(GOOD)(given))
        assert "mine" in list_datasets()
    assert "mine" not in list_datasets()
    assert (tmp_path / "visitor" / "datasets" / "mine").is_dir()


def test_one_image_is_read_as_a_middle_square(given: Path):
    wide = Image.new("RGB", (60, 20), "black")
    wide.paste("white", (20, 0, 40, 20))
    wide.save(given / "wide.png")
    pixels, words = read_image(given / "wide.png", 10, grey=True, limits=PUBLIC)
    assert pixels.shape == (1, 10, 10)
    assert pixels[:, :, 1:-1].min() > 250
    assert words == ""
    assert not left_over()


def test_what_is_not_one_image_is_told(given: Path):
    (given / "no.png").write_text("hello")
    with pytest.raises(BadData, match=r"No image found in no\.png"):
        read_image(given / "no.png", 10, grey=True)
    (two,) = zipped(numbered("a.png", "b.png"))(given)
    with pytest.raises(BadData, match=r"photos\.zip holds 2 images; give one image"):
        read_image(two, 10, grey=False)
