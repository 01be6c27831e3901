"""The examples of docs/api.md and docs/integrations/ansible.md are of what there is."""

import re

import pytest
import yaml

from docs import openapi
from tests.sources import ROOT

ANSIBLE = (ROOT / "docs/integrations/ansible.md").read_text()
CURL = (ROOT / "docs/api.md").read_text()


@pytest.fixture(scope="module")
def paths():
    return openapi.described()["paths"]


def operation(paths, method, address):
    """The operation at this address, with its path."""
    for path, item in paths.items():
        if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", path), address) and method.lower() in item:
            return path, item[method.lower()]
    raise AssertionError(f"there is no {method} {address}")


def asked(task):
    """The address of a task, as it is once its variables are filled in."""
    return re.sub(r"{{.*?}}", "1", task["url"].replace("{{ pairwise }}", "/api/v1"))


def tasks():
    for block in re.findall(r"```yaml\n(.*?)```", ANSIBLE, re.DOTALL):
        found = yaml.safe_load(block)
        if isinstance(found, list):
            yield from (each["ansible.builtin.uri"] for each in found)


def test_every_task_asks_for_what_there_is_and_expects_what_is_answered(paths):
    assert len(list(tasks())) > 20
    for task in tasks():
        address, _, query = asked(task).partition("?")
        path, found = operation(paths, task.get("method", "GET"), address)
        assert {str(each) for each in task.get("status_code", [200])} <= found["responses"].keys(), path
        known = {each["name"] for each in found["parameters"]}
        assert {part.partition("=")[0] for part in query.split("&") if part} <= known, path


def test_every_verb_has_a_task(paths):
    wanted = {path for path, item in paths.items() if "post" in item and path.count("/") > 4}
    told = {operation(paths, "POST", asked(task).partition("?")[0])[0] for task in tasks()
            if task.get("method") == "POST"}
    assert wanted - told == set()


def test_every_line_of_curl_asks_for_what_there_is(paths):
    lines = [line for line in CURL.splitlines() if "$CONSOLE/api/v1/" in line and "/stream" not in line]
    assert len(lines) > 5
    for line in lines:
        method = (re.search(r"-X (\w+)", line) or ["", "GET"])[1]
        address = re.search(r"\$CONSOLE(/api/v1/[^\"?]+)", line)[1].replace("$JOB", "1")
        operation(paths, method, address)
