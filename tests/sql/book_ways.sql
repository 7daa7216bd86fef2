-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- M2: a first booking of one slot has a straight way (data.book_at_once) beside the long one (data.book_effect). Both leave the same rows
-- and give the same answer, or the straight one does nothing at all.
\ir lib/helpers.psql
select no_plan();

-- What a way answers and leaves, without the instants; then everything is as it was. A way that does nothing: null.
create function pg_temp.left_by(p_is_straight boolean, w data.book_wish) returns jsonb language plpgsql as $$
declare
    m constant api.message := pg_temp.msg('ways');
    rows api.answer[];
    found jsonb;
begin
    begin
        if p_is_straight then
            rows := data.book_at_once(m, 7, w, w.slot_ids[1]::uuid);
        else
            rows := data.book_effect(m, 7, w);
        end if;
        found := jsonb_build_object(
            'answer', (select jsonb_agg(to_jsonb(r) - 'book_end_at' || jsonb_build_object('ends', r.book_end_at is not null)) from unnest(rows) as r),
            'booking', (select jsonb_agg(to_jsonb(b) - '{created_at,changed_at,hold_until}'::text[]
                || jsonb_build_object('held_min', round(extract(epoch from b.hold_until - b.changed_at) / 60), 'new', b.created_at = b.changed_at))
                from data.booking as b where b.book_key = w.book_key),
            'place', (select jsonb_agg(to_jsonb(p) - 'hold_until' || jsonb_build_object('same', p.hold_until is not distinct from b.hold_until))
                from data.place as p join data.booking as b using (book_key) where p.book_key = w.book_key),
            'applicant', (select jsonb_agg(to_jsonb(a)) from data.applicant as a where a.book_key = w.book_key),
            'history', (select jsonb_agg(to_jsonb(h) - '{history_id,at}'::text[] || jsonb_build_object('same', h.at = b.changed_at))
                from data.booking_history as h join data.booking as b using (book_key) where h.book_key = w.book_key));
        raise exception 'as it was' using errcode = 'ZZ001';
    exception when sqlstate 'ZZ001' then
        null;
    end;
    return case when rows is not null then found end;
end $$;
create function pg_temp.wish(slots text[], preliminary boolean default false, services text[] default '{}', areas text[] default '{""}',
    period integer default null, organization text default 'T1') returns data.book_wish language sql as $$
    select data.book_wish_of('Ways-1', slots, organization, 'SIMPLE', 'PHYSIC', '1000000000',
        '{"lastName": "Тестов", "firstName": "Тест", "email": "a@example.org", "userDoc": {"docType": "PASSPORT"}, "caseNumber": "7"}',
        services, areas, preliminary, period, '[{"name": "a", "value": "b"}]', '{}', '{}')
$$;
create function pg_temp.same(w data.book_wish, told text) returns setof text language plpgsql as $$
begin
    return next isnt(pg_temp.left_by(true, w), null, format('M2: %s: the straight way leads to its end', told));
    return next is(pg_temp.left_by(true, w), pg_temp.left_by(false, w), format('M2: %s: both ways leave the same', told));
end $$;
create function pg_temp.apart(w data.book_wish, told text) returns setof text language plpgsql as $$
begin
    return next is(pg_temp.left_by(true, w), null, format('M2: %s: the straight way does nothing', told));
    return next is((select count(*) from data.booking where book_key = w.book_key), 0::bigint, format('M2: %s: and leaves nothing', told));
end $$;

select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)]), 'a booking');
select pg_temp.same(pg_temp.wish(array[upper(pg_temp.slot('a1', 5))]), 'in capitals');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)], true), 'a hold');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)], true, period => 1), 'a hold too short');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)], true, period => 100000), 'a hold too long');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)], services => '{s1}'), 'for a service');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a2', 5)], services => '{s2,""}', areas => '{a2}'), 'for a service in an area');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)], areas => array[pg_temp.slot('a1', 5)]), 'the slot as its area');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a3', 5)]), 'a slot for two');
select is(pg_temp.book('hall-1', array[pg_temp.slot('a3', 6)]), '201/0 slots=1', 'one of two places is taken');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a3', 6)]), 'the other one');
insert into data.organization_status values ('T1', '201', 'Ждём {date} в {time}[, {phone}]');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)]), 'a text of its own');
update data.organization set confirm_booking = true where organization_id = 'T1';
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)]), 'to be confirmed');
select pg_temp.same(pg_temp.wish(array[pg_temp.slot('a1', 5)], true), 'a hold to be confirmed');

select is(pg_temp.book('other-1', array[pg_temp.slot('a1', 7)]), '100/0 slots=1', 'somebody has a slot');
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 7)]), 'a slot that is taken');
select is(pg_temp.book('hall-2', array[pg_temp.slot('a3', 6)]), '100/0 slots=1', 'and the last place of a hall');
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a3', 6)]), 'a hall that is full');
select is(pg_temp.book('other-2', array[pg_temp.slot('a1', 2)]), '100/0 slots=1', 'somebody has a quarter of an hour');
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 0)]), 'the hour it lies in');
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 8)], services => '{s2}'), 'a service it is not for');
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 8)], services => '{nobody}'), 'a service nobody knows');
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 8)], areas => '{a2}'), 'another area');
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 8)], organization => 'T2'), 'another organization');
update data.slot set is_closed = true where slot_id = pg_temp.slot('a1', 9)::uuid;
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 9)]), 'a slot that is closed');
update data.organization set notice_min = 10080 where organization_id = 'T1';
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 8)]), 'too late for it');
update data.organization set notice_min = 0, is_active = false where organization_id = 'T1';
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 8)]), 'an organization that is closed');
update data.organization set is_active = true, booking_window_days = 60 where organization_id = 'T1';
update data.area set buffer_after_min = 10 where organization_id = 'T1' and area_id = 'a1';
select pg_temp.apart(pg_temp.wish(array[pg_temp.slot('a1', 12)]), 'an organization with rules');

select * from finish();
rollback;
