"""Sentences on the limits that user code met, found by its error's text. Pure: nothing here knows Dagster."""

import re

# Each pattern matches an error's text; its sentence names the limit and its setting. The first match counts.
READ_ONLY = (
    "The root file system of a run is read-only. Write to the home folder or /tmp, which end with the run, or to data/ in the "
    "working directory or /var/lib/dagster/exports, which last."
)
FULL = (
    "A file system is full. RUN_TMP in .env sets the size of /tmp and of the home folder, RUN_SHM that of /dev/shm; volumes "
    "have the disk of the host."
)
NOT_EXECUTED = (
    "Nothing in /tmp can be executed. Put programs and libraries into the home folder; TMPDIR=$HOME is for those that unpack "
    "themselves."
)
KILLED = (
    "A process of the run was killed. Most often the run needs more memory (RUN_MEMORY) or more shared memory (RUN_SHM) than "
    "it may have."
)
NO_RIGHT = (
    "User code may read Dagster's database and report on runs, no more. A schedule or a sensor starts runs; see docs/security.md."
)
HINTS = {
    r"Read-only file system": READ_ONLY,
    r"No space left on device: '/tmp": "/tmp of the run is full: RUN_TMP in .env sets its size.",  # noqa: S108 - the run's
    r"No space left on device: '/home/dagster": "The home folder of the run is full: RUN_TMP in .env sets its size.",
    r"No space left on device: '/dev/shm": "/dev/shm of the run is full: RUN_SHM in .env sets its size.",  # noqa: S108 - the run's
    r"No space left on device": FULL,
    r"PermissionError: .*Permission denied: '/tmp|failed to map segment from shared object": NOT_EXECUTED,
    r"can't start new thread|fork: Resource temporarily unavailable|fork: retry": (
        "The run has as many processes and threads as it may have: RUN_PIDS in .env sets the limit, in a worker WORKER_PIDS."
    ),
    r"\bMemoryError:|_ArrayMemoryError|ArrowMemoryError|Cannot allocate memory": (
        "The run needs more memory than it may have: RUN_MEMORY in .env sets the limit, and files in /tmp count."
    ),
    r"ChildProcessCrashException|BrokenProcessPool|TerminatedWorkerError|<Signals\.SIG(KILL|BUS)": KILLED,
    r"non-zero exit status (-[79]|13[57])\b|killed by signal: (Killed|Bus error)": KILLED,
    r"failure in name resolution|Name or service not known|No address associated with hostname|Network is unreachable": (
        "The host cannot be reached. RUN_EGRESS=allow in .env lets runs reach hosts outside of this deployment."
    ),
    r"permission denied for (table|sequence) (runs|run_tags|event_logs|job|instigators|bulk_actions|snapshots|kvs)": NO_RIGHT,
}


def hint(text: str) -> str | None:
    """The sentence for an error with this text, or None if it met no known limit."""
    return next((sentence for pattern, sentence in HINTS.items() if re.search(pattern, text)), None)
