-- One row: which state the node list is in. Each statement that changes rows brings a new token, seen by others when its
-- transaction is. No token comes twice, neither after a rollback nor after a restore. Nobody waits for the row who would
-- not wait anyway: whoever writes nodes holds their lock (markets/blocks/nodes.py).
CREATE TABLE markets_node_state (
    only_one boolean PRIMARY KEY DEFAULT true,
    token    uuid    NOT NULL,
    CONSTRAINT markets_node_state_is_one_row CHECK (only_one)
);
INSERT INTO markets_node_state (token) VALUES (gen_random_uuid());

CREATE FUNCTION markets_node_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE markets_node_state SET token = gen_random_uuid() WHERE EXISTS (SELECT FROM changed);
    RETURN NULL;
END $$;

CREATE FUNCTION markets_node_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE markets_node_state SET token = gen_random_uuid();
    RETURN NULL;
END $$;

-- PostgreSQL shows a trigger the rows of one kind of event alone
CREATE TRIGGER markets_node_added AFTER INSERT ON markets_node REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION markets_node_changed();
CREATE TRIGGER markets_node_restated AFTER UPDATE ON markets_node REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION markets_node_changed();
CREATE TRIGGER markets_node_dropped AFTER DELETE ON markets_node REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION markets_node_changed();
CREATE TRIGGER markets_node_truncated AFTER TRUNCATE ON markets_node
    FOR EACH STATEMENT EXECUTE FUNCTION markets_node_emptied();
