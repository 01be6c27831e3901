import pytest

from tests.scenarios.harness import Pairwise
from tests.scenarios.hosts import why_no_hosts


def pytest_collection_modifyitems(items):
    for item in items:
        if "scenarios" in item.path.parts:
            item.add_marker(pytest.mark.scenario)
            item.add_marker(pytest.mark.timeout(240))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            for run in value if isinstance(value, list) else [value]:
                if isinstance(run, Pairwise):
                    report.sections += [(f"{name} {run.port}: {log}", text) for log, text in run.logs().items()]
    return report


@pytest.fixture(scope="session")
def hosts_allowed():
    """Skips, with the reason, where this machine cannot have hosts of its own."""
    if reason := why_no_hosts():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def pairwise(tmp_path_factory):
    """One Pairwise that most scenarios share; each scenario makes applications of its own in it."""
    run = Pairwise(tmp_path_factory.mktemp("pairwise") / "var")
    try:
        yield run.start()
    finally:
        left = run.end_everything()
    assert not left, f"left behind: {left}"


@pytest.fixture
def make_pairwise(tmp_path):
    """``make_pairwise(**environment)`` gives a Pairwise of the test's own, not started; ended after the test."""
    made: list[Pairwise] = []

    def make(name: str = "", **environment: str) -> Pairwise:
        made.append(Pairwise(tmp_path / (name or f"var{len(made)}"), **environment))
        return made[-1]

    yield make
    left = {}
    for run in made:
        left |= run.end_everything()
    assert not left, f"left behind: {left}"
