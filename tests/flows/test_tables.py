"""``xvc merge data`` and ``xvc rebase data`` on real files: plain, in folders, tracked by DVC."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surroundings import Calling, dvc, git
from xvc.core.table_merge import FileChanged, Order
from xvc.merging.parquet import merge_tables
from xvc.project import Project


def write(path: Path, **columns: object) -> Path:
    """Write a Parquet file; its columns are lists or Arrow arrays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def rows(path: Path) -> list[dict[str, object]]:
    return pq.read_table(path).to_pylist()


def failed(call_xvc: Calling, *words: str, code: str) -> str:
    """Call, expect an error of that code, and return its sentence."""
    done = call_xvc(*words, "--json")
    assert done.code != 0, done.out
    told = json.loads(done.out)["error"]
    assert told["code"] == code, done.out
    return str(told["message"])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder outside git with a base of three rows and a source: one row changed, one new."""
    folder = tmp_path / "it's here"
    write(
        folder / "base.parquet",
        id=[1, 2, 3],
        group=["a", "b", "c"],
        **{"f1-score": [0.1, 0.2, 0.3]},
    )
    write(folder / "new.parquet", **{"f1-score": [0.9, 0.4]}, id=[2, 4], group=["b", "d"])
    monkeypatch.chdir(folder)
    return folder


def test_merged_again_nothing_changes(here: Path, call_xvc: Calling) -> None:
    """Rows are added once; the second time the file stays as it is, to the byte."""
    first = call_xvc("merge", "data", "base.parquet", "new.parquet", "--json")
    before = (here / "base.parquet").read_bytes()
    second = call_xvc("-q", "merge", "data", "base.parquet", "new.parquet", "--json")

    assert (first.data["rows"]["added"], first.data["rows"]["result"]) == (2, 5)
    assert (second.data["rows"]["added"], second.data["changed"]) == (0, False)
    assert (here / "base.parquet").read_bytes() == before
    assert rows(here / "base.parquet")[3] == {"id": 2, "group": "b", "f1-score": 0.9}


def test_rows_of_one_key_that_differ_are_shown(here: Path, call_xvc: Calling) -> None:
    """A merge by key takes no side: both rows are named, and nothing changes."""
    done = failed(
        call_xvc, "merge", "data", "base.parquet", "new.parquet", "--on", "id", code="rows-refused"
    )

    assert '"f1-score":0.2' in done
    assert '"f1-score":0.9' in done
    assert len(rows(here / "base.parquet")) == 3


def test_a_rebase_is_a_plan_until_it_is_agreed_to(here: Path, call_xvc: Calling) -> None:
    """Without --yes it says how many rows go and exits 4; with it they are replaced."""
    words = ("rebase", "data", "base.parquet", "new.parquet", "--on", "id", "--json")
    plan = call_xvc(*words)
    untouched = rows(here / "base.parquet")
    done = call_xvc(*words, "--yes")

    assert plan.code == 4
    assert untouched[1]["f1-score"] == 0.2
    counts = {"base": 3, "kept": 2, "replaced": 1, "incoming": 2, "equal": 0, "added": 1}
    assert plan.data["rows"] == {**counts, "replacing": 1, "dropped": 0, "result": 4}
    assert done.data["rows"] == plan.data["rows"]
    found = {row["id"]: row["f1-score"] for row in rows(here / "base.parquet")}
    assert found == {1: 0.1, 2: 0.9, 3: 0.3, 4: 0.4}


def test_a_dry_run_writes_nothing(here: Path, call_xvc: Calling) -> None:
    """--dry-run shows the account and exits 0."""
    done = call_xvc(
        "merge", "data", "base.parquet", "new.parquet", "-o", "out.parquet", "--dry-run"
    )

    assert done.code == 0
    assert not (here / "out.parquet").exists()


@pytest.mark.parametrize(
    ("columns", "code", "told"),
    [
        ({"id": [5, None]}, "rows-refused", '{"id":null'),
        ({"id": [5, 5], "group": ["x", "y"]}, "rows-refused", '"group":"x"'),
        ({"id": ["5"]}, "columns-clash", "VARCHAR"),
        ({"id": [5.0]}, "columns-clash", "DOUBLE"),
        ({"group": ["z"]}, "no-column", "'id'"),
    ],
    ids=[
        "no key",
        "two rows of a key",
        "text for a number",
        "float for a number",
        "no such column",
    ],
)
def test_what_a_key_cannot_place_is_refused(
    here: Path, call_xvc: Calling, columns: dict[str, list[object]], code: str, told: str
) -> None:
    """Empty and doubled keys, and keys of another type, are refused with what is wrong."""
    write(here / "new.parquet", **columns)

    done = failed(
        call_xvc, "rebase", "data", "base.parquet", "new.parquet", "--on", "id", "--yes", code=code
    )

    assert told in done
    assert len(rows(here / "base.parquet")) == 3


def test_an_empty_key_in_the_base_stops_nobody(here: Path, call_xvc: Calling) -> None:
    """One row without a key in the base is kept, and others are merged."""
    write(here / "base.parquet", id=[None, 1], group=["a", "b"])

    done = call_xvc("merge", "data", "base.parquet", "new.parquet", "--on", "id", "--json")

    assert (done.data["rows"]["kept"], done.data["rows"]["added"]) == (2, 2)


def test_the_last_row_of_a_key_stands_when_told(here: Path, call_xvc: Calling) -> None:
    """--on-duplicate last takes the later row, and says that one was dropped."""
    write(here / "new.parquet", id=[5, 5], group=["x", "y"])

    done = call_xvc(
        *("rebase", "data", "base.parquet", "new.parquet", "--on", "id"),
        *("--on-duplicate", "last", "--yes", "--json"),
    )

    assert done.data["rows"]["dropped"] == 1
    assert rows(here / "base.parquet")[-1]["group"] == "y"


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (pa.array([1], pa.int32()), pa.array([2], pa.int64()), pa.int64()),
        (pa.array([1], pa.uint32()), pa.array([-2], pa.int32()), pa.int64()),
        (pa.array([1], pa.int64()), pa.array([None, 2.5]), pa.float64()),
        (pa.array([Decimal("1.5")]), pa.array([2], pa.int16()), pa.decimal128(6, 1)),
        (pa.array([None], pa.null()), pa.array(["x"]), pa.string()),
        (
            pa.array([[1]], pa.list_(pa.int8())),
            pa.array([[]], pa.list_(pa.int64())),
            pa.list_(pa.int64()),
        ),
        (pa.array([5], pa.timestamp("us")), pa.array([5], pa.timestamp("ns")), pa.timestamp("ns")),
    ],
    ids=["int", "unsigned", "float", "decimal", "empty", "list", "time"],
)
def test_types_widen_without_loss(
    here: Path, call_xvc: Calling, one: pa.Array, other: pa.Array, found: pa.DataType
) -> None:
    """A column has a type that holds the values of both files as they were."""
    write(here / "one.parquet", a=one)
    write(here / "other.parquet", a=other)

    done = call_xvc("merge", "data", "one.parquet", "other.parquet")

    assert done.code == 0, done.err
    merged = pq.read_table(here / "one.parquet")["a"]
    if pa.types.is_list(found):
        assert merged.type.value_type == found.value_type
    else:
        assert merged.type == found
    assert merged.to_pylist() == [*one.cast(found).to_pylist(), *other.cast(found).to_pylist()]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([2**53 + 1]), pa.array([0.5])),
        (pa.array([1]), pa.array(["x"])),
        (pa.array([2**64 - 1], pa.uint64()), pa.array([-1], pa.int64())),
        (pa.array([1], pa.date32()), pa.array([1], pa.timestamp("us"))),
        (pa.array([1], pa.timestamp("us")), pa.array([1], pa.timestamp("us", "UTC"))),
    ],
    ids=["inexact", "text", "no such integer", "date", "time zone"],
)
def test_types_that_nothing_holds_are_refused_or_chosen(
    here: Path, call_xvc: Calling, one: pa.Array, other: pa.Array
) -> None:
    """The error names column, files and types; --map says what the column is to be."""
    write(here / "one.parquet", a=one)
    write(here / "other.parquet", a=other)

    failed(call_xvc, "merge", "data", "one.parquet", "other.parquet", code="columns-clash")
    done = call_xvc("merge", "data", "one.parquet", "other.parquet", "--map", "a=varchar")

    assert done.code == 0, done.err
    assert pq.read_schema(here / "one.parquet").field("a").type == pa.string()


def test_a_chosen_type_keeps_every_value(here: Path, call_xvc: Calling) -> None:
    """A decimal holds what no Parquet integer does; a type that does not is refused."""
    write(here / "one.parquet", a=pa.array([2**64 - 1], pa.uint64()))
    write(here / "other.parquet", a=pa.array([-1], pa.int64()))
    words = ("merge", "data", "one.parquet", "other.parquet", "--map")

    failed(call_xvc, *words, "a=INTEGER", code="columns-clash")
    failed(call_xvc, *words, "a=HUGEINT", code="would-weaken")
    done = call_xvc(*words, "a=DECIMAL(20,0)")

    assert done.code == 0, done.err
    assert [row["a"] for row in rows(here / "one.parquet")] == [2**64 - 1, -1]


def test_types_that_would_be_weakened_are_refused(here: Path, call_xvc: Calling) -> None:
    """A decimal of 50 digits, which is read as DOUBLE, needs consent by name."""
    write(here / "wide.parquet", a=pa.array([Decimal("1.5")], pa.decimal256(50, 2)))
    words = ("merge", "data", "wide.parquet", "wide.parquet", "-o", "out.parquet")

    done = failed(call_xvc, *words, code="would-weaken")

    assert "50 digits" in done
    assert call_xvc(*words, "--map", "a=DOUBLE").code == 0


@pytest.mark.parametrize("names", [("Loss", "loss"), ("loss", "loss")])
def test_names_that_differ_by_case_are_refused(
    here: Path, call_xvc: Calling, names: tuple[str, str]
) -> None:
    """In one file DuckDB would rename one of them; in two it would take one for the other."""
    pq.write_table(pa.table([[1], [2]], names=list(names)), here / "both.parquet")
    write(here / "one.parquet", Loss=[1])
    write(here / "other.parquet", loss=[1])

    inside = failed(call_xvc, "merge", "data", "both.parquet", "base.parquet", code="names-clash")
    between = failed(call_xvc, "merge", "data", "one.parquet", "other.parquet", code="names-clash")

    assert "loss" in inside
    assert "loss" in between


def test_pandas_reads_what_it_wrote(here: Path, call_xvc: Calling) -> None:
    """Index, categories, nullable integers and time zones survive, with a column added, too."""
    base = pd.DataFrame(
        {
            "when": pd.to_datetime(["2020-01-01", "2020-01-02"]).tz_localize("Europe/Berlin"),
            "kind": pd.Categorical(["x", "y"]),
            "n": pd.array([1, None], dtype="Int64"),
        },
        index=pd.Index(["p", "q"], name="name"),
    )
    base.to_parquet("base.parquet")
    base.set_axis(["r", "s"]).rename_axis("name").assign(more=1.5).to_parquet("new.parquet")

    call_xvc("merge", "data", "base.parquet", "new.parquet")

    found = pd.read_parquet("base.parquet")
    assert list(found.index) == ["p", "q", "r", "s"]
    assert found.index.name == "name"
    assert found.dtypes[base.columns].equals(base.dtypes)
    pd.testing.assert_frame_equal(found.loc[["p", "q"], list(base.columns)], base)


WITHOUT = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
from xvc.cli.app import main
main(sys.argv[1:])
"""


