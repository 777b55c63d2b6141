"""Names that tell that their value is a secret: ``db_password``, ``apiKey``, not ``pad_token``.

Pure. Where a value may be a secret its name tells so: a mask can be lived with, a leak not.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from xvc.core.name_words import camel_words, word_table

_ENDINGS = ("password", "passwd", "passphrase", "secret", "apikey", "accesskey", "privatekey")
_SECRET = word_table("passcode pwd secrets passwords credential credentials")
_BEFORE_KEY = word_table("api access private secret auth account encryption session signing hmac")
_VOCABULARY = word_table("pad eos bos unk sep cls mask start end per sub special")


@lru_cache(maxsize=8192)
def is_secret_name(name: str) -> bool:
    """Whether the value of a param, a variable or an option of this name is a secret.

    >>> is_secret_name("HF_TOKEN"), is_secret_name("max_tokens"), is_secret_name("private-key")
    (True, False, True)
    """
    said = [word.rstrip("0123456789") for word in camel_words(name)]
    if any(word in _SECRET or word.endswith(_ENDINGS) for word in said):
        return True
    before, last = ["", "", *said][-2:]
    if last.endswith("token"):  # a token of a vocabulary (`pad_token`) is no secret
        return (last.removesuffix("token") or before) not in _VOCABULARY
    return any(one in _BEFORE_KEY and two == "key" for one, two in pairwise(said))
