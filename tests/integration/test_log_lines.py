"""docker/bin/log_lines starts every service. Here it starts real processes, without a container."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT

LOG_LINES = ROOT / "docker/bin/log_lines"
RUN_ID = "0b3f6b0e-6c0a-4e4e-9f0e-3f3c6f1f2a10"


def environ(log_format: str, **more: str) -> dict[str, str]:
    """Returns an environment with a LOG_FORMAT."""
    return {**os.environ, "LOG_FORMAT": log_format, **more}


def execute(code: str, log_format: str = "json", **more: str) -> subprocess.CompletedProcess[bytes]:
    """Executes Python code, as the command of a service."""
    command = [LOG_LINES, sys.executable, "-c", code]
    return subprocess.run(command, env=environ(log_format, **more), capture_output=True, check=False, timeout=30)


def objects(output: bytes) -> list[dict[str, Any]]:
    """Returns the lines as objects, without their times."""
    found = [json.loads(line) for line in output.decode(errors="replace").splitlines()]
    for each in found:
        age = datetime.now(UTC) - datetime.fromisoformat(each.pop("time"))
        assert abs(age.total_seconds()) < 60
    return found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('a "quoted" word', 'a "quoted" word'),
        (r"C:\new \\ \" \u0041", r"C:\new \\ \" \u0041"),
        ("a\ttab & an ampersand", "a\ttab & an ampersand"),
        ("\033[32mgreen\033[0m", "green"),
        ("bell\a and \x01 and \x7f", "bell and  and "),
        ("", ""),
        ("Grüße, 世界", "Grüße, 世界"),
        ('{"time": 1}', '{"time": 1}'),
    ],
)
def test_every_line_becomes_an_object_with_its_text(line: str, message: str) -> None:
    """Programs and user code print what they like."""
    found = execute(f"print({line!r})")
    assert (objects(found.stdout), found.stderr) == ([{"message": message}], b"")


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-30 09:00:00 +0000 - dagster - WARNING - late", "WARNING"),
        ("2026-11-30 09:00:00.000 UTC [1] LOG:  checkpoint starting", "INFO"),
        ("2026-11-30 09:00:00.000 UTC [1] FATAL:  no", "FATAL"),
        ('time=2026-11-30T09:00:00Z level=warn msg="late"', "WARNING"),
        ('{"level":"error","ts":1}', "ERROR"),
        ("no ERRORS", None),
    ],
)
def test_level_is_that_of_the_line(line: str, level: str | None) -> None:
    """The programs have different formats."""
    [found] = objects(execute(f"print({line!r})").stdout)
    assert found.get("level") == level


def test_run_is_that_of_the_container_or_the_first_that_the_line_names() -> None:
    """Services serve many runs, and a run's container one."""
    other = RUN_ID.replace("0", "9")
    code = f"print('run {RUN_ID} follows {other}'); print('no run')"
    assert [each.get("run_id") for each in objects(execute(code).stdout)] == [RUN_ID, None]
    assert [each.get("run_id") for each in objects(execute(code, LOG_RUN_ID=other).stdout)] == [other, other]


@pytest.mark.parametrize("ending", ["sys.exit(7)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_last_words_and_exit_status_are_those_of_the_command(ending: str) -> None:
    """They say why a service has ended. Text is the format in which nothing stands between."""
    code = f"import os, signal, sys; print('the disk is full', end='', file=sys.stderr, flush=True); {ending}"
    text = subprocess.run(["sh", "-c", 'exec "$0" "$@"', sys.executable, "-c", code], capture_output=True, check=False)
    found = execute(code)
    assert objects(found.stdout) == [{"message": "the disk is full"}]
    assert found.stderr == b""
    assert found.returncode == (text.returncode if text.returncode >= 0 else 128 - text.returncode)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGWINCH, signal.SIGUSR1])
def test_signals_reach_the_command(number: signal.Signals) -> None:
    """Docker stops a service with one. The service may take its time, and speak."""
    code = (
        f"import signal, sys; signal.signal({int(number)}, lambda *_: (print('ending'), sys.exit(3)));"
        "print('ready', flush=True); signal.pause()"
    )
    with subprocess.Popen([LOG_LINES, sys.executable, "-c", code], env=environ("json"), stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert objects(process.stdout.readline()) == [{"message": "ready"}]
        process.send_signal(number)
        assert objects(process.stdout.read()) == [{"message": "ending"}]
    assert process.returncode == 3


def test_command_does_not_ignore_interrupts() -> None:
    """A shell's background process would. Dagster copies that to SIGTERM, so that its runs do not stop."""
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert objects(execute(code).stdout) == [{"message": "True"}]


def test_stopped_command_takes_no_processor() -> None:
    """A debugger stops a process, and so does a drill. The program that waits for it once took a whole core."""
    code = "import os, signal; print('ready', flush=True); os.kill(os.getpid(), signal.SIGSTOP)"
    with subprocess.Popen([LOG_LINES, sys.executable, "-c", code], env=environ("json"), stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert objects(process.stdout.readline()) == [{"message": "ready"}]
        shell = psutil.Process(process.pid)
        [command] = [each for each in shell.children() if each.name() != "awk"]
        wait_for("the stopped command", lambda: seen(command.status() == psutil.STATUS_STOPPED, command.status()), seconds=10)
        wait_for("the wait", lambda: seen(shell.status() == psutil.STATUS_SLEEPING, shell.status()), seconds=10)
        waits = [shell.status() for _ in range(100)]
        command.kill()
    assert waits.count(psutil.STATUS_SLEEPING) > 90


def test_process_that_the_command_leaves_behind_does_not_hold_it() -> None:
    """The container would never end."""
    code = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']).pid)"
    with subprocess.Popen([LOG_LINES, sys.executable, "-c", code], env=environ("json"), stdout=subprocess.PIPE) as process:
        assert process.stdout
        [found] = objects(process.stdout.readline())
        try:
            assert process.wait(timeout=20) == 0
        finally:
            os.kill(int(found["message"]), signal.SIGKILL)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_command_gets_the_environment_as_it_is(log_format: str) -> None:
    """A shell in between once changed PWD, so that runs and code server differed."""
    odd = {"odd.name-1": "a dot and a dash", "PWD": "/elsewhere", "SHLVL": "7", "EMPTY": "", "ODD": "a=b 'c' \"d\" \\ é\n{}"}
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    shown = execute(code, log_format, **odd).stdout
    found = json.loads(objects(shown)[0]["message"] if log_format == "json" else shown)
    given = environ(log_format, **odd)
    assert {name: value for name, value in found.items() if name not in {"LOG_LINES", "LC_CTYPE"}} == given


def test_nothing_stands_between_with_text() -> None:
    """The default costs nothing. A nested call formats nothing twice."""
    code = "import os; print(os.getppid())"
    assert execute(code, "text").stdout == f"{os.getpid()}\n".encode()
    assert execute(code, LOG_LINES="1").stdout == f"{os.getpid()}\n".encode()


def test_unknown_format_is_refused_with_a_sentence() -> None:
    """The service must not start in a format that nobody asked for."""
    found = execute("print(1)", "xml")
    said = "LOG_FORMAT is set to 'xml', which is not allowed: it must be text or json. Correct it in .env.\n"
    assert (found.returncode, found.stderr.decode(), found.stdout) == (1, said, b"")
