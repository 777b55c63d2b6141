"""Coding agents, and the folder of a project where each looks for skills."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path


class Agent(StrEnum):
    """A coding agent; `AGENTS` is the folder that many of them share."""

    AGENTS = "agents"
    CLAUDE = "claude"
    CODEX = "codex"
    COPILOT = "copilot"
    CURSOR = "cursor"


_FOLDERS = {
    Agent.AGENTS: ".agents/skills",
    Agent.CLAUDE: ".claude/skills",
    Agent.CODEX: ".agents/skills",
    Agent.COPILOT: ".github/skills",
    Agent.CURSOR: ".cursor/skills",
}


def folder_of(agent: Agent, root: Path) -> Path:
    """Return where an agent looks for the skills of the project at *root*.

    >>> folder_of(Agent.CLAUDE, Path("digits")).as_posix()
    'digits/.claude/skills'
    """
    return root / _FOLDERS[agent]
