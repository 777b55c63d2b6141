"""Names of experiments' trees, and the notes on them: what is written is read back."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.worktree import Losses, Record, SetupStage, branch_of, check_name
from xvc.errors import BadValue


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-x", "a/b", "a b", "a..b", "a.lock", "a.", "é", "a\n", "x" * 101]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    """A name that would leave its folder, or that git would not take, is none."""
    with pytest.raises(BadValue):
        check_name(name)


@given(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,12}\Z"))
def test_git_takes_every_name_that_passes(name: str) -> None:
    """Whatever is let through can be a branch."""
    try:
        check_name(name)
    except BadValue:
        return

    words = ["git", "check-ref-format", f"refs/heads/{branch_of(name)}"]
    assert subprocess.run(words, check=False).returncode == 0


@given(
    st.builds(
        Record,
        name=st.text(),
        path=st.text(),
        base=st.text(),
        branch=st.none() | st.text(),
        made_branch=st.booleans(),
        stage=st.sampled_from(SetupStage),
        since=st.integers(),
        tree=st.text(),
    )
)
def test_a_note_survives_being_written(record: Record) -> None:
    """The note of a tree is read back as it was."""
    again = Record.from_facts(json.loads(json.dumps(record.facts)))

    assert again == record


def test_losses_are_few_words_for_many_files() -> None:
    """Many files are named by their first ten and a number."""
    lost = Losses(files=tuple(map(str, range(13))))

    assert lost.sentences == ("uncommitted files: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more",)
    assert lost
    assert not Losses()
