"""Pointers, locks and pipelines: whatever DVC writes, we read the same."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from surroundings import git
from xvc.core.run import DataFile
from xvc.dvc.outputs import members
from xvc.dvc.pipeline import read_pipeline, stage_outs
from xvc.dvc.pointers import (
    Out,
    parse_pointer,
    reader_of,
    render_pointer,
    repointed,
    survey,
    tracked_outs,
)
from xvc.errors import ObjectCorrupt, PipelineCorrupt, PointerCorrupt, Unresolved
from xvc.project import Project
from xvc.system.value_files import read_told

_TRICKY = ["yes", "on", "12:30", "007", "1e3", "null", "~x", "a b", "a: b", "a #b", "- x", "it's"]
_TRICKY += ['say "hi"', "über", "数据", "[x]", "{x}", "%x", "@x", "2024-01-01", "a,b", "x" * 120]
_NAMES = st.sampled_from(_TRICKY) | st.text(
    st.characters(
        exclude_categories=("Cs", "Cc"), exclude_characters="/\ufeff\u2028\u2029\ufffe\uffff"
    ),
    min_size=1,
    max_size=20,
).filter(lambda name: name.strip(".") and "://" not in name and name not in (".git", ".dvc"))
_DIGESTS = st.text("0123456789abcdef", min_size=32, max_size=32)


def _dumped(value: Any) -> bytes:
    stream = StringIO()
    writer = YAML()
    writer.default_flow_style = False  # as DVC sets it
    writer.dump(value, stream)
    return stream.getvalue().encode()


@given(_NAMES, _DIGESTS, st.integers(0, 2**50), st.none() | st.integers(0, 99))
def test_a_pointer_is_written_byte_for_byte_as_dvc_writes_it(
    name: str, digest: str, size: int, files: int | None
) -> None:
    """Whatever a file is called; and what was written is read back."""
    facts: dict[str, Any] = {"md5": digest, "size": size}
    if files is not None:
        facts["nfiles"] = files
    text = render_pointer(name, digest, size, files)

    assert text == _dumped({"outs": [{**facts, "hash": "md5", "path": name}]})
    assert parse_pointer(text, "x.dvc").path == name
    assert [out.path for out in survey(lambda _: text, ["x.dvc"]).outs] == [name]


@given(
    st.lists(st.tuples(_NAMES, _DIGESTS), min_size=1, max_size=4),
    st.sampled_from([".", "sub", ".."]),
)
def test_every_output_of_a_pointer_is_read(outs: list[tuple[str, str]], wdir: str) -> None:
    """Several outputs, and a folder of their own."""
    listed = [{"md5": digest, "hash": "md5", "path": name} for name, digest in outs]
    text = _dumped({"wdir": wdir, "outs": listed})
    folder = {".": "a/b/", "sub": "a/b/sub/", "..": "a/"}[wdir]

    found = survey(lambda _: text, ["a/b/x.dvc"])

    assert [(out.path, out.digest) for out in found.outs] == [(folder + n, d) for n, d in outs]


def test_what_a_pointer_says_of_its_output_is_kept() -> None:
    """A remote of its own, what is never pushed, an import, a hash of DVC 2, and none at all."""
    texts = {
        "own.dvc": "outs:\n- md5: %s\n  hash: md5\n  path: own\n  remote: far\n  push: false\n",
        "old.dvc": "outs:\n- md5: %s\n  path: old\n",
        "got.dvc": "deps:\n- path: s3://b/x\nouts:\n- md5: %s\n  hash: md5\n  path: got\n",
        "soon.dvc": "deps:\n- path: s3://b/x\nouts:\n- hash: md5\n  path: soon\n",
        "git.dvc": "outs:\n- md5: %s\n  cache: false\n  path: kept-by-git\n",
        "out.dvc": "outs:\n- md5: %s\n  path: ../out\n",
        "torn.dvc": "outs:\n- md5: xyz\n  path: torn\n",
        "nameless.dvc": "outs:\n- md5: %s\n",
        "marks.dvc": "<<<<<<< HEAD\nouts: []\n",
        "list.dvc": "- a\n",
    }
    found = survey(lambda name: (texts[name].replace("%s", "a" * 32)).encode(), texts)

    assert [(o.path, o.remote, o.is_pushed, o.is_imported, o.is_old) for o in found.outs] == [
        ("own", "far", False, False, False),
        ("old", None, True, False, True),
        ("got", None, True, True, False),
    ]
    assert [(each.path, each.is_imported) for each in found.pending] == [("soon", True)]
    assert [type(problem) for problem in found.problems] == [
        PointerCorrupt,
        PointerCorrupt,
        Unresolved,
        PointerCorrupt,
    ]


def test_a_new_content_leaves_what_a_person_wrote() -> None:
    """Comments, descriptions and the remote stay; what spoke of the old content goes."""
    old = (
        b"# raw data\nouts:\n- md5: " + b"a" * 32 + b"\n  size: 3\n  hash: md5\n  path: 'x'\n"
        b"  desc: measured   # twice\n  remote: far\n  cloud:\n    far:\n      version_id: v1\n"
    )

    fresh = repointed(old, "x", DataFile("b" * 32, 5), None).decode()

    assert fresh == (
        "# raw data\nouts:\n- md5: " + "b" * 32 + "\n  size: 5\n  hash: md5\n  path: 'x'\n"
        "  desc: measured   # twice\n  remote: far\n"
    )
    assert repointed(None, "x", DataFile("b" * 32, 5), None) == render_pointer("x", "b" * 32, 5)


_PIPELINE = """\
vars:
  - out: results2
  - grid: [{name: x, size: 1}, {name: y, size: 2}]
