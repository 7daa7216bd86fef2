-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What works and is not as it should be (L4): told by `zapisd check` beside what is wrong.

create or replace function api.concerns() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select format('%s: %s is %s (alter database %I set %s = %L)', s.trouble, s.setting, current_setting(s.setting),
        current_database(), s.setting, s.value)
    from data.database_settings() as s where current_setting(s.setting) is distinct from s.value
    union all
    select format('the role %I lacks %s = %s: run zapisd migrate', s.role, s.setting, s.value)
        from data.role_settings_missing() as s
    union all
    select format('no file of ours grants %s to %s: revoke %s from %s', data.rights_phrase(f), f.grantee,
        data.rights_phrase(f), f.grantee)
    from data.rights_foreign() as f
    union all
    select format('any login may stop bookings by advisory locks (%s): run zapisd migrate once as a superuser',
        string_agg(m.words, '; '))
    from data.advisory_missing() as m having count(*) > 0
    union all
    select s.problem from data.silent_settings() as s
    union all
    select format('changed by hand: %s %s is %s: run zapisd migrate', w.kind, w.object, w.trouble)
    from data.built_wrong() as w where w.kind in ('view', 'policy', 'row security') or w.object ~ '^admin[.]'
    union all
    select format('no file of ours makes the %s %s: drop it', b.kind, b.object) from data.built_foreign() as b
$$;
grant execute on function api.concerns() to zapisd_daemon;
comment on function api.concerns() is 'What an operator should mend though requests can be taken: a line each';
