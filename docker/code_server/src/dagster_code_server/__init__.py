"""The code server's process, its health, and the process of each run."""
