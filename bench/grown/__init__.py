"""`make bench GROWN=1`: a copy of this deployment, empty and with the history and the graph of a large team."""
