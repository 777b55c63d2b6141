"""Secrets: none survives the mask, what is none is left alone, masking twice changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xvc.core.record import RecordKind
from xvc.core.secrets import looks_secret, mask_argv, mask_record, mask_text
from xvc.journal.edit_builder import labelling, saying
from xvc.recording.command_params import option_values
from xvc.types import Json, RunId

HIDDEN = "h1dd3nValue99"
SECRETS = st.text("abcdefghijkmnopqrstuvwxyz0123456789", min_size=8, max_size=20).map("Z9".__add__)
NAMES = st.sampled_from(
    [
        "token",
        "api-key",
        "API_KEY",
        "password",
        "db_password",
        "HF_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "accessKey",
        "credential",
        "client-secret",
        "githubtoken",
        "opt.private_key",
        "PASSWORD2",
    ]
)
SHAPES = [
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1_B2" * 8,
    "glpat-" + "a1-B2" * 4,
    "sk-" + "proj-a1B2" * 4,
    "AKIA" + "ABCD1234" * 2,
    "xoxb-" + "1234-abcd" * 2,
    "xoxp-" + "1234-abcd" * 2,
    "hf_" + "aBcD" * 8,
    "eyJhbGciOi.eyJzdWIiOi.SflKxwRJ-_a",
]


@given(NAMES, SECRETS, st.sampled_from(["--{}={}", "-{}={}", "{}={}", "--{} {}", "+{}={}"]))
def test_no_named_secret_survives_in_a_command(name: str, secret: str, form: str) -> None:
    """Options and assignments whose name tells are masked, whatever their form."""
    masked = mask_argv(["python", "train.py", *form.format(name, secret).split(" "), "--lr", "0.1"])

    assert secret not in " ".join(masked)
    assert (masked[:2], masked[-2:]) == (("python", "train.py"), ("--lr", "0.1"))


@given(
    NAMES,
    SECRETS,
    st.sampled_from(
        [
            "{}={}",
            "{}: {}",
            '"{}": "{}",',
            "+{} = '{}'",
            "--{} {}",
            "x({}={})",
            '{} := "a {} \\" b"',
            "ValueError: {}={}",
        ]
    ),
)
def test_no_named_secret_survives_in_a_text(name: str, secret: str, form: str) -> None:
    """Python, YAML, JSON, shells and diffs of them are covered."""
    masked = mask_text(f"before\n{form.format(name, secret)}\nafter")

    assert secret not in masked
    assert (masked[:7], masked[-6:]) == ("before\n", "\nafter")


@given(
    NAMES,
    SECRETS,
    st.recursive(
        st.just("HERE"),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=2)
            | st.dictionaries(st.sampled_from(["a", "lr"]), inner, min_size=1)
        ),
    ),
    st.sampled_from(["dict", "variable", "words", "text", "url"]),
)
def test_no_named_secret_survives_in_nested_params(
    name: str, secret: str, around: Any, form: str
) -> None:
    """Dicts, lists, lists of variables and of words, texts and URLs, however deep."""
    forms: dict[str, Any] = {
        "dict": {name: secret},
        "variable": {"name": name, "value": secret},
        "words": [f"--{name}", secret],
        "text": f"{name}={secret}",
        "url": f"https://me:{secret}@example.org/x",
    }

    def placed(part: Any) -> Any:
        if part == "HERE":
            return forms[form]
        if isinstance(part, list):
            return [placed(each) for each in part]
        return {key: placed(each) for key, each in part.items()}

    said = {"params": {"lr": 0.1, "deep": placed(around)}, "status": "running"}

    masked = mask_record(RecordKind.BEGIN, said)

    assert secret not in json.dumps(masked)
    assert masked["params"]["lr"] == 0.1
    assert mask_record(RecordKind.BEGIN, masked) == masked


def test_a_record_keeps_what_is_no_secret() -> None:
    """Paths, numbers, tagged values and everything else stay as they are."""
    said = {
        "name": "big",
        "note": "lr 0.1: better than a=b",
        "params": {"max_tokens": 3, "when": {"$date": "2026-01-01"}, "layers": [1, [2, "x"]]},
        "data": {"token=1": {"md5": "a"}},
        "command": ["python", "-u", "a:b", "train.py"],
    }

    assert mask_record(RecordKind.BEGIN, said) == said


@pytest.mark.parametrize("part", ["name", "note", "idea", "decision", "reason"])
def test_what_people_say_of_a_run_is_masked(part: str) -> None:
    """Whatever is said, a note or a label, in the run's own records or afterwards."""
    run, text = RunId("bzk3nzk3r8d7"), "see: token: abc123"

    record = mask_record(RecordKind.SET, {part: text, "labels": ["password=k1"]})
    edit = saying(run, part, text) if part != "reason" else labelling(run, "password=k1")

    assert record == {part: "see: token: ***", "labels": ["password=***"]}
    assert "abc123" not in str(edit)
    assert "k1" not in str(edit)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("note: password: abc, lr: 1", "note: password: ***, lr: 1"),
        ("X-Thing: api_key = abc", "X-Thing: api_key = ***"),
        ("a: b: c: token: abc", "a: b: c: token: ***"),
        ("sent key-" + "0123456789abcdef" * 2, "sent ***"),
        ("sent NRAK-ABCDEFGHIJKLMNOPQ1234567890", "sent ***"),
        ("sent 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", "sent ***"),
    ],
)
def test_a_secret_behind_another_name_is_masked(text: str, masked: str) -> None:
    """A pair may be what another pair says; a header or a message hides none."""
    assert mask_text(text) == masked
    assert mask_argv(["x", "-H", text]) == ("x", "-H", masked)


