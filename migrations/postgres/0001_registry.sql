-- One set of tables for all types. Times are microseconds since 1970, values their encoded text. Every text that is compared is COLLATE "C":
-- order by bytes, as in the core.

CREATE TABLE setting (
    name  text COLLATE "C" PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);

CREATE TABLE entity_type (
    id       uuid PRIMARY KEY,
    version  bigint NOT NULL,
    document text NOT NULL
);

CREATE TABLE entity (
    id           uuid PRIMARY KEY,
    type         uuid NOT NULL,
    version      bigint NOT NULL,
    type_version bigint NOT NULL,
    data         jsonb NOT NULL,
    links        jsonb NOT NULL,
    owners       jsonb NOT NULL,
    readers      jsonb NOT NULL,
    created_at   bigint NOT NULL,
    created_by   text COLLATE "C" NOT NULL,
    updated_at   bigint NOT NULL,
    updated_by   text COLLATE "C" NOT NULL
);
CREATE INDEX entity_by_type ON entity (type, id);

CREATE TABLE link (
    holder      uuid NOT NULL,
    link        bigint NOT NULL,
    target      uuid NOT NULL,
    holder_type uuid NOT NULL,
    PRIMARY KEY (holder, link, target)
);
CREATE INDEX link_by_target ON link (target, holder_type, link, holder);

CREATE TABLE unique_key (
    type   uuid NOT NULL,
    key    bigint NOT NULL,
    value  text COLLATE "C" NOT NULL,
    entity uuid NOT NULL,
    PRIMARY KEY (type, key, value)
);

CREATE TABLE field_value (
    type   uuid NOT NULL,
    field  bigint NOT NULL,
    value  text COLLATE "C" NOT NULL,
    entity uuid NOT NULL,
    PRIMARY KEY (type, field, value, entity)
);

-- Fields whose rows in field_value are not as their type has it; queries go without. What is to be done: 'build' them (those of the entities up to
-- at_entity are there), 'drop' them (those up to at_value and at_entity are gone), or 'rebuild': drop, then build.
CREATE TABLE pending_index (
    type      uuid NOT NULL,
    field     bigint NOT NULL,
    work      text COLLATE "C" NOT NULL,
    at_value  text COLLATE "C",
    at_entity uuid,
    PRIMARY KEY (type, field)
);

CREATE TABLE owner (
    principal text COLLATE "C" NOT NULL,
    type      uuid NOT NULL,
    entity    uuid NOT NULL,
    PRIMARY KEY (principal, type, entity)
);

-- Append-only. Sequence order is not commit order: readers take rows of finished transactions in order of (transaction, sequence).
CREATE TABLE change (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    sequence    bigint GENERATED ALWAYS AS IDENTITY,
    entity      uuid NOT NULL,
    type        uuid NOT NULL,
    version     bigint NOT NULL,
    operation   text NOT NULL,
    earlier     text NOT NULL,
    actor       text NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (transaction, sequence)
);
-- A type may have the id of an entity; their rows do not meet.
CREATE UNIQUE INDEX change_by_entity ON change (entity, version) WHERE operation <> 'type';

CREATE TABLE job (
    id         uuid PRIMARY KEY,
    created_at bigint NOT NULL,
    document   text NOT NULL,
    cancel_requested bigint NOT NULL DEFAULT 0,
    running    bigint NOT NULL,
    touched_at bigint NOT NULL
);

CREATE TABLE job_error (
    job      uuid NOT NULL,
    line     bigint NOT NULL,
    part     bigint NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (job, line, part)
);

-- A record is kept as a JSON string: it may hold what the engine's own text cannot, such as NUL.
CREATE TABLE job_rejected (
    job    uuid NOT NULL,
    line   bigint NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (job, line)
);

CREATE TABLE idempotency (
    caller     text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    digest     bytea NOT NULL,
    answer     text,
    created_at bigint NOT NULL,
    PRIMARY KEY (caller, key)
);

CREATE TABLE lease (
    name       text COLLATE "C" PRIMARY KEY,
    holder     text NOT NULL,
    token      bigint NOT NULL,
    expires_at bigint NOT NULL
);

-- What a load has decided and not applied yet: invisible to readers, gone when the load ends or the server starts.
CREATE UNLOGGED TABLE staging (
    load       uuid PRIMARY KEY,
    touched_at bigint NOT NULL
);

