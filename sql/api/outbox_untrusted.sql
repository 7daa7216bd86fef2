-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An answer of the portal that somebody signed who is not believed (C4, L4): SMEV's new certificate, or a stranger. It is not
-- among what a person may give up: the trouble is the certificates', and SMEV brings it again.

create or replace function api.outbox_untrusted(p_source text, p_agency text, p_fault text, p_original_id text, p_answer_id text)
    returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
begin
    update data.outbox_road as r set untrusted = left(p_fault, 200),
        untrusted_by = case when p_fault is not null then p_source end,
        untrusted_at = case when p_fault is not null then clock_timestamp() end
    where r.agency_code = (select t.agency_code from data.outbox_road as t
        where t.agency_code = p_agency and (p_fault is not null or t.untrusted_by = p_source)
        for no key update skip locked);
    if p_fault is not null then
        perform data.outbox_came_unread(p_agency, p_original_id, p_answer_id, p_fault);
    end if;
end $$;
grant execute on function api.outbox_untrusted(text, text, text, text, text) to zapisd_daemon;
comment on function api.outbox_untrusted(text, text, text, text, text) is
    'Notes with an agency, and with the row of the message that it claims to be to, that an answer came whose signature is not '
    'believed by p_fault, a name of ours; null: this source has brought one that is SMEV''s';
