"""Other hosts execute runs: they are added, cut off, killed and locked out while runs are queued."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dagster_api.waiting import seen, wait_for
from operate.compose import ROOT, run
from tests.drills.workers.conftest import SLOTS
from tests.drills.workers.hosts import Host, hosts_of, new_host, ssh_host, unsent, wait_for_runs_of
from tests.drills.workers.load import Load, load, printed
from tests.stack.conftest import Stack

pytestmark = pytest.mark.timeout(900)
SECONDS = 400
# As many as two hosts can have at once with the deployment's own workers.
RUNS = 4 * SLOTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of the bundles."""
    return tmp_path_factory.mktemp("hosts")


@pytest.fixture(scope="module")
def hosts(stack: Stack, folder: Path) -> Iterator[dict[str, Host]]:
    """Yields two worker hosts that run, and one that has what it needs."""
    made = {name: new_host(stack, name, folder / name) for name in ("h1", "h2", "h3")}
    try:
        for name in ("h1", "h2"):
            made[name].up()
        yield made
    finally:
        for host in made.values():
            host.down()


def check(runs: Load, said: tuple[str, ...] = ()) -> None:
    """Waits until all runs have succeeded, and none of them was executed twice at the same time."""
    attempts = runs.wait(SECONDS)
    for each in (each for of_run in attempts.values() for each in of_run if each.status == "FAILURE"):
        story = runs.stack.client.story(each.run_id)
        assert any(part in story for part in said), story
    assert runs.doubles() == []


def test_hosts_execute_as_many_runs_at_once_as_they_have_slots(still: Stack, hosts: dict[str, Host]) -> None:
    """A host is added while runs are queued. The queue lets out more runs as soon as its workers are there."""
    # On a busy machine, the host starts within half a minute. Until then, two hosts must not have executed all of them.
    runs = load(still, 5 * RUNS, seconds=8)
    hosts["h3"].up()

    def at_once() -> bool:
        running = [each for attempts in runs.attempts().values() for each in attempts if each.status == "STARTED"]
        return seen(len(running) >= RUNS, len(running))

    wait_for(f"{RUNS} runs at once", at_once, seconds=60, every=0.2)
    wait_for_runs_of(runs, hosts["h3"])
    check(runs)
    assert {"h1", "h2", "h3"} < set(hosts_of(runs).values())


def test_runs_of_a_host_that_is_cut_off_are_retried_and_not_doubled(still: Stack, hosts: dict[str, Host]) -> None:
    """Its runs may go on there: they end before another host may begin."""
    cut = hosts["h1"]
    runs = load(still, RUNS, seconds=20)
    wait_for_runs_of(runs, cut)
    cut.cut_off(on=True)
    try:

        def noticed() -> bool:
            statuses = {each.status for attempts in runs.attempts().values() for each in attempts}
            return seen("FAILURE" in statuses, statuses)

        wait_for("a lost run", noticed, seconds=90)
    finally:
        cut.cut_off(on=False)
    # The deployment notices the first lost run. Back again, the host reports the others itself. One may have taken a message, and
    # not yet the lease of its run.
    check(runs, said=("The run's worker is lost", "the worker was silent for too long", "the broker has lost its message"))
    again = load(still, RUNS, seconds=3)
    wait_for_runs_of(again, cut)
    check(again)


def test_runs_of_a_killed_host_are_retried_elsewhere(still: Stack, hosts: dict[str, Host]) -> None:
    """Its power fails, and it does not come back soon."""
    killed = hosts["h2"]
    runs = load(still, RUNS, seconds=5)
    wait_for_runs_of(runs, killed)
    killed.compose("kill")
    check(runs, said=("The run's worker is lost", "the broker has lost its message"))
    killed.up()


def test_webserver_shows_what_a_run_on_another_host_has_printed(still: Stack, hosts: dict[str, Host]) -> None:
    """Runs on other hosts share no folder with the webserver. The host keeps no file of it."""
    before = {name: unsent(host) for name, host in hosts.items()}
    still.compose("stop", "user_code_worker")
    try:
        ended = still.succeeds("look_job")
    finally:
        still.compose("start", "user_code_worker")
    assert printed(still, ended.run_id)["environment"]["HOSTNAME"] in hosts
    assert {name: unsent(host) for name, host in hosts.items()} == before


def test_worker_of_a_host_reaches_only_broker_and_pool(stack: Stack, hosts: dict[str, Host]) -> None:
    """User code on another host reaches no more than here."""
    host = hosts["h1"]
    (container,) = json.loads(run(["docker", "inspect", host.compose("ps", "--quiet", "user_code_worker").strip()], capture=True))
    assert list(container["NetworkSettings"]["Networks"]) == [f"{host.project}_runs"]
    assert container["HostConfig"]["ReadonlyRootfs"]
    assert container["HostConfig"]["CapDrop"] == ["ALL"]
    (network,) = json.loads(run(["docker", "network", "inspect", f"{host.project}_runs"], capture=True))
    assert network["Internal"]
    names = {each["Name"] for each in network["Containers"].values()}
    assert names == {f"{host.project}-deployment-1", f"{host.project}-user_code_worker-1"}
    assert [line for line in host.compose("ps", "--format", "{{.Ports}}").splitlines() if line] == []


