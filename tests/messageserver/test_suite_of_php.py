"""The suite of PHP's extension stomp: its cases are scripts, and what each has to print."""

import re
import subprocess
from pathlib import Path

import pytest

from .suites import LOGINS, check, unpacked

RUN_S = 30
EXTENSION = "php -m | grep -qix stomp"
pytestmark = [pytest.mark.scenario, pytest.mark.long, pytest.mark.skipif(
    subprocess.run(["sh", "-c", EXTENSION], capture_output=True).returncode != 0,
    reason="php with the extension stomp is not installed")]
ANY = {"%d": r"\d+", "%s": r"[^\n]+", "%S": r"[^\n]*", "%A": r"(?s:.*)", "%c": "."}
"""What a case lets be anything."""


def parts(file: Path) -> dict[str, str]:
    names_and_texts = re.split(r"^--([A-Z]+)--\n", file.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(names_and_texts[::2], names_and_texts[1::2], strict=True))


def wanted(case: dict[str, str]) -> str:
    """The pattern of what it has to print."""
    if "EXPECTF" not in case:
        return re.escape(case["EXPECT"].strip())
    return "".join(ANY.get(part) or re.escape(part) for part in re.split(r"(%[a-zA-Z])", case["EXPECTF"].strip()))


def wrong_with(file: Path, port: int) -> str:
    case, script = parts(file), file.with_suffix(".php")
    script.write_text(case["FILE"])
    settings = ["display_errors=1", "log_errors=0", "html_errors=0", "zend.exception_ignore_args=0",
                "zend.exception_string_param_max_len=15",
                f"stomp.default_broker=tcp://localhost:{port}", "stomp.default_username=guest",
                "stomp.default_password=guest", *case.get("INI", "").split()]
    run = subprocess.run(["php", *[word for each in settings for word in ("-d", each)], str(script)], text=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=RUN_S)
    return "" if re.fullmatch(wanted(case), run.stdout.strip()) else run.stdout


def test_each_case_prints_what_it_has_to(tmp_path, start_server, port):
    start_server(options=LOGINS)
    folder = unpacked("php-stomp_2.0.3.orig.tar.gz", tmp_path) / "tests"
    config = folder / "config.inc"
    assert "61613" in config.read_text()
    config.write_text(config.read_text().replace("61613", str(port)))
    check("PHP stomp 2.0.3", {
        str(file.relative_to(folder)): wrong_with(file, port) for file in sorted(folder.rglob("*.phpt"))}, set())
