-- Forget conversations that nobody has gone on with for 180 days, and their answers. Votes stay.
-- Run it now and then: psql "$ASK_STATE_URL" -f deploy/prune.sql
BEGIN;
CREATE TEMPORARY TABLE old_threads ON COMMIT DROP AS
    SELECT thread_id FROM checkpoints GROUP BY thread_id
    HAVING max((checkpoint ->> 'ts')::timestamptz) < now() - interval '180 days';
DELETE FROM checkpoint_writes WHERE thread_id IN (SELECT thread_id FROM old_threads);
DELETE FROM checkpoint_blobs WHERE thread_id IN (SELECT thread_id FROM old_threads);
DELETE FROM checkpoints WHERE thread_id IN (SELECT thread_id FROM old_threads);
DELETE FROM answers WHERE thread_id IN (SELECT thread_id FROM old_threads);
COMMIT;