def test_gateway_lets_nobody_in_without_a_certificate(stack: Stack, hosts: dict[str, Host]) -> None:
    """The port is open to the network of the hosts."""
    assert hosts["h1"].answer().startswith("-NOAUTH")
    address = f"{stack.environ['WORKER_GATEWAY_ADDRESS']}:{stack.environ['WORKER_GATEWAY_PORT']}"
    client = f"openssl s_client -connect {address} -servername broker -quiet"
    make = "openssl req -x509 -newkey ed25519 -nodes -subj /CN=h1 -keyout /tmp/key -out /tmp/pem 2>&1"
    for options, refusal in (("", "certificate required"), ("-cert /tmp/pem -key /tmp/key", "unknown ca")):
        said = hosts["h1"].compose("exec", "-T", "deployment", "sh", "-c", f"{make}; {client} {options} </dev/null 2>&1 || true")
        assert f"alert {refusal}" in said


def test_gateway_closes_a_connection_that_says_nothing(stack: Stack) -> None:
    """Else somebody without a certificate could take all its connections."""
    address = stack.environ["WORKER_GATEWAY_ADDRESS"], int(stack.environ["WORKER_GATEWAY_PORT"])
    with socket.create_connection(address, timeout=20) as idle:
        assert idle.recv(1) == b""


def test_bundle_is_readable_by_its_owner_only(hosts: dict[str, Host]) -> None:
    """It holds passwords and a key."""
    folder = hosts["h1"].folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} == {".env", "common.yml", "compose.yml", "secrets.tar", "workers.yml"}


def test_bundle_keeps_the_sizes_that_the_host_has_set(stack: Stack, hosts: dict[str, Host]) -> None:
    """`make worker-host` brings a host up to date after each deployment."""
    host = hosts["h2"]
    with (host.folder / ".env").open("a") as env:
        env.write("WORKER_CONCURRENCY=1\n")
    new_host(stack, "h2", host.folder)
    assert "WORKER_CONCURRENCY=1" in (host.folder / ".env").read_text().splitlines()
    model = json.loads(host.compose("config", "--format", "json"))
    assert model["services"]["user_code_worker"]["environment"]["WORKER_CONCURRENCY"] == "1"


def test_deploy_names_the_hosts_that_have_the_old_code(still: Stack, hosts: dict[str, Host]) -> None:
    """A host executes runs of its own image only, so somebody must bring it up to date."""
    deployed = still.make("deploy")
    assert deployed.returncode == 0, deployed.stderr
    assert deployed.stdout.splitlines()[-1].endswith("make worker-host, for h1, h2, h3")


def test_host_that_is_removed_is_locked_out(still: Stack, hosts: dict[str, Host]) -> None:
    """A host is sold, or stolen. Others go on."""
    assert hosts["h3"].answer().startswith("-NOAUTH")
    removed = still.make("worker-host", "NAME=h3", "REMOVE=1")
    assert removed.returncode == 0, removed.stderr

    def others() -> bool:
        return seen(hosts["h1"].answer().startswith("-NOAUTH"), "h1 is locked out too")

    wait_for("the way of another host", others, seconds=30)
    assert hosts["h3"].answer() == ""
    new_host(still, "h3", hosts["h3"].folder).up()
    assert hosts["h3"].answer().startswith("-NOAUTH"), "a host that comes back has a new certificate"
    assert still.make("worker-host", "NAME=h3", "REMOVE=1").returncode == 0
    again = still.make("worker-host", "NAME=h3", "REMOVE=1")
    assert again.returncode == 0, "the gateway may not have started anew since"
    unknown = still.make("worker-host", "NAME=h9", "REMOVE=1")
    assert (unknown.returncode, unknown.stderr.splitlines()[0].rpartition(": ")[2]) == (2, "there is no worker host h9")


def test_worker_host_sends_everything_over_ssh_and_starts_the_workers(stack: Stack, tmp_path: Path) -> None:
    """Then nobody carries a file with passwords."""
    with ssh_host(stack, tmp_path) as options:
        environ = {**stack.environ, "SSH_OPTIONS": options}
        sent = replace(stack, environ=environ).make("worker-host", "NAME=h4", "TO=root@127.0.0.1")
        assert (sent.returncode, sent.stdout.strip()) == (0, "worker-host: h4: its workers run"), sent.stderr
        host = Host(stack, "h4", tmp_path / "dagster-workers" / stack.project)
        try:
            assert {service["Service"] for service in map(json.loads, host.compose("ps", "--format", "json").splitlines())} == {
                "deployment",
                "user_code_worker",
            }
        finally:
            host.down()
    refused = stack.make("worker-host", "NAME=h4", "TO=root@127.0.0.1")
    assert refused.returncode == 2
    assert refused.stderr.startswith("worker-host: root@127.0.0.1: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["NAME=h4"], "NAME is the host's name, TO is USER@HOST of ssh or a folder"),
        (["NAME=H4", "TO=x/"], "the name 'H4' is not allowed: small letters, digits and -, a letter first, 30 at most"),
        (["NAME=here", "TO=x/"], "the name 'here' is not allowed"),
    ],
)
def test_worker_host_rejects_bad_input_with_a_sentence(stack: Stack, arguments: list[str], said: str) -> None:
    """Nothing is written then."""
    refused = stack.make("worker-host", *arguments)
    assert refused.returncode == 2
    assert f"worker-host: {said}" in refused.stderr
    assert not (ROOT / "x").exists()
