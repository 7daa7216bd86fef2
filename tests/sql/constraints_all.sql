-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
-- B2, S1-S3, T1, R1, O3: every constraint of schema data, named by the catalog, is broken here by its owner, and it is that
-- very constraint which answers. A constraint without a line here fails the test, and so does a line without a constraint.
\ir lib/helpers.psql
select no_plan();

-- something of everything, to be broken
select is(pg_temp.book('k1', array[pg_temp.slot('a1', 5)]), '201/0 slots=1', 'a booking to break');
select is(pg_temp.book('k2', array[pg_temp.slot('a3', 5)]), '201/0 slots=1', 'and another');
insert into data.organization_status values ('T1', '201', 'x');
insert into data.day_off values ('T1', '2027-01-01');
insert into data.status_detail (agency_code, code, reason) values ('TEST00001', '206001', 'x');
insert into data.calendar (calendar_id, name) values ('c1', 'К'), ('c2', 'К2');
insert into data.calendar_day (calendar_id, day, kind) values ('c1', '2027-01-01', 'holiday');
insert into data.special_day (organization_id, day, kind) values ('T1', '2027-01-02', 'hours'), ('T1', '2027-01-03', 'hours');
insert into data.special_hours (special_day_id, organization_id, starts, ends) select special_day_id, 'T1', '09:00', '10:00' from data.special_day where day = '2027-01-02';
insert into data.closure (organization_id, kind, from_at, to_at, reason, created_by, created_at, is_moving) values ('T1', 'day', '2027-02-01', '2027-02-02', 'x', 'x', now(), true), ('T1', 'office', '2027-03-01', '2027-03-02', 'x', 'x', now(), true);
insert into data.closure_booking (closure_id, book_key, old_slot_ids, state) select min(closure_id), 'k1', '{}', 'waiting' from data.closure where organization_id = 'T1';
insert into data.closure_progress (closure_id) select min(closure_id) from data.closure where organization_id = 'T1';
insert into data.booking_limit (organization_id, person, period, max_bookings) values ('T1', 'esiaId', 'live', 5), ('T1', 'userSnils', 'live', 5);
insert into data.channel_share (organization_id, channel, percent) values ('T1', 'kiosk', 50), ('T1', 'portal', 50);
insert into data.area_use (organization_id, area_key, used_key) select 'T1', a.area_key, b.area_key from data.area a, data.area b where a.organization_id = 'T1' and a.area_id = 'a2' and b.organization_id = 'T1' and b.area_id = 'a3';
insert into data.timetable (area_key, organization_id, weekday, starts, ends, slot_min)
select area_key, 'T1', w, '09:00', '10:00', 15 from data.area, generate_series(1, 2) w where organization_id = 'T1' and area_id = 'a1';
insert into data.outbox (book_key, agency_code, payload) values ('k1', 'TEST00001', '{}'), ('k2', 'TEST00001', '{}');
insert into data.outbox_event (outbox_id, book_key, at, event, attempt) select outbox_id, book_key, now(), 'again', 1 from data.outbox;
insert into data.outbox_road values ('TEST00001', 'smev2', now(), 'x'), ('TEST00002', 'smev2', now(), 'x');
select api.inbox_store('s', 'TEST00001', 'P', m, 'request', '1.2', 'r', null, null, null, false, 'x', 'd', 'p', 'good', 'q', 'a') from unnest('{m1,m2}'::text[]) as m;
select data.inbox_files_came(inbox_id, '[{"place": "store", "id": "f1", "signed": true}]') from data.inbox where message_id = 'm1';
select api.inbox_polled('s', 'TEST00001', null), api.inbox_refused('s', 'TEST00001', 'Ack', 'AccessDenied');
select api.inbox_sections('me', '1 min', '{s}', '{TEST00001}', '{1.2}');
select api.inbox_unread('s', 'TEST00001', 'u1', 'LIMIT');
insert into data.personal_reading (db_user, db_role, book_key, what) values ('x', 'x', 'k1', 'x');
insert into data.schedule_state (organization_id) values ('T1') on conflict do nothing;
insert into data.schedule_state (organization_id) values ('T2') on conflict do nothing;
select admin.ref_new('tb1', 'Книга 1', 'H'), admin.ref_new('tb2', 'Книга 2'), admin.ref_put('tb1', 'a', 'А'), admin.ref_put('tb1', 'b', 'Б');
insert into data.ref_paging (key, ref_name, version, at) values ('x', 'tb1', 1, now()), ('y', 'tb1', 1, now());
grant usage on schema public to zapisd_owner;

