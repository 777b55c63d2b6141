"""What must not be recorded: passwords and tokens in commands and text, files that hold them.

Pure: by name and by shape, never by looking at a file. Refuses subtlety: where a value may be a
secret it is masked, for a mask can be lived with and a leak cannot be called back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import translate
from functools import cache
from pathlib import PurePosixPath
from typing import TypeVar, cast

from xvc.core.late_pattern import late
from xvc.core.record import RecordKind
from xvc.core.secret_names import is_secret_name
from xvc.core.secret_shapes import HINTS, named, telling_lines, tokens
from xvc.types import Json

_Value = TypeVar("_Value")

MASK = "***"
"""What stands where a secret was."""

_ASSIGNED = late(r"([-+~]*[\w./-]+)=(.+)", re.DOTALL)
_OPTION = late(r"--?[A-Za-z][\w.-]*")

# No possessive quantifier stands behind a group: before 3.11.5 Python loses what it holds.
_VALUE = (
    r"[bru]?\"[^\"\\\n]*+(?:\\.[^\"\\\n]*+)*\"?|[bru]?'[^'\\\n]*+(?:\\.[^'\\\n]*+)*'?"
    r"|[^\s\"',;&)}\]]+"
)
_IN_TEXT = late(rf"(?<![\w.-])([\w.-]++)([\"']?[ \t]*(?::=|[=:](?![=:]))[ \t]*)({_VALUE})")
_OPTION_IN_TEXT = late(rf"(?<!\S)(--?[A-Za-z][\w.-]*+)([ \t]+)(?!-)({_VALUE})")
_LONG_VALUE = 200  # no pair is looked for within a longer value: of many each would be read again
_HARMLESS = late(
    r"[\"']?(?:None|null|true|false|str|int|bool|bytes|Optional\b.*|os\.environ.*|getenv.*"
    r"|\$(?:[({].*|(?-i:[A-Z_][A-Z0-9_]*))|\{\{.*|<[\w -]*>)?[\"']?",
    re.IGNORECASE,
)
_PEM = late(
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----)"
    r"((?:(?!-----)[\s\S]){0,20000}(?=-----END )|(?:[\s+-]*+(?:\\n)?[A-Za-z0-9+/=]{32,}+)*)"
)
_PEM_LINE = late(r"^([-+ ]?+).+$", re.MULTILINE)  # the sign of a diff's line stays
_IN_URL = late(r"(://[^\s/@:\"']*:)[^\s/\"']+@")
_AUTHORIZATION = late(
    r"(?i:(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token)\s+|\bbearer\s+))"
    r"[A-Za-z0-9._~+/=-]{6,}"
)
_KERNEL_KEY = late(  # what signs a notebook kernel's messages, as its connection file has it
    r"(\bkey[\"']?\s*[:=]\s*b?[\"']?)[0-9a-f]{8}-[0-9a-f-]{20,}", re.IGNORECASE
)
_SHAPES = late(
    r"(?<![A-Za-z0-9])(?:"
    r"gh[pousr]_[A-Za-z0-9]{16,}"
    r"|github_pat_\w{16,}"
    r"|glpat-[\w-]{16,}"
    r"|sk-(?=[\w-]{0,99}[0-9])[\w-]{16,}"
    r"|A(?:KI|SI)A[0-9A-Z]{16}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}"
    r"|hf_[A-Za-z0-9]{16,}"
    r"|AIza[\w-]{35}"
    r"|npm_[A-Za-z0-9]{30,}"
    r"|pypi-[\w-]{32,}"
    r"|eyJ[\w-]{4,999}\.eyJ[\w-]{4,}\.[\w-]*"
    r")"
)
_FILES = (
    ".env .env.* .env-* .env_* *.env env.local env.prod* env.dev* env.stag* .envrc .envrc.* "
    "*.pem *.key *.ppk *.kdb *.kdbx *.bks *.jceks *.jks *.keystore keystore *.keychain "
    "*.keychain-db *.p8 *.p12 *.pfx *.pkcs12 id_rsa* id_dsa* id_ecdsa* id_ed25519* credentials "
    "credentials.* credentials-* credentials_* *.credentials *credentials*.json *_credentials "
    "client_secret* client-secret* .netrc _netrc netrc .pgpass pgpass.conf .my.cnf .mylogin.cnf "
    ".npmrc .pypirc .yarnrc.yml .htpasswd htpasswd *.htpasswd .git-credentials *.tfstate "
    "*.tfstate.* *.tfvars *.tfvars.json .terraformrc terraform.rc kaggle.json .s3cfg .boto .s3fs "
    ".passwd-s3fs rclone.conf .databrickscfg .dockercfg .vault-token .vault_pass* .vault-pass* "
    "*vault_password* .wandb_api_key secret.y*ml secrets-*.y*ml secrets_*.y*ml secrets.*.y*ml "
    "secrets.json secrets.y*ml secrets.toml secrets.ini secrets.txt secrets.env .secrets "
    "*.secret service-account*.json service_account*.json accesstokens.json azureprofile.json "
    "msal_token_cache.* application_default_credentials.json kubeconfig *.kubeconfig *.ovpn "
    "wp-config.php"
)
_PLACES = (
    *(".dvc/config.local", ".kube/config", ".docker/config.json", ".oci/config"),
    *(".config/gh/hosts.yml", ".huggingface/token", "huggingface/token", ".gem/credentials"),
    *(".aws/config", ".cargo/credentials", ".streamlit/secrets.toml"),
)
_FOLDERS = ("/.ssh/", "/.gnupg/", "/.aws/", "/.config/gcloud/", "/.azure/")
_BACKUP = late(r"(?:~|[._-](?:bak|backup|old|orig|save|saved|copy|tmp|swp|swo|dist|[0-9]{1,8}))+$")
_COMPUTING = (
    *("CUDA_", "NVIDIA_VISIBLE_DEVICES", "ROCR_", "HIP_", "NCCL_", "OMP_", "MKL_", "OPENBLAS_"),
    *("NUMEXPR_", "XLA_", "TORCH_", "PYTORCH_", "TF_", "JAX_", "PYTHONHASHSEED", "PYTHONOPTIMIZE"),
    *("SLURM_JOB_", "SLURM_ARRAY_", "WORLD_SIZE", "RANK", "LOCAL_RANK", "LANG", "LC_", "TZ"),
)
_LONG = 10_000  # characters from which on only lines with one of these words are looked at
_TELLING = (
    *(*HINTS, "://", "auth", "bearer", "curl"),
    *("eyj", "aiza", "akia", "asia", "pypi-", "xox", "gh", "glpat-", "sk-", "hf_", "npm_"),
)
_TEXTS = ("name", "note", "idea", "decision", "reason")
_LISTS = ("labels",)
_SHORTEST = 15  # no token that shows what it is is shorter
_USER = ("-u", "--user", "--proxy-user")  # of curl: a name, and perhaps a password
_CURL = late(
    r"(\bcurl\b[^\n|;]{0,500}?\s(?:-u|--user|--proxy-user)[ \t=]+[\"']?[^\s:\"']{1,200}:)[^\s\"']+"
)
_BY_WORD = (
    ("://", _IN_URL, rf"\1{MASK}@"),
    ("curl", _CURL, rf"\1{MASK}"),
    ("authorization", _AUTHORIZATION, rf"\1{MASK}"),
    ("bearer", _AUTHORIZATION, rf"\1{MASK}"),
    ("key", _KERNEL_KEY, rf"\1{MASK}"),
)
"""What is masked where a word stands, in small letters, that every such text has."""
_USER_WORD = late(r"^([^:/@\s]{1,200}:)(?!//)\S+$")
_SHORTEST_TEXT = 6
_MAY_HOLD = late(r"[=:\s]")
_TEMPLATES = (".example", ".sample", ".template", ".tmpl", ".j2")
_NO_SECRETS = (
    ".pub",
    ".py",
    ".md",
    ".rst",
    ".html",
    ".go",
    ".java",
    ".ts",
    ".js",
    ".rs",
    ".c",
    ".h",
)


@cache
def _file_names() -> re.Pattern[str]:
    return re.compile("|".join(map(translate, _FILES.split())))


def looks_secret(path: str) -> bool:
    """Whether a file of this name is never put into a snapshot; upper and lower case are one.

    >>> looks_secret("deploy/.env"), looks_secret(".env.example"), looks_secret("train.py")
    (True, False, False)
    >>> looks_secret("credentials.yaml.bak"), looks_secret("id_rsa.pub")
    (True, False)
    """
    lower = path.lower()
    folder, slash, name = lower.rpartition("/")
    name = _BACKUP.sub("", name.removeprefix(".#").removeprefix("#").removesuffix("#"))
    bare = folder + slash + name
    if lower.endswith((*_TEMPLATES, *_NO_SECRETS)):
        return False
    if any(f"/{bare}".endswith(f"/{place}") for place in _PLACES):
        return True
    names = {name, PurePosixPath(lower).name}
    if any(_file_names().match(each) for each in names):
        return True
    return any(folder in f"/{lower}" for folder in _FOLDERS)


def is_harmless(variable: str) -> bool:
    """Whether an environment variable says how a run computes, and nothing of who runs it.

    >>> is_harmless("CUDA_VISIBLE_DEVICES"), is_harmless("HOME"), is_harmless("TF_API_TOKEN")
    (True, False, False)
    """
    return variable.startswith(_COMPUTING) and not is_secret_name(variable)


def secret_texts(values: Mapping[str, object]) -> tuple[str, ...]:
    """List what values with secret names say: that is secret wherever else it stands.

    One of fewer than six characters stands by chance in what is none.

    >>> secret_texts({"password": "hunter2", "token": 7, "lr": 0.000001})
    ('hunter2',)
    """
    said = {
        str(value)
        for key, value in values.items()
        if isinstance(value, str | int | float) and is_secret_name(key)
    }
    return tuple(sorted((text for text in said if len(text) >= _SHORTEST_TEXT), key=len)[::-1])


def mask_texts(value: _Value, texts: Sequence[str]) -> _Value:
    """Return a value with *texts* masked, also in lists and dicts.

    >>> mask_texts(["--url=me:hunter2@host", 1234567], ["hunter2", "1234567"])
    ['--url=me:***@host', '***']
    """
    return cast("_Value", _without_texts(value, texts) if texts else value)


def _without_texts(value: object, texts: Sequence[str]) -> object:
    if isinstance(value, str):
        for text in texts:
            value = value.replace(text, MASK)
        return value
    if isinstance(value, Mapping):
        return {key: _without_texts(part, texts) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [_without_texts(part, texts) for part in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return MASK if is_number and str(value) in texts else value


def mask_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command with its secrets masked, argument for argument.

    >>> mask_argv(["fit", "--api-key", "k1", "--token=k2", "DB_PASSWORD=k3", "--max-tokens", "9"])
    ('fit', '--api-key', '***', '--token=***', 'DB_PASSWORD=***', '--max-tokens', '9')
    """
    masked: list[str] = []
    before, is_curl = "", False
    for argument in argv:
        is_curl = is_curl or PurePosixPath(argument).name == "curl"
        is_option = _OPTION.fullmatch(argument) is not None
        if is_option or not before:
            masked.append(_masked_argument(argument))
        elif before in _USER:
            masked.append(_USER_WORD.sub(rf"\1{MASK}", argument))
        else:
            masked.append(MASK)
        has_user = is_curl and argument in _USER
        before = argument if is_option and (has_user or is_secret_name(argument)) else ""
    return _without_tokens_of_all(masked)


