"""The skills for coding agents: what they show runs, what they name exists, and they install."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from skills_ref import validate

from forked import Server
from pages import (
    FENCE,
    README,
    ROOT,
    SKILLS,
    Block,
    all_blocks,
    broken_links,
    known_options,
    named_options,
    unknown_calls,
)
from surroundings import Calling, git
from xvc.agents.skill_files import packaged_skills

NAMES = ("benchmark", "git-versioning", "xvc")
BY_SKILL = pytest.mark.parametrize("name", NAMES)
PAGES = [README, *sorted(SKILLS.glob("*/SKILL.md")), *sorted(SKILLS.glob("*/references/*.md"))]
BY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
TEMPLATES = sorted(SKILLS.glob("*/assets/*.py"))
MANIFESTS = (
    *(f".{agent}-plugin/plugin.json" for agent in ("claude", "codex", "cursor")),
    "gemini-extension.json",
)
BY_MANIFEST = pytest.mark.parametrize("manifest", MANIFESTS)
CATALOGUES = {
    ".claude-plugin/marketplace.json": ".claude-plugin/plugin.json",
    ".agents/plugins/marketplace.json": ".codex-plugin/plugin.json",
}
"""Where agents look for plugins, and the manifest that each then reads in the plugin's folder."""
RUNS = ("bash", "python", "sql", "yaml")
READ_ONLY = ("text",)
EXECUTED = {"benchmark": 30, "git-versioning": 13, "xvc": 10}
_TRAIN = """\
import argparse
import pathlib
import pickle

from xvc import Tracker

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
lr = parser.parse_args().lr
with Tracker(params={"lr": lr}) as tracker:
    for step in range(3):
        tracker.log({"step": step, "loss": 1 / (1 + lr * step)})
    tracker.log({"accuracy": 1 - abs(lr - 0.2)})
pathlib.Path("models").mkdir(exist_ok=True)
pathlib.Path("models/model.pkl").write_bytes(pickle.dumps(lr))
"""
_NO_NETWORK = """\
import socket

def _refuse(self, address):
    raise OSError(f"a skill reached for the network: {address}")

class _Local(socket.socket):
    def connect(self, address):
        return super().connect(address) if self.family == socket.AF_UNIX else _refuse(self, address)

    connect_ex = connect

socket.socket = _Local
"""