def without_pyarrow(*words: str) -> dict[str, dict[str, object]]:
    """Call xvc as it is where nobody has installed pyarrow; returns its document."""
    called = [sys.executable, "-c", WITHOUT, "-q", *words, "--json"]
    done = subprocess.run(called, capture_output=True, text=True, check=False)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(("verb", "count"), [("merge", 3), ("rebase", 2)])
def test_without_pyarrow_notes_that_stay_true_are_kept(here: Path, verb: str, count: int) -> None:
    """DuckDB does the work; pandas finds index, categories and times as they were."""
    times = pd.to_datetime(["2020-01-01", "2020-01-02"]).tz_localize("Europe/Berlin")
    index = pd.Index(["p", "q"], name="name")
    base = pd.DataFrame({"when": times, "kind": pd.Categorical(["x", "y"])}, index=index)
    base.to_parquet("base.parquet")
    base[1:].assign(when=times[:1]).to_parquet("new.parquet")
    on = ("--on", "name", "--yes") if verb == "rebase" else ()

    done = without_pyarrow(verb, "data", "base.parquet", "new.parquet", *on)

    found = pd.read_parquet("base.parquet")
    assert done["ok"], done
    assert len(found) == count
    assert found.dtypes.equals(base.dtypes)
    assert found.index.name == "name"


