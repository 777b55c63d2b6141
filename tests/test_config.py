"""Settings: where they come from and what is refused."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from xvc.config import KEYS, Settings, is_marked, load, read
from xvc.errors import BadSetting


def test_without_files_the_defaults_hold(tmp_path: Path) -> None:
    """A folder without settings has the documented defaults."""
    settings = load(tmp_path)

    assert settings == Settings()


def test_nearer_layers_win(tmp_path: Path) -> None:
    """User, project, environment and command line: each overrules the one before."""
    user = tmp_path / "user.yaml"
    user.write_text(
        "tag: {prefix: u}\nsnapshot: {limit: 1}\noutput: {limit: 1}\njournal: {sync: 1}\n"
    )
    (tmp_path / "xvc.yaml").write_text(
        "snapshot: {limit: 2}\noutput: {limit: 2}\njournal: {sync: 2}\n"
    )
    environment = {"XVC_OUTPUT__LIMIT": "3", "XVC_JOURNAL__SYNC": "3", "XVC_RUN": "ignored"}

    settings = load(
        tmp_path, user_file=user, environment=environment, overrides={"journal.sync": 4}
    )

    assert settings.tag_prefix == "u"
    assert (settings.snapshot_limit, settings.output_limit) == (2, 3)
    assert settings.journal_sync == 4.0


def test_pyproject_is_a_place_for_settings(tmp_path: Path) -> None:
    """``[tool.xvc]`` is read like ``xvc.yaml``."""
    (tmp_path / "pyproject.toml").write_text('[tool.xvc]\ndatabase = "runs.duckdb"\n')

    settings = load(tmp_path)

    assert settings.database == "runs.duckdb"


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    """One error names all settings that cannot be used, and a near name for an unknown one."""
    (tmp_path / "xvc.yaml").write_text(
        "database:\nparams: {files: [1], options: 3}\nsnapshot: {limit: -5}\ndatabsae: x\n"
    )

    with pytest.raises(BadSetting) as refused:
        load(tmp_path)

    assert len(refused.value.mistakes) == 5
    assert "did you mean 'database'?" in str(refused.value)


def test_a_direction_is_max_or_min(tmp_path: Path) -> None:
    """A direction of any other name is refused."""
    (tmp_path / "xvc.yaml").write_text("metrics: {direction: {score: up}}\n")

    with pytest.raises(BadSetting, match="score"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["a: [", "just words", "- 1\n- 2\n"])
def test_a_file_that_is_no_settings_is_refused(tmp_path: Path, text: str) -> None:
    """Broken YAML and YAML of another shape are named as what they are."""
    (tmp_path / "xvc.yaml").write_text(text)

    with pytest.raises(BadSetting, match=r"xvc\.yaml"):
        load(tmp_path)


BROKEN = {
    "a tab": (b"database: a.duckdb\ntag:\n\tprefix: e\n", r"xvc\.yaml line 3: .*tab.*spaces"),
    "latin-1": (b"database: a.duckdb\nnote: \xe9\n", r"xvc\.yaml line 2: the byte 0xe9 .*UTF-8"),
    "a list": (b"- a\n", r"xvc\.yaml line 1: .*key: value"),
    "no tag": (b"tag:\n  prefix: v 1\n", r"line 2: tag\.prefix is 'v 1', which git"),
    "a date": (b"\ndatabase: 2024-01-01\n", r"line 2: database is datetime.*, not a text"),
    "a loop": (b"params: {files: &a [*a]}\n", r"xvc\.yaml line 1: "),
    "merge marks": (b"<<<<<<< HEAD\ntag: {prefix: e}\n=======\n", r"xvc\.yaml line "),
    "deep": (b"a: " + b"[" * 2000, r"xvc\.yaml"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_setting_is_named_with_its_line(tmp_path: Path, case: str) -> None:
    """Whatever is wrong: the file, the line and what to do; the others are used all the same."""
    content, words = BROKEN[case]
    (tmp_path / "xvc.yaml").write_bytes(content)
    usable, mistakes = read(tmp_path, environment={"XVC_OUTPUT__LIMIT": "7"})

    with pytest.raises(BadSetting, match=words):
        load(tmp_path)
    assert (len(mistakes), usable.output_limit) == (1, 7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("database: a\ndatabase: b\n", "line 2: database is there twice, first in line 1"),
        ("tag: {prefix: a, prefix: b}\n", "line 1: tag.prefix is there twice"),
        ("metrics:\n  files: []\nmetrics: {files: [m.json]}\n", "line 3: metrics is there twice"),
    ],
)
def test_of_a_key_that_is_there_twice_the_last_counts(
    tmp_path: Path, text: str, words: str
) -> None:
    """It is named with both lines, and stops nothing: a line was put behind the file."""
    (tmp_path / "xvc.yaml").write_text(text)

    found = load(tmp_path)

    assert words in found.said_twice[0]
    assert (found.database == "b", found.tag_prefix == "b", found.metrics_files == ("m.json",)) == (
        *("database" in text, "tag" in text, "metrics" in text),
    )


def test_broken_settings_elsewhere_are_named_too(tmp_path: Path) -> None:
    """The user's file, pyproject.toml and variables: the same care."""
    user, pyproject = tmp_path / "config.yaml", tmp_path / "pyproject.toml"
    user.write_text("tag:\n\tprefix: e\n")
    told = [read(tmp_path, user_file=user, environment={"XVC_TAG__PREFIX": "["})[1]]
    for content in (
        b'[tool.xvc]\ndatabase = "a"\n[project\n',
        b"[tool.xvc]\n# \xe9\n",
        b"[tool]\nxvc = 3\n",
        b"[tool.xvc]\ntag.prefix = 4\n",
    ):
        pyproject.write_bytes(content)
        told.append(read(tmp_path)[1])

    assert [len(each) for each in told] == [2, 1, 1, 1, 1]
    assert told[0][0].startswith(f"{user} line 2: ")
    assert told[0][1].startswith("XVC_TAG__PREFIX='[': ")
    assert [words.split(":")[0] for (words,) in told[1:]] == [
        "pyproject.toml line 3",
        "pyproject.toml line 2",
        "pyproject.toml",
        "pyproject.toml line 2",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '[tool]\nxvc = {database = "x.duckdb"}\n',
        'tool.xvc.database = "x.duckdb"\n',
        '[tool."xvc"]\n"database" = \'x.duckdb\'\n',
        '[ tool . xvc ]\r\ndatabase = """x.duckdb"""\r\n',
        '\ufefftool = {xvc = {database = "x.duckdb"}}\n',
        '[tool."\\u0078vc"]\ndatabase = "x.duckdb"\n',
        '[tool.xvcutils]\nx = 1\n[tool.xvc]\ndatabase = "x.duckdb"\n',
    ],
)
def test_every_form_of_toml_is_read(tmp_path: Path, text: str) -> None:
    """Inline tables, dotted and quoted keys, a byte order mark: TOML is TOML."""
    (tmp_path / "pyproject.toml").write_text(text, newline="")

    assert load(tmp_path).database == "x.duckdb"


