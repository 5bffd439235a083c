"""User code describes its surroundings. `python -m user_code.places` prints those of the code server's container."""

import getpass
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def seen_environment() -> dict[str, str]:
    """Returns all environment variables."""
    return dict(os.environ)


def written_places() -> dict[str, str]:
    """Writes a file to each folder that user code may use. Returns the paths, and the name of the user."""
    places = {
        "home": Path.home() / ".cache/tool/file",
        "cache": Path(os.environ["XDG_CACHE_HOME"]) / "file",
        "dbt": Path(os.environ["DBT_TARGET_PATH"]) / "manifest.json",
        "data": Path("data/file.csv"),
        "temporary": Path(tempfile.gettempdir()) / "file",
    }
    for path in places.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kept")
    return {**{name: str(path) for name, path in places.items()}, "user": getpass.getuser(), "executed": _program_output()}


def _program_output() -> str:
    """Returns the output of a program in the home folder."""
    program = Path.home() / "tool"
    shutil.copy(shutil.which("echo") or "", program)
    program.chmod(0o700)
    return subprocess.run([str(program), "runs"], check=True, text=True, capture_output=True).stdout.strip()


def described_surroundings() -> str:
    """Returns environment and writable places as one line of JSON."""
    return json.dumps({"environment": seen_environment(), "places": written_places()})


if __name__ == "__main__":
    print(described_surroundings())