stages:
  plain:
    cmd: echo ${out}
    wdir: sub
    deps: [../yes]
    params: [lr, conf.yaml: [width, deep], other.toml:]
    outs:
      - yes
      - 12:30
      - uncached: {cache: false}
    metrics: [m.json]
  each:
    foreach: [a, b]
    do:
      cmd: x
      wdir: ${item}
      metrics:
        - m/${item}.json: {cache: false}
  over:
    foreach: ${grid}
    do:
      cmd: x
      params: ["${item.name}.yaml": [k]]
      outs: ["${out}/${item.name}${item.size}"]
  grid:
    matrix:
      model: [cnn, xgb]
      n: ${sizes}
    cmd: x
    plots: ["p/${item.model}-${item.n}.csv"]
  same:
    foreach: [1, 2]
    do:
      cmd: x ${item}
metrics: ["top-${out}.json"]
params: [top.yaml]
"""


def test_stages_are_those_that_dvc_resolves(tmp_path: Path, home: Path) -> None:
    """``foreach``, ``matrix``, ``vars``, ``wdir`` and templates: asked of DVC itself."""
    git(tmp_path, "init", "-q")
    (tmp_path / "sub").mkdir()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "params.yaml").write_text("sizes: [1, 2]\nlr: 1\n")
    (tmp_path / "dvc.yaml").write_text(_PIPELINE)
    (tmp_path / "sub" / "dvc.yaml").write_text(
        "stages:\n  t:\n    cmd: x\n    wdir: ..\n    outs: [o]\n"
    )
    repo = Repo.init(str(tmp_path))
    at = tmp_path.as_posix()

    def below(path: str) -> str:
        return Path(path).relative_to(at).as_posix()

    outs = {below(o.fs_path) for stage in repo.index.stages for o in stage.outs}
    metrics = {below(out.fs_path) for out in repo.index.metrics} | {"top-results2.json"}
    params = {below(p.fs_path): tuple(sorted(p.params)) for p in repo.index.params}
    names = {f"{below(stage.path)}:{stage.name}" for stage in repo.index.stages}
    repo.close()

    read = reader_of(tmp_path)
    ours = {name: read_pipeline(read, name) for name in ("dvc.yaml", "sub/dvc.yaml")}

    assert ours["dvc.yaml"].problems == ()
    assert set(stage_outs(ours)) == outs
    assert set(ours["dvc.yaml"].metric_files()) == metrics
    found = ours["dvc.yaml"].params_files()
    assert {path: tuple(sorted(keys)) for path, keys in found.items()} == {**params, "top.yaml": ()}
    same = {name for name in names if "same@" in name}
    assert set(stage_outs(ours).values()) <= names
    assert all(ours["dvc.yaml"].stage(name.partition(":")[2]) is not None for name in same)


_FILES = {
    "conf.yaml": "lr: 0.1\nnest: {a: 1, b: {c: x}}\nlayers: [{u: 8}, {u: 4}]\n",
    "more.json": '{"n": 3, "names": ["p", "q"]}',
    "sub/conf.yaml": "lr: 0.5\nwide: true\n",
    "sub/params.yaml": "depth: 2\nunused: 1\n",
}
_KEYS = {
    "conf.yaml": ("lr", "nest.a", "nest.b.c", "layers[1].u", "layers.0.u"),
    "more.json": ("n", "names[0]"),
    "sub/conf.yaml": ("lr", "wide"),
}


@st.composite
def pipelines_with_vars(draw: st.DrawFn) -> tuple[str, str]:
    """A dvc.yaml, and the folder it is in, whose stages take values of files anywhere."""
    folder = draw(st.sampled_from(["", "sub"]))
    below = [name for name in _KEYS if name.startswith("sub/") == bool(folder)]
    shared = draw(st.lists(st.sampled_from(below), unique=True))
    named = [name.removeprefix("sub/") for name in shared]
    stages: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 3))):
        own = [name for name in below if name not in shared and draw(st.booleans())]
        seen = [key for name in (*shared, *own) for key in _KEYS[name]]
        seen += ["depth"] if folder else []
        taken = draw(st.lists(st.sampled_from(seen), max_size=3)) if seen else []
        words = " ".join(f"${{{key}}}" for key in taken)
        where = draw(st.sampled_from(["cmd", "deps", "outs"]))
        body: dict[str, Any] = {"cmd": "echo"}
        if words:
            said = words if where == "cmd" else [f"{number}-{words}".replace(" ", "-")]
            body[where] = f"echo {said}" if where == "cmd" else said
        if own:
            body["vars"] = [name.removeprefix("sub/") for name in own]
        if draw(st.booleans()):
            body |= {"foreach": ["x", "y"]}
            do = {key: body.pop(key) for key in ("cmd", "deps", "outs", "vars") if key in body}
            do |= {"vars": [f"../{name}" for name in do["vars"]]} if own else {}
            body["do"] = {**do, "wdir": "${item}"}
        stages[f"s{number}"] = body
    held: dict[str, Any] = {"vars": named, "stages": stages}
    return folder, yaml.safe_dump(held)


@settings(max_examples=25, deadline=None)
@given(made=pipelines_with_vars())
def test_params_of_vars_are_those_that_dvc_lists(
    made: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever part of a stage takes a value of a file, the key is one of its params."""
    folder, text = made
    top = tmp_path_factory.mktemp("vars")
    git(top, "init", "-q")
    for place in ("sub", "x", "y", "sub/x", "sub/y"):
        (top / place).mkdir()
    for name, content in _FILES.items():
        (top / name).write_text(content)
    file = f"{folder}/dvc.yaml".lstrip("/")
    (top / file).write_text(text)
    repo = Repo.init(str(top))
    said = next(iter(repo.params.show().values()))
    repo.close()

    found = read_pipeline(reader_of(top), file)

    ours = {name: read_told(top / name, keys).values for name, keys in found.params_files().items()}
    assert "error" not in said, text
    assert ours == {name: flat(each["data"]) for name, each in said.get("data", {}).items()}


def flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Values by dotted keys, as DVC prints them."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        is_group = isinstance(value, dict)
        found |= flat(value, f"{above}{key}.") if is_group else {f"{above}{key}": value}
    return found


def test_a_stage_that_cannot_be_resolved_costs_itself(tmp_path: Path) -> None:
    """The others count; what is wrong is said with the stage's name."""
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  bad:\n    cmd: x\n    outs: ['${nothing}']\n"
        "  good:\n    foreach: [1]\n    do:\n      cmd: x\n      outs: ['o${item}']\n"
    )

    found = read_pipeline(reader_of(tmp_path), "dvc.yaml")

    assert list(stage_outs({"dvc.yaml": found})) == ["o1"]
    assert "stage 'bad'" in str(found.problems[0])
    (tmp_path / "dvc.yaml").write_text("stages:\n\ttrain:\n")
    with pytest.raises(PipelineCorrupt, match="line 2"):
        read_pipeline(reader_of(tmp_path), "dvc.yaml")


def test_a_lock_is_read_by_the_stages_that_are_there(tmp_path: Path) -> None:
    """Folders and what git keeps are in dvc.yaml only; a stage that is gone has no outputs."""
    lock: Mapping[str, Any] = {
        "schema": "2.0",
        "stages": {
            "prep@1": {
                "cmd": "x",
                "deps": [{"path": "raw", "md5": "a" * 32}],
                "outs": [
                    {"path": "yes", "md5": "b" * 32, "hash": "md5", "size": 3},
                    {"path": "m1.json", "md5": "c" * 32, "hash": "md5"},
                ],
            },
            "train": {"cmd": "y", "outs": [{"path": "old.pkl", "md5": "d" * 32, "hash": "md5"}]},
            "gone": {"cmd": "y", "outs": [{"path": "z", "md5": "d" * 32, "hash": "md5"}]},
        },
    }
    (tmp_path / "dvc.lock").write_bytes(_dumped(lock))
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  prep:\n    foreach: [1]\n    do:\n      cmd: x\n      wdir: w\n"
        "      outs: [yes]\n"
        "      metrics: ['m${item}.json': {cache: false}]\n"
        "  train:\n    cmd: y\n    deps: [w/yes]\n    outs: [model.pkl]\n"
    )

    found = survey(reader_of(tmp_path), ["dvc.lock"])

    assert [(out.path, out.size, out.stage) for out in found.outs] == [
        ("w/yes", 3, "dvc.yaml:prep@1")
    ]
    assert [each.path for each in found.pending] == ["model.pkl"]
    assert found.needs == [("dvc.yaml:prep@1", "w/raw")]
    assert tracked_outs(tmp_path, ["dvc.lock"]) == found.outs


