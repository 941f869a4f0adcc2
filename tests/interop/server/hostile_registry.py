"""A registry that tries to exhaust or to fool whoever reads it.

Usage: hostile_registry.py ADDRESS_FILE

Each repository is one attack; the subject is always sha256:555...:
  endless/listing    the referrers listing never ends
  endless/bundle     one referrer, whose bundle never ends
  endless/manifest   one referrer, whose manifest never ends
  crowd              10,000 referrers in one listing
  pages              a referrers listing whose every page names a next one
  deep/listing       a referrers listing nested 10,000 levels
  deep/bundle        one referrer, whose bundle (with the right digest) is JSON nested 10,000 levels
  lies/manifest      one referrer, whose manifest has other bytes than its digest says
  lies/bundle        one referrer, whose bundle has other bytes than its digest says
  slow               answers one byte a second
"""

import hashlib
import http.server
import json
import os
import sys
import time

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EMPTY = b"{}"
SUBJECT = "sha256:" + "5" * 64
DEEP = b'{"mediaType":"' + BUNDLE.encode() + b'","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
CHUNK = b" " * 65536
# No attack may go on for ever when the one attacked does not hang up.
LAST = 120


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def referrer(subject: str, bundle: bytes) -> bytes:
    """The manifest that cosign would write for this bundle."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": BUNDLE,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": digest(EMPTY)},
            "layers": [{"mediaType": BUNDLE, "size": len(bundle), "digest": digest(bundle)}],
            "subject": {"mediaType": MANIFEST, "size": 2, "digest": subject},
            "annotations": {"dev.sigstore.bundle.content": "dsse-envelope"},
        }
    ).encode()


def listing(*manifests: bytes) -> bytes:
    entries = [
        {"mediaType": MANIFEST, "artifactType": BUNDLE, "size": len(data), "digest": digest(data)} for data in manifests
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def head(self, kind: str, *headers: tuple[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def whole(self, kind: str, body: bytes, *headers: tuple[str, str]) -> None:
        self.head(kind, ("Content-Length", str(len(body))), *headers)
        if self.command == "GET":
            self.wfile.write(body)

    def endless(self, kind: str) -> None:
        self.head(kind, ("Transfer-Encoding", "chunked"))
        end = time.monotonic() + LAST
        while self.command == "GET" and time.monotonic() < end:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK))

    def slow(self, kind: str) -> None:
        self.head(kind, ("Content-Length", "100000"))
        for _ in range(LAST):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(1)

    def missing(self) -> None:
        body = b'{"errors":[{"code":"NOT_FOUND","message":"not served here"}]}'
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/v2/":
            return self.whole("application/json", b"{}")
        try:
            rest, what = path[len("/v2/") :].rsplit("/", 1)
            repository, kind = rest.rsplit("/", 1)
        except ValueError:
            return self.missing()
        bundle = DEEP if repository == "deep/bundle" else b'{"mediaType":"%s"}' % BUNDLE.encode()
        manifest = referrer(SUBJECT, bundle)
        if kind == "referrers":
            return self.listing(repository, manifest)
        if kind == "manifests" and what == digest(manifest):
            if repository == "endless/manifest":
                return self.endless(MANIFEST)
            if repository == "lies/manifest":
                return self.whole(MANIFEST, manifest.replace(b"dsse", b"DSSE"))
            return self.whole(MANIFEST, manifest)
        if kind == "blobs" and what == digest(bundle):
            if repository == "endless/bundle":
                return self.endless(BUNDLE)
            if repository == "lies/bundle":
                return self.whole(BUNDLE, bundle.replace(b"sigstore", b"SIGSTORE"))
            return self.whole(BUNDLE, bundle)
        if kind == "blobs" and what == digest(EMPTY):
            return self.whole("application/vnd.oci.empty.v1+json", EMPTY)
        return self.missing()

    do_HEAD = do_GET

    def listing(self, repository: str, manifest: bytes) -> None:
        if repository == "endless/listing":
            return self.endless(INDEX)
        if repository == "slow":
            return self.slow(INDEX)
        if repository == "crowd":
            return self.whole(INDEX, listing(*(b"%d" % n for n in range(10_000))))
        if repository == "pages":
            page = int(self.path.partition("page=")[2] or 0)
            link = f'<{self.path.split("?")[0]}?page={page + 1}>; rel="next"'
            return self.whole(INDEX, listing(b"page %d" % page), ("Link", link))
        if repository == "deep/listing":
            body = b'{"schemaVersion":2,"mediaType":"' + INDEX.encode() + b'","manifests":'
            return self.whole(INDEX, body + b"[" * 10_000 + b"]" * 10_000 + b"}")
        return self.whole(INDEX, listing(manifest))

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the one attacked hung up, as it should

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    address_file = sys.argv[1]
    http.server.ThreadingHTTPServer.daemon_threads = True
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(address_file + ".new", "w") as file:
        file.write(f"127.0.0.1:{server.server_address[1]}")
    os.rename(address_file + ".new", address_file)
    server.serve_forever()


main()
