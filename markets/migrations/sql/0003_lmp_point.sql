-- One row a price, for BI tools: sealed days only (the running day is in lmp_live), USD/MWh, a missing component is NULL.
-- A filter on interval_start alone opens every block of the node: PostgreSQL cannot turn it into a filter on the block.
-- Always filter `start` as well, from 25 hours before: WHERE start >= :from - interval '25 h' AND start < :to AND
-- interval_start >= :from AND interval_start < :to.
CREATE VIEW lmp_point AS
SELECT s.feed, s.sandbox, s.market, s.quality, b.pnode_id, b.start,
       b.start + (u.i - 1) * s.minutes * interval '1 minute' AS interval_start,
       u.total                                              AS total,
       NULLIF(COALESCE(u.energy, e.energy[u.i]), 'NaN')     AS energy,
       NULLIF(u.congestion, 'NaN')                          AS congestion,
       NULLIF(u.loss, 'NaN')                                AS loss,
       COALESCE(b.slot_versions[u.i], b.version)            AS version,
       COALESCE(b.runs[u.i], b.run_id)                      AS run_id,
       b.recorded_at
FROM lmp_block b
JOIN markets_series s ON s.id = b.series
LEFT JOIN lmp_energy e ON e.series = b.series AND e.start = b.start
CROSS JOIN LATERAL unnest(b.total, b.congestion, b.loss, b.energy) WITH ORDINALITY u(total, congestion, loss, energy, i)
WHERE u.total <> 'NaN';