def test_headers_and_users_of_commands_are_masked() -> None:
    """What a request brings along to show who is asking."""
    words = ["curl", "-H", "X-Api-Key: k1", "-u", "ada:k2", "--header=Authorization: Bearer k3k3k3"]

    masked = mask_argv(words)

    assert masked == (
        *("curl", "-H", "X-Api-Key: ***", "-u", "ada:***"),
        "--header=Authorization: Bearer ***",
    )
    assert mask_text("curl -s -u ada:k2k2 https://x") == "curl -s -u ada:*** https://x"


@pytest.mark.parametrize("secret", SHAPES)
@pytest.mark.parametrize("form", ["{}", "go {} now", "x='{}'", "https://{}@example.org/"])
def test_known_shapes_are_masked_anywhere(secret: str, form: str) -> None:
    """A token that shows what it is needs no name."""
    masked = mask_text(form.format(secret))

    assert masked == form.format("***")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:h1dd3n@example.org/x", "https://me:***@example.org/x"),
        ("postgresql+psycopg://u:p@ss:w@db:5432/x", "postgresql+psycopg://u:***@db:5432/x"),
        ("redis://:h1dd3n@cache/0", "redis://:***@cache/0"),
        ("Authorization: Bearer abcdef.ghi-jk", "Authorization: Bearer ***"),
        ("'Authorization: Basic dXNlcjpwdw=='", "'Authorization: Basic ***'"),
        ("Bearer abcdef123456", "Bearer ***"),
    ],
)
def test_urls_and_headers(text: str, expected: str) -> None:
    """Who is asking stays, with what is masked."""
    masked = mask_text(text)

    assert masked == expected


@pytest.mark.parametrize(
    "text",
    [
        "--max-tokens 512 --pad_token=x --eos-token </s>",
        "num_tokens: 12, tokenizer=bert, monkey=1, key=value, keys: 3",
        "def f(token: str, password: Optional[str] = None) -> None:",
        "token = os.environ['TOKEN']",
        "password: ${DB_PASSWORD}",
        "if token == eos: return secret != other",
        "http://localhost:8080/a@b",
        "task-force-one-risk-1234567890123456",
        "PWD=/srv/project",
        "std::secret::x",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    """Vocabularies, types, lookups and ports stay readable."""
    masked = mask_text(text)

    assert masked == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nab+/c=\n-----END RSA PRIVATE KEY-----\nok",
            "-----BEGIN RSA PRIVATE KEY-----\n***\n***\n-----END RSA PRIVATE KEY-----\nok",
        ),
        (
            "+-----BEGIN PRIVATE KEY-----\n+MIIEow\n+-----END PRIVATE KEY-----\n",
            "+-----BEGIN PRIVATE KEY-----\n+***\n+-----END PRIVATE KEY-----\n",
        ),
        (
            f"-----BEGIN PRIVATE KEY-----\n{'MIIEow12' * 8}\n{'abcdefgh' * 8}",
            "-----BEGIN PRIVATE KEY-----\n***\n***",
        ),
        ('if "-----BEGIN PRIVATE KEY-----" in text:', 'if "-----BEGIN PRIVATE KEY-----" in text:'),
    ],
)
def test_private_keys_keep_only_their_lines(text: str, expected: str) -> None:
    """The marks and the number of lines stay, so a diff still counts right."""
    masked = mask_text(text)

    assert masked == expected


@given(
    st.lists(
        st.sampled_from(
            ["--token", "password=", "x", "://a:b@c", "Bearer abcdefgh", "'", '"', "\n"]
        )
        | st.sampled_from(SHAPES)
        | st.text(max_size=8)
    )
)
def test_masking_twice_is_masking_once(parts: list[str]) -> None:
    """A mask is never taken for a secret."""
    once = mask_argv(parts)

    assert mask_argv(once) == once
    assert len(once) == len(parts)


