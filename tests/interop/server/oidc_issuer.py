"""An OIDC issuer for a Sigstore on this machine: it says whatever it is asked to say.

Usage: oidc_issuer.py serve ADDRESS_FILE KEY_FILE     serves until it is ended; makes the key when there is none
       oidc_issuer.py token KEY_FILE ISSUER EMAIL     prints a token of an e-mail address
       oidc_issuer.py token KEY_FILE ISSUER JSON      prints a token of these claims

It is two issuers: http://ADDRESS (e-mail addresses) and http://ADDRESS/actions (claims as GitHub's workflows have). The
latter also hands out tokens as a runner's token service does: GET /actions/token?audience=A with `Authorization: Bearer
runner` answers {"value": TOKEN}, of the claims in KEY_FILE.claims.

The former also lets person@example.org log in, without asking: by the authorization code flow with PKCE, and by the device
grant, which is pending once.
"""

import base64
import hashlib
import http.server
import json
import os
import secrets
import sys
import time
import urllib.parse

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_ID = "interop"


def load(path):
    if not os.path.exists(path):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with open(path, "wb") as file:
            file.write(pem)
    with open(path, "rb") as file:
        return serialization.load_pem_private_key(file.read(), None)


def token(key, issuer, claims, audience="sigstore"):
    now = int(time.time())
    standard = {"iss": issuer, "aud": audience, "iat": now, "nbf": now - 5, "exp": now + 600}
    return jwt.encode({**standard, **claims}, key, algorithm="RS256", headers={"kid": KEY_ID})


class Issuer(http.server.BaseHTTPRequestHandler):
    key = None
    key_file = None
    # What was begun: code or device code to its parameters.
    begun = {}

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        address = "http://%s:%s" % self.server.server_address
        prefix = "/actions" if url.path.startswith("/actions/") else ""
        issuer = address + prefix
        path = url.path[len(prefix) :]
        if path == "/.well-known/openid-configuration":
            self.answer(
                {
                    "issuer": issuer,
                    "jwks_uri": issuer + "/keys",
                    "authorization_endpoint": issuer + "/authorize",
                    "token_endpoint": issuer + "/token",
                    "device_authorization_endpoint": issuer + "/device/code",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            self.answer({"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]})
        elif not prefix and path == "/authorize":
            asked = dict(urllib.parse.parse_qsl(url.query))
            code = secrets.token_urlsafe()
            self.begun[code] = asked
            answer = urllib.parse.urlencode({"code": code, "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", asked["redirect_uri"] + "?" + answer)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif prefix and path == "/token":
            if self.headers.get("Authorization") != "Bearer runner":
                self.answer({"message": "who is asking?"}, 401)
                return
            audience = urllib.parse.parse_qs(url.query).get("audience", ["nobody"])[0]
            with open(self.key_file + ".claims", encoding="utf-8") as file:
                claims = json.load(file)
            self.answer({"value": token(self.key, issuer, claims, audience)})
        else:
            self.answer({"message": "no such page"}, 404)

    def do_POST(self):
        asked = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        issuer = "http://%s:%s" % self.server.server_address
        if self.path == "/device/code":
            code = secrets.token_urlsafe()
            self.begun[code] = {**asked, "pending": True}
            self.answer(
                {
                    "device_code": code,
                    "user_code": "BDFG-HJKL",
                    "verification_uri": issuer + "/device",
                    "expires_in": 60,
                    "interval": 1,
                }
            )
        elif self.path == "/token":
            code = asked.get("code") or asked.get("device_code")
            begun = self.begun.get(code)
            verifier = asked.get("code_verifier", "")
            challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
            if not begun or begun["code_challenge"] != challenge or begun.get("redirect_uri") != asked.get("redirect_uri"):
                self.answer({"error": "invalid_grant"}, 400)
            elif begun.pop("pending", False):
                self.answer({"error": "authorization_pending"}, 400)
            else:
                del self.begun[code]
                who = "person@example.org"
                claims = {"sub": who, "email": who, "email_verified": True}
                if "nonce" in begun:
                    claims["nonce"] = begun["nonce"]
                self.answer({"access_token": "none", "id_token": token(self.key, issuer, claims, begun["client_id"])})
        else:
            self.answer({"message": "no such page"}, 404)

    def log_message(self, format, *args):
        print(self.command, self.path, *args, flush=True)


def main():
    if sys.argv[1] == "serve":
        Issuer.key_file = sys.argv[3]
        Issuer.key = load(sys.argv[3])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
        with open(sys.argv[2] + ".new", "w", encoding="utf-8") as file:
            file.write("%s:%s" % server.server_address)
        os.rename(sys.argv[2] + ".new", sys.argv[2])
        server.serve_forever()
    else:
        key, issuer, who = load(sys.argv[2]), sys.argv[3], sys.argv[4]
        if who.startswith("{"):
            claims = json.loads(who)
        else:
            claims = {"sub": who, "email": who, "email_verified": True}
        print(token(key, issuer, claims))


main()
