//! Runnable examples; see `README.md`. Each is run by `tests/run`, so that none can rot.
