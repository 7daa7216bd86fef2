-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Housekeeping task by task (L1, L4): what each did last, how it failed and when it is tried again; closures that go on in
-- small pieces, each with its own back-off; since when slots are due.

create table data.housekeeping (
    task text not null,
    number integer not null,
    title text not null,
    every_s integer not null,
    runs bigint not null default 0,
    failures bigint not null default 0,
    failed_in_row integer not null default 0,
    last_run timestamptz,
    last_success timestamptz,
    last_did text,
    last_ms double precision,
    total_ms double precision not null default 0,
    last_failure timestamptz,
    last_error text,
    not_before timestamptz,
    constraint housekeeping_pkey primary key (task),
    constraint housekeeping_number_key unique (number),
    constraint housekeeping_every_range check (every_s between 1 and 86400)
);
alter table data.housekeeping owner to zapisd_owner;
revoke all on data.housekeeping from public;
comment on table data.housekeeping is 'What the daemon does now and then, task by task; written by the transaction that did it';
comment on column data.housekeeping.task is 'Task; api.housekeeping knows it by this name';
comment on column data.housekeeping.number is 'Order; and the second half of the advisory lock that lets one instance in at a time';
comment on column data.housekeeping.title is 'The same in words';
comment on column data.housekeeping.every_s is 'Seconds from one look to the next when nothing is due';
comment on column data.housekeeping.runs is 'How often it was run';
comment on column data.housekeeping.failures is 'How often it failed';
comment on column data.housekeeping.failed_in_row is 'Failures since the last success; the pause grows with it';
comment on column data.housekeeping.last_run is 'When it was run last';
comment on column data.housekeeping.last_success is 'When it last ended well';
comment on column data.housekeeping.last_did is 'What it then did; none: there was nothing to do';
comment on column data.housekeeping.last_ms is 'How long the last run took, in milliseconds';
comment on column data.housekeeping.total_ms is 'How long all of them took, in milliseconds';
comment on column data.housekeeping.last_failure is 'When it last failed';
comment on column data.housekeeping.last_error is 'Why: a kind of failure, no values and no personal data';
comment on column data.housekeeping.not_before is 'After a failure: no instance tries it before';
comment on constraint housekeeping_pkey on data.housekeeping is 'A task once';
comment on constraint housekeeping_number_key on data.housekeeping is 'A lock of its own for each';
comment on constraint housekeeping_every_range on data.housekeeping is 'A second to a day';

insert into data.housekeeping (task, number, title, every_s) values
('sweep', 1, 'истёкшие удержания', 60),
('outcomes', 2, 'итоги 203 и 205 по времени', 60),
('closure', 3, 'начатые закрытия', 5),
('generate', 4, 'интервалы до горизонта', 60),
('journal', 5, 'разделы журнала', 60);

-- What a search for free slots has gone through already, one stretch of time a kind of visit.
create type data.slot_search as (keys text[], lows timestamptz[], highs timestamptz[], taken uuid[], since timestamptz);
alter type data.slot_search owner to zapisd_owner;
revoke all on type data.slot_search from public;
comment on type data.slot_search is 'Where a search for equal slots stands: for each kind of visit a stretch of time in which nothing is left';
comment on column data.slot_search.keys is 'Kinds of visit: services, lengths, distances';
comment on column data.slot_search.lows is 'From here ...';
comment on column data.slot_search.highs is '... to before here there is nothing';
comment on column data.slot_search.taken is 'Slots given away or found taken, once for each place';
comment on column data.slot_search.since is 'When it was begun, if not by this call';

-- Beside data.closure, not in it: whatever changes there has the reference books derived anew.
create table data.closure_progress (
    closure_id integer not null,
    is_listed boolean not null default false,
    tried_at timestamptz,
    not_before timestamptz,
    failed_in_row integer not null default 0,
    last_error text,
    search data.slot_search,
    constraint closure_progress_pkey primary key (closure_id),
    constraint closure_progress_closure_fkey foreign key (closure_id) references data.closure (closure_id)
);
alter table data.closure_progress owner to zapisd_owner;
revoke all on data.closure_progress from public;
grant select on data.closure_progress to zapisd_operator, zapisd_auditor;
comment on table data.closure_progress is 'How far a closure has come and when the daemon goes on with it';
comment on column data.closure_progress.closure_id is 'Closure';
comment on column data.closure_progress.is_listed is 'Every slot is closed and every booking found: what is left is in data.closure_booking';
comment on column data.closure_progress.tried_at is 'When a piece of it was last done; closures at work take turns';
comment on column data.closure_progress.not_before is 'Nothing could be done: the daemon does not try before';
comment on column data.closure_progress.failed_in_row is 'Pieces in a row that could do nothing';
comment on column data.closure_progress.last_error is 'Why: a kind of failure, no values and no personal data';
comment on column data.closure_progress.search is 'Where the search for other slots stands, so that the next piece need not begin it anew';
comment on constraint closure_progress_pkey on data.closure_progress is 'A closure once';
comment on constraint closure_progress_closure_fkey on data.closure_progress is 'Of a known closure';

alter table data.closure_booking add column visit_at timestamptz;
update data.closure_booking as w set visit_at = coalesce(
    (select min(s.starts_at) from data.slot as s where s.slot_id = any (w.old_slot_ids)), w.done_at, now());
alter table data.closure_booking alter column visit_at set not null, alter column visit_at set default now();
comment on column data.closure_booking.visit_at is 'Visit as it was: the order bookings are seen to in';
drop index data.closure_booking_waiting;
create index closure_booking_waiting on data.closure_booking (closure_id, visit_at, book_key) where state = 'waiting';
comment on index data.closure_booking_waiting is 'What is left to do, in its order';

alter table data.schedule_state
    add column due_since timestamptz default now(),
    add column days smallint not null default 7,
    add constraint schedule_state_days_range check (days between 1 and 7);
update data.schedule_state set due_since = null where due_from is not null;
comment on column data.schedule_state.due_since is 'Since when there has been something to make; none: all is made';
comment on column data.schedule_state.days is 'Days at once; fewer after a piece that took too long';
comment on constraint schedule_state_days_range on data.schedule_state is 'A day to a week';

create or replace function data.schedule_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ids text[];
begin
    if tg_op <> 'DELETE' then
        ids := array[new.organization_id];
    end if;
    if tg_op <> 'INSERT' then
        ids := ids || old.organization_id;
    end if;
    insert into data.schedule_state as s (organization_id)
    select distinct o.organization_id from data.organization as o where o.organization_id = any (ids) order by 1
    on conflict (organization_id) do update set due_from = null, not_before = null, due_since = coalesce(s.due_since, clock_timestamp())
        where s.due_from is not null or s.not_before is not null;
    return null;
end $$;

create or replace function data.calendar_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update data.schedule_state as s set due_from = null, not_before = null, due_since = coalesce(s.due_since, clock_timestamp())
    from data.organization as o
    where o.organization_id = s.organization_id and o.observes_calendar and s.due_from is not null;
    return null;
end $$;
