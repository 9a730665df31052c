DROP INDEX lmp_block_by_day;
CREATE INDEX lmp_block_by_day ON lmp_block (series, start) INCLUDE (pnode_id, total_avg, congestion_avg, missing);
