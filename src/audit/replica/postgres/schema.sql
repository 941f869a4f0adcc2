-- Tables of `attest audit replicate postgresql://...`: entries and checkpoints of audit logs. They only ever grow.
-- An entry holds commitments alone: what a record says, and whom it names, is never here.
-- Run it once as the owner of the database, who should be somebody else than the owner of the log; then give both roles a
-- password: \password attest_audit_writer

BEGIN;

CREATE TABLE audit_entries (
    origin    text        NOT NULL,
    number    bigint      NOT NULL CHECK (number >= 0),
    entry     bytea       NOT NULL CHECK (octet_length(entry) BETWEEN 1 AND 200),
    copied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (origin, number)
);

CREATE TABLE audit_checkpoints (
    origin    text        NOT NULL,
    size      bigint      NOT NULL CHECK (size >= 0),
    note      text        NOT NULL CHECK (octet_length(note) <= 65536),
    copied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (origin, size)
);

CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE audit_checkpoints ENABLE ALWAYS TRIGGER append_only;

CREATE ROLE attest_audit_writer LOGIN;
CREATE ROLE attest_audit_reader LOGIN;
REVOKE ALL ON audit_entries, audit_checkpoints FROM PUBLIC;
-- Not copied_at: when a row came is what this server says.
GRANT INSERT (origin, number, entry) ON audit_entries TO attest_audit_writer;
GRANT INSERT (origin, size, note) ON audit_checkpoints TO attest_audit_writer;
GRANT SELECT ON audit_entries, audit_checkpoints TO attest_audit_writer, attest_audit_reader;

COMMIT;