def front_of(name: str) -> tuple[dict[str, str], str]:
    """A skill's frontmatter and its body."""
    _, front, body = (SKILLS / name / "SKILL.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), body


@pytest.fixture(scope="module")
def _offline() -> Iterator[Path]:
    """A folder that lets Python refuse every connection, and whose `xvc` is forked."""
    folder = Path(tempfile.mkdtemp(prefix="xvc-offline-"))
    (folder / "sitecustomize.py").write_text(_NO_NETWORK)
    server = Server(environment={**os.environ, "PYTHONPATH": str(folder)}, door=folder)
    yield folder
    server.close()
    shutil.rmtree(folder)


@pytest.fixture
def offline(_offline: Path) -> Mapping[str, str]:
    """An environment in which Python refuses every connection."""
    path = os.pathsep.join([str(_offline), os.environ["PATH"]])
    return {**os.environ, "PYTHONPATH": str(_offline), "PATH": path}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with DVC's and xvc's files, a training script, and data that git has not."""
    folder = tmp_path / "lab" / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "train.py").write_text(_TRAIN)
    words = (
        "good",
        "good good",
        "bad",
        "good and bad things",
        "a good day out here",
        "bad bad bad",
    )
    lines = [f"{i},{words[i % 6]},{int('good' in words[i % 6])}" for i in range(60)]
    (folder / "data" / "items.csv").write_text("\n".join(["id,text,label", *lines, ""]))
    git(folder, "init", "-q")
    git(folder, "add", "train.py")
    git(folder, "commit", "-q", "-m", "A training script")
    return folder


def execute(block: Block, folder: Path, environment: Mapping[str, str]) -> str:
    """Do what a block shows, as a reader would; returns what went wrong, or nothing."""
    named = re.match(r"# (\S+\.(?:py|yaml))\n", block.text)
    if named:
        (folder / named[1]).write_text(block.text)
        return ""
    calls = {
        "bash": ["bash", "-euo", "pipefail", "-c", block.text],
        "python": [sys.executable, "-c", block.text],
        "sql": ["xvc", "db", "sql", block.text],
    }
    done = subprocess.run(
        calls[block.language],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if done.returncode == 0 else f"{block.text}\n{done.returncode}: {done.stdout}"


def is_ours(page: Path) -> bool:
    """Whether a page is written by hand: what scripts/docs writes has tests of its own."""
    return not re.match(r"(cli|python|errors|config)\b", page.stem)


@BY_SKILL
def test_every_block_of_a_skill_runs(
    name: str, repository: Path, offline: Mapping[str, str]
) -> None:
    """In order, in one repository, without input and network; pages of references after it."""
    pages = [SKILLS / name / "SKILL.md"]
    pages += [page for page in sorted((SKILLS / name / "references").glob("*.md")) if is_ours(page)]
    shown = [block for page in pages for block in all_blocks(page)]
    wanted = [block for block in shown if block.language in RUNS]

    wrong = [said for block in wanted if (said := execute(block, repository, offline))]

    assert wrong == []
    assert {block.language for block in shown} <= {*RUNS, *READ_ONLY}
    count = len(wanted)
    assert count == EXECUTED[name]


def test_a_block_that_fails_is_noticed(repository: Path, offline: Mapping[str, str]) -> None:
    """A wrong command in the middle, wrong SQL, and a connection are failures."""
    connecting = "import socket; socket.create_connection(('127.0.0.1', 9))"

    assert (
        "no such"
        in execute(Block("bash", "xvc init --no-such\ntrue\n"), repository, offline).lower()
    )
    assert execute(Block("sql", "SELECT nothing FROM nowhere"), repository, offline)
    assert "reached for the network" in execute(Block("python", connecting), repository, offline)


@BY_SKILL
def test_the_reference_validator_accepts_a_skill(name: str) -> None:
    """What every agent's loader expects of a skill holds."""
    assert validate(SKILLS / name) == []


def test_the_reference_validator_refuses(tmp_path: Path) -> None:
    """A folder of another name, or a description that is no YAML, is found."""
    page = tmp_path / "other" / "SKILL.md"
    page.parent.mkdir()
    page.write_text((SKILLS / "xvc" / "SKILL.md").read_text())

    renamed = validate(page.parent)
    page.write_text("---\nname: other\ndescription: Use when: (1) a: b\n---\n")

    assert renamed != []
    assert validate(page.parent) != []


@BY_SKILL
def test_a_skill_says_what_it_is_for(name: str) -> None:
    """The frontmatter is read by every agent: known keys, the folder's name, when to use it."""
    front, _ = front_of(name)

    assert list(front) == ["name", "description"]
    assert front["name"] == name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert 0 < len(front["description"]) <= 500
    assert "Use it when" in front["description"]


@BY_SKILL
def test_a_skill_is_short(name: str) -> None:
    """At most 150 lines and about 3,000 tokens of four characters; a page is read in one go.

    Tools of agents show 30,000 characters at once.
    """
    _, body = front_of(name)
    pages = [*(SKILLS / name).glob("references/*.md")]

    assert len(body.splitlines()) <= 150
    assert len(body) <= 3000 * 4
    assert {page.name for page in pages if page.stat().st_size > 29_500} == set()


@BY_SKILL
def test_a_skill_begins_with_a_decision(name: str) -> None:
    """First a table of what to do when, then what goes wrong, then the rest."""
    _, body = front_of(name)
    headings = re.findall(r"^## (.*)$", FENCE.sub("", body), re.MULTILINE)
    table = body.partition("\n## ")[2].partition("\n## ")[0]

    assert headings[0].startswith("Which")
    assert headings[1] == "Gotchas"
    assert "\n|---|" in table


@BY_SKILL
def test_a_skill_leads_to_all_of_its_files(name: str) -> None:
    """Every file is linked from the page, one level deep, and no link is broken."""
    page = SKILLS / name / "SKILL.md"
    text = page.read_text(encoding="utf-8")
    files = [
        path.relative_to(page.parent)
        for path in page.parent.rglob("*.*")
        if path != page and "__pycache__" not in path.parts
    ]

    assert [str(path) for path in files if f"({path.as_posix()})" not in text] == []
    assert {len(path.parts) for path in files} <= {2}
    assert broken_links(page) == []


@BY_PAGE
def test_a_page_names_only_what_exists(page: Path) -> None:
    """Every call of xvc in it, in text or block, has a command and options that are there."""
    assert unknown_calls(page) == []


@pytest.mark.parametrize("page", [page for page in PAGES if not page.name.startswith("cli")])
def test_a_page_names_only_options_that_exist(page: Path) -> None:
    """An option that is named alone is one of some command; DVC's are in blocks."""
    assert named_options(page) <= known_options()


def test_a_wrong_flag_is_noticed(tmp_path: Path) -> None:
    """An option, or a command, that does not exist is found in text and in blocks."""
    page = tmp_path / "page.md"
    page.write_text(
        "Use `xvc tag minor --bump` or `xvc promote`.\n\n```bash\n"
        "cd .. && xvc run --fast -- python a.py --any\ncode=0; xvc ls --sort a || code=$?\n```\n"
    )

    wrong = unknown_calls(page)

    assert wrong == [
        ["tag", "minor", "--bump"],
        ["promote"],
        ["run", "--fast", "--", "python", "a.py", "--any"],
    ]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("xvc", "xvc tag minor -m", "xvc tag minor --note"),
        (
            "git-versioning",
            "xvc worktree merge deeper --dry-run",
            "xvc worktree merge deeper --plan",
        ),
        ("benchmark", "xvc cache explain predict", "xvc cache why predict"),
    ],
)
def test_a_wrong_flag_in_a_skill_is_noticed(
    name: str, right: str, wrong: str, tmp_path: Path
) -> None:
    """A real page with one option, or one verb, that is not there fails."""
    text = (SKILLS / name / "SKILL.md").read_text(encoding="utf-8")
    page = tmp_path / "SKILL.md"
    page.write_text(text.replace(right, wrong, 1))

    assert text.count(right) >= 1
    assert len(unknown_calls(page)) == 1


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_runs(
    template: Path, repository: Path, offline: Mapping[str, str], run_xvc: Calling
) -> None:
    """Within a run, without a network; its two tables have rows of that one run."""
    (repository / "bench.py").write_bytes(template.read_bytes())
    run_xvc("init", cwd=repository)

    done = run_xvc("run", "--", "python", "bench.py", cwd=repository, env=offline)
    query = "SELECT count(*) AS rows FROM predictions JOIN metrics USING (track_id)"
    counted = run_xvc("db", "sql", query, "--json", cwd=repository)

    assert (done.code, done.err.count("Warning")) == (0, 0), done.err
    assert counted.data["rows"][0]["rows"] > 0


