"""Where *make_certificates* writes on a host, below the Working Directory: what the host says, the console expects."""

DIRECTORY = "tls"
"""It stays when the application is installed again."""
FILES = {"trusted_ca": "ca.pem", "certificate_key": "port.key", "certificate": "port.pem"}
"""Name in the result → file."""


def certificate_paths(directory: str) -> dict[str, str]:
    """{name in the result: path} for the Working Directory ``directory``."""
    return {name: f"{directory.rstrip('/')}/{DIRECTORY}/{file}" for name, file in FILES.items()}
