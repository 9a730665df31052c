-- The history of invitations stays as it was written, like the others.
CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE ON organisations_historicalinvitation
  FOR EACH ROW EXECUTE FUNCTION history_is_append_only();
ALTER TABLE organisations_historicalinvitation ENABLE ALWAYS TRIGGER history_is_append_only;

-- An organisation that had an administrator keeps one who can log in: nobody else could invite the next.
-- The row lock makes two who each remove the other wait: the second sees what the first has done.
CREATE FUNCTION membership_keeps_an_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM organisations_organisation WHERE id = OLD.organisation_id FOR NO KEY UPDATE;
  IF NOT EXISTS (
    SELECT FROM organisations_membership m JOIN organisations_user u ON u.id = m.user_id
    WHERE m.organisation_id = OLD.organisation_id AND m.role = 'administrator' AND u.is_active
  ) THEN
    RAISE EXCEPTION 'membership_keeps_an_administrator: organisation % would have no administrator', OLD.organisation_id
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'membership_keeps_an_administrator';
  END IF;
  RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER membership_keeps_an_administrator_on_delete
  AFTER DELETE ON organisations_membership DEFERRABLE INITIALLY IMMEDIATE
  FOR EACH ROW WHEN (OLD.role = 'administrator')
  EXECUTE FUNCTION membership_keeps_an_administrator();
CREATE CONSTRAINT TRIGGER membership_keeps_an_administrator_on_update
  AFTER UPDATE ON organisations_membership DEFERRABLE INITIALLY IMMEDIATE
  FOR EACH ROW WHEN (OLD.role = 'administrator' AND (NEW.role, NEW.user_id, NEW.organisation_id)
                     IS DISTINCT FROM (OLD.role, OLD.user_id, OLD.organisation_id))
  EXECUTE FUNCTION membership_keeps_an_administrator();
