"""A caller of the server API of a chat."""

import http.client
import json
import urllib.parse

from server_process import DEADLINE_S

KEY = "a-key-of-operators-that-nobody-guesses"
SETTINGS = {"server.admin.address": "127.0.0.1:0", "server.admin.key": KEY}


class Api:
    """request() gives (status, decoded body); get(), post(), ... give the body and hold that it was 200."""

    def __init__(self, server, key=KEY):
        self.port = server.ports[-1]
        self.key = key

    def raw(self, method, path, body=b"", fields=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body or None, fields or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def request(self, method, path, body=None, **query):
        fields = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        if body is not None:
            fields["Content-Type"] = "application/json"
        path += "?" + urllib.parse.urlencode(query, doseq=True) if query else ""
        status, text = self.raw(method, path, b"" if body is None else json.dumps(body).encode(), fields)
        return status, json.loads(text)

    def _good(self, method, path, body, query):
        status, answer = self.request(method, path, body, **query)
        assert status == 200, (method, path, status, answer)
        return answer

    def get(self, path, **query):
        return self._good("GET", path, None, query)

    def post(self, path, **body):
        return self._good("POST", path, body, {})

    def patch(self, path, **body):
        return self._good("PATCH", path, body, {})

    def delete(self, path):
        return self._good("DELETE", path, None, {})

    def refused(self, method, path, body=None, **query):
        """The status and the code of the error."""
        status, answer = self.request(method, path, body, **query)
        assert status >= 400, (method, path, status, answer)
        return status, answer["code"]