@pytest.mark.parametrize("name", ["a.dvc", "dvc.yaml", "dvc.lock", "inner/a.dvc"])
def test_no_link_out_of_the_tree_is_read(tmp_path: Path, name: str) -> None:
    """A pointer or pipeline that is a link, or lies behind one, is named and not opened."""
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    for folder in (tree, outside):
        folder.mkdir()
    (outside / Path(name).name).write_bytes(render_pointer("a", "0" * 32, 1))
    (tree / "inner").symlink_to(outside)
    if "/" not in name:
        (tree / name).symlink_to(outside / name)

    with pytest.raises(PointerCorrupt, match="a link leads out of the project"):
        reader_of(tree)(name)
    assert reader_of(outside)(Path(name).name) is not None


def test_the_object_that_was_written_through_is_the_one_that_is_named(project: Path) -> None:
    """A link into the cache was edited: the hint names that object, and not its folder's list."""
    dvc = Project.find(project, {}).needed_dvc()
    (project / "data").mkdir()
    for name in ("a", "b"):
        (project / "data" / name).write_text(name)
    kept = dvc.keep(project / "data")
    out = Out("data", kept.digest, "data.dvc", kept.size)
    changed = dvc.object_of(dvc.listing(kept.digest, "data")["b"])
    changed.chmod(0o644)
    changed.write_text("more than b")

    with pytest.raises(ObjectCorrupt) as refused:
        members(dvc, out)

    assert refused.value.digest == changed.parent.name + changed.name
    assert f"{changed.parent.name}/{changed.name}" in refused.value.hint
