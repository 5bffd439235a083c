"""`make evaluate`: plays the scenarios, and writes the report as a tar archive to standard output, progress to standard error."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import tarfile
import time
from pathlib import Path

from evaluation.play import evaluate
from evaluation.report.write import report_files
from evaluation.scenarios import SCENARIOS
from evaluation.stage import StoppedError, UnexpectedEndError, stopping
from operate.graphql import ApiError
from operate.waiting import WaitError

# As a shell reports SIGINT.
STOPPED = 130


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options; ends with a sentence where one is not allowed."""
    known = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser("evaluate", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="SCENARIO", help=", ".join(known))
    parser.add_argument("--repeat", type=int, choices=range(1, 11), default=3, metavar="N", help="repetitions, 1 to 10")
    parser.add_argument("--patience", type=float, default=150, metavar="SECONDS", help="until what does not happen is given up")
    parser.add_argument("--machine", default="", help="what it runs on, for the report")
    return parser.parse_args(arguments)


def main() -> int:
    """Returns the exit status: 1 where a scenario failed, with its sentence."""
    options = parse(sys.argv[1:])
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: stopping.set())
    try:
        results = evaluate(options.only, options.repeat, options.patience, options.machine, os.environ)
    except (ApiError, StoppedError, UnexpectedEndError, WaitError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 1
    if stopping.is_set():
        return STOPPED
    write_archive(report_files(results))
    failed = [f"{result.scenario.name}: {result.error}" for result in results.scenarios.values() if result.error]
    failed += results.problems
    for line in failed:
        print(f"evaluate: {line}", file=sys.stderr)
    return 1 if failed else 0


def write_archive(files: dict[str, bytes]) -> None:
    """Files on standard output: this container can write nowhere else."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(str(Path(name)))
            member.size, member.mode, member.mtime = len(content), 0o644, int(time.time())
            archive.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    sys.exit(main())