@pytest.mark.parametrize("new", [{"a": [2]}, {"a": [2], "b": [1]}])
def test_without_pyarrow_notes_that_have_to_change_are_refused(
    here: Path, new: dict[str, list[int]]
) -> None:
    """An index that counts on, or another column: the extra is named, and nothing is written."""
    pd.DataFrame({"a": [1]}, index=pd.RangeIndex(1, name="step")).to_parquet("base.parquet")
    pd.DataFrame(new).to_parquet("new.parquet")
    before = (here / "base.parquet").read_bytes()

    done = without_pyarrow("merge", "data", "base.parquet", "new.parquet")

    assert done["error"]["code"] == "no-package"
    assert "xvc-experiments[frames]" in str(done["error"]["hint"])
    assert (here / "base.parquet").read_bytes() == before


def test_a_counted_index_counts_on(here: Path, call_xvc: Calling) -> None:
    """The default index of pandas is as long as the result, and keeps its name."""
    for name, value in (("base", 1), ("new", 2)):
        index = pd.RangeIndex(2, name="step")
        pd.DataFrame({"a": [value, value]}, index=index).to_parquet(f"{name}.parquet")

    call_xvc("merge", "data", "base.parquet", "new.parquet")

    assert pd.read_parquet("base.parquet").index.equals(pd.RangeIndex(4))
    assert pd.read_parquet("base.parquet").index.name == "step"


