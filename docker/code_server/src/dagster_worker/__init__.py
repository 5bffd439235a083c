"""The worker of a code location: a Celery worker that has loaded the code once, and forks a process for every run."""
