"""The service `monitor`: sends alerts, and gives Prometheus its metrics."""
