-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- M8: thousands of random steps of daemons, the portal, the time and people at the outbox of twelve bookings, beside a model of it that knows nothing but
-- the rules: after each step every row is in the state, and at the attempt, that the model says; what is taken is what the model would give.
\ir lib/helpers.psql
select no_plan();
insert into data.booking (book_key, book_id, esia_id, organization_id, state, status_code, created_at, changed_at) select 'm' || i, 'm' || i, '1', 'T1', 'BOOKED', '201', now(), now() from generate_series(1, 12) as i;
-- is_due: may be tried now; is_live: its lease or its deadline is not over
create temp table m (id bigint primary key, book text, state text default 'waiting', attempt integer default 0, is_due boolean default true, is_live boolean default false, message text);
create function pg_temp.ends(s text) returns boolean language sql return s in ('answered', 'dropped');
create function pg_temp.flies(r m) returns boolean language sql return r.state in ('sending', 'sent') and r.is_live;
create function pg_temp.first(r m) returns boolean language sql as $$ select not exists (select from m as e where e.book = r.book and e.id < r.id and not pg_temp.ends(e.state)) $$;
create function pg_temp.step(n integer) returns text language plpgsql as $$
declare
    dice constant double precision := random();
    r m;
    t record;
    wanted integer;
    free integer;
    got integer := 0;
    what text;
    said text;
    yes boolean;
begin
    select * into r from m where not pg_temp.ends(state) or random() < 0.02 order by random() < 0.8 and pg_temp.first(m) desc, random() limit 1;
    if dice < 0.12 or r.id is null then
        what := 'push';
        insert into m (id, book) select data.push_row(b, clock_timestamp(), null, null), b.book_key from data.booking as b where b.book_key = 'm' || 1 + floor(random() * 12)::integer;
    elsif dice < 0.32 then
        wanted := 1 + floor(random() * 6)::integer;
        what := 'take ' || wanted;
        select count(*) into free from m where (m.state = 'sending' and not m.is_live or m.state = 'waiting' and m.is_due) and pg_temp.first(m);
        create temp table given on commit drop as select (array_agg(m.id)) as ids from m where (m.state = 'sending' and not m.is_live or m.state = 'waiting' and m.is_due) and pg_temp.first(m);
        for t in select * from api.outbox_take('{TEST00001}', wanted, 'd' || n % 3, '1 hour') loop
            got := got + 1;
            update m set state = 'sending', attempt = m.attempt + 1, is_live = true where m.id = t.outbox_id returning * into r;
            if t.outbox_id <> all (coalesce((select ids from given), '{}')) or t.attempt <> r.attempt or t.message_id is distinct from r.message then
                return format('%s: %s is not to be given: %s, %s', what, t.outbox_id, t.attempt, r);
            end if;
        end loop;
        drop table given;
        if got <> least(wanted, free) then
            return format('%s: %s given of %s', what, got, free);
        end if;
    elsif dice < 0.44 then
        what := 'keep ' || r.id;
        yes := r.state = 'sending' and r.is_live and random() < 0.9;
        said := api.outbox_keep(r.id, r.attempt - (r.state = 'sending' and r.is_live and not yes)::integer, coalesce(r.message, 'id' || n), 'x', null);
        update m set message = coalesce(message, 'id' || n) where id = r.id and yes;
    elsif dice < 0.64 then
        what := (array['answered', 'answered', 'queued', 'again', 'stopped', 'unsent', 'afresh'])[1 + floor(random() * 7)::integer];
        yes := r.state in ('sending', 'held') and random() < 0.9;
        said := api.outbox_result(r.id, case when yes or r.state not in ('sending', 'held') then r.attempt else r.attempt - 1 end, what, 'x', 'y', '1 hour');
        update m set state = case when what = 'queued' then 'sent' when what in ('again', 'unsent', 'afresh') then case r.state when 'held' then 'held' else 'waiting' end else what end, is_due = false, is_live = true,
            message = case when what <> 'afresh' then message end where id = r.id and yes;
    elsif dice < 0.7 then
        what := (array['answered', 'stopped', 'afresh', 'in_work'])[1 + floor(random() * 4)::integer];
        yes := r.message is not null and not pg_temp.ends(r.state) and not (r.state = 'stopped' and what <> 'answered');
        said := api.outbox_answer('TEST00001', r.message, what, 'x', null, '1 hour', 'q', 'GetResponse', 'a', 'p', 'b', 'y') = what;
        update m set state = case what when 'afresh' then case r.state when 'held' then 'held' else 'waiting' end when 'in_work' then state else what end, is_due = is_due and what <> 'afresh',
            message = case when what <> 'afresh' then message end where id = r.id and yes;
    elsif dice < 0.8 then
        what := 'time';
        update data.outbox as x set lease_until = case when x.state = 'sending' then clock_timestamp() end, deadline = case when x.state = 'sent' then clock_timestamp() end, next_attempt_at = least(x.next_attempt_at, clock_timestamp())
        where x.outbox_id = r.id and x.state in ('sending', 'sent', 'waiting');
        update m set is_live = false, is_due = is_due or state = 'waiting' where id = r.id;
    elsif dice < 0.84 then
        what := 'housekeeping';
        perform data.keep_outbox();
        update m set state = 'held' where state = 'sent' and not is_live;
    else
        what := (array['hold', 'release', 'requeue', 'drop', 'done'])[1 + floor(random() * 5)::integer];
        begin
            execute format('select admin.outbox_%s(%s%s)', what, r.id, case what when 'drop' then ', ''x''' end) into said;
        exception when object_in_use or object_not_in_prerequisite_state then
            said := 'refused';
        end;
        if not pg_temp.flies(r) and not pg_temp.ends(r.state) then
            if what = 'hold' and r.state <> 'stopped' then
                update m set state = 'held' where id = r.id;
            elsif what = 'release' and r.state = 'held' or what = 'requeue' then
                update m set state = 'waiting', is_due = true, message = case when what = 'requeue' and r.state in ('stopped', 'held', 'sent') then null else message end where id = r.id;
            elsif what = 'drop' or what = 'done' and pg_temp.first(r) then
                update m set state = case what when 'drop' then 'dropped' else 'answered' end where id = r.id;
            end if;
        elsif said not in ('refused', '0') then
            return format('%s of %s: %s', what, r, said);
        end if;
        yes := null;
    end if;
    if yes is not null and said::boolean is distinct from yes then
        return format('%s of %s: %s', what, r, said);
    end if;
    return (select format('%s of %s: row %s is %s/%s/%s, the model %s', what, r, x.outbox_id, x.state, x.attempts, x.message_id, m) from m join data.outbox as x on x.outbox_id = m.id
        where (x.state, x.attempts) is distinct from (m.state, m.attempt) or x.message_id is distinct from m.message
            or x.is_unsure and x.message_id is null limit 1);
end $$;
create function pg_temp.play(seed double precision, steps integer) returns text language plpgsql as $$
declare
    wrong text;
begin
    perform setseed(seed);
    for n in 1 .. steps loop
        wrong := pg_temp.step(n + (seed * 1000)::integer * 10000);
        if wrong is not null then
            return format('step %s: %s', n, wrong);
        end if;
    end loop;
    return null;
end $$;
select is(pg_temp.play(s / 10.0, 800), null, format('M8: 800 steps of seed %s', s)) from generate_series(1, 3) as s;
select cmp_ok((select count(*) from m where state = 'answered'), '>', 50::bigint, 'M8: something was told');
select cmp_ok((select count(distinct event) from data.outbox_event), '>=', 11::bigint, 'M8: everything has happened');
select * from finish();
rollback;
