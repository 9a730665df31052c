DROP TABLE lmp_live;
DROP TABLE lmp_energy_history;
DROP TABLE lmp_energy;
DROP TABLE lmp_block_history;
DROP TABLE lmp_block;