create function pg_temp.area(a text) returns integer language sql as $$ select area_key from data.area where organization_id in ('T1', 'T2') and area_id = a $$;
create temp table broken (name text primary key, sql text);
-- One column of one row set to something it must not be.
insert into broken select v.name, format('update data.%s set %s where %s', v.t, v.change, v.cond) from (values
    ('status', 'status_code_form', $$code = 'x01'$$, $$code = '101'$$),
    ('booking_arrow', 'booking_arrow_actors', $$actors = 'X'$$, 'true'), ('booking_arrow', 'booking_arrow_place', $$place = 'lost'$$, 'true'),
    ('agency', 'agency_code_form', $$agency_code = 'с пробелом'$$, $$agency_code = 'TEST00002'$$), ('agency', 'agency_name_filled', $$name = ' '$$, $$agency_code = 'TEST00001'$$),
    ('agency', 'agency_calendar_fkey', $$calendar_id = 'none'$$, $$agency_code = 'TEST00001'$$), ('agency', 'agency_pkey', $$agency_code = 'TEST00001'$$, $$agency_code = 'TEST00002'$$),
    ('service', 'service_id_form', $$service_id = ''$$, $$service_id = 's3'$$), ('service', 'service_name_filled', $$name = ''$$, $$service_id = 's3'$$), ('service', 'service_pkey', $$service_id = 's1'$$, $$service_id = 's3'$$),
    ('status', 'status_pkey', $$code = '100'$$, $$code = '101'$$),
    ('status_detail', 'status_detail_plain', $$reason = E'a\x07'$$, 'true'), ('organization_status', 'organization_status_plain', $$comment = E'a\x08'$$, $$organization_id = 'T1'$$),
    ('service', 'service_plain', $$name = E'a\x1b'$$, $$service_id = 's3'$$), ('status_detail', 'status_detail_form', $$code = '206'$$, 'true'), ('status_detail', 'status_detail_reason_filled', $$reason = ''$$, 'true'),
    ('status_detail', 'status_detail_agency_fkey', $$agency_code = 'none'$$, 'true'), ('status_detail', 'status_detail_status_fkey', $$code = '204001'$$, 'true'),
    ('organization_status', 'organization_status_form', $$code = '20'$$, $$organization_id = 'T1'$$), ('organization_status', 'organization_status_organization_fkey', $$organization_id = 'none'$$, $$organization_id = 'T1'$$),
    ('organization_service', 'organization_service_pkey', $$service_id = 's1'$$, $$organization_id = 'T1' and service_id = 's2'$$),
    ('day_off', 'day_off_organization_fkey', $$organization_id = 'none'$$, $$organization_id = 'T1'$$),
    ('booking', 'booking_esia_id_filled', $$esia_id = ''$$, $$book_key = 'k1'$$), ('booking', 'booking_hold', 'hold_until = now()', $$book_key = 'k1'$$),
    ('booking', 'booking_id_form', $$book_id = repeat('x', 101), book_key = repeat('x', 101)$$, $$book_key = 'k1'$$), ('booking', 'booking_key_lower', $$book_id = 'z'$$, $$book_key = 'k1'$$),
    ('booking', 'booking_status_form', $$status_code = '20x'$$, $$book_key = 'k1'$$), ('booking', 'booking_status_of_state', $$status_code = '202'$$, $$book_key = 'k1'$$),
    ('booking', 'booking_organization_fkey', $$organization_id = 'none'$$, $$book_key = 'k1'$$), ('booking', 'booking_pkey', $$book_key = 'k2', book_id = 'k2'$$, $$book_key = 'k1'$$),
    ('place', 'place_buffer_range', 'before_min = 721', $$book_key = 'k1'$$), ('place', 'place_within_capacity', 'place_no = 2', $$book_key = 'k1'$$),
    ('place', 'place_slot_fkey', 'slot_id = gen_random_uuid()', $$book_key = 'k1'$$), ('place', 'place_booking_fkey', $$book_key = 'none'$$, $$book_key = 'k1'$$),
    ('applicant', 'applicant_bounds', $$last_name = repeat('я', 201)$$, $$book_key = 'k1'$$), ('applicant', 'applicant_booking_fkey', $$book_key = 'none'$$, $$book_key = 'k1'$$), ('applicant', 'applicant_pkey', $$book_key = 'k2'$$, $$book_key = 'k1'$$),
    ('outbox', 'outbox_attempts_range', 'attempts = -1', 'true'), ('outbox', 'outbox_state', $$state = 'lost'$$, 'true'), ('outbox', 'outbox_booking_fkey', $$book_key = 'none'$$, 'true'), ('outbox', 'outbox_agency_fkey', $$agency_code = 'none'$$, 'true'),
    ('outbox', 'outbox_road', $$road = 'post'$$, 'true'), ('outbox', 'outbox_lease', $$state = 'sending'$$, 'true'), ('outbox', 'outbox_deadline', $$state = 'sent'$$, 'true'), ('outbox', 'outbox_ended', $$state = 'answered'$$, 'true'),
    ('outbox', 'outbox_reason', $$state = 'held'$$, 'true'), ('outbox', 'outbox_unsure', 'is_unsure = true', 'true'), ('outbox', 'outbox_message_whole', $$message_id = 'x'$$, 'true'), ('outbox', 'outbox_message_filled', $$message_id = '', octets = 'x'$$, 'true'), ('outbox', 'outbox_message_once', $$message_id = 'x', octets = 'x'$$, 'true'),
    ('outbox_road', 'outbox_road_agency_fkey', $$agency_code = 'none'$$, $$agency_code = 'TEST00002'$$), ('outbox_road', 'outbox_road_kind', $$road = 'post'$$, 'true'), ('outbox_road', 'outbox_road_untrusted', $$untrusted = 'SENDER'$$, 'true'), ('outbox_road', 'outbox_road_pkey', $$agency_code = 'TEST00001'$$, 'true'),
    ('ref_book', 'ref_book_delta_range', 'delta_from = 0', $$ref_name = 'tb1'$$), ('ref_book', 'ref_book_depth_range', 'max_depth = 33', $$ref_name = 'tb1'$$), ('ref_book', 'ref_book_keep_range', 'keep_versions = 0', $$ref_name = 'tb1'$$),
    ('agency', 'agency_plain', $$name = E'a\x07'$$, $$agency_code = 'TEST00001'$$), ('calendar', 'calendar_plain', $$name = E'a\x07'$$, $$calendar_id = 'c1'$$), ('calendar_day', 'calendar_day_plain', $$name = E'a\x07'$$, 'true'),
    ('day_off', 'day_off_plain', $$comment = E'a\x07'$$, 'true'), ('special_day', 'special_day_plain', $$comment = E'a\x07'$$, $$organization_id = 'T1'$$), ('organization', 'organization_timetable_comment_plain', $$timetable_comment = E'a\x07'$$, $$organization_id = 'T1'$$),
    ('ref_book', 'ref_book_plain', $$title = E'a\x07'$$, $$ref_name = 'tb1'$$), ('ref_attribute', 'ref_attribute_plain', $$title = E'a\x07'$$, $$ref_name = 'tb2' and name = 'title'$$), ('ref_item', 'ref_item_plain', $$title = E'a\x07'$$, $$ref_name = 'tb1' and code = 'a'$$),
    ('ref_item', 'ref_item_code_plain', $$code = U&'a\FFFE'$$, $$ref_name = 'tb1' and code = 'a'$$), ('ref_item', 'ref_item_attributes_plain', $$attributes = jsonb_build_object('x', E'a\x07')$$, $$ref_name = 'tb1' and code = 'a'$$),
    ('ref_book', 'ref_book_kind', $$kind = 'X'$$, $$ref_name = 'tb1'$$), ('ref_book', 'ref_book_name_form', $$ref_name = 'имя'$$, $$ref_name = 'tb2'$$), ('ref_book', 'ref_book_title_filled', $$title = ''$$, $$ref_name = 'tb1'$$),
    ('ref_book', 'ref_book_agency_fkey', $$agency_code = 'none'$$, $$ref_name = 'tb1'$$), ('ref_book', 'ref_book_pkey', $$ref_name = 'tb1'$$, $$ref_name = 'tb2'$$),
    ('ref_attribute', 'ref_attribute_name_form', $$name = 'имя'$$, $$ref_name = 'tb2' and name = 'title'$$), ('ref_attribute', 'ref_attribute_own_type', $$type = 'LONG'$$, $$ref_name = 'tb2' and name = 'title'$$),
    ('ref_attribute', 'ref_attribute_title_filled', $$title = ''$$, $$ref_name = 'tb2' and name = 'title'$$), ('ref_attribute', 'ref_attribute_link_fkey', $$attr_ref_name = 'none'$$, $$ref_name = 'tb2' and name = 'title'$$),
    ('ref_attribute', 'ref_attribute_pkey', $$name = 'code'$$, $$ref_name = 'tb2' and name = 'title'$$), ('ref_attribute', 'ref_attribute_position_key', 'position = 1', $$ref_name = 'tb2' and name = 'title'$$),
    ('booking_limit', 'booking_limit_max_range', 'max_bookings = 0', $$organization_id = 'T1'$$), ('booking_limit', 'booking_limit_period', $$period = 'decade'$$, $$organization_id = 'T1'$$), ('booking_limit', 'booking_limit_person', $$person = 'name'$$, $$organization_id = 'T1'$$),
    ('booking_limit', 'booking_limit_organization_fkey', $$organization_id = 'none'$$, $$organization_id = 'T1'$$), ('booking_limit', 'booking_limit_service_fkey', $$service_id = 's3'$$, $$organization_id = 'T1' and person = 'esiaId'$$), ('booking_limit', 'booking_limit_key', $$person = 'esiaId'$$, $$person = 'userSnils'$$),
    ('channel_share', 'channel_share_channel', $$channel = 'mail'$$, $$organization_id = 'T1'$$), ('channel_share', 'channel_share_percent_range', 'percent = 101', $$organization_id = 'T1'$$),
    ('channel_share', 'channel_share_area_fkey', $$area_key = pg_temp.area('b1')$$, $$organization_id = 'T1' and channel = 'kiosk'$$), ('channel_share', 'channel_share_organization_fkey', $$organization_id = 'none'$$, $$organization_id = 'T1'$$), ('channel_share', 'channel_share_key', $$channel = 'kiosk'$$, $$organization_id = 'T1' and channel = 'portal'$$),
    ('area_use', 'area_use_other', 'used_key = area_key', 'true'), ('area_use', 'area_use_area_fkey', $$area_key = pg_temp.area('b1')$$, 'true'), ('area_use', 'area_use_used_fkey', $$used_key = pg_temp.area('b1')$$, 'true'),
    ('calendar', 'calendar_id_form', $$calendar_id = 'к'$$, $$calendar_id = 'c2'$$), ('calendar', 'calendar_name_filled', $$name = ''$$, $$calendar_id = 'c2'$$), ('calendar', 'calendar_parent_other', 'parent_id = calendar_id', $$calendar_id = 'c2'$$),
    ('calendar', 'calendar_parent_fkey', $$parent_id = 'none'$$, $$calendar_id = 'c2'$$), ('calendar', 'calendar_pkey', $$calendar_id = 'c1'$$, $$calendar_id = 'c2'$$),
    ('calendar_day', 'calendar_day_cut', 'cut_min = 5', $$calendar_id = 'c1'$$), ('calendar_day', 'calendar_day_kind', $$kind = 'feast'$$, $$calendar_id = 'c1'$$), ('calendar_day', 'calendar_day_weekday', 'as_weekday = 1', $$calendar_id = 'c1'$$),
    ('calendar_day', 'calendar_day_calendar_fkey', $$calendar_id = 'none'$$, $$calendar_id = 'c1'$$),
    ('special_day', 'special_day_kind', $$kind = 'odd'$$, $$organization_id = 'T1'$$), ('special_day', 'special_day_weekday', 'as_weekday = 8', $$organization_id = 'T1'$$), ('special_day', 'special_day_area_fkey', $$area_key = pg_temp.area('b1')$$, $$organization_id = 'T1'$$),
    ('special_day', 'special_day_organization_fkey', $$organization_id = 'none'$$, $$day = '2027-01-03'$$), ('special_day', 'special_day_key', $$day = '2027-01-02'$$, $$organization_id = 'T1' and day = '2027-01-03'$$),
    ('special_hours', 'special_hours_capacity_range', 'capacity = 0, slot_min = 5', $$organization_id = 'T1'$$), ('special_hours', 'special_hours_order', $$ends = starts$$, $$organization_id = 'T1'$$), ('special_hours', 'special_hours_own', 'capacity = 1', $$organization_id = 'T1'$$),
    ('special_hours', 'special_hours_serial_range', 'serial = 10000', $$organization_id = 'T1'$$), ('special_hours', 'special_hours_slot_range', 'slot_min = 0', $$organization_id = 'T1'$$), ('special_hours', 'special_hours_day_fkey', 'special_day_id = -1', $$organization_id = 'T1'$$), ('special_hours', 'special_hours_service_fkey', $$service_id = 's3', slot_min = 5$$, $$organization_id = 'T1'$$),
    ('closure', 'closure_area_of_kind', $$kind = 'area'$$, $$organization_id = 'T1'$$), ('closure', 'closure_kind', $$kind = 'war'$$, $$organization_id = 'T1'$$), ('closure', 'closure_order', 'to_at = from_at', $$organization_id = 'T1'$$), ('closure', 'closure_reason_filled', $$reason = ''$$, $$organization_id = 'T1'$$),
    ('closure', 'closure_state', $$state = 'lost'$$, $$organization_id = 'T1'$$), ('closure', 'closure_times', $$state = 'lifted'$$, $$organization_id = 'T1'$$), ('closure', 'closure_area_fkey', $$area_key = pg_temp.area('b1'), kind = 'area'$$, $$organization_id = 'T1'$$), ('closure', 'closure_organization_fkey', $$organization_id = 'none'$$, $$organization_id = 'T1'$$),
    ('closure', 'closure_once', $$kind = 'day', from_at = '2027-02-01', to_at = '2027-02-02'$$, $$organization_id = 'T1' and kind = 'office'$$),
    ('closure_booking', 'closure_booking_done', 'done_at = now()', 'true'), ('closure_booking', 'closure_booking_moved', $$new_slot_ids = '{}'$$, 'true'), ('closure_booking', 'closure_booking_state', $$state = 'lost', done_at = now()$$, 'true'),
    ('closure_booking', 'closure_booking_booking_fkey', $$book_key = 'none'$$, 'true'), ('closure_booking', 'closure_booking_closure_fkey', 'closure_id = -1', 'true'),
    ('schedule_state', 'schedule_state_days_range', 'days = 8', $$organization_id = 'T1'$$), ('housekeeping', 'housekeeping_every_range', 'every_s = 0', $$task = 'sweep'$$),
    ('housekeeping', 'housekeeping_pkey', $$task = 'sweep'$$, $$task = 'closure'$$), ('housekeeping', 'housekeeping_number_key', 'number = 1', $$task = 'closure'$$),
    ('closure_progress', 'closure_progress_closure_fkey', 'closure_id = -1', 'true'),
    ('schedule_state', 'schedule_state_organization_fkey', $$organization_id = 'none'$$, $$organization_id = 'T1'$$), ('schedule_state', 'schedule_state_pkey', $$organization_id = 'T2'$$, $$organization_id = 'T1'$$),
    ('ref_item', 'ref_item_attributes_object', $$attributes = '[]'$$, $$ref_name = 'tb1' and code = 'a'$$), ('ref_item', 'ref_item_code_form', $$code = ''$$, $$ref_name = 'tb1' and code = 'a'$$), ('ref_item', 'ref_item_title_length', $$title = repeat('x', 4001)$$, $$ref_name = 'tb1' and code = 'a'$$),
    ('ref_item', 'ref_item_code_key', $$code = 'b'$$, $$ref_name = 'tb1' and code = 'a'$$), ('ref_item', 'ref_item_parent_fkey', 'parent_id = -1', $$ref_name = 'tb1' and code = 'a'$$),
    ('ref_mark', 'ref_mark_book_fkey', $$ref_name = 'none'$$, $$ref_name = 'tb1'$$), ('ref_step', 'ref_step_book_fkey', $$ref_name = 'none'$$, $$ref_name = 'tb1'$$), ('ref_paging', 'ref_paging_book_fkey', $$ref_name = 'none'$$, $$ref_name = 'tb1'$$), ('ref_paging', 'ref_paging_pkey', $$key = 'x'$$, $$key = 'y'$$)
) as v (t, name, change, cond);
insert into broken select v.name, format('update data.inbox set %s where message_id = ''m1''', v.change) from (values
    ('inbox_message_key', 'message_id = ''m2'''), ('inbox_message_filled', 'sender_code = '''''), ('inbox_kind', 'kind = ''letter'''), ('inbox_version', 'version = ''2.0'''),
    ('inbox_state', 'state = ''lost'''), ('inbox_counts_range', 'attempts = -1'), ('inbox_octets_kept', 'octets = null'), ('inbox_answer_kept', 'state = ''answered'', answer = ''x'''),
    ('inbox_answer_owed', 'kind = ''broadcast'', state = ''answered'', answer = ''x'', answer_id = ''x'', answered_at = now()'), ('inbox_owner', 'owner = ''x'''),
    ('inbox_end', 'ended_at = now()'), ('inbox_reason', 'state = ''parked''')) as v (name, change);
