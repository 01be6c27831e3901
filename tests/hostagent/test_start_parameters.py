"""What a start file passes to the server, read without running it."""

import random
import shlex
import string
import subprocess

import pytest

from hostagent.jobs.startfiles import run_sh, start_server_bat
from hostagent.jobs.startparameters import RIGHT, sentence, start_parameters
from hostagent.jobs.startwords import batch_commands, shell_commands
from protocol.start_line import command_line_arguments

EXPECTED = {"-host": "cfg1", "-port": "2020", "-app": "MS Backup"}


def states(text, **options):
    found = start_parameters(text, EXPECTED, **options)
    return found and {parameter.name: parameter.state for parameter in found if parameter.state != "right"}


ALL_MISSING = {"-host": "missing", "-port": "missing", "-app": "missing"}


@pytest.mark.parametrize("text", [
    run_sh("cfg1", 2020, "MS Backup"),
    './MessageServer -host cfg1 -port 2020 -app "MS Backup"',
    "./MessageServer -app 'MS Backup' -port 2020 -host CFG1 -l 7260@lic\n",
    "exec ./MessageServer -host cfg1 \\\n  -port 2020 \\\n  -app MS\\ Backup\n",
    "nohup ./MessageServer_64 -host=cfg1 -port=2020 '-app=MS Backup' >> logs/out.log 2>&1 < /dev/null &\n",
    'LD_LIBRARY_PATH=. ulimit -n 4096; LANG=C /opt/ms/MessageServer -host cfg1 -port 2020 -app "MS Backup" "$@"',
    'APP="MS Backup"\nexport CFG=cfg1 PORT=2020\n./MessageServer -host $CFG -port ${PORT} -app "$APP"',
    'if [ -x ./MessageServer ]; then ./MessageServer -host cfg1 -port 2020 -app "MS Backup"; fi',
    '# ./MessageServer -app old\n(cd "$(dirname "$0")" && ./MessageServer -host cfg1 -port 2020 -app "MS Backup")',
    './MessageServer -app wrong -host cfg1 -port 2020 -app "MS Backup"',
    '#!/bin/sh\r\n./MessageServer -host cfg1 -port 2020 -app "MS Backup"\r\n',
])
def test_a_script_that_passes_all_three_is_right(text):
    assert states(text) == {}


@pytest.mark.parametrize(("text", "expected"), [
    ("./MessageServer", ALL_MISSING),
    ("exec ./MessageServer -workdir . # -host cfg1 -port 2020 -app x", ALL_MISSING),
    ('./MessageServer -host cfg1 -port 2020', {"-app": "missing"}),
    ('./MessageServer -host -port 2020 -app "MS Backup"', {"-host": "missing"}),
    ('./MessageServer -host cfg1 -port 2020 -app ""', {"-app": "missing"}),
    ("./MessageServer -host cfg1 -port 2020 -app MS Backup", {"-app": "different"}),
    ('./MessageServer -host cfg2 -port 2021 -app "ms backup"',
     {"-host": "different", "-port": "different", "-app": "different"}),
    ("./MessageServer -host <configuration server host> -port <configuration server port> -app "
     "<application object name>", {"-host": "placeholder", "-port": "placeholder", "-app": "placeholder"}),
    ('./MessageServer -host "<host>" -port 2020 -app "MS <name>"', {"-host": "placeholder", "-app": "placeholder"}),
    ('./MessageServer -host "$CFG" -port `cat port` -app "MS Backup$1"',
     {"-host": "unknown", "-port": "unknown", "-app": "unknown"}),
    ('A=1\nif [ $A ]; then\n./MessageServer -host cfg1 -port 2020 -app "MS Backup"\nelse\n./MessageServer\nfi',
     ALL_MISSING),
    ("./MessageServer -host cfg1 -port 2020 -app 'MS Backup", {}),
])
def test_what_is_missing_or_wrong_is_named(text, expected):
    assert states(text) == expected


@pytest.mark.parametrize("text", ["", "\n", "#!/bin/sh\n", "echo ./MessageServer -host cfg1", "./OtherServer -host x",
                                  "# ./MessageServer -host cfg1 -port 2020", "\\", "'", '"', "$", "`", "$(", "${", "<"])
