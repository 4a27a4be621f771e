"""The steps of a run, one module a subject; each adds what it finds to `Work`."""
