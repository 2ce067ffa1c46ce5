"""A key and its own certificate for localhost and loopback's addresses, good for two days."""

import os
import ssl
import subprocess


def make_certificate(folder):
    """(certificate, key): two PEM files in the folder; only this user can read the key."""
    certificate, key = (os.path.join(folder, name) for name in ("certificate.pem", "key.pem"))
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-out", certificate, "-keyout", key, "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
        ],
        check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(key, 0o600)
    return certificate, key


def client_of(certificate):
    """A function that makes a TLS client of a connection to 127.0.0.1, which trusts this certificate alone."""
    context = ssl.create_default_context(cafile=certificate)
    return lambda plain: context.wrap_socket(plain, server_hostname="127.0.0.1")


class Authority:
    """An authority of the test's own, and what it has issued: pairs of PEM files in its folder."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate, self.key = self.path("ca.pem"), self.path("ca.key")
        self._run("req", "-x509", *self._new_key(self.key), "-days", "2", "-out", self.certificate, "-subj",
                  "/CN=Authority of a test")

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, alternatives):
        """(certificate, key) for names such as "DNS:localhost,IP:127.0.0.1"."""
        certificate, key, request, extensions = (self.path(f"{name}.{end}") for end in ("pem", "key", "csr", "ext"))
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={alternatives}\n")
        self._run("req", *self._new_key(key), "-out", request, "-subj", f"/CN={name}")
        self._run("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                  "-days", "2", "-out", certificate, "-extfile", extensions)
        os.chmod(key, 0o600)
        return certificate, key

    def ocsp_response(self, certificate):
        """A file with the answer that this certificate is good."""
        index, query, answer = (self.path(name) for name in ("index.txt", "ocsp.req", "ocsp.der"))
        serial = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-serial"], check=True,
                                capture_output=True, text=True).stdout.strip().split("=")[1]
        with open(index, "w", encoding="ascii") as file:
            file.write(f"V\t991231235959Z\t\t{serial}\tunknown\t/CN=a\n")
        self._run("ocsp", "-issuer", self.certificate, "-cert", certificate, "-reqout", query, "-no_nonce")
        self._run("ocsp", "-index", index, "-CA", self.certificate, "-rsigner", self.certificate, "-rkey", self.key,
                  "-reqin", query, "-respout", answer, "-ndays", "1")
        return answer

    @staticmethod
    def _new_key(path):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path]

    @staticmethod
    def _run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