def test_an_option_is_not_eaten_as_a_value() -> None:
    """A flag without a value hides nothing behind it but a value."""
    masked = mask_argv(["--token", "--lr", "0.1", "--password", "-p@ss", "run"])

    assert masked == ("--token", "--lr", "0.1", "--password", "***", "run")


@pytest.mark.parametrize(
    "text",
    ["a" * 10**6, "://" * 10**5, "token=" * 10**5, "-----BEGIN " * 10**4, "-eyJ-sk-" * 10**4],
)
def test_masking_takes_no_time(text: str) -> None:
    """No text, however odd, makes the search slow: the suite's time limit is the claim."""
    masked = mask_text(text)

    assert len(masked) <= len(text)


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "deploy/.env.production",
        "certs/site.pem",
        "a.KEY",
        "id_rsa",
        ".ssh/id_ed25519_work",
        "x.p12",
        "x.pfx",
        ".aws/credentials",
        "credentials.json",
        ".netrc",
        ".pgpass",
        ".npmrc",
        ".pypirc",
        "secrets.yaml",
        "app.keystore",
        "service-account-prod.json",
        "kubeconfig",
        ".dvc/config.local",
        "sub/.dvc/config.local",
        ".envrc",
        "prod.env",
        ".env~",
        ".env.bak",
        "deploy/prod.env.old",
        "#credentials.json#",
        ".#.netrc",
        "id_rsa.backup",
        "credentials",
        "credentials.csv",
        "Credentials_prod.json",
        "client_secret_12.apps.json",
        "infra/terraform.tfstate",
        "terraform.tfstate.backup",
        "kaggle.json",
        ".kaggle/kaggle.json",
        ".s3cfg",
        ".aws/config",
        ".config/gcloud/credentials.db",
        ".config/gcloud/legacy/adc.json",
        "application_default_credentials.json",
        ".azure/accessTokens.json",
        ".ssh/config",
        "app.jks",
        "store.kdbx",
        "putty.ppk",
    ],
)
def test_files_that_hold_secrets(path: str) -> None:
    """These names never enter a snapshot, in any folder and any case."""
    verdict = looks_secret(path)

    assert verdict


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".env.example",
        "a/.env.sample",
        ".env.local.template",
        "environment.py",
        "keys.py",
        "my_secrets.md",
        "config.local",
        ".dvc/config",
        "a.pem.txt",
        "service.json",
        "id_rsa_folder/x.py",
        "credentials.py",
        "docs/credentials.md",
        "id_ed25519.pub",
        "client_secret.py",
        "kaggle.csv",
        "tokenizer.json",
        "environment.yaml",
        "data.env/x.csv",
    ],
)
def test_files_that_hold_none(path: str) -> None:
    """Templates and names that only resemble stay in."""
    verdict = looks_secret(path)

    assert not verdict


@pytest.mark.parametrize(
    "text",
    [
        '--Session.key=b"5ff58464-d610-45e3-b96e-52b7d18c2e03" --shell=9002',
        "--Session.key b'5ff58464-d610-45e3-b96e-52b7d18c2e03'",
        '{"key": "5ff58464-d610-45e3-b96e-52b7d18c2e03", "ip": "127.0.0.1"}',
        "Session.key=5ff58464-d6104-5e3b96e-52b7d18c2e03",
    ],
)
def test_a_kernels_key_is_a_secret_wherever_it_stands(text: str) -> None:
    """In a command, its log and the connection file; and its options are no params."""
    said = [text] if text.startswith("{") else text.split()
    words = ["-", *said, "--f=/run/user/kernel-v2-65.json", "--stdin=9003"]

    assert "5ff58464" not in mask_text(text)
    assert "5ff58464" not in " ".join(mask_argv(words))
    assert option_values(words) == {}


def test_what_is_installed_keeps_its_version() -> None:
    """A package may be called like a secret; a variable of that name is one."""
    said: dict[str, Json] = {
        "digest": "a",
        "facts": {
            "packages": {"tiktoken": "0.14.0", "secrets": "1.0", "a": "postgres://u:pw@h/d"},
            "tools": {"secret-tool": "2"},
            "variables": {"HF_TOKEN": "k1"},
        },
    }

    masked = mask_record(RecordKind.ENVIRONMENT, said)

    assert masked == {
        "digest": "a",
        "facts": {
            "packages": {"tiktoken": "0.14.0", "secrets": "1.0", "a": "postgres://u:***@h/d"},
            "tools": {"secret-tool": "2"},
            "variables": {"HF_TOKEN": "***"},
        },
    }
