"""JSON Web Tokens, good and forged, and the keys they are made with."""

import base64
import hashlib
import hmac
import json
import os
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER, AUDIENCE = "https://id.example.org", "office"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Forge:
    """An RSA key, its public half in a file, and tokens."""

    def __init__(self, folder):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.path = os.path.join(folder, "public.pem")
        with open(self.path, "wb") as file:
            file.write(self.public)

    def settings(self):
        return {"server.auth.public_key_file": self.path, "server.auth.issuer": ISSUER,
                "server.auth.audiences": [AUDIENCE], "server.auth.required": True}

    @staticmethod
    def claims(**changes):
        """Good ones, with changes; a change to None removes the claim."""
        now = int(time.time())
        claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 3600, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, text, key=None):
        return (key or self.key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())

    def token(self, header=None, claims=None, sign=None):
        """header and claims: objects, or their bytes. sign: gives the signature of the text before it."""
        parts = [header if header is not None else {"alg": "RS256", "typ": "JWT"},
                 claims if claims is not None else self.claims()]
        text = ".".join(base64url(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in parts)
        return f"{text}.{base64url((sign or self.sign)(text))}"

    def by_public_key(self, text):
        """HS256 with the public key as the secret."""
        return hmac.new(self.public, text.encode(), hashlib.sha256).digest()