def test_a_script_that_starts_no_message_server_is_told_apart(text):
    assert states(text) is None


def test_every_fault_is_a_sentence_that_names_what_it_should_be():
    text = "./MessageServer -host <host> -port 2021 -app $APP"
    assert [sentence(each) for each in start_parameters(text, EXPECTED)] == [
        "-host still holds the placeholder <host>; it should be cfg1.", "-port is 2021; it should be 2020.",
        "-app is $APP, which is known only when the file runs; it should be MS Backup."]
    assert sentence(start_parameters("./MessageServer", EXPECTED)[2]) == "-app is missing; it should be MS Backup."


def test_loopback_has_several_names():
    expected = {**EXPECTED, "-host": "127.0.0.1"}
    found = start_parameters('./MessageServer -host localhost -port 02020 -app "MS Backup"', expected)
    assert [each.state for each in found] == ["right", "right", "right"]


@pytest.mark.parametrize("text", [
    start_server_bat("cfg1", 2020, "MS Backup"),
    '@echo off\nREM MessageServer.exe -app x\n:start\nmessageserver.exe -host cfg1 ^\n -port 2020 -app "MS Backup"\n',
    'set APP=MS Backup\nstart "" /b "C:\\gcti\\ms\\MessageServer.exe" -host cfg1 -port 2020 -app "%APP%" > out.log',
])
def test_a_batch_file_that_passes_all_three_is_right(text):
    assert states(text, batch=True) == {}


def test_a_batch_file_has_percent_signs_and_quotes_of_its_own():
    expected = {**EXPECTED, "-app": "100% of MS"}
    text = start_server_bat("cfg1", 2020, "100% of MS")
    assert [each.state for each in start_parameters(text, expected, batch=True)] == ["right"] * 3
    assert states('MessageServer.exe -host %CFG% -port <port> -app "<application object name>"', batch=True) == {
        "-host": "unknown", "-port": "placeholder", "-app": "placeholder"}
    assert states("cd ..\r\necho MessageServer.exe -host cfg1", batch=True) is None


@pytest.mark.parametrize("sign", "/?*%$&;|<>'`~#!:@=+,()[]{}^é漢")
def test_every_sign_that_a_name_may_hold_reaches_the_server_as_it_is(sign, tmp_path):
    name = f"MS {sign} 1"
    (tmp_path / "MessageServer").write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    (tmp_path / "MessageServer").chmod(0o755)
    (tmp_path / "run.sh").write_text(run_sh("cfg", 2020, name))
    heard = subprocess.run(["sh", "run.sh"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert heard.splitlines() == ["-host", "cfg", "-port", "2020", "-app", name]
    assert shlex.split(command_line_arguments("cfg", 2020, name)) == heard.splitlines()
    expected = {"-host": "cfg", "-port": "2020", "-app": name}
    for text, batch in ((run_sh("cfg", 2020, name), False), (start_server_bat("cfg", 2020, name), True)):
        assert [each.state for each in start_parameters(text, expected, batch=batch)] == [RIGHT] * 3


@pytest.mark.parametrize("seed", range(20))
def test_the_shell_itself_reads_the_same_words(seed):
    chance = random.Random(seed)
    alphabet = string.ascii_letters + " '\"\\#;&|()-=.,é*~!"
    names = ["".join(chance.choices(alphabet, k=chance.randint(1, 12))) for _ in range(5)]
    text = "\n".join(f"printf '%s\\0' {shlex.quote(name)}" for name in names)
    said = subprocess.run(["sh", "-c", text], capture_output=True, check=True).stdout.decode().split("\0")[:-1]
    assert [command[2].text for command in shell_commands(text)] == said == names


@pytest.mark.parametrize("seed", range(50))
def test_no_text_whatever_ends_in_an_error(seed):
    chance = random.Random(seed)
    alphabet = "MessageServer-host<>\"'\\$`%^&|;()#{}= \t\r\n~!é\0"
    for _ in range(40):
        text = "".join(chance.choices(alphabet, k=chance.randint(0, 60)))
        for words in (shell_commands(text), batch_commands(text)):
            assert all(isinstance(word.text, str) for command in words for word in command)
        start_parameters(text, EXPECTED)
        start_parameters(text, EXPECTED, batch=True)
