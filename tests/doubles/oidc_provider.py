"""A provider of single sign-on as a process of its own (OpenID Connect: discovery, authorization code with PKCE, RS256,
userinfo, RP-initiated logout), which does what a test tells it: ``python -m tests.doubles.oidc_provider PORT``.

It lets whoever comes in at once, as the person that ``POST /test`` has set last. What is set there, as JSON: ``claims``
(of the ID token), ``userinfo`` (None: the endpoint fails), ``issuer`` (what it says it is), ``audience``, ``key``
("other": the token is signed by somebody else; "public": with what everybody can read; "none": by nobody), ``without``
(claims that the token lacks), ``deny`` (the person cancels), ``garbage`` (the token endpoint), ``spoiled`` ({path: how
it answers}, of SPOILED), ``says`` (more of what it says of itself)."""

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CLIENT, SECRET = "pairwise", "s3cret-of-the-provider"
DEFAULTS = {"claims": {}, "userinfo": {}, "issuer": "", "audience": CLIENT, "key": "own", "deny": False,
            "garbage": False, "without": [], "spoiled": {}, "says": {}}
BLANKS = b" " * 64 * 1024


def huge(answers, text: bytes) -> None:
    """As it should be, and 4 MB more."""
    answers.begin(len(text) + 64 * len(BLANKS))
    answers.wfile.write(text)
    for _ in range(64):
        answers.wfile.write(BLANKS)


def slow(answers, text: bytes) -> None:
    """As it should be, bit by bit over 4 s."""
    answers.begin(len(text))
    for at in range(len(text)):
        answers.wfile.write(text[at:at + 1])
        time.sleep(4 / len(text))


def dripping(answers, text: bytes) -> None:
    """As it should be, its headers bit by bit over 4 s."""
    answers.send_response(200)
    answers.flush_headers()
    for letter in b"X-Slow: " + b"x" * 32 + b"\r\n":
        answers.wfile.write(bytes([letter]))
        time.sleep(0.1)
    answers.send_header("Content-Type", "application/json")
    answers.send_header("Content-Length", str(len(text)))
    answers.end_headers()
    answers.wfile.write(text)


def silent(answers, text: bytes) -> None:
    """Half of it, and no more for 4 s."""
    answers.begin(len(text))
    answers.wfile.write(text[:len(text) // 2])
    time.sleep(4)


def elsewhere(answers, text: bytes) -> None:
    answers.send_response(307)
    answers.send_header("Location", f"{answers.server.issuer}/elsewhere{answers.path}")
    answers.send_header("Content-Length", "0")
    answers.end_headers()


def deep(answers, text: bytes) -> None:
    answers.begin(200_000)
    answers.wfile.write(b"[" * 200_000)


SPOILED = {each.__name__: each for each in (huge, slow, dripping, silent, elsewhere, deep)}


class Provider(ThreadingHTTPServer):
    """What it has handed out and heard."""

    def __init__(self, port: int):
        super().__init__(("127.0.0.1", port), Answers)
        self.issuer = f"http://127.0.0.1:{port}"
        self.keys = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("own", "other")}
        self.told, self.codes, self.tokens, self.asked = dict(DEFAULTS), {}, {}, []


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def log_message(self, *_):
        pass

    def do_GET(self):
        address = urlsplit(self.path.removeprefix("/elsewhere"))
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.server.asked.append(urlsplit(self.path).path)
        work = {"/.well-known/openid-configuration": self.discovery, "/authorize": self.authorize, "/jwks": self.jwks,
                "/userinfo": self.userinfo, "/end": self.end, "/test": self.heard}.get(address.path)
        work(asked) if work else self.say({"error": "not found"}, 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(self.path)
        if self.path == "/test":
            self.server.told = {**DEFAULTS, **json.loads(body)}
            self.server.asked.clear()
            return self.say({})
        return self.token({name: values[0] for name, values in parse_qs(body).items()})

    def discovery(self, asked):
        base = self.server.issuer
        self.say({"issuer": self.server.told["issuer"] or base, "authorization_endpoint": f"{base}/authorize",
                  "token_endpoint": f"{base}/token", "jwks_uri": f"{base}/jwks",
                  "userinfo_endpoint": f"{base}/userinfo", "end_session_endpoint": f"{base}/end",
                  "code_challenge_methods_supported": ["S256"],
                  "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                  **self.server.told["says"]})

    def authorize(self, asked):
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        code = secrets.token_urlsafe(16)
        self.server.codes[code] = asked
        back = {"error": "access_denied"} if self.server.told["deny"] else {"code": code}
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode({**back, 'state': asked['state']})}")
        self.end_headers()

    def token(self, sent):
        if self.server.told["garbage"]:
            return self.say([1, 2], 200)
        begun = self.server.codes.pop(sent.get("code"), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or proof != begun["code_challenge"] or self.credentials(sent) != (CLIENT, SECRET) or (
                sent["redirect_uri"] != begun["redirect_uri"]):
            return self.say({"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe(16)
        self.server.tokens[access] = True
        now, told = int(time.time()), self.server.told
        claims = {"iss": self.server.issuer, "aud": told["audience"], "iat": now, "exp": now + 60, **told["claims"]}
        id_token = self.signed({name: claims[name] for name in claims if name not in told["without"]}, told["key"])
        return self.say({"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": id_token})

    def signed(self, claims, key):
        if key == "none":
            return jwt.encode(claims, None, algorithm="none", headers={"kid": "1"})
        if key == "public":
            known = self.server.keys["own"].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return jwt.encode(claims, known, algorithm="HS256", headers={"kid": "1"})
        return jwt.encode(claims, self.server.keys[key], algorithm="RS256", headers={"kid": "1"})

    def credentials(self, sent):
        header = self.headers.get("Authorization", "")
        if header.startswith("Basic "):
            return tuple(base64.b64decode(header[6:]).decode().split(":", 1))
        return sent.get("client_id"), sent.get("client_secret")

    def jwks(self, asked):
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.server.keys["own"].public_key()))
        self.say({"keys": [{**key, "kid": "1", "alg": "RS256", "use": "sig"}]})

    def userinfo(self, asked):
        access = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if access not in self.server.tokens or self.server.told["userinfo"] is None:
            return self.say({"error": "invalid_token"}, 401 if access not in self.server.tokens else 503)
        return self.say({"sub": self.server.told["claims"].get("sub"), **self.server.told["userinfo"]})

    def end(self, asked):
        self.send_response(302)
        self.send_header("Location", asked["post_logout_redirect_uri"])
        self.end_headers()

    def heard(self, asked):
        self.say(self.server.asked)

    def say(self, body, status=200):
        text = json.dumps(body).encode()
        if (how := self.server.told["spoiled"].get(urlsplit(self.path).path)) and status == 200:
            return SPOILED[how](self, text)
        self.begin(len(text), status)
        return self.wfile.write(text)

    def begin(self, length, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()


if __name__ == "__main__":
    Provider(int(sys.argv[1])).serve_forever()
