DROP TRIGGER markets_node_added ON markets_node;
DROP TRIGGER markets_node_restated ON markets_node;
DROP TRIGGER markets_node_dropped ON markets_node;
DROP TRIGGER markets_node_truncated ON markets_node;
DROP FUNCTION markets_node_changed();
DROP FUNCTION markets_node_emptied();
DROP TABLE markets_node_state;
