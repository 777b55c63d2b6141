"""Write ``xvc/core/secret_rules.json`` from the rules of gitleaks, which are data with a licence.

    python scripts/secret_rules.py gitleaks.toml

Patterns become Python's; rules that look at paths or several lines are left out: xvc has its own
for those, and for names that tell of a secret.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

TARGET = Path(__file__).parent.parent / "xvc/core/secret_rules.json"
LICENCE = "MIT: secret_rules.LICENSE; from https://github.com/gitleaks/gitleaks"
LEFT_OUT = {
    "curl-auth-header",
    "curl-auth-user",
    "facebook-access-token",
    "freemius-secret-key",
    "generic-api-key",
    "kubernetes-secret-yaml",
    "nuget-config-password",
    "private-key",
    "sourcegraph-access-token",
}
BEGINNINGS = {
    "aws-access-token": ["AKIA", "ASIA", "ABIA", "ACCA", "A3T"],
    "github-app-token": ["ghu_", "ghs_"],
    "stripe-access-token": [f"{a}_{b}" for a in ("sk", "rk") for b in ("test", "live", "prod")],
    "vault-service-token": ["hvs."],
    "flyio-access-token": ["fo1_", "fm1", "fm2_"],
    "square-access-token": ["EAAA", "sq0atp-"],
    "harness-api-key": ["pat.", "sat."],
    "authress-service-client-access-key": ["sc_", "ext_", "scauth_", "authress_"],
    "openai-api-key": ["sk-"],
    "slack-webhook-url": ["https://hooks.slack.com/"],
    "microsoft-teams-webhook": [],
}
"""What a secret begins with, where its pattern has several ways."""


def main(source: Path) -> None:
    """Write the rules."""
    rules = [
        _rule(rule)
        for rule in tomllib.loads(source.read_text(encoding="utf-8"))["rules"]
        if "regex" in rule and rule["id"] not in LEFT_OUT
    ]
    text = json.dumps({"licence": LICENCE, "rules": rules}, indent=0, ensure_ascii=True)
    TARGET.write_text(text + "\n", encoding="utf-8")
    print(len(rules), sum(bool(rule["beginnings"]) for rule in rules))


def _rule(rule: dict[str, object]) -> dict[str, object]:
    pattern, words = _at_its_word(_pythonic(str(rule["regex"])))
    found = re.compile(pattern)
    beginnings = BEGINNINGS.get(str(rule["id"]), words or None)
    if beginnings is None:
        begin = _literal(pattern)
        beginnings = [begin] if len(begin) >= 2 else []
    is_any_case = bool(found.flags & re.IGNORECASE)
    return {
        "id": rule["id"],
        "pattern": pattern,
        "entropy": rule.get("entropy", 0),
        "any_case": is_any_case,
        "beginnings": [b.lower() if is_any_case else b for b in beginnings],
        "keywords": rule.get("keywords", []),
    }


def _at_its_word(pattern: str) -> tuple[str, list[str]]:
    """Let a pattern for what stands beside a service's name begin at that name, if it has one."""
    found = re.match(r"\(\?i\)\[\\w\.-\]\{0,50\}\?(\(\?:([\w.|-]+)\))", pattern)
    if found is None:
        return pattern, []
    return "(?i)" + pattern[found.start(1) :], found[2].lower().split("|")


def _literal(pattern: str) -> str:
    """Return the letters that a pattern begins with, boundaries and groups passed over."""
    bare = re.sub(r"^\(\?i\)", "", pattern)
    bare = re.sub(r"^(?:\\b|\((?!\?))+", "", bare)
    found = re.match(r"(?:[A-Za-z0-9_~-]|\\[.\-~])+", bare)
    if found is None:
        return ""
    begin, rest = found[0], bare[found.end() :]
    if rest[:1] in ("?", "*", "{", "|"):
        return ""
    return begin.replace("\\", "")


def _pythonic(pattern: str) -> str:
    pattern = pattern.replace(r"\z", r"\Z").replace("[[:alnum:]]", "[A-Za-z0-9]")
    if pattern.startswith("(?i)"):
        return "(?i)" + pattern[4:].replace("(?i)", "")
    while (at := pattern.find("(?i)")) > 0:
        end = _end_of_group(pattern, at)
        pattern = f"{pattern[:at]}(?i:{pattern[at + 4 : end]}){pattern[end:]}"
    return pattern


def _end_of_group(pattern: str, at: int) -> int:
    depth, is_class, place = 0, False, at + 4
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            place += 1
        elif is_class:
            is_class = sign != "]"
        elif sign == "[":
            is_class = True
        elif sign == "(":
            depth += 1
        elif sign == ")":
            if depth == 0:
                return place
            depth -= 1
        place += 1
    return len(pattern)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
