"""`make evaluate`: plays the scenarios, and writes the report as a tar archive to standard output, progress to standard error."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tarfile
import time

import psycopg2

from dagster_api.client import ApiError
from dagster_api.waiting import WaitError
from demo.evaluation.measure.results import Result, Results
from demo.evaluation.play.deployment import UnexpectedEndError
from demo.evaluation.play.evaluation import evaluate
from demo.evaluation.play.stopping import STOPPED, StoppedError, stopping
from demo.evaluation.report.write import report_files
from demo.evaluation.scenarios import SCENARIOS


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parses the options; exits with a message if one is not allowed."""
    known = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser("evaluate", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="SCENARIO", help=", ".join(known))
    parser.add_argument("--repeat", type=int, choices=range(1, 11), default=3, metavar="N", help="repetitions, 1 to 10")
    parser.add_argument("--patience", type=float, default=150, metavar="SECONDS", help="until what does not happen is given up")
    parser.add_argument("--dry-run", action="store_true", help="say what would be played, and play nothing")
    parser.add_argument("--machine", default="", help="what it runs on, for the report")
    return parser.parse_args(arguments)


def main() -> int:
    """Returns the exit status: 1 if a scenario failed, after its error is printed."""
    options = parse(sys.argv[1:])
    if options.dry_run:
        print(f"evaluate: {len(options.only)} scenarios, {options.repeat} times each: {', '.join(options.only)}", file=sys.stderr)
        return 0
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: stopping.set())
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in options.only]
    results = Results({scenario.name: Result(scenario) for scenario in scenarios})
    failed = results.problems
    try:
        evaluate(scenarios, results, options.repeat, patience=options.patience, machine=options.machine, environ=os.environ)
    except (ApiError, UnexpectedEndError, WaitError, psycopg2.Error) as error:
        failed.append(str(error))
    except StoppedError:
        stopping.set()
    if results.about and not stopping.is_set():
        write_archive(report_files(results))
        failed += [f"{result.scenario.name}: {result.error}" for result in results.scenarios.values() if result.error]
    for line in failed:
        print(f"evaluate: {line}", file=sys.stderr)
    return 1 if failed else STOPPED if stopping.is_set() else 0


def write_archive(files: dict[str, bytes]) -> None:
    """Writes files to standard output: this container can write nowhere else."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), 0o644, int(time.time())
            archive.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    sys.exit(main())
