"""Holds where a line of code lives (docs/architecture.md): who may import whom, and what nobody may write."""

import ast
import re
import sys
from functools import cache
from graphlib import TopologicalSorter

import pytest

from tests.sources import ROOT

PACKAGES = ("api", "bench", "console", "control", "hostagent", "messageserver", "protocol", "provisioning")

GROUND = ("states", "errors", "chain", "keys", "spelling", "glossary", "declared", "drafts", "turns")
SLICES = (
    *GROUND, ("models", "record", "logbook"), "core", "web", "history", "repeats", "accounts", "catalog", "broker",
    "jobs", "applications", "certificates", "hosts", "looks", "verbs", "pairs", "browse", "drills", "messages",
    "logs", "server_log", "alarms", "notifications", "shipping", "fleet", "audit", "support", "monitoring", "searches",
    "metrics", "charts", "manual")
"""What provisioning/ consists of, lowest first: a module imports from its own slice and from those before it."""
ROOF = ("frame", "navigation", "registrations", "tasks", "urls", "management", "apps")
"""Above all slices: what puts them together."""
ROOMS = {name: floor for floor, names in enumerate((*SLICES, ROOF))
         for name in ([names] if isinstance(names, str) else names)}
KINDS_OF_MODULE = ("facts", "rules", "selectors", "worker", "services", "forms", "tags", "views", "urls")
"""Modules or packages of a slice, lowest first: those of one name import from others of these to their left."""

ALLOWED = {
    "protocol": {"protocol"},
    "messageserver": {"messageserver", "protocol"},
    "hostagent": {"hostagent", "protocol"},
    "provisioning": {"provisioning", "protocol"},
    "api": {"api", "protocol", "provisioning"},
    "control": {"control", "protocol", "provisioning"},
    "console": {"console", "protocol", "messageserver", "hostagent", "provisioning", "api", "control"},
}
"""What of this repository each package may import: of those above it in this order, and of no other one."""
STANDARD_LIBRARY_ONLY = {"protocol": set(), "messageserver": {"uvloop"}}
NO_FRAMEWORK = ("django", "ninja", "api", "provisioning", "console", "control")


@cache
def modules(package):
    return tuple(path for path in sorted((ROOT / package).rglob("*.py")) if "__pycache__" not in path.parts)


@cache
def tree(path):
    return ast.parse(path.read_text(), str(path))


@cache
def nodes(path):
    return tuple(ast.walk(tree(path)))


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@cache
def imports(path):
    """(line, dotted name) of everything ``path`` imports, relative imports resolved, names of a package included."""
    return tuple(imports_in(tree(path), dotted(path) if path.name == "__init__.py" else dotted(path)[:-1]))


