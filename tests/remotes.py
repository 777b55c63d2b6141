"""DVC remotes for tests, in processes of their own: S3 by moto, SSH by asyncssh.

``python remotes.py s3`` and ``python remotes.py ssh`` print their port and serve until their
standard input ends.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
_BUCKET = "trials"


@contextmanager
def _served(kind: str) -> Iterator[int]:
    words = [sys.executable, __file__, kind]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


@contextmanager
def bucket() -> Iterator[dict[str, str]]:
    """Serve S3 with an empty bucket; gives the options of the DVC remote."""
    with _served("s3") as port:
        yield {
            "url": f"s3://{_BUCKET}/objects",
            "endpointurl": f"http://127.0.0.1:{port}",
            "access_key_id": _KEYS["aws_access_key_id"],
            "secret_access_key": _KEYS["aws_secret_access_key"],
            "region": "us-east-1",
        }


@contextmanager
def ssh_folder(folder: Path) -> Iterator[dict[str, str]]:
    """Serve this machine's files by SFTP; gives the options of a DVC remote in *folder*."""
    with _served("ssh") as port:
        yield {"url": f"ssh://127.0.0.1:{port}{folder}", "user": "ada", "password": "engine"}


@contextmanager
def http_folder(folder: Path) -> Iterator[dict[str, str]]:
    """Serve a folder by HTTP, for reading and for ``PUT``; gives the options of the DVC remote."""

    class Handler(SimpleHTTPRequestHandler):
        def do_PUT(self) -> None:
            place = Path(self.translate_path(self.path))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(self._body())
            self.send_response(201)
            self.end_headers()

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"]))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield {"url": f"http://127.0.0.1:{server.server_address[1]}/objects", "method": "PUT"}
        finally:
            server.shutdown()


@contextmanager
def http_answering(status: int | None) -> Iterator[str]:
    """Serve nothing but a status, or with None nothing at all; gives the URL of the remote."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status or 404)

        do_HEAD = do_GET

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/objects"
        if status is None:
            server.server_close()
            yield url
            return
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield url
        finally:
            server.shutdown()


def use_remote(project: Path, options: dict[str, str], name: str = "storage") -> None:
    """Set a default DVC remote, privately: where it is and who may is nobody else's."""
    local = project / ".dvc" / "config.local"
    held = local.read_text() if local.exists() else "[core]\n"
    lines = "".join(f"    {option} = {value}\n" for option, value in options.items())
    head = held.replace("[core]\n", f"[core]\n    remote = {name}\n", 1)
    local.write_text(f"{head}['remote \"{name}\"']\n{lines}")


def _serve_s3() -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    client = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", **_KEYS
    )
    client.create_bucket(Bucket=_BUCKET)
    print(port, flush=True)
    sys.stdin.read()


async def _serve_ssh() -> None:
    import asyncssh

    class Host(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("ada", "engine")

    key = asyncssh.generate_private_key("ssh-ed25519")
    acceptor = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[key], server_factory=Host, sftp_factory=True
    )
    print(acceptor.get_port(), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    if sys.argv[1] == "s3":
        _serve_s3()
    else:
        asyncio.run(_serve_ssh())