def test_the_templates_are_the_promised_ones() -> None:
    """Models, language models, throughput."""
    assert [path.stem for path in TEMPLATES] == [
        "llm_evaluation",
        "sklearn_comparison",
        "throughput",
    ]


@BY_MANIFEST
def test_a_manifest_is_of_this_release(manifest: str) -> None:
    """Each agent has the same name, version, licence and words, and is led to the skills."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = json.loads((ROOT / manifest).read_text())

    assert (said["name"], said["version"]) == ("xvc", project["version"])
    assert said.get("license", "MIT") == project["license"]
    assert said["description"] == json.loads((ROOT / MANIFESTS[0]).read_text())["description"]
    assert skills_in(ROOT / said.get("skills", "skills")) == [*NAMES]


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_a_catalogue_leads_to_the_plugin(catalogue: str) -> None:
    """Its one entry is the plugin by its name, in a folder where manifest and skills are."""
    said = json.loads((ROOT / catalogue).read_text())
    [entry] = said["plugins"]
    source = entry["source"] if isinstance(entry["source"], str) else entry["source"]["path"]
    manifest = json.loads((ROOT / source / CATALOGUES[catalogue]).read_text())

    assert said["name"] == "xvc-experiments"
    assert source.startswith("./")
    assert entry["name"] == manifest["name"]
    assert entry.get("version", manifest["version"]) == manifest["version"]
    assert skills_in(ROOT / source / "skills") == [*NAMES]


def test_codex_shows_what_fits() -> None:
    """Its interface takes three prompts of 128 letters at most, and names the plugin alike."""
    shown = json.loads((ROOT / ".codex-plugin" / "plugin.json").read_text())["interface"]
    claude = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_text())

    assert shown["displayName"] == claude["displayName"]
    assert len(shown["defaultPrompt"]) <= 3
    assert max(len(prompt) for prompt in shown["defaultPrompt"]) <= 128


@pytest.mark.parametrize("path", [*MANIFESTS, *CATALOGUES])
def test_the_source_distribution_has_the_manifests(path: str) -> None:
    """It is made of what git tracks and does not ignore, and nothing narrows that."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]

    assert git(ROOT, "ls-files", "--", path) == path
    assert "sdist" not in build["targets"]