def imports_in(parsed, here):
    found = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[:len(here) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return sorted(found)


def where(path, line, text):
    return f"{path.relative_to(ROOT)}:{line} {text}"


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_they_may(package):
    wrong = [where(path, line, name) for path in modules(package) for line, name in imports(path)
             if name.split(".")[0] in PACKAGES and name.split(".")[0] not in ALLOWED[package]]
    assert not wrong, "\n".join(["", *wrong])


def test_arrows_between_packages_lead_down_only():
    order = list(ALLOWED)
    assert all(order.index(other) <= order.index(package) for package in order for other in ALLOWED[package])


@pytest.mark.parametrize("package", STANDARD_LIBRARY_ONLY)
def test_what_is_shipped_to_hosts_uses_the_standard_library_only(package):
    known = sys.stdlib_module_names | ALLOWED[package] | STANDARD_LIBRARY_ONLY[package]
    wrong = [where(path, line, name) for path in modules(package) for line, name in imports(path)
             if name.split(".")[0] not in known]
    assert not wrong, "\n".join(["", *wrong])


def test_the_client_uses_the_standard_library_and_itself_only():
    own = [path for path in modules("client") if "pairwise_client" in path.parts]
    wrong = [where(path, line, name) for path in own for line, name in imports(path)
             if name.split(".")[0] not in sys.stdlib_module_names | {"client"}]
    assert own
    assert not wrong, "\n".join(["", *wrong])


@pytest.mark.parametrize("package", ["hostagent", "messageserver", "protocol"])
def test_processes_on_hosts_never_import_the_console(package):
    wrong = [where(path, line, name) for path in modules(package) for line, name in imports(path)
             if name.split(".")[0] in NO_FRAMEWORK]
    assert not wrong, "\n".join(["", *wrong])


def test_control_does_not_import_pages_or_verbs():
    above = re.compile(r"provisioning\.(\w+\.)?(services|worker|forms|tags|views|urls|tasks|management)\b")
    wrong = [where(path, line, name) for path in modules("control") for line, name in imports(path)
             if above.match(name)]
    assert not wrong, "\n".join(["", *wrong])


def test_the_api_asks_selectors_and_services_and_filters_as_pages_do():
    below = re.compile(r"provisioning\.(models|logbook|(\w+\.)?(views|urls|tags|management|worker))\b|ninja\.orm\b")
    wrong = [where(path, line, name) for path in modules("api") for line, name in imports(path) if below.match(name)]
    assert not wrong, "\n".join(["", *wrong])


def test_only_the_api_loads_ninja_and_only_when_it_is_asked():
    wrong = [where(path, line, name) for package in (*ALLOWED, "control") if package != "api" for path in
             modules(package) for line, name in imports(path) if name.split(".")[0] in ("ninja", "pydantic")]
    assert not wrong, "\n".join(["", *wrong])


def room(name):
    """(slice, kind of module or "") of a dotted name within provisioning; None outside of it."""
    parts = name.split(".") if isinstance(name, str) else name
    if len(parts) < 2 or parts[0] != "provisioning":
        return None
    return parts[1], parts[2] if len(parts) > 2 and parts[2] in KINDS_OF_MODULE else ""


def is_migration(path):
    return "migrations" in path.parts


def within():
    """(path, line, its room, the room that it imports from) of every import within provisioning."""
    for path in modules("provisioning"):
        own = room(dotted(path))
        if own is not None and not is_migration(path):
            yield from ((path, line, own, other) for line, name in imports(path) if (other := room(name)) is not None)


def test_every_module_of_provisioning_is_in_a_slice():
    names = {own[0] for path in modules("provisioning") if (own := room(dotted(path)))}
    assert names - ROOMS.keys() == {"migrations"}
    assert ROOMS.keys() - names == set()


def test_slices_import_from_those_below_them():
    wrong = [where(path, line, f"{own[0]} imports {other[0]}") for path, line, own, other in within()
             if other[0] in ROOMS and ROOMS[other[0]] > ROOMS[own[0]]]
    assert not wrong, "\n".join(["", *wrong])


def test_within_a_slice_reading_knows_nothing_of_writing_and_nothing_knows_of_pages():
    order = {kind: place for place, kind in enumerate(KINDS_OF_MODULE)}
    wrong = [where(path, line, f"{own[1]} imports {other[1]}") for path, line, own, other in within()
             if own[0] == other[0] and own[1] and other[1] and order[other[1]] > order[own[1]]]
    assert not wrong, "\n".join(["", *wrong])


def test_imports_of_the_whole_repository_have_no_circle():
    """Of modules, as they are loaded: what is imported within a function is not there yet."""
    names = {".".join(dotted(path)): path for package in PACKAGES for path in modules(package)}
    arrows = {name: {found for _, other in loaded(path) if (found := module_of(other, names)) and found != name}
              for name, path in names.items()}
    list(TopologicalSorter(arrows).static_order())


def loaded(path):
    """As ``imports``, without those within functions and for type checkers."""
    parsed = tree(path)
    inner = {id(node) for part in ast.walk(parsed)
             if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.If)) for node in ast.walk(part)}
    top = ast.Module([node for node in parsed.body if id(node) not in inner], [])
    return imports_in(top, dotted(path) if path.name == "__init__.py" else dotted(path)[:-1])