insert into broken values
('inbox_pkey', $$insert into data.inbox (inbox_id, source, agency_code, sender_code, message_id, version, octets, digest) overriding system value select inbox_id, source, agency_code, sender_code, 'm3', version, octets, digest from data.inbox where message_id = 'm1'$$),
('inbox_call_pkey', $$insert into data.inbox_call select * from data.inbox_call limit 1$$),
('inbox_call_inbox_fkey', $$insert into data.inbox_call values (-1, -1, now(), 'Ack', 'x')$$),
('inbox_call_operation', $$insert into data.inbox_call select inbox_id, -1, now(), 'Nack', 'x' from data.inbox where message_id = 'm1'$$),
('inbox_file_pkey', $$insert into data.inbox_file select * from data.inbox_file limit 1$$),
('inbox_file_inbox_fkey', $$insert into data.inbox_file (inbox_id, number, place, file_id, is_signed) values (-1, 1, 'store', 'x', true)$$),
('inbox_file_place', $$insert into data.inbox_file (inbox_id, number, place, file_id, is_signed) select inbox_id, 2, 'shelf', 'x', true from data.inbox where message_id = 'm1'$$),
('inbox_file_lengths', $$insert into data.inbox_file (inbox_id, number, place, file_id, is_signed) select inbox_id, 2, 'store', repeat('x', 501), true from data.inbox where message_id = 'm1'$$),
('inbox_file_content', $$insert into data.inbox_file (inbox_id, number, place, file_id, is_signed, content, size) select inbox_id, 2, 'store', 'x', true, 'x', 1 from data.inbox where message_id = 'm1'$$),
('inbox_file_kept', $$insert into data.inbox_file (inbox_id, number, place, file_id, is_signed, size) select inbox_id, 2, 'store', 'x', true, 1 from data.inbox where message_id = 'm1'$$),
('inbox_refusal_pkey', $$insert into data.inbox_refusal select * from data.inbox_refusal$$), ('inbox_refusal_operation', $$update data.inbox_refusal set operation = 'GetRequest'$$), ('inbox_refusal_filled', $$update data.inbox_refusal set fault = ''$$),
('inbox_unread_pkey', $$insert into data.inbox_unread select * from data.inbox_unread$$), ('inbox_unread_filled', $$update data.inbox_unread set source = ''$$), ('inbox_unread_times_range', 'update data.inbox_unread set times = 0'), ('inbox_unread_operation', $$update data.inbox_unread set operation = 'Ack'$$),
('inbox_unread_given_up', $$update data.inbox_unread set given_up_at = now(), given_up_by = 'x', reason = ''$$), ('inbox_unread_hand', 'update data.inbox_unread set say_at = now()'),
('inbox_section_pkey', $$insert into data.inbox_section select * from data.inbox_section$$), ('inbox_section_filled', $$update data.inbox_section set owner = ''$$),
('inbox_source_pkey', $$insert into data.inbox_source select * from data.inbox_source$$);
-- ranges of an organization, of a service there, of an area and of its hours
insert into broken select v.name, format('update data.organization set %s where organization_id = ''T1''', v.change) from (values
    ('organization_booking_window_range', 'booking_window_days = 13'), ('organization_cancel_deadline_range', 'cancel_deadline_min = -1'), ('organization_correction_range', 'correction_hours = -1'),
    ('organization_hold_bounds', 'hold_min_min = 61'), ('organization_horizon_range', 'horizon_days = 13'), ('organization_latitude_range', 'latitude = 91'), ('organization_coordinates_whole', 'longitude = null'), ('organization_longitude_range', 'longitude = 181'),
    ('organization_plain', 'address = E''a\x7f'''), ('organization_max_holds_range', 'max_holds = 0'), ('organization_move_deadline_range', 'move_deadline_min = -1'), ('organization_name_filled', 'name = '' '''), ('organization_no_data_range', 'no_data_after_hours = -1'),
    ('organization_no_show_range', 'no_show_after_min = 0'), ('organization_notice_range', 'notice_min = 20161'), ('organization_time_zone_known', 'time_zone = ''MSK'''),
    ('organization_agency_fkey', 'agency_code = ''none'''), ('organization_calendar_fkey', 'calendar_id = ''none'''), ('organization_id_form', 'organization_id = '''''),
    ('organization_pkey', 'organization_id = ''T2'''), ('organization_offered_days', 'booking_window_days = 14, notice_min = 1')) as v (name, change)
