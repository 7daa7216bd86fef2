-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Areas that are gone: closed until further notice, they leave the book areas with a tombstone (R3); removed, they are there for
-- history alone.

alter table data.area add column removed_at timestamptz;
comment on column data.area.removed_at is 'Убрано (admin.remove_area): осталось только в истории; пусто: есть';

create function data.closure_closes_areas() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform data.ref_derive('areas', array[coalesce(new.organization_id, old.organization_id)]);
    return null;
end $$;
alter function data.closure_closes_areas() owner to zapisd_owner;
revoke all on function data.closure_closes_areas() from public;
comment on function data.closure_closes_areas() is 'Trigger: what is closed until further notice is no place to choose (R3)';
create trigger ref_areas after insert or delete or update of from_at, to_at, state, area_key on data.closure
    for each row execute function data.closure_closes_areas();
comment on trigger ref_areas on data.closure is 'The book of areas follows (R3, R6)';
