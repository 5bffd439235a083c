-- What user code, its server and its runs, may do in Dagster's own database. The service `migrate` runs this after the migration.
-- Reading is free: user code asks its instance about runs and assets. No event can be changed or deleted, no schedule or sensor
-- switched, no table changed. What cannot be told apart from a run's own report is possible: to set the state of another run.
GRANT CONNECT ON DATABASE dagster TO dagster_run;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM dagster_run;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM dagster_run;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO dagster_run;

-- What a run reports: its state, its events, what it materialized and checked.
GRANT UPDATE (status, run_body, partition, partition_set, update_timestamp, start_time, end_time) ON runs TO dagster_run;
GRANT INSERT, UPDATE (value) ON run_tags TO dagster_run;
GRANT INSERT, UPDATE (last_materialization, last_run_id, last_materialization_timestamp, tags, cached_status_data)
    ON asset_keys TO dagster_run;
GRANT INSERT, UPDATE ON asset_check_executions TO dagster_run;
GRANT INSERT ON event_logs, asset_event_tags TO dagster_run;
-- Partitions that user code finds, and slots of concurrency pools that a step takes and gives back.
GRANT INSERT, UPDATE, DELETE ON dynamic_partitions, concurrency_slots, pending_steps TO dagster_run;
GRANT INSERT, UPDATE ON concurrency_limits TO dagster_run;

GRANT USAGE ON SEQUENCE run_tags_id_seq, asset_keys_id_seq, asset_check_executions_id_seq, event_logs_id_seq,
    asset_event_tags_id_seq, dynamic_partitions_id_seq, concurrency_slots_id_seq, pending_steps_id_seq, concurrency_limits_id_seq
    TO dagster_run;
