"""The command line: what follows a name is its value, whatever it looks like."""

import pytest

from messageserver import VERSION
from messageserver.arguments import parse
from messageserver.exits import ExitCode

WHERE = ["-host", "h", "-port", "2020"]


@pytest.mark.parametrize("name", ["-V", "-h", "--help", "-check", "-port=9", "-app", "MS=1", "", "-"])
def test_an_application_may_be_called_like_an_option(name):
    given = parse([*WHERE, "-app", name])
    assert (given.app, given.port, given.check) == (name, 2020, False)
    assert parse([*WHERE, f"-app={name}", "-check"]).check is True


@pytest.mark.parametrize(("words", "said"), [(["-V"], f"MessageServer {VERSION}"), ([*WHERE, "-V"], "MessageServer"),
                                             (["-h"], "usage:"), (["-app", "MS", "--help"], "usage:")])
def test_what_only_tells_something_ends_well(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == ExitCode.OK
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("words", "said"), [
    ([], "-host, -port, -app"), ([*WHERE, "-app"], "expected one argument, NAME"), (["-host", "-port", "9"], "'9'"),
    ([*WHERE, "-app", "MS", "-what"], "'-what'"), (["-host", "h", "-port", "x", "-app", "a"], "no port number")])
def test_a_command_line_that_is_wrong_says_why(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == ExitCode.USAGE
    assert said in capsys.readouterr().err
