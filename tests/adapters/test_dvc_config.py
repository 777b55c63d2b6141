"""DVC's configuration: whatever DVC writes we read the same, and DVC reads what we write."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from configobj import ConfigObj, ConfigObjError
from dvc.config import Config as DvcConfig
from hypothesis import example, given
from hypothesis import strategies as st

from xvc.dvc.config import Config, changed_config, parse_config, read_config
from xvc.errors import DvcFailed

_TRICKY = ["a, b", "exp#1", "it's", 'say "hi"', "100% [a]", "a;b&c", "$HOME", "tail ", " lead"]
_TRICKY += [
    "über 数据",
    "a\nb",
    "'both' \"kinds\"",
    "%(x)s",
    "%",
    "=",
    "[x]",
    "a=b",
    "\\",
    "~",
    "#",
]
_VALUES = st.sampled_from(_TRICKY) | st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029"), max_size=12
)


def _as_dvc(text: str) -> dict[str, dict[str, str]] | None:
    try:
        held = ConfigObj(io.StringIO(text)).dict()
    except ConfigObjError:
        return None
    if any(not isinstance(options, dict) for options in held.values()):
        return None
    if any(isinstance(v, dict | list) for options in held.values() for v in options.values()):
        return None
    return {s.lower(): {o.lower(): v for o, v in each.items()} for s, each in held.items()}


@given(
    st.dictionaries(
        st.sampled_from(["cache", "core", 'remote "shelf"', 'remote "A b"']),
        st.dictionaries(st.sampled_from(["dir", "url", "type"]), _VALUES),
    )
)
def test_whatever_dvc_writes_is_read_as_dvc_reads_it(sections: dict[str, dict[str, str]]) -> None:
    """ConfigObj is what DVC writes its configuration with."""
    stream = io.BytesIO()
    try:
        ConfigObj(sections, encoding="utf-8").write(stream)
    except ConfigObjError:
        return
    text = stream.getvalue().decode()
    expected = _as_dvc(text)
    if expected is None:
        return

    assert parse_config(text) == expected


_LINES = st.lists(
    st.sampled_from(
        ["[cache]", "[ core ]", "['remote \"x\"']", '[remote "y"]', "[[deep]]", "# note"]
    )
    | st.tuples(st.sampled_from(["dir = ", "  url=", "Type =", "x ", '"k" = ']), _VALUES).map(
        "".join
    )
    | st.text("ab=[]'\"#,% ", max_size=8),
    max_size=5,
).map("\n".join)


@given(_LINES)
@example("[cache]\ndir = /a # note")
@example("[cache]\ndir = '/a, b'  # note")
@example("[cache]\ndir = '''/a\nb'''")
def test_what_a_hand_wrote_is_read_as_dvc_reads_it_or_refused_with_it(text: str) -> None:
    """The quick path for plain lines never says anything else than the grammar."""
    expected = _as_dvc(text)
    try:
        found = parse_config(text)
    except DvcFailed:
        assert expected is None
        return

    assert expected is None or found == expected


@pytest.mark.parametrize("name", [*_TRICKY, "plain"])
def test_dvc_reads_what_we_write(name: str, tmp_path: Path) -> None:
    """A folder may be called anything; what cannot be expressed is refused, never mangled."""
    (tmp_path / ".dvc").mkdir()
    local = tmp_path / ".dvc" / "config.local"
    before = "# mine\n[core]\n    autostage = true    # why\n"
    place = f"/data/{name}/cache"
    if "%(" in name:
        with pytest.raises(DvcFailed):
            changed_config(before, {"cache": {"dir": place}}, "config.local")
        return

    local.write_bytes(changed_config(before, {"cache": {"dir": place}}, "config.local"))

    assert local.read_text(encoding="utf-8").startswith(before)
    assert read_config(local)["cache"]["dir"] == place
    assert DvcConfig.load_file(str(local))["cache"]["dir"] == place
    assert str(Config(tmp_path, {}).path("cache", "dir")) == place


def test_the_files_stand_over_one_another_as_for_dvc(tmp_path: Path) -> None:
    """The same option in four files; each remote's own options come together."""
    own, user = tmp_path / "p" / ".dvc", tmp_path / "user"
    own.mkdir(parents=True)
    user.mkdir()
    (user / "config").write_text("[cache]\n    type = symlink\n['remote \"s\"']\n    url = ../u\n")
    (own / "config").write_text("[core]\n    remote = S\n['remote \"S\"']\n    url = ../shelf\n")
    (own / "config.local").write_text("['remote \"s\"']\n    user = me\n[cache]\n    dir = c, d\n")

    with pytest.raises(DvcFailed, match="is a list"):
        Config(tmp_path / "p", {"DVC_GLOBAL_CONFIG_DIR": str(user)})
    (own / "config.local").write_text("['remote \"s\"']\n    user = me\n[cache]\n    dir = ~/c\n")
    found = Config(tmp_path / "p", {"DVC_GLOBAL_CONFIG_DIR": str(user)})

    assert found.get("cache", "type") == "symlink"
    assert found.remotes == {"s": {"url": str(tmp_path / "p" / "shelf"), "user": "me"}}
    assert found.path("cache", "dir") == Path("~/c").expanduser()


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe, as an archive may bring one; a link to nowhere holds nothing."""
    os.mkfifo(tmp_path / "config")
    (tmp_path / "config.local").symlink_to("nowhere")

    with pytest.raises(DvcFailed, match="it is no file"):
        read_config(tmp_path / "config")
    assert read_config(tmp_path / "config.local") == {}
