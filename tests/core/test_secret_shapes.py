"""Secrets are found by what they look like, and code is not taken for them."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from pathlib import Path

import botocore
import pandas
import pytest
import sklearn
import sqlalchemy

from xvc.core import secret_shapes
from xvc.core.secret_shapes import secrets_in
from xvc.core.secrets import looks_secret, mask_argv, mask_text

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + "234567"
By = random.Random


def _of(signs: str, count: int) -> Callable[[By], str]:
    return lambda by: "".join(by.choices(signs, k=count))


def _with(before: str, signs: str, count: int, after: str = "") -> Callable[[By], str]:
    return lambda by: before + "".join(by.choices(signs, k=count)) + after


def _jwt(by: By) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": str(by.random()), "iat": by.randint(1, 10**9)}]
    said = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join([*said, "".join(by.choices(LETTERS + "-_", k=43))])


def _pem(kind: str) -> Callable[[By], str]:
    def make(by: By) -> str:
        lines = "\n".join("".join(by.choices(LETTERS + "+/", k=64)) for _ in range(12))
        return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----\n"

    return make


PLAIN = ("key = '{}'\n", '{{"a": "{}"}}\n', "export X={}\n# end\n")
NAMED = ('{} = "{}"\n', "{}: {}\n", '{{"{}": "{}"}}\n')
WHOLE = ("{}", "text before\n{}", "x = '''{}'''\n")
TOKENS: dict[str, Callable[[By], str]] = {
    "AWS key id": _with("AKIA", UPPER, 16),
    "AWS session key id": _with("ASIA", UPPER, 16),
    "GitHub": _with("ghp_", LETTERS, 36),
    "GitHub app": _with("ghs_", LETTERS, 36),
    "GitHub fine-grained": _with("github_pat_", LETTERS, 82),
    "GitLab": _with("glpat-", LETTERS, 20),
    "Hugging Face": _with("hf_", string.ascii_letters, 34),
    "OpenAI": lambda by: "sk-" + _of(LETTERS, 20)(by) + "T3BlbkFJ" + _of(LETTERS, 20)(by),
    "Anthropic": _with("sk-ant-api03-", LETTERS, 93, "AA"),
    "Slack bot": lambda by: (
        f"xoxb-{_of('123456789', 12)(by)}-{_of('1234', 12)(by)}-{_of(LETTERS, 24)(by)}"
    ),
    "Slack webhook": _with("https://hooks.slack.com/services/", LETTERS, 44),
    "Stripe": _with("sk_live_", LETTERS, 24),
    "Google": _with("AIza", LETTERS, 35),
    "npm": _with("npm_", LETTERS, 36),
    "PyPI": _with("pypi-AgEIcHlwaS5vcmc", LETTERS, 80),
    "SendGrid": lambda by: f"SG.{_of(LETTERS, 22)(by)}.{_of(LETTERS, 43)(by)}",
    "Databricks": _with("dapi", HEX, 32),
    "DigitalOcean": _with("dop_v1_", HEX, 64),
    "Vault": _with("hvs.", LETTERS, 95),
    "Shopify": _with("shpat_", HEX, 32),
    "Notion": lambda by: f"ntn_{_of(string.digits, 11)(by)}{_of(LETTERS, 35)(by)}",
    "Grafana": lambda by: f"glsa_{_of(LETTERS, 32)(by)}_{_of(HEX, 8)(by)}",
    "Postman": lambda by: f"PMAK-{_of(HEX, 24)(by)}-{_of(HEX, 34)(by)}",
    "JWT": _jwt,
    "URL": lambda by: f"postgres://ada:{_of(LETTERS, 14)(by)}@db.internal:5432/x",
}
KEYS = {
    "RSA": _pem("RSA "),
    "EC": _pem("EC "),
    "OpenSSH": _pem("OPENSSH "),
    "PKCS 8": _pem(""),
    "encrypted": _pem("ENCRYPTED "),
}
NAMES: dict[str, tuple[str, Callable[[By], str]]] = {
    "AWS secret": ("aws_secret_access_key", _of(LETTERS + "/+", 40)),
    "Azure storage": ("AccountKey", _of(LETTERS + "+/", 86)),
    "W&B": ("WANDB_API_KEY", _of(HEX, 40)),
    "Kaggle": ("kaggle_api_key", _of(HEX, 32)),
    "Comet": ("COMET_API_KEY", _of(LETTERS, 25)),
    "a database": ("db_password", _of(LETTERS + "#!%", 16)),
    "Django": ("SECRET_KEY", _of(LETTERS + "!@#^*-_=+", 50)),
    "a client": ("client_secret", _of(LETTERS + "-_", 34)),
    "a session": ("sessionToken", _of(LETTERS, 64)),
    "MinIO": ("MINIO_SECRET_KEY", _of(LETTERS, 32)),
}


def _planted() -> list[tuple[str, str]]:
    """Three of each of forty kinds, as they stand in code, configuration and JSON."""
    by = random.Random(7)
    found = [(kind, form.format(make(by))) for kind, make in TOKENS.items() for form in PLAIN]
    found += [(kind, form.format(make(by))) for kind, make in KEYS.items() for form in WHOLE]
    named = ((kind, name, make) for kind, (name, make) in NAMES.items())
    return found + [(k, form.format(name, make(by))) for k, name, make in named for form in NAMED]


def test_what_is_planted_is_found() -> None:
    """Of 120 secrets of 40 kinds at least 95 in 100 are found, each where it stands."""
    planted = _planted()

    missed = [(kind, text) for kind, text in planted if not secrets_in(text)]

    assert len(planted) == 120
    assert len(missed) <= 6, missed


@pytest.mark.parametrize(
    "folders",
    [
        [Path(sklearn.__file__).parent / "utils"],
        pytest.param(
            [Path(module.__file__).parent for module in (pandas, sklearn, sqlalchemy)],
            marks=[pytest.mark.sweep, pytest.mark.timeout(300)],
        ),
    ],
)
def test_code_is_not_taken_for_secrets(folders: list[Path]) -> None:
    """In the sources of big projects at most one line in 10,000 is."""
    texts = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py")]

    alarms = [text[found.start : found.end] for text in texts for found in secrets_in(text)]

    assert len(alarms) * 10_000 <= sum(text.count("\n") for text in texts), alarms


def test_what_a_service_describes_is_not_taken_for_secrets() -> None:
    """The answers that the descriptions of a cloud's services show hold tokens that are none."""
    folder = Path(botocore.__file__).parent / "data"
    texts = [path.read_text("utf-8") for path in folder.rglob("examples-1.json")]

    alarms = [text[found.start : found.end] for text in texts for found in secrets_in(text)]

    assert len(alarms) * 10_000 <= sum(text.count("\n") for text in texts), alarms