_LINES = ["a: &a [x, x, x, x, x, x, x, x, x, x]\n"] + [
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in itertools.pairwise("abcdefghijk")
]
_MERGED = "".join(_LINES).replace("[x, x, x, x, x, x, x, x, x, x]", "{x: 1}").replace("[", "{<<: [")


@pytest.mark.parametrize(
    "text",
    [
        "".join(_LINES) + "judge: {metrics: {loss: *k}}\n",
        "".join(_LINES) + "? *k\n: 1\n",
        _MERGED.replace("]\n", "]}\n"),
    ],
)
def test_aliases_that_multiply_are_a_mistake(tmp_path: Path, text: str) -> None:
    """A few lines that stand for billions of values are refused, before one of them is made."""
    (tmp_path / "xvc.yaml").write_text(text)

    _, mistakes = read(tmp_path)

    assert "anchors make more than" in str(mistakes)


@pytest.mark.parametrize("number", [".inf", ".nan", "1e308", "9" * 400])
def test_a_number_that_is_no_amount_is_a_mistake(tmp_path: Path, number: str) -> None:
    """Infinity, and what no clock and no disk has, is refused by its key."""
    (tmp_path / "xvc.yaml").write_text(f"snapshot: {{limit: {number}}}\n")

    _, mistakes = read(tmp_path)

    assert "snapshot.limit" in str(mistakes)


@pytest.mark.parametrize("name", ["xvc.yaml", "pyproject.toml"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_what_stands_for_the_settings_and_is_no_file_is_named(
    tmp_path: Path, name: str, kind: str
) -> None:
    """Settings that are nowhere to be read are not passed over, and nothing waits for them."""
    place = tmp_path / name
    make = {"pipe": os.mkfifo, "folder": Path.mkdir, "link": lambda at: at.symlink_to("nowhere")}
    make[kind](place)

    settings, mistakes = read(tmp_path)

    assert (settings, is_marked(tmp_path), len(mistakes)) == (Settings(), False, 1)
    assert name in mistakes[0]
    assert ("a link to nowhere" in mistakes[0]) == (kind == "link")


def test_another_tools_broken_file_is_none_of_ours(tmp_path: Path) -> None:
    """A pyproject.toml that does not name xvc is not read, however broken."""
    (tmp_path / "pyproject.toml").write_bytes(b"[project\n\xe9")

    assert load(tmp_path) == Settings()


def test_every_setting_is_documented() -> None:
    """Each setting has a line of documentation, from which the reference is made."""
    undocumented = [key for key, part in KEYS.items() if not part.metadata["option"].doc]

    assert undocumented == []


@pytest.mark.parametrize("nested", ["[" * 200 + "]" * 200, "\n    " + "- " * 200 + "x"])
def test_settings_nested_deep_are_refused_before_they_are_read(tmp_path: Path, nested: str) -> None:
    """Three thousand levels took a second at each look, and a command looks often."""
    (tmp_path / "xvc.yaml").write_text(f"tag:\n  keys: {nested}\n")

    with pytest.raises(BadSetting, match="nested too deeply"):
        load(tmp_path)