CREATE UNLOGGED TABLE staging_seen (
    load   uuid NOT NULL,
    entity uuid NOT NULL,
    PRIMARY KEY (load, entity)
);

-- Of an entity to be made, its own row and its keys: the rest follows from these when they are applied.
CREATE UNLOGGED TABLE staging_entity (
    load         uuid NOT NULL,
    id           uuid NOT NULL,
    verb         text COLLATE "C" NOT NULL,
    type         uuid NOT NULL,
    version      bigint NOT NULL,
    type_version bigint NOT NULL,
    data         jsonb NOT NULL,
    links        jsonb NOT NULL,
    owners       jsonb NOT NULL,
    readers      jsonb NOT NULL,
    created_at   bigint NOT NULL,
    created_by   text NOT NULL,
    updated_at   bigint NOT NULL,
    updated_by   text NOT NULL,
    PRIMARY KEY (load, id)
);

CREATE UNLOGGED TABLE staging_change (
    load      uuid NOT NULL,
    entity    uuid NOT NULL,
    type      uuid NOT NULL,
    version   bigint NOT NULL,
    operation text NOT NULL,
    earlier   text NOT NULL,
    actor     text NOT NULL,
    at        bigint NOT NULL,
    PRIMARY KEY (load, entity)
);

CREATE UNLOGGED TABLE staging_key (
    load   uuid NOT NULL,
    verb   text COLLATE "C" NOT NULL,
    type   uuid NOT NULL,
    key    bigint NOT NULL,
    value  text COLLATE "C" NOT NULL,
    entity uuid NOT NULL,
    PRIMARY KEY (load, verb, type, key, value)
);

CREATE UNLOGGED TABLE staging_value (
    load   uuid NOT NULL,
    verb   text COLLATE "C" NOT NULL,
    type   uuid NOT NULL,
    field  bigint NOT NULL,
    value  text COLLATE "C" NOT NULL,
    entity uuid NOT NULL,
    PRIMARY KEY (load, verb, entity, field, value)
);

CREATE UNLOGGED TABLE staging_link (
    load        uuid NOT NULL,
    verb        text COLLATE "C" NOT NULL,
    holder      uuid NOT NULL,
    link        bigint NOT NULL,
    target      uuid NOT NULL,
    holder_type uuid NOT NULL,
    PRIMARY KEY (load, verb, holder, link, target)
);

-- What the load links to anew, once each.
CREATE UNLOGGED TABLE staging_target (
    load   uuid NOT NULL,
    link   bigint NOT NULL,
    target uuid NOT NULL,
    PRIMARY KEY (load, link, target)
);

CREATE UNLOGGED TABLE staging_owner (
    load      uuid NOT NULL,
    verb      text COLLATE "C" NOT NULL,
    principal text COLLATE "C" NOT NULL,
    type      uuid NOT NULL,
    entity    uuid NOT NULL,
    PRIMARY KEY (load, verb, entity, principal)
);

INSERT INTO setting (name, value) VALUES
    ('catalog', '0'),
    ('secret', encode(sha256((gen_random_uuid()::text || gen_random_uuid()::text)::bytea), 'hex')),
    ('epoch', replace(gen_random_uuid()::text, '-', ''));

-- The number of a type's advisory lock: bytes 8 to 15 of its id, which are random in a UUID of version 7.
CREATE FUNCTION registry_type_lock(type uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT ('x' || right(replace(type::text, '-', ''), 16))::bit(64)::bigint $$;

-- Takes the type's lock in shared mode, then reads its version. Volatile on purpose: the read has a snapshot of its own, taken after
-- the lock was had, which a lock taken in the same statement would not give.
CREATE FUNCTION registry_type_version(type_id uuid) RETURNS bigint
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(registry_type_lock(type_id));
    RETURN (SELECT version FROM entity_type WHERE id = type_id);
END
$$;

-- Ends the statement, and with it everything it wrote, when an expectation was not met.
CREATE FUNCTION registry_expect(met boolean) RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    AS $$
BEGIN
    IF met IS NOT TRUE THEN
        RAISE EXCEPTION 'expectation not met' USING ERRCODE = 'RG001';
    END IF;
    RETURN true;
END
$$;
