"""What must not be recorded: passwords and tokens in commands and text, files that hold them.

Pure: by name and by shape, never by looking at a file. Refuses subtlety: where a value may be a
secret it is masked, for a mask can be lived with and a leak cannot be called back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TypeVar

from xvc.core.name_words import camel_words, word_table

_Value = TypeVar("_Value")

MASK = "***"
"""What stands where a secret was."""

_ENDINGS = ("password", "passwd", "passphrase", "secret", "apikey", "accesskey", "privatekey")
_SECRET = word_table("passcode pwd secrets passwords credential credentials")
_BEFORE_KEY = word_table("api access private secret auth account encryption session signing hmac")
_VOCABULARY = word_table("pad eos bos unk sep cls mask start end per sub special")
_ASSIGNED = re.compile(r"([-+~]*[\w./-]+)=(.+)", re.DOTALL)
_OPTION = re.compile(r"--?[A-Za-z][\w.-]*")

_VALUE = r"[bru]?\"(?:[^\"\\\n]|\\.)*+\"?|[bru]?'(?:[^'\\\n]|\\.)*+'?|[^\s\"',;&)}\]]+"
_IN_TEXT = re.compile(rf"(?<![\w.-])([\w.-]++)([\"']?[ \t]*(?::=|[=:](?![=:]))[ \t]*)({_VALUE})")
_OPTION_IN_TEXT = re.compile(rf"(?<!\S)(--?[A-Za-z][\w.-]*+)([ \t]+)(?!-)({_VALUE})")
_LONG_VALUE = 200  # bounds how deep pairs are looked for within pairs
_HARMLESS = re.compile(
    r"[\"']?(?:None|null|true|false|str|int|bool|bytes|Optional\b.*|os\.environ.*|getenv.*"
    r"|\$(?:[({].*|(?-i:[A-Z_][A-Z0-9_]*))|\{\{.*|<[\w -]*>)?[\"']?",
    re.IGNORECASE,
)
_PEM = re.compile(
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----)"
    r"((?:(?!-----)[\s\S]){0,20000}+(?=-----END )|(?:[\s+-]*+(?:\\n)?[A-Za-z0-9+/=]{32,}+)*+)"
)
_PEM_LINE = re.compile(r"^([-+ ]?+).+$", re.MULTILINE)  # the sign of a diff's line stays
_IN_URL = re.compile(r"(://[^\s/@:\"']*:)[^\s/\"']+@")
_AUTHORIZATION = re.compile(
    r"(?i:(authorization[\"']?\s*[:=]\s*[\"']?(?:basic|bearer|token)\s+|\bbearer\s+))"
    r"[A-Za-z0-9._~+/=-]{6,}"
)
_KERNEL_KEY = re.compile(  # what signs a notebook kernel's messages, as its connection file has it
    r"(\bkey[\"']?\s*[:=]\s*b?[\"']?)[0-9a-f]{8}-[0-9a-f-]{20,}", re.IGNORECASE
)
_SHAPES = re.compile(
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
_FILES = word_table(
    ".env .env.* *.pem *.key id_rsa* id_dsa* id_ecdsa* id_ed25519* *.p12 *.pfx *.jks *.keystore "
    "credentials credentials.json .netrc _netrc .pgpass .npmrc .pypirc .htpasswd .git-credentials "
    "secrets.json secrets.y*ml secrets.toml secrets.ini secrets.txt secrets.env "
    "service-account*.json service_account*.json kubeconfig"
)
_PLACES = (".dvc/config.local", ".kube/config", ".docker/config.json")
_COMPUTING = (
    *("CUDA_", "NVIDIA_VISIBLE_DEVICES", "ROCR_", "HIP_", "NCCL_", "OMP_", "MKL_", "OPENBLAS_"),
    *("NUMEXPR_", "XLA_", "TORCH_", "PYTORCH_", "TF_", "JAX_", "PYTHONHASHSEED", "PYTHONOPTIMIZE"),
    *("SLURM_JOB_", "SLURM_ARRAY_", "WORLD_SIZE", "RANK", "LOCAL_RANK", "LANG", "LC_", "TZ"),
)
_TEMPLATES = (".example", ".sample", ".template")


def looks_secret(path: str) -> bool:
    """Whether a file of this name is never put into a snapshot; upper and lower case are one.

    >>> looks_secret("deploy/.env"), looks_secret(".env.example"), looks_secret("train.py")
    (True, False, False)
    """
    lower = path.lower()
    name = PurePosixPath(lower).name
    if name.startswith(".env.") and name.endswith(_TEMPLATES):
        return False
    is_placed = any(f"/{lower}".endswith(f"/{place}") for place in _PLACES)
    return is_placed or any(fnmatchcase(name, shape) for shape in _FILES)


def is_harmless(variable: str) -> bool:
    """Whether an environment variable says how a run computes, and nothing of who runs it.

    >>> is_harmless("CUDA_VISIBLE_DEVICES"), is_harmless("HOME"), is_harmless("TF_API_TOKEN")
    (True, False, False)
    """
    return variable.startswith(_COMPUTING) and not _is_secret_name(variable)


def mask_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """Return a command with its secrets masked, argument for argument.

    >>> mask_argv(["fit", "--api-key", "k1", "--token=k2", "DB_PASSWORD=k3", "--max-tokens", "9"])
    ('fit', '--api-key', '***', '--token=***', 'DB_PASSWORD=***', '--max-tokens', '9')
    """
    masked: list[str] = []
    is_value = False
    for argument in argv:
        is_option = _OPTION.fullmatch(argument) is not None
        masked.append(MASK if is_value and not is_option else _masked_argument(argument))
        is_value = is_option and _is_secret_name(argument)
    return tuple(masked)


def mask_values(values: Mapping[str, _Value]) -> dict[str, _Value | str]:
    """Return params with the secret ones masked, by their names and by the shape of their texts.

    >>> mask_values({"api_key": "k1", "db.password": 7, "max_tokens": 9})
    {'api_key': '***', 'db.password': '***', 'max_tokens': 9}
    """
    return {key: _masked_value(key, value) for key, value in values.items()}


def _masked_value(key: str, value: _Value) -> _Value | str:
    if value is not None and _is_secret_name(key):
        return MASK
    return mask_text(value) if isinstance(value, str) else value


def mask_text(text: str) -> str:
    """Return a diff or a log with its secrets masked, line for line.

    >>> mask_text("password: hunter2, lr: 0.1 https://me:hunter2@example.org")
    'password: ***, lr: 0.1 https://me:***@example.org'
    """
    text = _PEM.sub(_masked_key, text)
    text = _IN_URL.sub(rf"\1{MASK}@", text)
    text = _AUTHORIZATION.sub(rf"\1{MASK}", text)
    text = _KERNEL_KEY.sub(rf"\1{MASK}", _SHAPES.sub(MASK, text))
    return _OPTION_IN_TEXT.sub(_masked_pair, _IN_TEXT.sub(_masked_pair, text))


def _masked_argument(argument: str) -> str:
    found = _ASSIGNED.fullmatch(argument)
    if found and _is_secret_name(found[1]):
        return f"{found[1]}={MASK}"
    return mask_text(argument)


def _masked_pair(found: re.Match[str]) -> str:
    name, between, value = found.groups()
    is_folder = name.lower().endswith("pwd") and value.startswith("/")  # the shell's own PWD
    if is_folder or _HARMLESS.fullmatch(value):
        return found[0]
    if not _is_secret_name(name):  # `ValueError: token=abc` is a pair whose value is another
        inner = _IN_TEXT.sub(_masked_pair, value) if len(value) < _LONG_VALUE else value
        return f"{name}{between}{inner}"
    quote = value[0] if value[0] in "\"'" else ""
    closing = quote if len(value) > 1 and value.endswith(quote) else ""
    return f"{name}{between}{quote}{MASK}{closing}"


def _masked_key(found: re.Match[str]) -> str:
    return found[1] + _PEM_LINE.sub(rf"\1{MASK}", found[2])


def _is_secret_name(name: str) -> bool:
    said = [word.rstrip("0123456789") for word in camel_words(name)]
    if any(word in _SECRET or word.endswith(_ENDINGS) for word in said):
        return True
    before, last = ["", "", *said][-2:]
    if last.endswith("token"):  # a token of a vocabulary (`pad_token`) is no secret
        return (last.removesuffix("token") or before) not in _VOCABULARY
    return any(one in _BEFORE_KEY and two == "key" for one, two in pairwise(said))
