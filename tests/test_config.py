"""Settings: where they come from and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from xvc.config import KEYS, Settings, load
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


def test_every_setting_is_documented() -> None:
    """Each setting has a line of documentation, from which the reference is made."""
    undocumented = [key for key, part in KEYS.items() if not part.metadata.get("doc")]

    assert undocumented == []
