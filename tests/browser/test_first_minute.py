"""The first minute on a machine that has no data: what is here is shown, and what is not is fetched when one asks for it."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from seats import Seats
from serving import serving

from genlab.data.sources import IDX
from genlab.training.run import Run


class Net:
    """All of the net: a server that sends slowly and without end whatever it is asked for, or refuses it."""

    def __init__(self) -> None:
        self.refuses, self.asked, self.over = False, 0, Event()
        net = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                net.asked += 1
                self.send_response(404 if net.refuses else 200)
                self.end_headers()
                with suppress(OSError):  # the other side hung up
                    while not net.refuses and not net.over.wait(0.02):
                        self.wfile.write(bytes(2**14))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    net = Net()
    yield net
    net.over.set()
    net.server.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bare")


@pytest.fixture(scope="module")
def bare_server(folder: Path, net: Net) -> Iterator[str]:
    """The page on a machine without data, which reaches others through `net` alone."""
    with ExitStack() as open_things:
        with pytest.MonkeyPatch.context() as patch:  # for this server alone: another may be started meanwhile
            _alone(patch, folder, net)
            address = open_things.enter_context(serving(folder / "runs", folder / "server.log"))
        yield address


def _alone(patch: pytest.MonkeyPatch, folder: Path, net: Net) -> None:
    """A machine without data, which reaches others through `net` alone."""
    for variable in ("CACHE", "DATA"):
        patch.setenv(f"GENLAB_{variable}", str(folder / variable.lower()))
    for scheme in ("http_proxy", "https_proxy"):
        patch.setenv(scheme, net.address)
    patch.setenv("no_proxy", "127.0.0.1,localhost")


@pytest.fixture
def bare(seats: Seats, bare_server: str) -> Iterator[Page]:
    with seats.one("desk") as page:
        page.goto(bare_server)
        page.wait_for_selector("#tab-latent")
        yield page


def test_one_starts_with_data_that_are_here_and_nothing_complains(bare: Page, net: Net):
    expect(bare.get_by_label("dataset", exact=True)).to_have_value("digits")
    expect(bare.locator("#latent-strip button")).to_have_count(11)
    expect(bare.locator(".fault:visible")).to_have_count(0)
    bare.locator("#latent-source [data-choice=test]").click()
    expect(bare.locator("#latent-wall")).to_contain_text("mnist, are not on this machine. Fetch them on the Data tab")
    expect(bare.locator(".fault:visible")).to_have_count(0)
    assert net.asked == 0


@pytest.mark.long
def test_what_is_not_here_is_offered_fetched_given_up_and_laid_by_hand(bare: Page, bare_server: str, net: Net, folder: Path):
    bare.goto(f"{bare_server}/?tab=data&dataset=kmnist")
    card = bare.locator(".data-gallery")
    expect(card.locator("h2")).to_have_text("kmnist is not on this machine yet")
    expect(card).to_contain_text("cursive Japanese letters")
    expect(card).to_contain_text("put the files KMNIST/raw/train-images-idx3-ubyte")
    expect(bare.locator(".data-facts")).to_be_hidden()
    assert net.asked == 0

    card.get_by_role("button", name="Fetch it · 21 MB").click()
    expect(card.get_by_role("status")).to_have_text(re.compile(r"[0-9.]+ of 21\.2 MB"))
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_role("button", name="Fetch it")).to_be_visible()

    net.refuses = True
    card.get_by_role("button", name="Fetch it").click()
    expect(card.get_by_role("status")).to_contain_text(
        "could not be had (HTTP Error 404: Not Found). Connect and try again, or put"
    )

    for file in IDX:
        n, images = (20 if "t10k" in file else 60), "images" in file
        shape = (n, 28, 28) if images else (n,)
        target = folder / "data" / "KMNIST" / "raw" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(
            bytes([0, 0, 8, len(shape)])
            + np.array(shape, ">i4").tobytes()
            + (np.arange(np.prod(shape)) % 10).astype(np.uint8).tobytes()
        )
    card.get_by_role("button", name="Fetch it").click()
    expect(card.locator("h2")).to_have_text("80 images in 10 classes")
    expect(bare.locator(".data-facts")).to_be_visible()
    expect(bare.get_by_label("dataset", exact=True)).to_have_value("kmnist")


@pytest.mark.long
def test_a_picker_that_is_left_with_tab_closes_and_arrow_keys_go_from_tab_to_tab(page: Page):
    page.wait_for_function("document.querySelector('#latent-image').dataset.values")  # nothing is drawn anew by now
    lists = page.locator("[role=listbox]:visible")
    page.add_style_tag(content="[role=listbox] { max-height: 60px !important; }")  # it scrolls, as with many datasets
    page.focus("#dataset-picker input")
    expect(lists).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator("#model-picker input")).to_be_focused()
    expect(lists).to_have_count(1)
    page.keyboard.press("Tab")
    expect(lists).to_have_count(0)
    page.focus("#tab-latent")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-sample")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-evaluate")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-data")).to_be_focused()


def test_a_model_says_in_a_sentence_what_it_is_and_the_pad_marks_only_what_is_on_screen(page: Page):
    expect(page.locator("#latent-about")).to_have_text(
        "A VAE that learnt 55,000 handwritten digits (mnist); each slider is one of its 16 numbers, the strongest first."
    )
    expect(page.locator("#latent-spot")).to_have_text("The picture is elsewhere; drag or click here.")
    page.focus("#latent-pad")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#latent-spot")).to_have_text("0.60 · 0.50")
    page.click("#latent-random")
    expect(page.locator("#latent-spot")).to_have_text("The picture is elsewhere; drag or click here.")


def test_what_is_told_in_passing_covers_no_picker(page: Page, server: str):
    page.goto(f"{server}/?dataset=UNKNOWN")
    expect(page.get_by_text("There is no dataset called 'UNKNOWN'")).to_be_visible()
    page.click("#model-picker input")
    expect(page.get_by_role("option", name="dcgan-mnist")).to_be_visible()


def test_a_run_that_would_be_started_says_which_dataset_it_learns(page: Page):
    page.click("#tab-train")
    dataset = page.get_by_label("dataset", exact=True).input_value()
    expect(page.locator(".train-form")).to_contain_text(f"It learns {dataset}, the dataset that is picked above.")


def test_on_a_phone_one_draws_beside_the_images_and_locks_are_as_large_as_a_finger(phone: Page):
    lock = phone.locator("#latent-slider-0 .lock").bounding_box()
    assert lock is not None
    assert min(lock["width"], lock["height"]) >= 40
    phone.click("#tab-sample")
    expect(phone.locator("#sample-status")).to_contain_text("drawn in")
    first = phone.locator("#sample-gallery").get_attribute("data-id")
    phone.locator("#sample-draw").click()
    expect(phone.locator("#sample-gallery")).not_to_have_attribute("data-id", first or "")


@pytest.mark.long
def test_the_address_follows_what_is_looked_at_and_reload_and_back_keep_it(page: Page):
    expect(page.locator("#latent-strip .tile")).to_have_count(11)  # until then the pickers may still be set
    page.click("#tab-train")
    page.click("#dataset-picker input")
    page.get_by_role("option", name="sprites", exact=True).click()
    page.click("#model-picker input")
    page.get_by_role("option", name="vae-sprites", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?tab=train&dataset=sprites&model=vae-sprites$"))
    page.reload()
    expect(page.locator("#tab-train")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("dataset", exact=True)).to_have_value("sprites")
    expect(page.get_by_label("model", exact=True)).to_have_value("vae-sprites")
    page.click("#tab-sample")
    expect(page).to_have_url(re.compile("tab=sample"))
    page.go_back()
    expect(page.locator("#tab-train")).to_have_attribute("aria-selected", "true")


@pytest.mark.long
def test_how_a_shipped_model_learnt_is_on_stage_until_one_trains_and_can_only_be_looked_at(
    bare: Page, bare_server: str, folder: Path
):
    bare.goto(f"{bare_server}/?tab=train")
    stage, example = bare.locator(".train-stage"), bare.locator("#run-list [data-run='vae-mnist-2d']")
    expect(stage.locator(".run-name")).to_have_text("vae-mnist-2d")
    expect(stage.locator(".example")).to_contain_text("how the shipped model of that name learnt")
    expect(bare.locator("#train-curve path.line[d*=M]").first).to_be_attached()
    expect(bare.locator("#train-samples i").first).to_be_visible()
    expect(example.locator(".rename, .delete")).to_have_count(0)
    expect(bare.locator("#train-stop")).to_be_disabled()
    expect(stage.locator(".more")).to_be_hidden()
    last = bare.locator("#train-samples").get_attribute("style")
    bare.locator("#train-scrubber").focus()
    bare.keyboard.press("ArrowLeft")
    expect(stage.locator(".samples-title")).not_to_have_text("Samples at step 8,000")
    expect(bare.locator("#train-samples")).not_to_have_attribute("style", last or "")
    bare.locator(".train-side .open-latent").click()
    expect(bare.locator("#model-picker input")).to_have_value("vae-mnist-2d")

    bare.click("#tab-train")
    Run.create("vae", "digits", {"steps": 10}, "mine", folder / "runs")
    expect(stage.locator(".run-name")).to_have_text("mine")
    expect(stage.locator(".example")).to_be_hidden()
    expect(bare.locator("#run-list [data-run='mine'] .delete")).to_have_count(1)
    Run.open("mine", folder / "runs").delete()
    expect(stage.locator(".run-name")).to_have_text("vae-mnist-2d")
    bare.click("#run-list [data-run='diffusion-catsdogs'] .run-name")
    expect(stage.locator(".run-name")).to_have_text("diffusion-catsdogs")
    expect(bare.locator("#train-pause")).to_be_disabled()  # it stopped when its time was over; here it can only be looked at
    bare.wait_for_url("**run=diffusion-catsdogs*")
    bare.reload()
    expect(stage.locator(".run-name")).to_have_text("diffusion-catsdogs")
    expect(bare.locator("#train-curve path.line[d*=M]").first).to_be_attached()
    expect(bare.locator("[data-testid=toast-body]")).to_have_count(0)
