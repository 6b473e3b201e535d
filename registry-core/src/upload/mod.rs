//! Files of entities: reading and writing CSV, NDJSON and JSON arrays.
