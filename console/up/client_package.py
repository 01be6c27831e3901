"""Builds the client for Python as a wheel, which people download from the console.

The same sources give the same bytes. A wheel is a zip with three files about itself, so nothing needs to be fetched."""

import base64
import hashlib
import io
import zipfile
from pathlib import Path

from protocol.files import write_atomically
from protocol.version import VERSION

SOURCE = Path(__file__).resolve().parents[2] / "client"
NAME = f"pairwise_client-{VERSION}-py3-none-any.whl"
ZIP_TIME = (2026, 11, 22, 0, 0, 0)
ABOUT = f"pairwise_client-{VERSION}.dist-info"
WHEEL = "Wheel-Version: 1.0\nGenerator: pairwise\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = f"""Metadata-Version: 2.1
Name: pairwise-client
Version: {VERSION}
Summary: A client of a pair of Message Servers: stored once, resumed by itself, through every failover
Requires-Python: >=3.9
Description-Content-Type: text/markdown
License-File: LICENSE

"""


def build(directory: Path) -> Path:
    """Write the wheel into ``directory``, in place of that of another version; its path."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    path, data = directory / NAME, wheel()
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data, mode=0o644, lasting=False)
    for other in directory.glob("*.whl"):
        if other != path:
            other.unlink(missing_ok=True)
    return path


def wheel() -> bytes:
    files = {f"pairwise_client/{path.name}": path.read_bytes()
             for path in (SOURCE / "pairwise_client").iterdir() if path.suffix in (".py", ".typed")}
    files["pairwise_client/version.py"] = f'VERSION = "{VERSION}"\n'.encode()
    files |= {f"{ABOUT}/METADATA": METADATA.encode() + (SOURCE / "README.md").read_bytes(),
              f"{ABOUT}/WHEEL": WHEEL.encode(), f"{ABOUT}/LICENSE": (SOURCE / "LICENSE").read_bytes()}
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in sorted(files.items()))
    files[f"{ABOUT}/RECORD"] = f"{record}{ABOUT}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        # RECORD last, as installers expect it.
        for name, data in sorted(files.items(), key=lambda file: (file[0].endswith("/RECORD"), file[0])):
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return packed.getvalue()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
