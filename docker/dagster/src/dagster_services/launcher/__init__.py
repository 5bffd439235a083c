"""Starts and watches the containers of runs, in webserver and daemon."""
