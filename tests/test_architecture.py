"""Holds where a line of code lives (docs/architecture.md): who may import whom, and what nobody may write."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bench", "console", "control", "hostagent", "messageserver", "protocol", "provisioning")

LAYERS = [
    ("states", "errors", "chain", "keys", "spelling", "glossary", "declared"),
    ("models", "record", "drafts", "valid_values", "apd", "packages", "signals", "turns", "permissions", "job_kinds",
     "certificates"),
    ("selectors", "history", "rules", "control_client"),
    ("audit", "changes"),
    ("jobs", "tasks"),
    ("services",),
    ("forms", "tables", "lists"),
    ("views", "api", "templatetags"),
    ("urls", "urls_operations", "management"),
]
"""Layers of provisioning/, lowest first: a module imports from lower ones, and within its own package."""
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
SAME_LAYER = {
    # Reading fills drafts, lists and facts from what history and rules name.
    ("selectors", "history"), ("selectors", "control_client"), ("selectors", "rules"), ("apd", "drafts"),
    ("apd", "models"), ("models", "record"), ("apd", "valid_values"), ("tasks", "jobs"), ("tables", "forms"),
    ("urls", "urls_operations"),
    ("job_kinds", "permissions"), ("keys", "errors"),
}
"""Pairs (importer, imported) within one layer; together they have no circle."""
OUTSIDE = {"apps", "migrations", ""}

ALLOWED = {
    "protocol": {"protocol"},
    "messageserver": {"messageserver", "protocol"},
    "hostagent": {"hostagent", "protocol"},
    "provisioning": {"provisioning", "protocol"},
    "control": {"control", "protocol", "provisioning"},
    "console": {"console", "protocol", "messageserver", "hostagent", "provisioning", "control"},
}
"""What of this repository each package may import: of those above it in this order, and of no other one."""
STANDARD_LIBRARY_ONLY = {"protocol": set(), "messageserver": {"uvloop"}}
NO_FRAMEWORK = ("django", "provisioning", "console", "control")


@cache
def modules(package):
    return tuple(path for path in sorted((ROOT / package).rglob("*.py")) if "__pycache__" not in path.parts)


@cache
def tree(path):
    return ast.parse(path.read_text(), str(path))


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


@pytest.mark.parametrize("package", ["hostagent", "messageserver", "protocol"])
def test_processes_on_hosts_never_import_the_console(package):
    wrong = [where(path, line, name) for path in modules(package) for line, name in imports(path)
             if name.split(".")[0] in NO_FRAMEWORK]
    assert not wrong, "\n".join(["", *wrong])


def test_control_does_not_import_pages_or_verbs():
    wrong = [where(path, line, name) for path in modules("control") for line, name in imports(path)
             if re.match(r"provisioning\.(services|forms|tables|views|urls|jobs|tasks|management)\b", name)]
    assert not wrong, "\n".join(["", *wrong])


def layer_name(name):
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "provisioning" else None


def test_every_module_of_provisioning_has_a_layer():
    names = {dotted(path)[1] if len(dotted(path)) > 1 else "" for path in modules("provisioning")}
    assert names - LEVEL.keys() - OUTSIDE == set()


def test_provisioning_imports_from_lower_layers_only():
    wrong = []
    for path in modules("provisioning"):
        own = dotted(path)[1] if len(dotted(path)) > 1 else ""
        if own in OUTSIDE:
            continue
        for line, name in imports(path):
            other = layer_name(name)
            if other is None or other == own or other in OUTSIDE or other not in LEVEL:
                continue
            if LEVEL[other] >= LEVEL[own] and (own, other) not in SAME_LAYER:
                wrong.append(where(path, line, f"{own} (layer {LEVEL[own]}) imports {other} (layer {LEVEL[other]})"))
    assert not wrong, "\n".join(["", *wrong])


def test_exceptions_within_a_layer_have_no_circle():
    assert all(LEVEL[one] == LEVEL[other] for one, other in SAME_LAYER)
    assert not {(other, one) for one, other in SAME_LAYER} & SAME_LAYER


def test_only_jobs_and_the_commands_that_run_them_know_celery():
    wrong = [where(path, line, name) for path in modules("provisioning") for line, name in imports(path)
             if name.split(".")[0] in ("celery", "kombu", "billiard")
             if dotted(path)[1] not in ("jobs", "tasks", "apps")]
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


@pytest.mark.parametrize("part", ["views", "forms", "selectors", "rules", "templatetags", "management"])
def test_only_services_and_jobs_write_objects(part):
    wrong = []
    for path in modules("provisioning"):
        if dotted(path)[1:2] != (part,):
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                names = chain(node.func)
                if "objects" in names:
                    wrong.append(where(path, node.lineno, ".".join(names)))
    assert not wrong, "\n".join(["", *wrong])


def test_views_do_not_reach_hosts_or_processes():
    forbidden = {"subprocess", "socket", "celery", "paramiko", "psutil"}
    wrong = [where(path, line, name) for path in modules("provisioning") if dotted(path)[1:2] == ("views",)
             for line, name in imports(path) if name.split(".")[0] in forbidden]
    assert not wrong, "\n".join(["", *wrong])


def calls():
    for package in PACKAGES:
        for path in modules(package):
            for node in ast.walk(tree(path)):
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


@pytest.mark.parametrize("package", PACKAGES)
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
