DROP VIEW lmp_point;