def _without_tokens_of_all(words: Sequence[str]) -> tuple[str, ...]:
    """Mask what only the words before it tell: ``sshpass -p WORD``, ``wandb login WORD``."""
    line = " ".join(words)
    found = tokens(line) if len(line) < _LONG else []
    masked, at = [], 0
    for word in words:
        inner = [each for each in found if each.start < at + len(word) and each.end > at]
        begin = min((each.start for each in inner), default=0)
        end = max((each.end for each in inner), default=0)
        cut = f"{word[: max(0, begin - at)]}{MASK}{word[max(0, end - at) :]}"
        masked.append(cut if inner else word)
        at += len(word) + 1
    return tuple(masked)


def mask_values(values: Mapping[str, _Value]) -> dict[str, _Value | str]:
    """Return params with the secret ones masked, by their names and by the shape of their texts.

    Lists and dicts are looked through, to any depth.

    >>> mask_values({"api_key": "k1", "db.password": 7, "max_tokens": 9})
    {'api_key': '***', 'db.password': '***', 'max_tokens': 9}
    >>> mask_values({"db": {"password": "k1"}, "args": ["--token", "k2"]})
    {'db': {'password': '***'}, 'args': ['--token', '***']}
    """
    return {key: cast("_Value | str", _masked_value(key, value)) for key, value in values.items()}


