"""`make bench GROWN=1` prints the figures of an empty and of a grown copy beside each other."""

from __future__ import annotations

from bench.grown.__main__ import Figures, lines
from bench.grown.automation import Automation


def test_each_figure_stands_beside_that_of_the_grown_copy() -> None:
    """An operator reads how many times as slow the deployment becomes."""
    empty = Figures(
        {"runs": [1.0, 1.5, 2.5]}, launch=2.0, burst=40.0, automation={"daemon": Automation(0.3, 0.05, 0.01, 130, 110)}
    )
    grown = Figures(
        {"runs": [2.0, 3.0, 9.0]}, launch=2.2, burst=38.0, automation={"daemon": Automation(9.5, 0.4, 0.02, 400, 250)}
    )
    said = {" ".join(line.split()[:-2]) or line: line.split()[-2:] for line in lines(empty, grown)}
    assert said["seconds; of pages: median, and the slowest of 10"] == ["empty", "grown"]
    [page] = [line for line in lines(empty, grown) if "page: runs" in line]
    assert page.split()[-4:] == ["1.50", "2.50", "3.00", "9.00"]
    assert said["20 of bread_job at once, runs a minute"] == ["40.00", "38.00"]
    assert said["evaluation of all assets, median, s"] == ["0.30", "9.50"]
    assert said["automation, evaluated by"] == ["the", "daemon"]
    assert said["daemon, MiB"] == ["130.00", "400.00"]
