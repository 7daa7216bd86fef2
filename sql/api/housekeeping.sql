-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- The door of housekeeping: one task, one small piece of it (inner/housekeeping).

drop function if exists api.housekeeping();
create or replace function api.housekeeping(p_task text default null, out task text, out did text, out failed boolean)
returns setof record
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    r record;
begin
    if pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' then
        return;
    end if;
    for task in select h.task from data.housekeeping as h where p_task is null or h.task = p_task order by h.number loop
        r := data.keep(task);
        if r.did is not null then
            did := r.did;
            failed := r.failed;
            return next;
            return;
        end if;
    end loop;
    if p_task is not null and not found then
        perform data.keep(p_task);
    end if;
end $$;
grant execute on function api.housekeeping(text) to zapisd_daemon;
comment on function api.housekeeping(text) is
    'Does one piece of a task, or of the first that has one; no row when nothing is due, or when somebody else is at it';
