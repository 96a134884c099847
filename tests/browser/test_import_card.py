"""The import card: an upload becomes a dataset that is on the page, with what became of each file; and it can be deleted."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from looks import sprite_of, sticks_out
from marks import SIZES, long
from photographs import few, needs_photographs
from PIL import Image
from playwright.sync_api import Page, expect


def packed(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    """Twenty tiny images in three folders, and two files that are none."""
    images = {f"{'abc'[i % 3]}/{i}.png": packed(i) for i in range(20)}
    return zipped(tmp_path / "Tiny Noises.zip", {**images, "a/note.txt": b"no", "b/empty.png": b""})


def upload(page: Page, *paths: Path) -> None:
    page.click("#tab-data")
    page.set_input_files("#data-import input", [str(path) for path in paths])


def bring(page: Page, name: str = "") -> None:
    if name:
        page.fill(".data-import input[name=name]", name)
    page.click(".data-import button[type=submit]")


def title(page: Page, text: str) -> None:
    expect(page.locator(".data-gallery .title")).to_have_text(text)


def picked(page: Page, name: str) -> None:
    expect(page.locator("#dataset-picker input")).to_have_value(name)


def uploads(name: str) -> list[Path]:
    from genlab.ui.server import serve  # noqa: F401  sets the folder that the served page has, too

    return list(Path(os.environ["GRADIO_TEMP_DIR"]).glob(f"*/{name}"))


def test_an_upload_becomes_a_dataset_and_can_be_deleted(page: Page, noises: Path):
    for left in uploads("Tiny*"):  # by a server that was killed
        left.unlink()
    upload(page, noises)
    expect(page.locator(".data-import .chip")).to_have_count(3)
    assert page.input_value(".data-import input[name=name]") == "tiny-noises"
    page.locator(".chip").nth(2).click()
    bring(page)
    title(page, "14 images in 2 classes")
    picked(page, "tiny-noises")
    assert page.locator("#data-gallery .name").all_inner_texts() == ["a", "b"]
    shown = {bytes(sprite_of(page, "#data-gallery")[:12, x : x + 12].tobytes()) for x in (0, 12, 24)}
    assert shown <= {np.asarray(Image.open(io.BytesIO(packed(i)))).tobytes() for i in range(0, 20, 3)}
    assert page.locator("#import-table tbody tr").count() == 16
    page.get_by_role("radio", name="Skipped 2").click()
    expect(page.locator("#import-table tbody tr")).to_have_count(2)
    assert page.locator("#import-table tbody tr").nth(0).inner_text().split("\t") == [
        "a/note.txt", "skipped", "not an image; genlab reads PNG, JPEG, WebP, BMP and GIF"
    ]  # fmt: skip
    assert uploads("Tiny*") == []
    page.click(".data-own .delete")
    expect(page.locator(".data-own .under")).to_contain_text("Delete tiny-noises?")
    page.click(".data-own .danger")
    title(page, "1,797 images in 10 classes")
    page.click("#dataset-picker input")
    assert "tiny-noises" not in page.get_by_role("option").all_inner_texts()


def test_a_row_of_the_table_shows_its_image(page: Page, noises: Path):
    upload(page, noises)
    expect(page.locator(".data-import .chip")).to_have_count(3)
    bring(page, "rows")
    title(page, "20 images in 3 classes")
    row = page.locator("#import-table tr:has(button)").first
    label = row.inner_text().split("/")[0]
    row.locator("button").click()
    expect(page.locator(".data-gallery .detail .label")).to_have_text(label)


def test_loose_images_come_in_without_classes(page: Page, tmp_path: Path):
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(packed(i))
    upload(page, *sorted(tmp_path.glob("*.png")))
    expect(page.locator(".data-import .what")).to_contain_text("3 files")
    bring(page, "loose")
    title(page, "3 images without classes")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no zip", "photos.zip is not a zip archive, or it is damaged or forged. Nothing was imported."),
        long(b"", "photos.zip is not a zip archive, or it is damaged or forged. Nothing was imported."),
    ],
)
def test_what_is_no_zip_gets_its_sentence(page: Page, tmp_path: Path, content: bytes, sentence: str):
    (tmp_path / "photos.zip").write_bytes(content)
    upload(page, tmp_path / "photos.zip")
    expect(page.locator(".data-import .fault")).to_have_text(sentence)
    expect(page.locator("#data-import")).to_be_visible()


def test_a_wrong_name_gets_its_sentence_and_the_upload_stays(page: Page, noises: Path):
    upload(page, noises)
    for name, sentence in {"Not A Name": "cannot name a dataset", "digits": "already a dataset called 'digits'"}.items():
        bring(page, name)
        expect(page.locator(".data-import .fault")).to_contain_text(sentence)
    page.click(".data-import .folders .link:nth-of-type(2)")
    bring(page, "named")
    expect(page.locator(".data-import .fault")).to_have_text("Tick at least one folder.")
    page.click(".data-import .folders .link:nth-of-type(1)")
    bring(page)
    title(page, "20 images in 3 classes")


def test_markup_in_names_is_only_text(page: Page, tmp_path: Path):
    files = {f"{name}/{i}<b>.png": packed(i) for i in range(3) for name in ("<img src=x onerror=alert(1)>", "b")}
    upload(page, zipped(tmp_path / "x.zip", files))
    expect(page.locator(".data-import .what")).to_contain_text("6 files")
    assert page.locator(".data-import .layout th img").count() == 0
    bring(page, "markup")
    title(page, "6 images in 2 classes")
    expect(page.locator("#import-table .file").first).to_have_text("<img src=x onerror=alert(1)>/0<b>.png")
    assert page.locator("#import-table img, .data-gallery .name img").count() == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose parts have names that are not known, and an image beside them."""
    for i, name in enumerate(f"{part}/{kind}/{n}.png" for part in ("eins", "zwei") for kind in ("cat", "dog") for n in range(4)):
        (tmp_path / "tiere" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tiere" / name).write_bytes(packed(i))
    (tmp_path / "tiere" / "LIESMICH.txt").write_text("cats and dogs")
    return tmp_path / "tiere"


def rows(page: Page) -> list[list[str]]:
    return [[cell.strip() for cell in row.inner_text().split("\t")] for row in page.locator(".data-import .layout tr").all()]


def test_a_whole_folder_is_understood_corrected_and_imported(page: Page, folder: Path):
    page.click("#tab-data")
    page.set_input_files(".data-import .whole input", str(folder))
    expect(page.locator(".data-import .told")).to_contain_text("The folders eins, zwei over the classes are no parts")
    assert page.input_value(".data-import input[name=name]") == "tiere"
    assert rows(page) == [["class", "training"], ["cat", "8"], ["dog", "8"]]
    assert page.locator(".data-import .layout img").first.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [
        96,
        32,
    ]
    page.fill(".data-import input[name=name]", "zoo")
    for name, part in (("eins", "train"), ("zwei", "test")):
        page.get_by_label(f"the folder {name} is").select_option(part)
        expect(page.get_by_label(f"the folder {name} is")).to_have_value(part)
    expect(page.locator(".data-import .layout thead th")).to_have_count(3)
    assert rows(page)[1:] == [["cat", "4", "4"], ["dog", "4", "4"]]
    page.get_by_label("classes are read off").select_option("none")
    expect(page.locator(".data-import .layout tbody tr")).to_have_count(1)
    bring(page)
    title(page, "16 images without classes")
    picked(page, "zoo")


def drop(page: Page, selector: str, *paths: Path) -> None:
    """Let files and folders fall on a place, as from the system's own windows."""
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    hand = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": kind, "x": box["x"] + 20, "y": box["y"] + 20, "data": data})
    hand.detach()


@pytest.mark.long
def test_a_folder_that_is_dropped_brings_along_all_that_lies_in_it(page: Page, tmp_path: Path):
    for i in range(130):  # a browser tells a hundred entries at a time
        (tmp_path / "zoo" / "cat").mkdir(parents=True, exist_ok=True)
        (tmp_path / "zoo" / "cat" / f"{i}.png").write_bytes(packed(i))
    (tmp_path / "zoo" / "birds" / "owl").mkdir(parents=True)
    (tmp_path / "zoo" / "birds" / "owl" / "ö.png").write_bytes(packed(130))
    (tmp_path / "zoo" / ".hidden.png").write_bytes(packed(131))
    (tmp_path / "more.png").write_bytes(packed(132))
    page.click("#tab-data")
    drop(page, "#data-import", tmp_path / "zoo", tmp_path / "more.png")
    expect(page.locator(".data-import .what")).to_contain_text("132 files")
    assert rows(page) == [["class", "training"], ["no folder", "1"], ["cat", "130"], ["owl", "1"]]
    bring(page, "dropped")
    title(page, "132 images in 2 classes")


def test_a_table_among_loose_files_tells_their_classes(page: Page, tmp_path: Path):
    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(packed(i))
    (tmp_path / "labels.csv").write_text("file,label\n0.png,red\n1.png,red\n2.png,blue\n3.png,blue\n")
    upload(page, *sorted(tmp_path.iterdir()))
    expect(page.locator(".data-import .layout tbody tr")).to_have_count(2)
    assert [row[0] for row in rows(page)] == ["class", "blue", "red"]


def test_what_holds_no_image_is_refused_before_anything_is_asked(page: Page, tmp_path: Path):
    (tmp_path / "book.pdf").write_bytes(b"%PDF-1.7\n")
    upload(page, tmp_path / "book.pdf")
    expect(page.locator(".data-import .fault")).to_contain_text("No image found in book.pdf")
    expect(page.locator("#data-import")).to_be_visible()


@pytest.mark.long
def test_many_classes_can_be_searched(page: Page, tmp_path: Path):
    upload(page, zipped(tmp_path / "many.zip", {f"class {k}/1.png": packed(k) for k in range(40)}))
    page.fill(".data-import .seek", "class 7")
    expect(page.locator(".data-import .chip")).to_have_count(1)
    page.locator(".data-import .chip").click()
    page.fill(".data-import .seek", "")
    expect(page.locator(".data-import .chip")).to_have_count(40)
    assert page.locator(".data-import .chip input:not(:checked)").count() == 1


@pytest.mark.parametrize(
    ("files", "size", "sentence"),
    [(70_000, 1, "70,000 files are more than can be brought along"), (2, 3 * 2**30, "These files are 3,072 MB, more than")],
)
def test_too_much_is_told_before_it_is_uploaded(files: int, size: int, sentence: str):
    from genlab.ui.tabs.data.import_card import may

    assert may({"files": files, "bytes": size})["error"].startswith(sentence)


@needs_photographs
def test_cats_and_dogs_come_in(page: Page, tmp_path: Path):
    upload(page, few(tmp_path / "pets.zip", 30, "cat", "dog", parts=("train", "test")))
    expect(page.locator(".data-import .what")).to_contain_text("60 to train on, 60 to test on")
    bring(page)
    title(page, "120 images in 2 classes")
    assert page.locator("#data-gallery .name").all_inner_texts() == ["cat", "dog"]
    assert page.locator(".data-own .pager").inner_text().split("\n")[1] == "page 1 of 3"
    page.locator(".data-own .pager .turn").nth(1).click()
    expect(page.locator(".data-own .pager")).to_contain_text("page 2 of 3")
    assert page.locator("#import-table tbody tr").count() == 50


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out(size: str, request: pytest.FixtureRequest, noises: Path):
    page = request.getfixturevalue(size)
    upload(page, noises)
    expect(page.locator(".data-import .chip")).to_have_count(3)
    assert sticks_out(page) == []
    bring(page, f"tidy-{size}")
    title(page, "20 images in 3 classes")
    page.click(".data-own .delete")
    assert sticks_out(page) == []