@pytest.mark.parametrize(
    "name", ["access_token", "HF_TOKEN", "token", "clientToken", "page_secret"]
)
def test_other_tokens_beside_a_name_are_found(name: str) -> None:
    """Only a token that belongs to one call is none."""
    assert secrets_in(f'{name} = "{"k7Q2x9Zb" * 4}"')


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['DB_PASSWORD']",
        "api_key: str | None = None",
        "password: ${DB_PASSWORD}",
        "API_KEY=your-api-key-goes-here-1",
        "token = self.tokenizer.next_token(line_2)",
        "aws_access_key_id = 'AKIAIOSFODNN7EXAMPLE'",
        "token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "https://user:password@example.org/",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "secret_name = 'projects/a1/secrets/b2'",
        "commit = '5ff58464d6104e3b96e52b7d18c2e03a5ff58464'",
        "session_token_created: 2016-09-08T21:47:36Z",
        '"ChangeToken": "abcd12f2-46da-4fdb-b8d5-fbd4c466928f"',
        "nextContinuationToken: 1w41l63U0xa8q7smH50vCxyTQqdxo69O3EmK28Bi5PcROI4wI",
        '"KeyStorePassword": "ExamplePassword1"',
    ],
)
def test_what_stands_where_a_secret_would_is_none(text: str) -> None:
    """Lookups, types, templates and examples of documentation are left alone."""
    assert secrets_in(text) == []


@pytest.mark.parametrize("text", ["a" * 10**6, "key=" * 10**5, "ey" * 10**5, "://a:b" * 10**5])
def test_looking_for_secrets_takes_no_time(text: str) -> None:
    """No text, however odd, makes the search slow: the suite's time limit is the claim."""
    assert secrets_in(text) == []


def test_every_word_that_a_rule_goes_by_has_a_letter_that_numbers_have_not() -> None:
    """So a text of numbers alone need not be looked at."""
    exact, small = secret_shapes._by_word()

    words = {*exact, *small, *secret_shapes.HINTS}
    assert all(secret_shapes._LETTER.search(word) for word in words)


