"""The git hook by which a store follows its pointer: put into a repository, and taken out again.

git calls ``post-index-change`` (2.22 and later) after a checkout, merge, pull, rebase, reset,
stash, cherry-pick or restore has changed files: one hook for all of them, ``reset`` included. It
compares a few bytes in the shell and starts Python only where a pointer names another store than
the one that lies there. A hook that was there before is kept beside it and called first.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from xvc.git.commands import CALLED_BY_XVC, Git, RepositoryPaths
from xvc.system.files import add_line, write_durably
from xvc.system.path_containment import is_inside

NAME = "post-index-change"
FORMER = f"{NAME}.before-xvc"
"""The hook that was there before ours, in the same folder."""

LATER = "a store follows its pointer at the next command of xvc"
"""What is so without the hook."""

_MARK = b"# Written by xvc:"
_TEXT = r"""#!/bin/sh
# Written by xvc: the store is the one that its pointer names, whatever git does to the tree.
# `git: {hook: false}` in xvc.yaml, then `xvc doctor`, takes it out.
former=$0.before-xvc
[ ! -x "$former" ] || "$former" "$@"
case $GIT_CONFIG_PARAMETERS in *CALLED_BY_XVC*) exit 0 ;; esac
common=.git tree=main
if [ ! -d .git ]; then
  own=
  { IFS= read -r own <.git; } 2>/dev/null || [ -n "$own" ] || exit 0
  own=${own#gitdir: } common=$own
  if [ -f "$own/commondir" ]; then
    IFS= read -r shared <"$own/commondir"
    case $shared in /*) common=$shared ;; *) common=$own/$shared ;; esac
    tree=worktree-${own##*/}
  fi
fi
# What xvc wrote down of the store it left: "base" is the digest that it grew from.
differs() {
  read -r left <"$1"
  place=${left##*\"place\":\"} place=${place%%\"*} digest=
  case $place in "$top"/*) ;; *) place=$top ;; esac
  [ -f "$place.dvc" ] && while read -r line; do
    case " $line" in *" md5: "*) digest=${line##*md5: } ;; esac
  done <"$place.dvc"
  if [ -n "$digest" ]; then said="\"$digest\""; else said=null; fi
  case $left in *"\"base\":$said"*) return 1 ;; esac
  tried= note=${1%.json}.tried
  [ ! -f "$note" ] || read -r tried <"$note"
  [ "$tried" != "$digest $left" ] || return 1
  printf '%s\n' "$digest $left" >"$note"
}
cd -P . && top=$PWD found=
for state in "$common/xvc/stores/$tree.json" "$common/xvc/stores/$tree+"*.json; do
  [ ! -f "$state" ] || { differs "$state" 2>/dev/null && found=1; }
done
[ -z "$found" ] || [ ! -x PYTHON ] || PYTHON -P -m xvc follow-pointer </dev/null >&2 2>/dev/null
exit 0
"""


@dataclass(frozen=True, slots=True)
class HookState:
    """Whether something was changed now, and why there is no hook although one is wanted."""

    is_new: bool = False
    hindrance: str = ""


def settle(git: Git, *, wanted: bool) -> HookState:
    """Have the hook in this repository, or not.

    It is put only where it is this repository's alone: git's own folder, or one in the work tree
    that ``core.hooksPath`` names; and never in the place of a file that git tracks.
    """
    folder = git.place.top / git.text("rev-parse", "--git-path", "hooks")
    hook = folder / NAME
    if not wanted:
        return HookState(is_new=_is_ours(hook) and _take_out(hook))
    if _is_ours(hook) and hook.read_bytes() == _text() and os.access(hook, os.X_OK):
        return HookState()
    hindrance = _hindrance(git, hook)
    if hindrance:
        return HookState(hindrance=hindrance)
    _put(hook)
    _hide(git, hook)
    return HookState(is_new=True)


def follow_command() -> str:
    """Write the call by which somebody's own hook has the stores follow."""
    return f"{shlex.quote(sys.executable)} -P -m xvc follow-pointer"


def _text() -> bytes:
    text = _TEXT.replace("PYTHON", shlex.quote(sys.executable))
    return os.fsencode(text.replace("CALLED_BY_XVC", CALLED_BY_XVC))


def _is_ours(hook: Path) -> bool:
    return hook.is_file() and not hook.is_symlink() and _MARK in hook.read_bytes()[:200]


def _hindrance(git: Git, hook: Path) -> str:
    place, folder = git.place, hook.parent
    if not (is_inside(folder, place.common) or is_inside(folder, place.top)):
        return f"git's hooks are in {folder}, which is not this repository's alone"
    if not os.path.lexists(hook) or _is_ours(hook):
        return ""
    if _is_in_tree(place, hook) and git.listed(f":(top,literal){hook.relative_to(place.top)}"):
        return f"git tracks a hook {NAME} of your own, {hook}"
    if os.path.lexists(hook.with_name(FORMER)):
        return f"there are two hooks of your own, {hook} and {FORMER} beside it"
    return ""


def _is_in_tree(place: RepositoryPaths, hook: Path) -> bool:
    """Whether the hook is a file of the work tree, and not git's own."""
    return hook.is_relative_to(place.top) and not is_inside(hook.parent, place.common)


def _put(hook: Path) -> None:
    hook.parent.mkdir(parents=True, exist_ok=True)
    if os.path.lexists(hook) and not _is_ours(hook):
        os.rename(hook, hook.with_name(FORMER))
    write_durably(hook, _text(), mode=0o755)
    if not os.access(hook, os.X_OK):
        hook.chmod(0o755)


def _take_out(hook: Path) -> bool:
    former = hook.with_name(FORMER)
    if os.path.lexists(former):
        os.replace(former, hook)
    else:
        hook.unlink()
    return True


def _hide(git: Git, hook: Path) -> None:
    """Have git overlook what was put into the work tree, in this repository alone."""
    place = git.place
    if not _is_in_tree(place, hook):
        return
    names = [str(hook.with_name(name).relative_to(place.top)) for name in (NAME, FORMER)]
    for name in sorted(set(names) - git.ignored(names)):
        (place.common / "info").mkdir(exist_ok=True)
        add_line(place.common / "info" / "exclude", f"/{name}")
