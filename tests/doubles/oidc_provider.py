"""A provider of single sign-on as a process of its own (OpenID Connect: discovery, authorization code with PKCE, RS256,
userinfo, RP-initiated logout), which does what a test tells it: ``python -m tests.doubles.oidc_provider PORT``.

It lets whoever comes in at once, as the person that ``POST /test`` has set last. What is set there, as JSON: ``claims``
(of the ID token), ``userinfo`` (None: the endpoint fails), ``issuer`` (what it says it is), ``audience``, ``key``
("other": the token is signed by somebody else), ``deny`` (the person cancels), ``garbage`` (the token endpoint)."""

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

CLIENT, SECRET = "pairwise", "s3cret-of-the-provider"
DEFAULTS = {"claims": {}, "userinfo": {}, "issuer": "", "audience": CLIENT, "key": "own", "deny": False,
            "garbage": False}


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
        address = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.server.asked.append(address.path)
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
                  "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]})

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
        id_token = jwt.encode(claims, self.server.keys[told["key"]], algorithm="RS256", headers={"kid": "1"})
        return self.say({"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": id_token})

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
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


if __name__ == "__main__":
    Provider(int(sys.argv[1])).serve_forever()
