"""A mutating webhook that adds a container with an image to every pod.

    injecting_webhook.py ADDRESS-FILE CERTIFICATE KEY IMAGE
"""

import base64
import http.server
import json
import ssl
import sys

address, certificate, key, image = sys.argv[1:]


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        added = {"name": "injected", "image": image}
        patch = json.dumps([{"op": "add", "path": "/spec/containers/-", "value": added}]).encode()
        answer = {
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "response": {
                "uid": review["request"]["uid"], "allowed": True, "patchType": "JSONPatch",
                "patch": base64.b64encode(patch).decode(),
            },
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(address, "w") as file:
    file.write(f"127.0.0.1:{server.server_address[1]}")
server.serve_forever()
