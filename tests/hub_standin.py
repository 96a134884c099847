"""A stand-in for the Hub: the part of its HTTP interface that publishing and fetching a model calls."""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

TOKEN = "hf_standin"


@dataclass
class Repository:
    """What one repository holds."""

    private: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)  # that it claims, where they are not the true ones

    @property
    def sha(self) -> str:
        return hashlib.sha1(b"".join(name.encode() + content for name, content in sorted(self.files.items()))).hexdigest()


class Hub:
    """Serves repositories at `address` while it is entered; `asked` notes the requests."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.uploads: dict[str, bytes] = {}
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = unquote(urlsplit(self.path).path)
                hub.asked.append(f"{self.command} {path}")
                status, headers, content = hub.answer(self.command, path, body, self.headers.get("Authorization"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = answer

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: bytes, token: str | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content."""
        known = token == f"Bearer {TOKEN}"
        if method == "PUT":
            self.uploads[path.rsplit("/", 1)[1]] = body
            return 200, {}, b""
        if method == "POST":
            return self._changed(path, body) if known else _error(401, "", "Invalid username or password.")
        name = "/".join(path.removeprefix("/api/models/").strip("/").split("/")[:2])
        repository = self.repositories.get(name)
        if repository is None or (repository.private and not known):
            return _error(404 if known else 401, "RepoNotFound", "Repository not found")
        if "/resolve/" in path:
            return self._file(repository, path.split("/resolve/")[1].split("/", 1)[1])
        if "/revision/" in path and path.split("/revision/")[1] not in ("main", repository.sha):
            return _error(404, "RevisionNotFound", "Invalid rev id")
        return self._told(name, repository, tree="/tree/" in path)

    def _changed(self, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            if name in self.repositories:
                return _json({"error": "You already created this model repo", "url": f"{self.address}/{name}"}, 409)
            self.repositories[name] = Repository(asked.get("visibility") == "private" or asked.get("private", False))
            return _json({"url": f"{self.address}/{name}"})
        if path == "/api/validate-yaml":
            return _json({"errors": [], "warnings": []})
        if "/preupload/" in path:
            names = [file["path"] for file in json.loads(body)["files"]]
            modes = {name: "lfs" if name.endswith(".safetensors") else "regular" for name in names}
            return _json({"files": [{"path": n, "uploadMode": mode, "shouldIgnore": False} for n, mode in modes.items()]})
        if path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            actions = [{"upload": {"href": f"{self.address}/uploads/{one['oid']}"}} for one in objects]
            told = [{"oid": o["oid"], "size": o["size"], "actions": a} for o, a in zip(objects, actions, strict=True)]
            return _json({"transfer": "basic", "objects": told})
        name = "/".join(path.removeprefix("/api/models/").split("/")[:2])
        repository = self.repositories[name]
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                repository.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile":
                repository.files[line["value"]["path"]] = self.uploads[line["value"]["oid"]]
        url = f"{self.address}/{name}/commit/{repository.sha}"
        return _json({"commitUrl": url, "commitOid": repository.sha, "success": True})

    def _told(self, name: str, repository: Repository, tree: bool) -> tuple[int, dict[str, str], bytes]:
        sizes = {path: len(content) for path, content in repository.files.items()} | repository.sizes
        if tree:
            return _json([{"type": "file", "path": path, "size": size, "oid": "0" * 40} for path, size in sizes.items()])
        siblings = [{"rfilename": path, "size": size} for path, size in sizes.items()]
        return _json({"id": name, "sha": repository.sha, "private": repository.private, "siblings": siblings})

    def _file(self, repository: Repository, path: str) -> tuple[int, dict[str, str], bytes]:
        if path not in repository.files:
            return _error(404, "EntryNotFound", "Entry not found")
        content = repository.files[path]
        return 200, {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": repository.sha}, content


def _json(value: Any, status: int = 200) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _error(status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"X-Error-Code": code, "X-Error-Message": message}, b"{}"