def module_of(name, names):
    """The longest part of a dotted name that is a module; a package is loaded with what is in it, and counts only
    where its own names are wanted."""
    parts = name.split(".")
    return next((found for n in range(len(parts), 0, -1) if (found := ".".join(parts[:n])) in names), None)


def of_pages():
    """What deals with browsers: all but reading, rules and work."""
    return [path for path in modules("provisioning") if {"forms", "views", "tags", "web", "frame"} & set(dotted(path))]


SHARE = 0.6


def test_most_imports_stay_in_their_slice():
    """From file to file, of the slices that are about a thing; what all stand on is not counted."""
    names = {".".join(dotted(path)): path for path in modules("provisioning")}
    counted = ROOMS.keys() - {*GROUND, "models", "record", "core", "web", *ROOF}
    arrows = {(name, other) for name, path in names.items() for _, found in imports(path)
              if (other := module_of(found, names)) not in (None, name)
              and all((place := room(end)) and place[0] in counted for end in (name, other))}
    inside = [1 for name, other in arrows if room(name)[0] == room(other)[0]]
    assert len(inside) / len(arrows) >= SHARE


def test_only_jobs_and_the_commands_that_run_them_know_celery():
    wrong = [where(path, line, name) for path in modules("provisioning") for line, name in imports(path)
             if name.split(".")[0] in ("celery", "kombu", "billiard")
             if "worker" not in dotted(path) and dotted(path)[1] not in ("tasks", "apps")]
    assert not wrong, "\n".join(["", *wrong])


WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "bulk_update", "save", "delete", "update"}


def chain(node):
    """Names of an attribute chain, outermost last: a.objects.filter().update → [a, objects, filter, update]."""
    names = []
    while True:
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return [*([node.id] if isinstance(node, ast.Name) else []), *reversed(names)]


@pytest.mark.parametrize("part", ["views", "forms", "selectors", "rules", "tags", "management"])
def test_only_services_and_workers_write_objects(part):
    wrong = []
    for path in modules("provisioning"):
        if part not in dotted(path):
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                names = chain(node.func)
                if "objects" in names:
                    wrong.append(where(path, node.lineno, ".".join(names)))
    assert not wrong, "\n".join(["", *wrong])


def test_views_do_not_reach_hosts_or_processes():
    forbidden = {"subprocess", "socket", "celery", "paramiko", "psutil"}
    wrong = [where(path, line, name) for path in modules("provisioning") if "views" in dotted(path)
             for line, name in imports(path) if name.split(".")[0] in forbidden]
    assert not wrong, "\n".join(["", *wrong])


def calls():
    for package in (*PACKAGES, "client"):
        for path in modules(package):
            for node in nodes(path):
                if isinstance(node, ast.Call):
                    yield path, node


def test_no_shell_runs_a_string():
    wrong = []
    for path, node in calls():
        name = ".".join(chain(node.func))
        shell = [k for k in node.keywords if k.arg == "shell" and not (
            isinstance(k.value, ast.Constant) and k.value.value is False)]
        if shell or name in ("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
                             "asyncio.create_subprocess_shell", "create_subprocess_shell"):
            wrong.append(where(path, node.lineno, name))
    assert not wrong, "\n".join(["", *wrong])


def test_nobody_waits_in_a_way_that_loses_a_cancellation():
    """``asyncio.wait_for`` drops it when what it waits for comes in the same moment (Python 3.11):
    ``asyncio.timeout`` does not."""
    wrong = [where(path, node.lineno, "wait_for") for path, node in calls()
             if chain(node.func)[-2:] in (["asyncio", "wait_for"], ("asyncio", "wait_for"))]
    assert not wrong, "\n".join(["", *wrong])


