-- One row a node, series and market day. Eight-byte columns first: no padding inside a block that fills a page.
CREATE TABLE lmp_block (
    pnode_id        bigint           NOT NULL,
    start           timestamptz      NOT NULL,
    recorded_at     timestamptz      NOT NULL,
    run_id          bigint           NOT NULL,
    digest          bigint           NOT NULL,
    total_avg       double precision NOT NULL,
    total_min       double precision NOT NULL,
    total_max       double precision NOT NULL,
    congestion_avg  double precision,
    revision        integer          NOT NULL,
    series          smallint         NOT NULL,
    n               smallint         NOT NULL,
    missing         smallint         NOT NULL,
    unbalanced      smallint         NOT NULL,
    version         smallint,
    total           double precision[] NOT NULL,
    congestion      double precision[] NOT NULL,
    loss            double precision[] NOT NULL,
    energy          double precision[],
    slot_versions   smallint[],
    seen            integer[],
    runs            integer[],
    CONSTRAINT lmp_block_pkey PRIMARY KEY (series, pnode_id, start),
    CONSTRAINT lmp_block_day_of_whole_hours CHECK (n IN (23, 24, 25, 92, 96, 100, 276, 288, 300)),
    CONSTRAINT lmp_block_one_price_a_slot CHECK (cardinality(total) = n AND cardinality(congestion) = n AND cardinality(loss) = n),
    CONSTRAINT lmp_block_one_energy_a_slot CHECK (energy IS NULL OR cardinality(energy) = n),
    CONSTRAINT lmp_block_one_version_a_slot CHECK (slot_versions IS NULL OR (version IS NOT NULL AND cardinality(slot_versions) = n)),
    CONSTRAINT lmp_block_one_arrival_a_slot CHECK (seen IS NULL OR cardinality(seen) = n),
    CONSTRAINT lmp_block_one_run_an_arrival CHECK ((runs IS NULL) = (seen IS NULL) AND (runs IS NULL OR cardinality(runs) = n)),
    CONSTRAINT lmp_block_holds_a_price CHECK (missing >= 0 AND missing < n),
    CONSTRAINT lmp_block_unbalanced_within_day CHECK (unbalanced >= 0 AND unbalanced <= n - missing),
    CONSTRAINT lmp_block_revision_counts CHECK (revision >= 0),
    CONSTRAINT lmp_block_version_counts CHECK (version > 0)
) PARTITION BY RANGE (start);

ALTER TABLE lmp_block
    ALTER total SET STORAGE EXTERNAL, ALTER congestion SET STORAGE EXTERNAL, ALTER loss SET STORAGE EXTERNAL,
    ALTER energy SET STORAGE EXTERNAL, ALTER slot_versions SET STORAGE EXTERNAL, ALTER seen SET STORAGE EXTERNAL,
    ALTER runs SET STORAGE EXTERNAL;

-- a day of all nodes, and the top of a day, without opening a block
CREATE INDEX lmp_block_by_day ON lmp_block (series, start) INCLUDE (pnode_id, total_avg, congestion_avg, missing);

CREATE TABLE lmp_block_history (
    LIKE lmp_block INCLUDING STORAGE INCLUDING CONSTRAINTS,
    superseded_at timestamptz NOT NULL,
    layer         smallint    NOT NULL,
    CONSTRAINT lmp_block_history_pkey PRIMARY KEY (series, pnode_id, start, superseded_at, layer),
    CONSTRAINT lmp_block_history_forward CHECK (superseded_at >= recorded_at),
    -- what was current stood for a while; a lower version that came beside a higher one never did
    CONSTRAINT lmp_block_history_layer_never_stood CHECK (layer >= 0 AND (layer = 0 OR superseded_at = recorded_at))
) PARTITION BY RANGE (start);

CREATE TABLE lmp_energy (
    start       timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    run_id      bigint      NOT NULL,
    revision    integer     NOT NULL,
    series      smallint    NOT NULL,
    n           smallint    NOT NULL,
    energy      double precision[] NOT NULL,
    CONSTRAINT lmp_energy_pkey PRIMARY KEY (series, start),
    CONSTRAINT lmp_energy_day_of_whole_hours CHECK (n IN (23, 24, 25, 92, 96, 100, 276, 288, 300)),
    CONSTRAINT lmp_energy_one_price_a_slot CHECK (cardinality(energy) = n),
    CONSTRAINT lmp_energy_revision_counts CHECK (revision >= 0)
);

CREATE TABLE lmp_energy_history (
    LIKE lmp_energy INCLUDING STORAGE INCLUDING CONSTRAINTS,
    superseded_at timestamptz NOT NULL,
    CONSTRAINT lmp_energy_history_pkey PRIMARY KEY (series, start, superseded_at),
    CONSTRAINT lmp_energy_history_forward CHECK (superseded_at > recorded_at)
);

CREATE TABLE lmp_live (
    pnode_id       bigint      NOT NULL,
    interval_start timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    run_id         bigint      NOT NULL,
    total          double precision NOT NULL,
    congestion     double precision NOT NULL,
    loss           double precision NOT NULL,
    energy         double precision NOT NULL,
    series         smallint    NOT NULL,
    version        smallint    NOT NULL,
    CONSTRAINT lmp_live_pkey PRIMARY KEY (series, pnode_id, interval_start, recorded_at),
    CONSTRAINT lmp_live_has_a_price CHECK (total <> 'NaN'),
    CONSTRAINT lmp_live_version_counts CHECK (version >= 0)
);

-- the days that wait for their seal
CREATE INDEX lmp_live_by_time ON lmp_live (series, interval_start);
