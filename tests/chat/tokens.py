"""Tokens of users, signed with a secret of the tests."""

import base64
import hashlib
import hmac
import json
import time

SECRET = "a secret of these tests, 32 bytes or more"


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(user_id, role=None, rooms=None, name=None, exp_in_s=3600):
    claims = {"sub": user_id, "exp": int(time.time()) + exp_in_s, "role": role, "rooms": rooms, "name": name}
    claims = {key: value for key, value in claims.items() if value is not None}
    text = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims))
    return f"{text}.{_base64url(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest())}"