def test_packing_is_the_bases_or_chosen(here: Path, call_xvc: Calling) -> None:
    """Codec and rows of a row group are kept; options choose others."""
    table = pa.table({"id": range(10_000)})
    pq.write_table(table, "base.parquet", compression="gzip", row_group_size=4096)
    words = ("merge", "data", "base.parquet", "new.parquet", "-o")

    call_xvc(*words, "kept.parquet")
    call_xvc(*words, "chosen.parquet", "--compression", "zstd", "--row-group-size", "2048")

    kept, chosen = (pq.ParquetFile(f"{name}.parquet").metadata for name in ("kept", "chosen"))
    assert (kept.row_group(0).num_rows, kept.row_group(0).column(0).compression) == (4096, "GZIP")
    assert (chosen.row_group(0).num_rows, chosen.row_group(0).column(0).compression) == (
        2048,
        "ZSTD",
    )


def test_a_folder_is_one_table(here: Path, call_xvc: Calling) -> None:
    """Its files are read together, whatever their columns; it is never changed itself."""
    write(here / "parts" / "a.parquet", id=[1], group=["a"])
    write(here / "parts" / "deep" / "b.parquet", id=pa.array([2], pa.int32()), more=[True])
    (here / "parts" / "_metadata").write_bytes(b"of another program")

    failed(call_xvc, "merge", "data", "parts", "new.parquet", code="folder-kept")
    done = call_xvc("merge", "data", "parts", "new.parquet", "-o", "out.parquet", "--json")

    assert done.data["rows"]["result"] == 4
    assert [row["id"] for row in rows(here / "out.parquet")] == [1, 2, 2, 4]