ELSEWHERE: dict[str, tuple[str, int, str]] = {
    "Hugging Face with digits": ('login("hf_{}")', 34, LETTERS),
    "Azure account": ('"AccountName=a;AccountKey={}==;EndpointSuffix=x"', 86, LETTERS),
    "Azure bus": ("Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey={}=", 43, LETTERS),
    "Azure signature": ("https://a.blob.core.windows.net/c?sv=1&sig={}%3D", 43, LETTERS),
    "Stripe webhook": ("x = 'whsec_{}'", 32, LETTERS),
    "wandb in code": ('wandb.login(key="{}")', 40, HEX),
    "wandb in a shell": ("wandb login {}", 40, HEX),
    "Discord webhook": ("https://discord.com/api/webhooks/443630940102810087/{}", 68, LETTERS),
    "Telegram": ('Bot("1234567890:AA{}")', 33, LETTERS),
    "Google OAuth": ("GOCSPX-{}", 28, LETTERS),
    "Google access": ("tok ya29.{}", 100, LETTERS),
    "Groq": ("k='gsk_{}'", 52, LETTERS),
    "Replicate": ("k='r8_{}'", 37, LETTERS),
    "LangSmith": ("k='lsv2_pt_{}_0a1b2c3d4e'", 32, HEX),
    "bearer": ('curl -H "Authorization: Bearer {}7" https://x.io', 24, LETTERS),
    "basic": ('headers={{"Authorization": "Basic {}7=="}}', 24, LETTERS),
    "mysql": ("mysql -u root -p{}7 db", 14, LETTERS),
    "sshpass": ("sshpass -p '{}7' ssh h", 14, LETTERS),
    "curl": ("curl -u me:{}7 https://x.io", 14, LETTERS),
    "netrc": ("machine a.b login me password {}7", 20, LETTERS),
    "docker login": ('{{"auths": {{"https://i/v1/": {{"auth": "{}=="}}}}}}', 30, LETTERS),
    "private JWK": ('{{"kty": "RSA", "d": "{}"}}', 200, LETTERS),
    "conda": ("https://conda.corp.io/t/tk-{}-aaaa-bbbb-cccc-0123456789ab/x", 8, HEX),
    "key in base64": ("tls.key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t{}", 200, LETTERS),
    "password chosen by a person": ("postgres://app:hunter{}9x@db/x", 5, LETTERS),
    "notebook": ('{{"source": ["db_password = \\"{}7\\"\\n"]}}', 20, LETTERS),
    "JSON in JSON": ('{{"cfg": "{{\\"password\\": \\"{}7\\"}}"}}', 20, LETTERS),
    "listed variable": ("- name: DB_PASSWORD\n  value: {}7", 20, LETTERS),
    "listed variable in JSON": ('[{{"name": "DB_PASSWORD", "value": "{}7"}}]', 20, LETTERS),
    "attributes": ('<property name="password" value="{}7"/>', 20, LETTERS),
    "Dockerfile": ("FROM x\nENV SECRET_KEY {}7", 20, LETTERS),
    "default of a variable": ('k = os.getenv("API_KEY", "{}7")', 20, LETTERS),
    "default of an option": ('p.add_argument("--api-key", default="{}7")', 20, LETTERS),
    "annotated": ('api_key: str = "{}7"', 20, LETTERS),
    "annotated in TypeScript": ("const apiKey: string = '{}7'", 20, LETTERS),
    "pair": ('auth = ("me", "{}7")', 20, LETTERS),
    "ODBC": ('cs="SERVER=db;UID=sa;PWD={}7"', 20, LETTERS),
    "pass": ('pass = "{}7"', 20, LETTERS),
    "prose": ("the password is {}7", 20, LETTERS),
}


@pytest.mark.parametrize("kind", ELSEWHERE)
def test_what_a_service_a_header_or_a_command_tells_is_found_and_masked(kind: str) -> None:
    """In files as in words that are recorded; masked twice, nothing changes."""
    form, count, signs = ELSEWHERE[kind]
    by = By(kind)
    for _ in range(10):
        secret = _of(signs, count)(by)
        text = form.format(secret)

        masked = mask_text(text)

        assert secrets_in(text), text
        assert secret not in masked
        assert mask_text(masked) == masked


@pytest.mark.parametrize(
    "command", ["sshpass -p {} ssh h", "mysql -u root -p{} db", "wandb login {}", "python t.py {}"]
)
def test_a_word_that_the_words_before_it_tell_of_is_masked(command: str) -> None:
    """Each argument stays one; what nothing tells of stays as it is."""
    secret = _of(HEX, 40)(By(3))

    masked = mask_argv(command.format(secret).split())

    assert len(masked) == len(command.split())
    assert (secret in " ".join(masked)) == command.startswith("python")


@pytest.mark.parametrize(
    "name",
    [
        "env.production",
        ".env-prod",
        "keystore",
        "login.keychain",
        "AuthKey.p8",
        "pgpass.conf",
        "users.htpasswd",
        "netrc",
        "prod.tfvars",
        "secret.yaml",
        "secrets-prod.yaml",
        ".vault_pass",
        "x.vault_password",
        ".env.local.bak",
    ],
)
def test_files_that_hold_secrets_under_a_sibling_of_a_known_name_are_told(name: str) -> None:
    """Whatever folder they lie in."""
    assert looks_secret(name)
    assert looks_secret(f"conf/{name}")
