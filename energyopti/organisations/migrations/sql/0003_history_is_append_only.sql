-- What was written into a history stays as it was written, whoever asks. Other apps' histories use the same function.
CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the history in % is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE ON organisations_historicalorganisation
  FOR EACH ROW EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE ON organisations_historicalmembership
  FOR EACH ROW EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE ON organisations_historicalapikey
  FOR EACH ROW EXECUTE FUNCTION history_is_append_only();

ALTER TABLE organisations_historicalorganisation ENABLE ALWAYS TRIGGER history_is_append_only;
ALTER TABLE organisations_historicalmembership ENABLE ALWAYS TRIGGER history_is_append_only;
ALTER TABLE organisations_historicalapikey ENABLE ALWAYS TRIGGER history_is_append_only;
