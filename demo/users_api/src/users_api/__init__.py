"""The bundled source system: deterministic users and posts with the JSONPlaceholder schema, with faults on request."""
