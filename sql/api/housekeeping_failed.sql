-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A task that took too long, or whose connection broke, has written nothing down: the daemon does it here.

-- For what could not be written down by the transaction itself: it is gone with its connection.
create or replace function api.housekeeping_failed(p_task text, p_why text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update data.housekeeping as t set runs = t.runs + 1, failures = t.failures + 1, failed_in_row = t.failed_in_row + 1,
        last_run = clock_timestamp(), last_failure = clock_timestamp(), last_error =
            left(p_why, 60), not_before = clock_timestamp() + data.pause(t.failed_in_row + 1)
    where t.task = p_task and pg_try_advisory_xact_lock(data.housekeeping_lock_class(), t.number);
end $$;
grant execute on function api.housekeeping_failed(text, text) to zapisd_daemon;
comment on function api.housekeeping_failed(text, text) is
    'Writes down that a call of a task came to nothing; p_why is the daemon''s word for the kind of failure, never a message';
