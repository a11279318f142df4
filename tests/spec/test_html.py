"""`python -m spec --html`: one file, MathML, readable without a script; opened in a browser."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from spec import __main__ as command
from spec.catalogue import BY_ID, CLAIMS
from spec.checking.asking import Outcome
from spec.checking.claim import Kind
from spec.pages import html
from spec.pages.errata import errata
from spec.verdicts import statuses
from tests.support.fixtures import Patch, Shown

NO_BROWSER = "Chromium and its driver are not installed"
FLAGS = (
    "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-sync "
    "disable-background-networking disable-component-update"
)
PHONE, DESK = (375, 900), (1280, 900)


@pytest.fixture(scope="module")
def text() -> str:
    """The page of all claims, of which no routine was run."""
    outcomes = {claim.id: Outcome(claim.id, None, (), 0, 0.0) for claim in CLAIMS}
    return html.page(statuses(outcomes, {}))


class Tags(HTMLParser):
    """Every tag with its attributes, and the tags that were left open or closed wrongly."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "link", "img", "mspace"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_every_claim_is_on_the_page_and_errata_come_first(text: str) -> None:
    tags = Tags(text)
    assert (tags.open, tags.wrong) == ([], [])
    ids = [attributes["id"] for tag, attributes in tags.found if tag == "article"]
    assert sorted(ids) == sorted(BY_ID) and len(ids) == len(CLAIMS)
    first = [claim.id for claim in errata()]
    assert ids[: len(first)] == first
    links = {a["href"] for tag, a in tags.found if tag == "a"}
    assert links <= {f"#{name}" for name in ids} and len(links) == len(CLAIMS)


def test_nothing_is_loaded_and_no_formula_is_left_as_it_was_typed(text: str) -> None:
    tags = Tags(text)
    loaded = [a for _, a in tags.found if {"src", "srcset", "data"} & set(a)]
    assert loaded == [] and "http" not in re.sub(r'xmlns="[^"]*"', "", text)
    body = text[text.index("<main>") : text.index("<script>")]
    assert "\\" not in body and "[[" not in body
    assert sum(tag == "math" for tag, _ in tags.found) > 2 * len(CLAIMS)


def test_an_unknown_command_is_refused() -> None:
    with pytest.raises(html.NoMathML, match="notacommand"):
        html.formula(r"\notacommand x")


def test_a_page_of_one_claim_is_refused(capsys: Shown, monkeypatch: Patch) -> None:
    assert command.main(["--html", "--claim", "A11"]) == 2
    assert "leave --claim out" in capsys.readouterr().err


@pytest.fixture(scope="module")
def address(text: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page in a file, as a person opens it."""
    path: Path = tmp_path_factory.mktemp("page") / "claims.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


def browser(size: tuple[int, int], script: bool = True) -> webdriver.Chrome:
    """Headless Chromium that asks nobody for anything. A new profile each time."""
    options = webdriver.ChromeOptions()
    for flag in FLAGS.split():
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not script:
        off = {"profile.managed_default_content_settings.javascript": 2}
        options.add_experimental_option("prefs", off)
    options.binary_location = str(shutil.which("chromium"))
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    # Headless Chromium has a least width for its window, not for what is shown in it.
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    return driver


@pytest.fixture(scope="module")
def opened(address: str) -> Iterator[webdriver.Chrome]:
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip(NO_BROWSER)
    driver = browser(PHONE)
    driver.get(address)
    yield driver
    driver.quit()


def visible(driver: webdriver.Chrome) -> int:
    script = "return [...document.querySelectorAll('article')].filter(a => a.offsetHeight).length"
    return int(driver.execute_script(script))


def test_a_browser_opens_it_without_complaint(opened: webdriver.Chrome) -> None:
    assert opened.get_log("browser") == []
    assert visible(opened) == len(CLAIMS)
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert opened.execute_script(wide) == 0


def test_the_filters_work(opened: webdriver.Chrome) -> None:
    def chosen(name: str, value: str) -> int:
        select = Select(opened.find_element(By.CSS_SELECTOR, f"[data-filter={name}]"))
        select.select_by_visible_text(value)
        return visible(opened)

    refuted = sum(claim.kind is Kind.REFUTED for claim in CLAIMS)
    assert chosen("kind", "refuted") == refuted
    of_v1 = [c for c in errata() if any(source.version == "v1" for source in c.sources)]
    assert chosen("version", "v1") == len(of_v1) < refuted
    here = [c for c in of_v1 if any((s.version, s.place) == ("v1", "eq. 20") for s in c.sources)]
    assert chosen("place", "v1 eq. 20") == len(here) >= 1
    assert f"{len(here)} claims" in opened.find_element(By.ID, "shown").text
    for name in ("kind", "version", "place"):
        shown = chosen(name, "all")
    assert shown == len(CLAIMS)


def test_it_reads_without_a_script(address: str, opened: webdriver.Chrome) -> None:
    driver = browser(DESK, script=False)
    try:
        driver.get(address)
        articles = driver.find_elements(By.TAG_NAME, "article")
        assert len(articles) == len(CLAIMS) and articles[0].size["height"] > 50
        assert driver.find_element(By.ID, "filters").size["height"] == 0
    finally:
        driver.quit()