@pytest.mark.parametrize("content", [b"", b"PAR1 no more PAR1", b"id,group\n1,a\n"])
def test_what_is_no_parquet_file_is_named(here: Path, call_xvc: Calling, content: bytes) -> None:
    """A damaged file is named, and the base stays."""
    (here / "new.parquet").write_bytes(content)

    done = failed(call_xvc, "merge", "data", "base.parquet", "new.parquet", code="not-parquet")

    assert "new.parquet" in done
    failed(call_xvc, "merge", "data", "base.parquet", "gone.parquet", code="no-table-file")


def test_another_file_is_not_written_over_unasked(here: Path, call_xvc: Calling) -> None:
    """OUT that exists and is not the base is kept until --yes."""
    write(here / "out.parquet", precious=[1])
    words = ("merge", "data", "base.parquet", "new.parquet", "-o", "out.parquet")

    assert call_xvc(*words).code == 4
    assert rows(here / "out.parquet") == [{"precious": 1}]
    assert call_xvc(*words, "--yes").code == 0


def test_a_file_that_changes_meanwhile_is_noticed(here: Path) -> None:
    """Another program's rows are not lost under a result that never saw them."""
    base = here / "base.parquet"
    order = Order(base, (here / "new.parquet",), base)
    late = [lambda: write(base, id=[7])]

    with pytest.raises(FileChanged):
        merge_tables(
            Project.find(here, dict(os.environ)), order, tell=lambda _: late and late.pop()()
        )

    assert rows(base) == [{"id": 7}]
    assert [path.name for path in here.iterdir() if path.is_dir()] == []


def test_two_at_once_lose_nothing(here: Path) -> None:
    """Processes that merge into one file wait for each other."""
    files = [write(here / f"{number}.parquet", id=[100 + number]) for number in range(4)]
    words = [sys.executable, "-m", "xvc", "merge", "data", "base.parquet"]

    running = [subprocess.Popen([*words, file.name], cwd=here) for file in files]
    codes = [process.wait(120) for process in running]

    assert codes == [0, 0, 0, 0]
    assert {row["id"] for row in rows(here / "base.parquet")} == {1, 2, 3, 100, 101, 102, 103}


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def _tracked(project: Path, *paths: str) -> None:
    dvc(project, "add", "-q", *paths)


def test_what_dvc_tracks_is_followed_by_its_pointer(project: Path, call_xvc: Calling) -> None:
    """A file and one in a folder: the pointers name the new content, and no object was touched."""
    (project / "data").mkdir()
    for name in ("alone.parquet", "data/inside.parquet"):
        write(project / name, id=[1, 2])
    write(project / "new.parquet", id=[3])
    git(project, "config", "--local", "core.excludesFile", os.devnull)
    with (project / ".dvc" / "config").open("a") as settings:
        settings.write("[cache]\n    type = symlink\n")
    _tracked(project, "alone.parquet", "data")
    cached = [path for path in (project / ".dvc" / "cache").rglob("*") if path.is_file()]
    before = {path: _md5(path) for path in cached}

    for name in ("alone.parquet", "data/inside.parquet"):
        assert call_xvc("merge", "data", name, "new.parquet", "--on", "id", cwd=project).code == 0

    assert {path: _md5(path) for path in cached} == before
    assert not (project / "alone.parquet").is_symlink()
    assert len(rows(project / "alone.parquet")) == 3
    told = subprocess.run(
        [sys.executable, "-m", "dvc", "status"], cwd=project, capture_output=True, text=True
    )
    assert "up to date" in told.stdout, told.stdout + told.stderr