union all
select v.name, format('update data.organization_service set %s where organization_id = ''T1'' and service_id = ''s1''', v.change) from (values
    ('organization_service_buffer_range', 'buffer_after_min = 721'), ('organization_service_cancel_deadline_range', 'cancel_deadline_min = -1'), ('organization_service_move_deadline_range', 'move_deadline_min = 43201'),
    ('organization_service_notice_range', 'notice_min = -1'), ('organization_service_user_kinds', 'user_kinds = ''{CAT}'''), ('organization_service_user_types', 'user_types = ''{}'''), ('organization_service_window_range', 'booking_window_days = 13'),
    ('organization_service_offered_days', 'booking_window_days = 15, notice_min = 1441')) as v (name, change)
union all
select v.name, format('update data.area set %s where area_key = pg_temp.area(''a1'')', v.change) from (values
    ('area_buffer_range', 'buffer_before_min = 721'), ('area_capacity_range', 'capacity = 0'), ('area_slot_attributes_form', 'slot_attributes = ''[]'''), ('area_plain', 'queue_prefix = E''a\x02'''), ('area_slot_attributes_plain', 'slot_attributes = jsonb_build_array(jsonb_build_object(''name'', ''a'', ''value'', E''b\x03''))'), ('area_queue_prefix_length', 'queue_prefix = repeat(''x'', 21)'), ('area_exclusive', 'is_exclusive = true, capacity = 2'), ('area_id_form', 'area_id = '''''), ('area_kind', 'kind = ''cave'''),
    ('area_name_filled', 'name = '''''), ('area_parent_fkey', 'parent_key = pg_temp.area(''b1'')'), ('area_id_key', 'area_id = ''a2''')) as v (name, change)