def skills_in(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("*/SKILL.md"))


def test_the_wheel_has_the_skills() -> None:
    """The build puts them where an installed package looks."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]

    assert build["targets"]["wheel"]["force-include"] == {"skills": "xvc/skills"}


def test_skills_are_listed(call_xvc: Calling) -> None:
    """By name, each with what it is for."""
    told = call_xvc("skills", "list", "--json")

    assert [each["name"] for each in told.data["skills"]] == [*NAMES]
    assert all("Use it when" in each["description"] for each in told.data["skills"])


@pytest.mark.parametrize(
    ("agent", "folder"),
    [
        ("agents", ".agents"),
        ("claude", ".claude"),
        ("codex", ".agents"),
        ("copilot", ".github"),
        ("cursor", ".cursor"),
    ],
)
def test_skills_are_installed_for_an_agent(
    agent: str, folder: str, project: Path, call_xvc: Calling
) -> None:
    """Into the project's root, from wherever one stands, every byte."""
    (project / "deep").mkdir()

    told = call_xvc("skills", "install", "--agent", agent, "--json", cwd=project / "deep")

    assert told.code == 0
    installed = project / folder / "skills"
    for skill in packaged_skills():
        for file in skill.files:
            assert (installed / skill.name / file).read_bytes() == (
                skill.folder / file
            ).read_bytes()


def test_installing_twice_changes_nothing(tmp_path: Path, call_xvc: Calling) -> None:
    """What is there already is told, and left alone."""
    call_xvc("skills", "install", "--dest", str(tmp_path))

    told = call_xvc("skills", "install", "--dest", str(tmp_path), "--json")

    assert (told.code, told.data["added"], told.data["replaced"]) == (0, [], [])
    assert told.data["unchanged"] > 0


def test_a_changed_file_is_not_overwritten(tmp_path: Path, call_xvc: Calling) -> None:
    """Without --yes nothing is written, not even what is missing; with it, the file is replaced."""
    call_xvc("skills", "install", "--dest", str(tmp_path))
    mine, missing = tmp_path / "xvc" / "SKILL.md", tmp_path / "benchmark" / "SKILL.md"
    mine.write_text("my own words")
    missing.unlink()

    refused = call_xvc("skills", "install", "--dest", str(tmp_path), "--json")
    left = mine.read_text(), missing.exists()
    done = call_xvc("skills", "install", "--dest", str(tmp_path), "--yes", "--json")

    assert (refused.code, refused.data["dry_run"], left) == (4, True, ("my own words", False))
    assert refused.data["replaced"] == done.data["replaced"] == ["xvc/SKILL.md"]
    assert (done.code, done.data["added"]) == (0, ["benchmark/SKILL.md"])
    assert mine.read_bytes() == (SKILLS / "xvc" / "SKILL.md").read_bytes()


def test_a_dry_run_writes_nothing(tmp_path: Path, call_xvc: Calling) -> None:
    """The plan is told, and the folder is not even made."""
    told = call_xvc("skills", "install", "--dest", str(tmp_path / "new"), "--dry-run", "--json")

    assert (told.code, told.data["dry_run"]) == (0, True)
    assert told.data["added"]
    assert not (tmp_path / "new").exists()


def test_a_link_in_the_way_is_not_followed(tmp_path: Path, call_xvc: Calling) -> None:
    """A file that is a link elsewhere is refused, whatever it leads to."""
    outside = tmp_path / "outside.md"
    outside.write_text("kept")
    (tmp_path / "into" / "xvc").mkdir(parents=True)
    (tmp_path / "into" / "xvc" / "SKILL.md").symlink_to(outside)

    told = call_xvc("skills", "install", "--dest", str(tmp_path / "into"), "--yes", "--json")

    assert told.json["error"]["code"] == "target-in-the-way"
    assert outside.read_text() == "kept"
