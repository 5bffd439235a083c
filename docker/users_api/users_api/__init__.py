"""The bundled source system: deterministic users and posts with the JSONPlaceholder schema, which misbehave at will."""
