"""A Hub on the loopback interface: speaks enough of the real protocol for the real `huggingface_hub` client.

Files are served from one host name and, like the Hub's CDN, large ones from another, to which no token may travel.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

TOKEN = "hf_opensesame"


@dataclass
class Repo:
    """Commits are complete snapshots."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        old = self.commits.get(self.branches.get(branch, ""), {})
        snapshot = {**old, **files}
        digest = hashlib.sha1(repr((len(self.commits), sorted(snapshot.items()))).encode()).hexdigest()
        self.commits[digest] = snapshot
        self.branches[branch] = digest
        return digest


class Hub:
    """The server, its repositories, what it was asked, and the faults it is to show."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.uploads: dict[str, bytes] = {}
        self.log: list[tuple[str, str, dict[str, str]]] = []
        self.status: dict[str, int] = {}  # method -> answer to every request of files with it
        self.cuts: list[int] = []  # bytes after which the next downloads break off
        self.damage = False  # flip a bit in the middle of large files
        self.drop = False  # close every connection without an answer
        self.before: Callable[[str], None] = lambda path: None  # called with the path before a file is served
        handler = type("Handler", (_Handler,), {"hub": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return self.http.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, method: str, text: str = "") -> list[dict[str, str]]:
        """Headers of the requests so far with this method and this text in their path."""
        return [headers for verb, path, headers in self.log if verb == method and text in path]

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def handle_any(self) -> None:
        path = unquote(urlparse(self.path).path)
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        self.hub.log.append((self.command, path, {k.lower(): v for k, v in self.headers.items()}))
        if self.hub.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        for pattern, answer in _ROUTES:
            match = re.fullmatch(pattern, path)
            if match:
                answer(self, body, **match.groupdict())
                return
        self.reply(404, {}, b"no such route")

    do_GET = do_HEAD = do_POST = do_PUT = handle_any

    def reply(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def json(self, value: object, status: int = 200) -> None:
        self.reply(status, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def refuse(self, status: int, code: str) -> None:
        self.reply(status, {"X-Error-Code": code, "X-Error-Message": code})

    def allowed(self, repo: str, *, write: bool = False) -> bool:
        """Whether this request may see or change the repository; answers it when not."""
        known = self.hub.repos.get(repo)
        authorised = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if (write or known is None or known.private) and not authorised:
            self.refuse(401, "RepoNotFound" if not write else "")
        elif known is None:
            self.refuse(404, "RepoNotFound")
        else:
            return True
        return False

    # -- downloads ---------------------------------------------------------------------------------------------------

    def resolve(self, body: bytes, repo: str, revision: str, file: str) -> None:
        if self.command in self.hub.status:
            self.reply(self.hub.status[self.command], {"Retry-After": "0"})
            return
        if not self.allowed(repo):
            return
        known = self.hub.repos[repo]
        commit = known.branches.get(revision, revision)
        if commit not in known.commits:
            self.refuse(404, "RevisionNotFound")
            return
        self.hub.before(self.path)
        content = known.commits[commit].get(file)
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if content is None:
            self.reply(404, {**headers, "X-Error-Code": "EntryNotFound"})
        elif file.endswith(".safetensors"):
            oid = hashlib.sha256(content).hexdigest()
            self.hub.uploads[oid] = content
            headers |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(content))}
            self.reply(302, {**headers, "Location": f"http://localhost:{self.hub.port}/cdn/{oid}"})
        else:
            digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self.content(content, {**headers, "ETag": f'"{digest}"'})

    def cdn(self, body: bytes, oid: str) -> None:
        if self.command in self.hub.status:
            self.reply(self.hub.status[self.command], {})
            return
        content = self.hub.uploads[oid]
        if self.hub.damage:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        self.content(content, {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"})

    def content(self, content: bytes, headers: dict[str, str]) -> None:
        """Send a file or the rest of one; break off where the next of `cuts` says."""
        status, total = 200, len(content)
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if wanted:
            start = int(wanted[1])
            status, content = 206, content[start:]
            headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        headers["Content-Length"] = str(len(content))
        if self.command != "GET" or not self.hub.cuts:
            self.reply(status, headers, content)
            return
        self.reply(status, headers, content[: self.hub.cuts.pop(0)])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    # -- uploads -----------------------------------------------------------------------------------------------------

    def create(self, body: bytes) -> None:
        wanted = json.loads(body)
        repo = f"{wanted['organization']}/{wanted['name']}"
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.refuse(401, "")
            return
        known = repo in self.hub.repos
        private = bool(wanted.get("private")) or wanted.get("visibility") == "private"
        self.hub.repos.setdefault(repo, Repo(private=private))
        self.json({"url": f"{self.hub.url}/{repo}", "name": repo}, 409 if known else 200)

    def validate(self, body: bytes) -> None:
        self.json({"errors": [], "warnings": []})

    def preupload(self, body: bytes, repo: str, revision: str) -> None:
        if self.allowed(repo, write=True):
            files = [
                {"path": f["path"], "uploadMode": _mode(f["path"]), "shouldIgnore": False, "oid": None}
                for f in json.loads(body)["files"]
            ]
            self.json({"files": files})

    def batch(self, body: bytes, repo: str) -> None:
        if self.allowed(repo, write=True):
            objects = [
                {**wanted, "actions": {"upload": {"href": f"{self.hub.url}/upload/{wanted['oid']}", "header": {}}}}
                for wanted in json.loads(body)["objects"]
            ]
            self.json({"transfer": "basic", "objects": objects})

    def upload(self, body: bytes, oid: str) -> None:
        assert hashlib.sha256(body).hexdigest() == oid
        self.hub.uploads[oid] = body
        self.reply(200, {})

    def branch(self, body: bytes, repo: str, branch: str) -> None:
        if self.allowed(repo, write=True):
            known = self.hub.repos[repo]
            known.branches.setdefault(branch, known.branches.get("main") or known.commit({}))
            self.json({})

    def commit(self, body: bytes, repo: str, revision: str) -> None:
        if not self.allowed(repo, write=True):
            return
        files = {}
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile":
                files[line["value"]["path"]] = self.hub.uploads[line["value"]["oid"]]
        oid = self.hub.repos[repo].commit(files, revision)
        self.json({"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{repo}/commit/{oid}"})


def _mode(path: str) -> str:
    return "lfs" if path.endswith(".safetensors") else "regular"


_REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"
_ROUTES: tuple[tuple[str, Callable[..., None]], ...] = (
    (rf"/{_REPO}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", _Handler.resolve),
    (r"/cdn/(?P<oid>[0-9a-f]+)", _Handler.cdn),
    (r"/api/repos/create", _Handler.create),
    (r"/api/validate-yaml", _Handler.validate),
    (rf"/api/models/{_REPO}/preupload/(?P<revision>.+)", _Handler.preupload),
    (rf"/api/models/{_REPO}/branch/(?P<branch>.+)", _Handler.branch),
    (rf"/api/models/{_REPO}/commit/(?P<revision>.+)", _Handler.commit),
    (rf"/{_REPO}\.git/info/lfs/objects/batch", _Handler.batch),
    (r"/upload/(?P<oid>[0-9a-f]+)", _Handler.upload),
)