def mask_record(kind: RecordKind, facts: Json) -> Json:
    """Return what a record says with its secrets masked; rows are not looked at.

    >>> mask_record(RecordKind.SET, {"note": "password=k1", "status": "finished"})
    {'note': 'password=***', 'status': 'finished'}
    >>> mask_record(RecordKind.ENVIRONMENT, {"facts": {"packages": {"tiktoken": "0.14.0"}}})
    {'facts': {'packages': {'tiktoken': '0.14.0'}}}
    """
    if kind is RecordKind.ENVIRONMENT:
        return cast("Json", _masked_environment(facts))
    if not isinstance(facts, dict) or kind not in (
        RecordKind.BEGIN,
        RecordKind.SET,
        RecordKind.END,
        RecordKind.PARAMS,
    ):
        return facts
    if kind is RecordKind.PARAMS:
        return cast("Json", mask_values(facts))
    texts = {key: mask_text(said) for key in _TEXTS if isinstance(said := facts.get(key), str)}
    lists = {
        key: _masked_value("", said) for key in _LISTS if isinstance(said := facts.get(key), list)
    }
    return {**facts, **texts, **cast("dict[str, Json]", lists), **_masked_parts(facts)}


def _masked_environment(facts: Json) -> object:
    """Mask variables by name; what is installed is called as it is, and ``tiktoken`` no secret."""
    said = facts.get("facts") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or not isinstance(said, dict):
        return _masked_value("", facts)
    parts = ("packages", "tools")
    named = {part: held for part in parts if isinstance(held := said.get(part), dict)}
    installed = {
        part: {name: _masked_value("", version) for name, version in held.items()}
        for part, held in named.items()
    }
    others = _masked_mapping({key: each for key, each in said.items() if key not in named})
    masked = _masked_mapping({key: each for key, each in facts.items() if key != "facts"})
    each: dict[str, object] = {str(key): value for key, value in (others | installed).items()}
    return {**masked, "facts": {key: each[key] for key in said}}


