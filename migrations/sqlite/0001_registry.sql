-- One set of tables for all types. Identifiers are 16 bytes, times microseconds since 1970, values their encoded text.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE entity_type (
    id       BLOB PRIMARY KEY,
    version  INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE entity (
    id           BLOB PRIMARY KEY,
    type         BLOB NOT NULL,
    version      INTEGER NOT NULL,
    type_version INTEGER NOT NULL,
    data         TEXT NOT NULL,
    links        TEXT NOT NULL,
    owners       TEXT NOT NULL,
    readers      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    updated_at   INTEGER NOT NULL,
    updated_by   TEXT NOT NULL
) STRICT;
CREATE INDEX entity_by_type ON entity (type, id);

CREATE TABLE link (
    holder      BLOB NOT NULL,
    link        INTEGER NOT NULL,
    target      BLOB NOT NULL,
    holder_type BLOB NOT NULL,
    PRIMARY KEY (holder, link, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_by_target ON link (target, holder_type, link, holder);

CREATE TABLE unique_key (
    type   BLOB NOT NULL,
    key    INTEGER NOT NULL,
    value  TEXT NOT NULL,
    entity BLOB NOT NULL,
    PRIMARY KEY (type, key, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE field_value (
    type   BLOB NOT NULL,
    field  INTEGER NOT NULL,
    value  TEXT NOT NULL,
    entity BLOB NOT NULL,
    PRIMARY KEY (type, field, value, entity)
) STRICT, WITHOUT ROWID;

-- Fields whose rows in field_value are not as their type has it; queries go without. What is to be done: 'build' them (those of the entities up to
-- at_entity are there), 'drop' them (those up to at_value and at_entity are gone), or 'rebuild': drop, then build.
CREATE TABLE pending_index (
    type      BLOB NOT NULL,
    field     INTEGER NOT NULL,
    work      TEXT NOT NULL,
    at_value  TEXT,
    at_entity BLOB,
    PRIMARY KEY (type, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE owner (
    principal TEXT NOT NULL,
    type      BLOB NOT NULL,
    entity    BLOB NOT NULL,
    PRIMARY KEY (principal, type, entity)
) STRICT, WITHOUT ROWID;

-- Append-only. AUTOINCREMENT: a sequence number is never given twice, also after the newest row was removed.
CREATE TABLE change (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    entity    BLOB NOT NULL,
    type      BLOB NOT NULL,
    version   INTEGER NOT NULL,
    operation TEXT NOT NULL,
    earlier   TEXT NOT NULL,
    actor     TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
-- A type may have the id of an entity; their rows do not meet.
CREATE UNIQUE INDEX change_by_entity ON change (entity, version) WHERE operation <> 'type';

CREATE TABLE job (
    id         BLOB PRIMARY KEY,
    created_at INTEGER NOT NULL,
    document   TEXT NOT NULL,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    running    INTEGER NOT NULL,
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE job_error (
    job      BLOB NOT NULL,
    line     INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (job, line, part)
) STRICT, WITHOUT ROWID;

-- A record is kept as a JSON string: it may hold what the engine's own text cannot, such as NUL.
CREATE TABLE job_rejected (
    job    BLOB NOT NULL,
    line   INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (job, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    caller     TEXT NOT NULL,
    key        TEXT NOT NULL,
    digest     BLOB NOT NULL,
    answer     TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    token      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a load has decided and not applied yet: invisible to readers, gone when the load ends or the server starts.
CREATE TABLE staging (
    load       BLOB PRIMARY KEY,
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE staging_seen (
    load   BLOB NOT NULL,
    entity BLOB NOT NULL,
    PRIMARY KEY (load, entity)
) STRICT, WITHOUT ROWID;

-- Of an entity to be made, its own row and its keys: the rest follows from these when they are applied.
CREATE TABLE staging_entity (
    load         BLOB NOT NULL,
    id           BLOB NOT NULL,
    verb         TEXT NOT NULL,
    type         BLOB NOT NULL,
    version      INTEGER NOT NULL,
    type_version INTEGER NOT NULL,
    data         TEXT NOT NULL,
    links        TEXT NOT NULL,
    owners       TEXT NOT NULL,
    readers      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    created_by   TEXT NOT NULL,
    updated_at   INTEGER NOT NULL,
    updated_by   TEXT NOT NULL,
    PRIMARY KEY (load, id)
) STRICT;

CREATE TABLE staging_change (
    load      BLOB NOT NULL,
    entity    BLOB NOT NULL,
    type      BLOB NOT NULL,
    version   INTEGER NOT NULL,
    operation TEXT NOT NULL,
    earlier   TEXT NOT NULL,
    actor     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (load, entity)
) STRICT;

CREATE TABLE staging_key (
    load   BLOB NOT NULL,
    verb   TEXT NOT NULL,
    type   BLOB NOT NULL,
    key    INTEGER NOT NULL,
    value  TEXT NOT NULL,
    entity BLOB NOT NULL,
    PRIMARY KEY (load, verb, type, key, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE staging_value (
    load   BLOB NOT NULL,
    verb   TEXT NOT NULL,
    type   BLOB NOT NULL,
    field  INTEGER NOT NULL,
    value  TEXT NOT NULL,
    entity BLOB NOT NULL,
    PRIMARY KEY (load, verb, entity, field, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE staging_link (
    load        BLOB NOT NULL,
    verb        TEXT NOT NULL,
    holder      BLOB NOT NULL,
    link        INTEGER NOT NULL,
    target      BLOB NOT NULL,
    holder_type BLOB NOT NULL,
    PRIMARY KEY (load, verb, holder, link, target)
) STRICT, WITHOUT ROWID;

-- What the load links to anew, once each.
CREATE TABLE staging_target (
    load   BLOB NOT NULL,
    link   INTEGER NOT NULL,
    target BLOB NOT NULL,
    PRIMARY KEY (load, link, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE staging_owner (
    load      BLOB NOT NULL,
    verb      TEXT NOT NULL,
    principal TEXT NOT NULL,
    type      BLOB NOT NULL,
    entity    BLOB NOT NULL,
    PRIMARY KEY (load, verb, entity, principal)
) STRICT, WITHOUT ROWID;

INSERT INTO setting (name, value) VALUES
    ('catalog', '0'),
    ('secret', lower(hex(randomblob(32)))),
    ('epoch', lower(hex(randomblob(16))));