union all
select v.name, format('update data.timetable set %s where organization_id = ''T1'' and weekday = 1', v.change) from (values
    ('timetable_capacity_range', 'capacity = 0'), ('timetable_order', 'ends = starts'), ('timetable_serial_range', 'serial = -1'), ('timetable_slot_range', 'slot_min = 1441'), ('timetable_valid_order', 'valid_from = ''2027-01-02'', valid_to = ''2027-01-01'''),
    ('timetable_weekday_range', 'weekday = 0'), ('timetable_area_fkey', 'area_key = pg_temp.area(''b1'')'), ('timetable_service_fkey', 'service_id = ''s3'''), ('timetable_row_once', 'weekday = 2')) as v (name, change)
union all
select v.name, format('update data.slot set %s where slot_id = %L', v.change, pg_temp.slot('a1', 9)) from (values
    ('slot_capacity_range', 'capacity = 0'), ('slot_order', 'ends_at = starts_at'), ('slot_area_fkey', 'area_key = pg_temp.area(''b1''), serial = 9'), ('slot_service_fkey', 'service_id = ''s3'''),
    ('slot_start_key', 'starts_at = starts_at - interval ''15 minutes'''), ('slot_pkey', format('slot_id = %L', pg_temp.slot('a1', 10)))) as v (name, change);
