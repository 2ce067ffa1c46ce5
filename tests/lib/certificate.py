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
