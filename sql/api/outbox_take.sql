-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the portal is to be told next (M8). Several daemons may ask at once: none gets what another has, and each agency gets its
-- share of what is wanted, so that 50,000 rows of one keep no other waiting.

create or replace function api.outbox_take(agencies text[], wanted integer, owner text, lease interval, road text default 'smev2')
returns table (outbox_id bigint, attempt integer, agency_code text, message_id text, octets bytea, book_id text, esia_id text,
    status_code text, status_message text, slot_id text, service_id text, organization_id text, area_id text, visit_time text,
    queue_number text, duration text, attributes text, created_at timestamptz, case_number text)
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
    names constant text[] := array(select distinct a.code from unnest(agencies) as a (code) where a.code is not null order by 1);
    count constant integer := cardinality(names);
    remaining integer := wanted;
    agency text;
    x data.outbox;
    n integer := 0;
begin
    if wanted is null or wanted not between 1 and 1000 or lease is null
        or lease not between interval '1 second' and interval '1 hour' or coalesce(owner, '') = ''
        or road is null or road not in ('smev2', 'smev3') then
        raise exception 'outbox_take(%, %, %, %): wanted 1 to 1000, an owner, lease 1 s to 1 h, road smev2 or smev3',
            wanted, owner, lease, road using errcode = 'invalid_parameter_value';
    end if;
    perform data.outbox_asked(names, owner, road);
    foreach agency in array names || names loop
        n := n + 1;
        exit when remaining <= 0;
        for x in
            select c.* from data.outbox_claim(agency, case when n <= count then least(remaining, (wanted + count - 1) / count)
                else remaining end, owner, lease, road, interval '500 milliseconds' / (2 * count)) as c
        loop
            remaining := remaining - 1;
            outbox_id := x.outbox_id;
            attempt := x.attempts;
            agency_code := x.agency_code;
            message_id := x.message_id;
            octets := x.octets;
            book_id := x.payload ->> 'bookId';
            esia_id := x.payload ->> 'esiaId';
            status_code := x.payload #>> '{status,statusCode}';
            status_message := x.payload #>> '{status,statusMessage}';
            slot_id := x.payload #>> '{timeslot,slotId}';
            service_id := x.payload #>> '{timeslot,serviceId}';
            organization_id := x.payload #>> '{timeslot,organizationId}';
            area_id := x.payload #>> '{timeslot,areaId}';
            visit_time := x.payload #>> '{timeslot,visitTime}';
            queue_number := x.payload #>> '{timeslot,queueNumber}';
            duration := x.payload #>> '{timeslot,duration}';
            attributes := x.payload #>> '{timeslot,attributes}';
            created_at := x.created_at;
            case_number := coalesce(x.case_number, (select b.case_number from data.booking as b where b.book_key = x.book_key));
            return next;
        end loop;
    end loop;
end $$;
grant execute on function api.outbox_take(text[], integer, text, interval, text) to zapisd_daemon;
comment on function api.outbox_take(text[], integer, text, interval, text) is
    'Takes at most so many rows that are due, of these agencies, for one daemon until the lease ends; attempt is the fence of '
    'api.outbox_keep and api.outbox_result. message_id and octets are those of the attempt before, to be sent again as they are; '
    'null: nothing was kept, or for another road. slot_id null: no timeslot is told; attributes: JSON, [{"name", "value"}]';