-- What only a new row can break.
insert into broken values
('area_parent_other', $$insert into data.area (area_key, organization_id, area_id, number, name, parent_key) overriding system value values (-1, 'T1', 'self', 99, 'x', -1)$$),
('area_service_pkey', $$insert into data.area_service select * from data.area_service limit 1$$),
('area_organization_fkey', $$insert into data.area (organization_id, area_id, number, name) values ('none', 'x', 1, 'x')$$),
('organization_service_organization_fkey', $$insert into data.organization_service (organization_id, service_id) values ('none', 's1')$$),
('organization_service_service_fkey', $$insert into data.organization_service (organization_id, service_id) values ('T2', 'none')$$),
('area_service_area_fkey', $$insert into data.area_service values (pg_temp.area('b1'), 'T1', 's2')$$),
('area_service_service_fkey', $$insert into data.area_service values (pg_temp.area('a1'), 'T1', 's3')$$),
('organization_status_pkey', $$insert into data.organization_status values ('T1', '201', 'y')$$),
('day_off_pkey', $$insert into data.day_off values ('T1', '2027-01-01')$$),
('status_detail_pkey', $$insert into data.status_detail (agency_code, code, reason) values ('TEST00001', '206001', 'y')$$),
('calendar_day_pkey', $$insert into data.calendar_day (calendar_id, day, kind) values ('c1', '2027-01-01', 'usual')$$),
('area_use_pkey', $$insert into data.area_use select * from data.area_use where organization_id = 'T1'$$),
('closure_progress_pkey', $$insert into data.closure_progress select * from data.closure_progress$$),
('closure_booking_pkey', $$insert into data.closure_booking select * from data.closure_booking$$),
('booking_arrow_key', $$insert into data.booking_arrow (event, old_state, new_state, actors, place) values ('book', null, 'BOOKED', 'A', 'taken')$$),
('booking_arrow_pkey', $$insert into data.booking_arrow (arrow_id, event, new_state, actors, place) overriding system value select arrow_id, 'x', new_state, actors, place from data.booking_arrow limit 1$$),
('place_pkey', format($$insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select slot_id, place_no, 'k2', capacity, area_key, starts_at, ends_at from data.place where book_key = 'k1'$$)),
('place_area_once', format($$insert into data.place (slot_id, place_no, book_key, capacity, area_key, starts_at, ends_at) select s.slot_id, 1, 'k2', s.capacity, s.area_key, p.starts_at, s.ends_at
    from data.slot as s, lateral (select s.starts_at) as p where s.slot_id = (select slot_id from data.slot where slot_id = '00000000-0000-4000-8000-0000000000aa')$$)),
