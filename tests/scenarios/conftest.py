import pytest

from . import prepared
from .debian import why_no_debian
from .harness import Pairwise
from .hosts import why_no_hosts
from .pairs import Pair
from .scaled import ScaledOut
from .served import Served
from .site import Site


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            for run in value if isinstance(value, list) else [value]:
                if isinstance(run, Pairwise | Site | Pair | ScaledOut):
                    report.sections += [(f"{name}: {log}", text) for log, text in run.logs().items()]
    return report


@pytest.fixture(scope="session")
def hosts_allowed():
    """Skips, with the reason, where this machine cannot have hosts of its own."""
    if reason := why_no_hosts():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def pairwise(tmp_path_factory):
    """One Pairwise that most scenarios share; each scenario makes applications of its own in it."""
    with Pairwise(tmp_path_factory.mktemp("pairwise") / "var") as run:
        yield run.start()


@pytest.fixture
def machine(tmp_path):
    """With a Debian and a systemd of its own; skips, with the reason, where there can be none."""
    if why := why_no_debian():
        pytest.skip(why)
    made = Served(tmp_path)
    yield made
    made.power_off()


@pytest.fixture
def make_pairwise(tmp_path):
    """``make_pairwise(**arguments)`` gives a Pairwise of the test's own, not started; ended after the test."""
    made: list[Pairwise] = []

    def make(name: str = "", **arguments) -> Pairwise:
        made.append(Pairwise(tmp_path / (name or f"var{len(made)}"), **arguments))
        return made[-1]

    yield make
    left = {}
    for run in made:
        left |= run.end_everything()
    assert not left, f"left behind: {left}"


@pytest.fixture
def at_rest(prepared_consoles, make_pairwise):
    """A console that was never started."""
    run = make_pairwise()
    prepared.copy(prepared_consoles, run.data_dir)
    return run


def _site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture(scope="session")
def site(hosts_allowed, tmp_path_factory):
    """One Pairwise and two hosts, which all scenarios with pairs share."""
    yield from _site(tmp_path_factory)


@pytest.fixture(scope="module")
def own_site(hosts_allowed, tmp_path_factory):
    """As ``site``, for a module that does to its Pairwise what no other scenario is to meet."""
    yield from _site(tmp_path_factory)


@pytest.fixture(scope="module")
def module_pair(site, request):
    """The module's pair, left to itself; ended with the module."""
    made = Pair(site, request.module.__name__.rpartition("test_")[2])
    yield made
    made.stop()


@pytest.fixture
def pair(module_pair):
    """The module's pair, whole at the beginning and made whole again at the end; the first member is active."""
    module_pair.wait_whole()
    if module_pair.active is not module_pair.members[0]:
        module_pair.switch_over()
        module_pair.wait_whole()
    yield module_pair
    module_pair.mend()