def test_nothing_unsafe_is_loaded_or_evaluated():
    unsafe = {"eval", "exec", "pickle.loads", "pickle.load", "marshal.loads", "yaml.unsafe_load", "yaml.full_load"}
    wrong = [where(path, node.lineno, ".".join(chain(node.func))) for path, node in calls()
             if ".".join(chain(node.func)) in unsafe]
    assert not wrong, "\n".join(["", *wrong])


def test_markup_is_declared_safe_only_with_a_reason():
    wrong = []
    for path, node in calls():
        if chain(node.func)[-1:] == ["mark_safe"] and "mark_safe" in ast.unparse(node.func):
            lines = path.read_text().splitlines()
            near = "\n".join(lines[max(0, node.lineno - 3):node.lineno])
            if "#" not in near:
                wrong.append(where(path, node.lineno, "mark_safe without a comment that says why it is safe"))
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text()
        wrong += [f"{template.relative_to(ROOT)}: |safe" for _ in re.findall(r"\|\s*safe\b", text)]
        wrong += [f"{template.relative_to(ROOT)}: autoescape off" for _ in re.findall(r"autoescape off", text)]
    assert not wrong, "\n".join(["", *wrong])


def test_templates_have_no_inline_script_or_handlers():
    """The Content-Security-Policy would block them in silence."""
    wrong = []
    for template in (ROOT / "templates").rglob("*.html"):
        text = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", template.read_text(), flags=re.S)
        if re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=[\"']application/json)", text):
            wrong.append(f"{template.relative_to(ROOT)}: inline script")
        if re.search(r"\son[a-z]+\s*=\s*[\"']", text) or re.search(r"javascript:", text):
            wrong.append(f"{template.relative_to(ROOT)}: inline handler")
        if re.search(r"<style|\sstyle\s*=\s*[\"']", text):
            wrong.append(f"{template.relative_to(ROOT)}: inline style")
    assert not wrong, "\n".join(["", *wrong])


def test_nothing_is_left_for_later():
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|breakpoint\(\))\b")
    wrong = [where(path, number, line.strip()) for package in PACKAGES for path in modules(package)
             for number, line in enumerate(path.read_text().splitlines(), 1) if words.search(line)]
    assert not wrong, "\n".join(["", *wrong])


def test_logs_name_no_secrets():
    """Attributes that hold secrets are never an argument of a log call or of print."""
    secret = re.compile(r"^(secret|secret_value|passcode|password|passw|raw_password)$")
    wrong = []
    for path, node in calls():
        names = chain(node.func)
        if names[:1] in (["log"], ["logger"], ["logging"], ["print"]):
            for argument in (*node.args, *(k.value for k in node.keywords)):
                for part in ast.walk(argument):
                    if (isinstance(part, ast.Attribute) and secret.match(part.attr)) or (
                            isinstance(part, ast.Name) and secret.match(part.id)):
                        wrong.append(where(path, node.lineno, ast.unparse(part)))
    assert not wrong, "\n".join(["", *wrong])


LONGEST_FILE = 400


@pytest.mark.parametrize("package", [*PACKAGES, "client", "docs", "tests"])
def test_files_stay_readable(package):
    wrong = [where(path, count, "lines") for path in modules(package) if "migrations" not in path.parts
             if (count := len(path.read_text().splitlines())) > LONGEST_FILE]
    assert not wrong, "\n".join(["", *wrong])


def test_imports_are_seen_wherever_they_stand():
    source = "from . import a\nfrom ..b import c\nimport d.e\ndef f():\n    from g import h\n"
    found = imports_in(ast.parse(source), ("provisioning", "views"))
    assert found == [(1, "provisioning.views.a"), (2, "provisioning.b.c"), (3, "d.e"), (5, "g.h")]


def test_each_decision_has_a_number_of_its_own():
    pages = list((ROOT / "docs/adr").glob("0*.md"))
    assert len({page.name[:4] for page in pages}) == len(pages)
    assert {page.name for page in pages if not page.read_text().startswith(f"# {int(page.name[:4])}. ")} == set()