('booking_history_actor', $$insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id) values ('k1', now(), 'X', 'x', 'BOOKED', '201', 'T1')$$),
('booking_history_booking_fkey', $$insert into data.booking_history (book_key, at, actor, db_user, new_state, new_status, organization_id) values ('none', now(), 'A', 'x', 'BOOKED', '201', 'T1')$$),
('booking_history_pkey', $$insert into data.booking_history (history_id, book_key, at, actor, db_user, new_state, new_status, organization_id) overriding system value select history_id, book_key, at, actor, db_user, new_state, new_status, organization_id from data.booking_history where book_key = 'k1' limit 1$$),
('journal_direction', $$insert into data.journal (journal_id, at, direction) values (-1, '1999-01-01', 'up')$$),
('journal_refused_pkey', $$insert into data.journal_refused (refused_id, at, listener, peer, request_id, reason, messages, size) select -2, '1999-01-01', '', '', '', '', 1, 1 from generate_series(1, 2)$$),
('journal_refused_messages_range', $$insert into data.journal_refused (refused_id, at, listener, peer, request_id, reason, messages, size) values (-2, '1999-01-01', '', '', '', '', 0, 1)$$),
('journal_pkey', $$insert into data.journal (journal_id, at, direction) values (-2, '1999-01-01', 'in'), (-2, '1999-01-01', 'in')$$),
('message_seen_id_filled', $$insert into data.message_seen values ('P', '', 'x', 1, now())$$),
('rights_kind', $$insert into data.rights (kind, object, grantee, privilege) values ('table', 'data.slot', 'zapisd_daemon', 'SELECT')$$),
('rights_pkey', $$insert into data.rights (kind, object, grantee, privilege) values ('type', 'x', 'y', 'z'), ('type', 'x', 'y', 'z')$$),
('office_member_pkey', $$insert into data.office_member (membership_id, member) overriding system value values (987654, 'x'), (987654, 'y')$$),
('office_member_once', $$insert into data.office_member (member) values ('x'), ('x')$$),
('office_member_one', $$insert into data.office_member (member, agency_code, organization_id) values ('x', 'TEST00001', 'T1')$$),
('office_member_revoked', $$insert into data.office_member (member, revoked_at) values ('x', now())$$),
('built_kind', $$insert into data.built (kind, object, server_major) values ('table', 'data.slot', 15)$$),
('built_pkey', $$insert into data.built (kind, object, server_major) values ('view', 'x', 15), ('view', 'x', 15)$$),
('slot_known_pkey', $$insert into data.slot_known values ('00000000-0000-4000-8000-0000000000aa', 1), ('00000000-0000-4000-8000-0000000000aa', 1)$$),
('probe_pkey', $$insert into data.probe (probe_id, octets) values (1, ''), (1, '')$$),
('message_seen_pkey', $$insert into data.message_seen values ('P', 'm', 'x', 1, now()), ('P', 'm', 'y', 1, now())$$),
('outbox_pkey', $$insert into data.outbox (outbox_id, book_key, agency_code, payload) overriding system value select outbox_id, book_key, agency_code, payload from data.outbox limit 1$$),
('outbox_event_pkey', $$insert into data.outbox_event overriding system value select * from data.outbox_event limit 1$$),
('outbox_event_kind', $$insert into data.outbox_event (outbox_id, book_key, at, event, attempt) select outbox_id, book_key, now(), 'lost', 1 from data.outbox limit 1$$),
('outbox_event_outbox_fkey', $$insert into data.outbox_event (outbox_id, book_key, at, event, attempt) values (-1, 'k1', now(), 'again', 1)$$),
('area_number_key', $$insert into data.area (organization_id, area_id, number, name) values ('T1', 'x', 2, 'x')$$),
('area_number_range', $$insert into data.area (organization_id, area_id, number, name) values ('T1', 'x', -1, 'x')$$),
('organization_number_key', $$insert into data.organization (organization_id, agency_code, number, name, time_zone) values ('TN', 'TEST00001', 900002, 'x', 'Europe/Moscow')$$),
('organization_number_range', $$insert into data.organization (organization_id, agency_code, number, name, time_zone) values ('TN', 'TEST00001', 0, 'x', 'Europe/Moscow')$$),
('personal_reading_pkey', $$insert into data.personal_reading (reading_id, db_user, db_role, book_key, what) overriding system value select reading_id, db_user, db_role, book_key, what from data.personal_reading limit 1$$),
('personal_reading_booking_fkey', $$insert into data.personal_reading (db_user, db_role, book_key, what) values ('x', 'x', 'none', 'x')$$),
('ref_attribute_type', $$insert into data.ref_attribute (ref_name, position, name, title, type) values ('tb2', 5, 'x', 'x', 'BLOB')$$),
('ref_attribute_book_fkey', $$insert into data.ref_attribute (ref_name, position, name, title, type) values ('none', 5, 'x', 'x', 'STRING')$$),
('ref_item_book_fkey', $$insert into data.ref_item (ref_name, code, title) values ('none', 'x', 'x')$$),
('ref_mark_pkey', $$insert into data.ref_mark select * from data.ref_mark where ref_name = 'tb1' limit 1$$),
('ref_step_pkey', $$insert into data.ref_step select * from data.ref_step where ref_name = 'tb1' limit 1$$),
('schema_version_pkey', $$insert into data.schema_version select * from data.schema_version limit 1$$),
('occupancy_area_fkey', $$insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to) select slot_id, place_no, -1, now(), now() + interval '1 h' from data.place where book_key = 'k1'$$),
('occupancy_place_fkey', $$insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to) values (gen_random_uuid(), 1, pg_temp.area('a1'), now(), now() + interval '1 h')$$),
('occupancy_area_once', $$insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to) select slot_id, place_no, pg_temp.area('a1'), now(), now() + interval '1 h' from data.place where book_key in ('k1', 'k2')$$),
('occupancy_order', $$insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to) select slot_id, place_no, pg_temp.area('a1'), now(), now() from data.place where book_key = 'k1'$$),
('occupancy_pkey', $$insert into data.occupancy (slot_id, place_no, area_key, busy_from, busy_to) select slot_id, place_no, pg_temp.area('a1'), now() + n * interval '2 h', now() + n * interval '2 h' + interval '1 h' from data.place, generate_series(1, 2) n where book_key = 'k1'$$),
-- Said by ref_book_delta_range already.
('ref_book_version_range', $$alter table data.ref_book drop constraint ref_book_delta_range; update data.ref_book set version = 0 where ref_name = 'tb2'$$),
('special_hours_once', $$insert into data.special_hours (special_day_id, organization_id, starts, ends) select special_day_id, 'T1', '09:30', '11:00' from data.special_day where day = '2027-01-02' and organization_id = 'T1'$$);
-- An overlapping slot of an area for one.
insert into data.slot (slot_id, organization_id, area_key, starts_at, ends_at, serial)
select '00000000-0000-4000-8000-0000000000aa', 'T1', pg_temp.area('a1'), starts_at + interval '1 minute', ends_at, 7 from data.place where book_key = 'k1';
-- Keys of one inner number, given twice.
insert into broken select k.conname, format('insert into %1$s (%2$s) overriding system value select %2$s from %1$s limit 1', k.conrelid::regclass,
    (select string_agg(quote_ident(a.attname), ', ') from pg_attribute as a where a.attrelid = k.conrelid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''))