def _masked_parts(facts: Mapping[str, Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    params = facts.get("params")
    if isinstance(params, dict):
        found["params"] = cast("Json", mask_values(params))
    for part in ("command", "seeded"):
        if isinstance(words := facts.get(part), list):
            found[part] = list(mask_argv([str(word) for word in words]))
    return found


def _masked_value(key: object, value: object) -> object:
    if value is not None and isinstance(key, str) and key and is_secret_name(key):
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return value if _is_tagged(value) else _masked_mapping(value)
    if isinstance(value, list | tuple) and value:
        made = cast("Callable[[Iterable[object]], object]", type(value))
        words = list(value)
        if all(isinstance(word, str) for word in words):
            masked: Iterable[object] = mask_argv(cast("list[str]", words))
        else:
            masked = [_masked_value("", part) for part in words]
        return made(masked) if type(value) in (list, tuple) else value
    return value


def _is_tagged(value: Mapping[object, object]) -> bool:
    """Whether a dict stands for a value that JSON has no word for."""
    return len(value) == 1 and str(next(iter(value))).startswith("$")


def _masked_mapping(value: Mapping[object, object]) -> dict[object, object]:
    named = value.get("name", value.get("key"))  # as in lists of variables: {name: …, value: …}
    is_secret = isinstance(named, str) and "value" in value and is_secret_name(named)
    masked = {key: _masked_value(key, part) for key, part in value.items()}
    return {**masked, "value": MASK} if is_secret else masked


def mask_text(text: str) -> str:
    """Return a diff, a log or a note with its secrets masked, line for line.

    >>> mask_text("password: hunter2, lr: 0.1 https://me:hunter2@example.org")
    'password: ***, lr: 0.1 https://me:***@example.org'
    """
    if len(text) < _SHORTEST and not _MAY_HOLD.search(text):
        return text
    text = _without(_PEM.sub(_masked_key, text) if "-----BEGIN" in text else text)
    if len(text) < _LONG:
        return _without_named(text)
    parts, at = [], 0
    for start, end in telling_lines(text, _TELLING):
        parts += [text[at:start], _without_named(text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def _without(text: str) -> str:
    """Mask the tokens that show what they are, and what looks drawn beside a name that tells."""
    parts, at = [], 0
    for found in sorted(
        [*tokens(text), *named(text)]
    ):  # several rules may know a part of one token
        if found.end > at:
            parts += [text[at : found.start], MASK] if found.start >= at else []
            at = found.end
    return "".join([*parts, text[at:]])


def _without_named(text: str) -> str:
    """Mask what stands beside a name, or in a place, that tells that it is a secret."""
    plain = text.lower()
    for word, pattern, mask in _BY_WORD:  # the word spares the pattern, most times its compilation
        if word in plain:
            text = pattern.sub(mask, text)
    text = _SHAPES.sub(MASK, text)
    return _OPTION_IN_TEXT.sub(_masked_pair, _without_pairs(text))


def _without_pairs(text: str) -> str:
    """Mask the values of secret names; what another name has may begin such a pair itself.

    >>> _without_pairs("ValueError: token=abc"), _without_pairs("note: password: abc, lr: 1")
    ('ValueError: token=***', 'note: password: ***, lr: 1')
    """
    parts, at, start = [], 0, 0
    while found := _IN_TEXT.search(text, start):
        if is_secret_name(found[1]):
            parts += [text[at : found.start()], _masked_pair(found)]
            at = start = found.end()
        else:
            start = found.start(3) if len(found[3]) < _LONG_VALUE else found.end()
    return "".join([*parts, text[at:]])


def _masked_argument(argument: str) -> str:
    found = _ASSIGNED.fullmatch(argument)
    if found and is_secret_name(found[1]):
        return f"{found[1]}={MASK}"
    return mask_text(argument)


def _masked_pair(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    is_folder = name.lower().endswith("pwd") and value.startswith("/")  # the shell's own PWD
    if is_folder or _HARMLESS.fullmatch(value):
        return found[0]
    if not is_secret_name(name):
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    closing = quote if len(value) > 1 and value.endswith(quote) else ""
    return f"{name}{between}{quote}{MASK}{closing}"


def _masked_key(found: re.Match[str]) -> str:
    return found[1] + _PEM_LINE.sub(rf"\1{MASK}", found[2])
