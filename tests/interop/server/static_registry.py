"""A registry that serves what it was given and nothing else, without the referrers API.

Usage: static_registry.py ADDRESS_FILE NAME TAG=INDEX DIGEST=FILE...

Manifests answer at their digest or tag, blobs at their digest; everything else is 404. The address is written to
ADDRESS_FILE once it listens on a free loopback port.
"""

import http.server
import json
import os
import sys


def main() -> None:
    address_file, name, *pairs = sys.argv[1:]
    content = {}
    for pair in pairs:
        key, path = pair.split("=", 1)
        with open(path, "rb") as file:
            content[key] = file.read()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_GET(self) -> None:
            if self.path == "/v2/":
                return self.answer(200, b"{}", "application/json")
            for kind in ("manifests", "blobs"):
                prefix = f"/v2/{name}/{kind}/"
                if self.path.startswith(prefix) and self.path[len(prefix) :] in content:
                    body = content[self.path[len(prefix) :]]
                    media = "application/octet-stream"
                    if kind == "manifests":
                        media = json.loads(body)["mediaType"]
                    return self.answer(200, body, media)
            error = {"errors": [{"code": "NOT_FOUND", "message": "not served here"}]}
            return self.answer(404, json.dumps(error).encode(), "application/json")

        do_HEAD = do_GET

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(address_file + ".new", "w") as file:
        file.write(f"127.0.0.1:{server.server_address[1]}")
    os.rename(address_file + ".new", address_file)
    server.serve_forever()


main()
