"""Reports as markdown and HTML: whatever keys and values contain is text, and stays whole."""

from __future__ import annotations

import math
from html.parser import HTMLParser

from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from xvc.core.commit_subject import one_line
from xvc.render.document import Commands, Curves, DocumentTable, Report, Section, Text
from xvc.render.figure import Plot, PlotKind, Series
from xvc.render.html import page
from xvc.render.markdown import bars, markdown

NASTY = st.sampled_from(
    [
        *("a|b", "<script>alert(1)</script>", "`x`", "``", "a`|`b", "<!-- xvc:report end -->"),
        *(
            "# h",
            "- item",
            "1. one",
            "1) one",
            "***",
            "---",
            "===",
            "+ x",
            "> quote",
            "~~~",
            "    x",
        ),
        *("[a](http://evil)", "![i](x)", "&lt;b&gt;", "&amp;", "_a_", "__a__", "a_b_c", "*a*"),
        *(
            "\\",
            "a\\|b",
            "\\`",
            "|",
            "||",
            "\n\n# x",
            "a\r\nb",
            "\0",
            "'\"><img src=x>",
            "$a$",
            "#",
        ),
    ]
)
TEXTS = (NASTY | st.text(st.characters(exclude_categories=("Cs",)), max_size=12)).filter(one_line)
NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5)


def document(text: str, ys: tuple[float, ...] = (0.0, 1.0)) -> Report:
    """A report that says *text* in every place."""
    series = Series(text, tuple(map(float, range(len(ys)))), ys)
    curves = Curves(Plot(PlotKind.LINE, text, text, text, (series,), ()))
    table = DocumentTable(text, (text, "n"), ((text, "1"), ("x", text)), frozenset({1}), total=9)
    blocks = (Text(text), table, Commands((text, text)), curves)
    return Report(text, text, (Section(text, blocks),))


class Page(HTMLParser):
    """The tags of a page, in order, with their attributes, and its text; checks the balance."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.texts = list[tuple[str, tuple[str, ...]]](), list[str]()
        self.attributes = list[tuple[str, str | None]]()
        self._open = list[str]()
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += attrs
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.texts.append(text)


def tokens(text: str) -> list[tuple[str, list[str]]]:
    """What a markdown reader takes a text for: kinds of blocks, and kinds of spans in them."""
    found = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [(each.type, [span.type for span in each.children or []]) for each in found]


def said(text: str) -> list[str]:
    found = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    spans = ["".join(span.content for span in each.children or []) for each in found]
    return [*spans, *(each.content for each in found if each.type == "fence")]


@given(TEXTS)
def test_markdown_shows_and_never_obeys(text: str) -> None:
    """A reader sees the same blocks and spans as with a plain word, and the very text in them."""
    made = markdown(document(text))

    assert tokens(made) == tokens(markdown(document("x")))
    assert said(made).count(one_line(text)) >= 10
    assert f"{one_line(text)}\n{one_line(text)}\n" in said(made)


@given(TEXTS)
def test_html_shows_and_never_obeys(text: str) -> None:
    """A parser sees the same tags and attributes as with a plain word, and the very text."""
    made = Page(page(document(text)))

    assert made.tags == Page(page(document("x"))).tags
    assert made.texts.count(one_line(text)) >= 8


@given(NUMBERS)
@example([5e-324, 0.0])
@example([-1.7e308, 1.7e308])
def test_any_finite_curve_is_drawn(ys: list[float]) -> None:
    """No number leaves the picture, whatever its size; bars are as many as points."""
    made = Page(page(document("x", tuple(ys))))

    numbers = [
        float(part)
        for name, value in made.attributes
        if name in ("points", "cx", "cy")
        for part in str(value).replace(",", " ").split()
    ]
    assert all(math.isfinite(each) and 0 <= each <= 720 for each in numbers)
    assert len(bars(ys)) == len(ys)


@given(TEXTS)
def test_a_page_loads_nothing(text: str) -> None:
    """No attribute names a place to fetch from, and the style has no address."""
    assume("http" not in text)

    made = page(document(text))

    names = {name for name, _ in Page(made).attributes}
    assert names.isdisjoint({"src", "href", "srcset", "xlink:href", "action", "style"})
    assert "http:" not in made
    assert "https:" not in made
    assert "url(" not in made.replace(one_line(text), "")
    assert "@import" not in made.replace(one_line(text), "")


def test_a_cut_table_says_how_many_there_are() -> None:
    """In both forms."""
    report = Report("t", "", (Section("s", (DocumentTable("", ("a",), (("1",),), total=10_000),)),))

    assert "1 of 10,000 shown" in markdown(report)
    assert "1 of 10,000 shown" in page(report)