from pg_constraint as k where k.conname in ('area_pkey', 'timetable_pkey', 'booking_limit_pkey', 'channel_share_pkey', 'special_day_pkey', 'special_hours_pkey', 'closure_pkey', 'ref_item_pkey') and k.connamespace = 'data'::regnamespace;
create function pg_temp.breaks(q text) returns text language plpgsql as $$
declare
    c text;
begin
    execute q;
    set constraints all immediate;
    raise exception using errcode = 'ZZ001';
exception
    when sqlstate 'ZZ001' then return 'nothing refused it';
    when others then
        get stacked diagnostics c = constraint_name;
        -- A partition's copy of a constraint is that constraint.
        c := coalesce((select u.conname from pg_constraint as k join pg_constraint as u on u.oid = k.conparentid where k.conname = c), c);
        return coalesce(nullif(c, ''), sqlstate || ' ' || sqlerrm);
end $$;
select is(pg_temp.breaks(sql), name, name || ' is broken by: ' || left(regexp_replace(sql, '\s+', ' ', 'g'), 90)) from broken order by name;
-- Wider keys that narrower ones keep already: they are there to be referred to, and are asked with those gone.
create function pg_temp.stands(key text) returns text language plpgsql as $$
declare
    t regclass := (select k.conrelid from pg_constraint as k where k.conname = key and k.connamespace = 'data'::regnamespace);
    columns text := (select string_agg(quote_ident(a.attname), ', ') from pg_attribute as a where a.attrelid = t and a.attnum > 0 and not a.attisdropped and a.attgenerated = '');
    c name;
begin
    for c in select k.conname from pg_constraint as k where k.conrelid = t and k.contype in ('p', 'u', 'x') and k.conname <> key loop
        execute format('alter table %s drop constraint %I cascade', t, c);
    end loop;
    return pg_temp.breaks(format('insert into %1$s (%2$s) overriding system value select %2$s from %1$s limit 1', t, columns));
end $$;
create temp table behind as select unnest(array['area_organization_key', 'slot_place_key', 'special_day_organization_key', 'ref_item_book_key']) as name;
create temp view named as
select c.conname::text as name from pg_constraint as c join pg_class as r on r.oid = c.conrelid
where c.connamespace = 'data'::regnamespace and not r.relispartition and c.contype in ('c', 'u', 'p', 'f', 'x', 't') and c.conparentid = 0
union
select t.tgname::text from pg_trigger as t where t.tgrelid = 'data.place'::regclass and t.tgname = 'place_area_once' -- before the row
union
select i.indexrelid::regclass::text from pg_index as i join pg_class as c on c.oid = i.indrelid
where i.indisunique and c.relnamespace = 'data'::regnamespace and not c.relispartition and not exists (select from pg_constraint as k where k.conindid = i.indexrelid);
select set_eq('select regexp_replace(name, ''^data\.'', '''') from named', 'select name from broken union select name from behind', 'every constraint there is, and no other, is broken above');
set constraints all immediate;
select is(pg_temp.stands(name), name, name || ' stands by itself') from behind;
select * from finish();
rollback;
