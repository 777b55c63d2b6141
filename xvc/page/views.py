"""Saved views of the page: a name for the end of an address, kept in the project's settings."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from xvc.config import FILE
from xvc.errors import BadValue, ConflictError, error
from xvc.system.files import write_durably
from xvc.system.yaml_text import BadYaml, edit_yaml

if TYPE_CHECKING:
    from xvc.project import Project

_ADDRESS = re.compile(r"[a-z]+(\?[\w.~%+&=*!-]*)?")
_LONGEST = 4_000


@error("views-by-hand")
class ViewsByHand(ConflictError):
    """The settings cannot be changed here."""

    reason: str
    says = "the view cannot be saved: {reason}"
    way = "Write it by hand where the settings are, under the key `page.views`."


def save_view(project: Project, name: str, address: str) -> dict[str, str]:
    """Keep a view under a name, in xvc.yaml; without an address the name is forgotten.

    Raises:
        BadValue: the name is empty, or the address is none of the page's.
        ViewsByHand: the settings do not lie in xvc.yaml, or it cannot be changed.
    """
    name = " ".join(name.split())
    if not name or len(name) > 100 or "." in name:
        raise BadValue("name", "a view needs a name of up to 100 letters, without dots")
    if address and (len(address) > _LONGEST or not _ADDRESS.fullmatch(address)):
        raise BadValue("address", "it is no address of this page")
    place = project.root / FILE
    if place.is_symlink() or not place.is_file():  # a link may lead out of the project
        raise ViewsByHand(f"{FILE} is no file of this project")

    def change(held: MutableMapping[str, Any]) -> None:
        page = held.setdefault("page", {})
        if not isinstance(page, MutableMapping):
            raise ViewsByHand("`page` has another form there")
        views = page.setdefault("views", {})
        if not isinstance(views, MutableMapping):
            raise ViewsByHand("`page.views` has another form there")
        if address:
            views[name] = address
        else:
            views.pop(name, None)

    try:
        text = edit_yaml(place.read_text(encoding="utf-8"), change)
    except (BadYaml, UnicodeDecodeError) as err:
        raise ViewsByHand(str(err)) from err
    write_durably(place, text.encode())
    return {"name": name, "address": address}
