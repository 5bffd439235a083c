"""Starts and watches runs, in containers and in workers, for webserver and daemon."""
