"""The pictures of the method are drawn from recorded data, and can be read."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchgate.history import History, PastRun, PastSeries
from benchgate.model import (
    SLICE_STATISTICS,
    Better,
    Kind,
    Metric,
    SeriesKey,
    Statistic,
    Unit,
)
from scripts import pictures, svg
from scripts.trust.pairs import recorded_runs

HISTORIES = Path(__file__).parents[4] / "shared/data/histories"
NAMES = ["cone.svg", "layouts.svg", "machine.svg", "planted.svg", "window.svg"]
_SVG = "{http://www.w3.org/2000/svg}"
_LARGEST = 60_000


@cache
def drawn() -> dict[str, str]:
    return pictures.pictures_of_pairs()


def text_of(name: str) -> str:
    return (pictures.FOLDER / name).read_text(encoding="utf-8")


def parsed(name: str) -> ET.Element:
    return ET.fromstring(text_of(name))  # noqa: S314 - our own file


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.1."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares
    ]
    return sum(a * b for a, b in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", NAMES[:4])
def test_a_picture_of_pairs_is_what_our_recording_gives(name: str) -> None:
    assert text_of(name) == drawn()[name]


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="no ../shared beside the checkout")
def test_the_picture_of_stored_runs_is_what_the_history_gives() -> None:
    made = pictures.pictures_of_histories(HISTORIES)

    assert made == {"window.svg": text_of("window.svg")}


def test_no_other_file_lies_among_the_pictures() -> None:
    assert sorted(path.name for path in pictures.FOLDER.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_the_picture_with_words_for_who_cannot_see_it(name: str) -> None:
    page = (pictures.FOLDER.parent / "method.md").read_text(encoding="utf-8")

    assert len(re.findall(rf"!\[[^\]]{{20,}}\]\(pictures/{name}\)", page)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_small_says_what_it_shows_and_fetches_nothing(name: str) -> None:
    root = parsed(name)
    tags = {element.tag.removeprefix(_SVG) for element in root.iter()}
    keys = {key for element in root.iter() for key in element.attrib}

    assert len(text_of(name).encode()) < _LARGEST
    assert [len(root.findtext(f"{_SVG}{t}", "")) > 20 for t in ("title", "desc")] == [
        True,
        True,
    ]
    assert root.attrib["aria-labelledby"] == "title desc"
    shapes = {"circle", "line", "polygon", "polyline", "rect", "text"}
    assert tags <= {"svg", "title", "desc"} | shapes
    assert [key for key in keys if "href" in key or key.startswith("on")] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_letter_is_small_or_of_a_colour_of_its_own(name: str) -> None:
    root = parsed(name)
    elements = list(root.iter())
    sizes = [float(e.attrib["font-size"]) for e in elements if "font-size" in e.attrib]
    colours = {
        e.attrib[a] for e in elements for a in ("fill", "stroke") if a in e.attrib
    }
    texts = [e for e in elements if e.tag == f"{_SVG}text"]

    assert min(sizes) >= 12
    assert colours <= {*svg.COLOURS, "none"}
    assert [e.text for e in texts if "opacity" in e.attrib] == []


@pytest.mark.parametrize("background", ["#ffffff", "#0d1117"])
@pytest.mark.parametrize("colour", svg.COLOURS)
def test_a_colour_can_be_read_on_a_light_and_on_a_dark_page(
    colour: str, background: str
) -> None:
    assert contrast(colour, background) > 4


def test_every_pair_is_in_the_cone_as_a_whole() -> None:
    circles = parsed("cone.svg").iter(f"{_SVG}circle")
    left = [c for c in circles if float(c.attrib["cx"]) <= 420]

    assert len(left) == 40


def test_the_pairs_find_five_percent_only_when_weighed() -> None:
    (rounds,) = (r for r in recorded_runs(pictures.RECORDINGS) if r.name == "busy-1")
    slower = pictures.all_pairs(rounds, slower=0.05)
    pairs = slower[rounds.benchmarks.index("cart/parse")]

    assert pictures.is_found(pairs.found.effect)
    assert not pictures.is_found(pairs.alike)


@pytest.mark.parametrize("slower", [0.0, 0.05])
def test_the_statistic_is_the_one_that_the_page_names(slower: float) -> None:
    (rounds,) = (r for r in recorded_runs(pictures.RECORDINGS) if r.name == "busy-1")
    pairs = pictures.all_pairs(rounds, slower=slower)

    found = pairs[rounds.benchmarks.index("cart/parse")].found

    assert SLICE_STATISTICS[found.statistic] is Statistic.MIN


def test_unchanged_code_is_not_called_slower() -> None:
    (rounds,) = (r for r in recorded_runs(pictures.RECORDINGS) if r.name == "busy-1")

    found = [pictures.is_found(p.found.effect) for p in pictures.all_pairs(rounds)]

    assert found == [False] * 15


def test_what_a_suite_shares_is_taken_out_of_its_runs() -> None:
    metric = Metric("score", Unit.ONE, Better.HIGHER, Kind.RATE)
    names = ["score:v8-jitless", "a", "b", "c", "d", "e"]
    # All slow down together in every other run, each a little unlike the others.
    rows = tuple(
        tuple(
            (100 - 30 * (run % 2)) * (1 + 0.01 * ((run * (place + 3)) % 7))
            for place in range(len(names))
        )
        for run in range(2001)
    )
    history = History(
        "alike",
        tuple(PastRun("", float(run), "one") for run in range(2001)),
        tuple(PastSeries(SeriesKey("s", name, "score"), metric) for name in names),
        rows,
    )

    found = pictures.stored_series(history)

    assert max(map(abs, found.rest)) < 0.1 < max(map(abs, found.values))
    assert found.limit < found.limit_alone
    assert found.tests == len(names)


def test_an_axis_goes_both_ways() -> None:
    up = svg.Axis(0, 2, 100, 0)

    assert [up(0), up(1), up(2)] == [100, 50, 0]
    assert up.holds(2)
    assert not up.holds(2.1)


def test_what_is_foreign_to_xml_is_written_as_text() -> None:
    assert svg.text(1, 2, "a < b & c") == '<text x="1" y="2">a &lt; b &amp; c</text>'


def test_without_histories_it_says_which_picture_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)

    pictures.main([])

    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES[:4]
    assert "no HISTORIES: window.svg stays as it is" in capsys.readouterr().err


def test_the_layout_twin_is_called_slower_in_one_layout_only() -> None:
    found = {
        name: [b for b, e in readings.items() if pictures.is_found(e)]
        for name, readings in (
            (name, pictures.recorded_layouts(name)) for name in ("one", "fresh")
        )
    }

    assert found == {"one": ["stock/pieces"], "fresh": []}


@pytest.mark.parametrize(
    ("name", "said"), [("one", "in one layout"), ("fresh", "with fresh layouts")]
)
def test_the_page_says_of_the_layout_twin_what_the_recording_gives(
    name: str, said: str
) -> None:
    page = (pictures.FOLDER.parent / "method.md").read_text(encoding="utf-8")
    effect = pictures.recorded_layouts(name)["stock/pieces"]
    reach = effect.bound * effect.se
    point, low, high = (
        svg.percent(theta)
        for theta in (effect.theta, effect.theta - reach, effect.theta + reach)
    )

    assert f"{point} ({low} to {high}) {said}" in page
