-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Where an operator starts. Reads the comments of the functions themselves, so that it cannot fall behind: a comment is
-- "name(arguments): what it does. Пример: a command that can be typed". Without a word it is a list of contents; with one,
-- everything that is said about it.

create or replace function admin.help(about text default '') returns table (topic text, command text, what text, example text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with said as (
        select p.proname::text as name, split_part(c.comment, ': ', 1) as command,
            substr(c.comment, length(split_part(c.comment, ': ', 1)) + 3) as rest
        from pg_proc as p
        cross join lateral (select obj_description(p.oid, 'pg_proc') as comment) as c
        where p.pronamespace = 'admin'::regnamespace
            and has_function_privilege(data.caller(), p.oid, 'execute')
        union all
        select c.relname::text, c.relname::text, obj_description(c.oid, 'pg_class')
        from pg_class as c
        where c.relnamespace = 'admin'::regnamespace and c.relkind = 'v' and has_table_privilege(data.caller(), c.oid, 'select')
    ), listed as (
        select coalesce(t.n, 99) as n, coalesce(array_position(t.names, s.name), 99) as place,
            coalesce(t.topic, 'прочее') as topic, s.name, s.command, split_part(s.rest, ' Пример: ', 1) as what,
            nullif(split_part(s.rest, ' Пример: ', 2), '') || ';' as example
        from said as s
        left join data.help_topics() as t on s.name = any (t.names)
    ), found as (
        select l.n, l.place, l.topic, case w.word when '' then l.name else l.command end as command,
            case w.word when '' then regexp_replace(l.what, '[;.:].*$', '') else l.what end as what, l.example
        from listed as l
        cross join lateral (select replace(lower(btrim(coalesce(help.about, ''))), 'ё', 'е') as word,
            replace(lower(concat_ws(' ', l.topic, l.command, l.what, l.example)), 'ё', 'е') as text) as w
        where strpos(w.text, w.word) > 0 or data.help_stems_meet(w.text, w.word)
            or exists (
                select from data.help_words() as h, unnest(h.beginnings) as b
                where l.name = any (h.names) and starts_with(w.word, b))
        union all
        select 100, 1, 'ограничение', k.name, k.words, k.advice
        from data.constraint_words() as k
        where k.name = lower(btrim(help.about))
        union all
        select 98, s.n, 'настройка', s.command, s.what, s.example || ';'
        from data.help_settings() as s
        where pg_has_role(data.caller(), 'zapisd_operator', 'member')
            and exists (select from unnest(s.beginnings) as b where starts_with(replace(lower(btrim(help.about)), 'ё', 'е'), b))
    ), told as (
        select f.* from found as f
        union all
        select 101, 1, 'не нашлось', 'help(слово)', 'Такого слова нет. Темы: '
            || (select string_agg(t.topic, ', ' order by t.n) from data.help_topics() as t)
            || '; всё, что Вам разрешено, — без слова', 'select * from admin.help();'
        where not exists (select from found)
    )
    select x.topic, x.command, x.what, x.example
    from told as x
    order by x.n, x.place, x.command
$$;
grant execute on function admin.help(text) to zapisd_operator, zapisd_registrar, zapisd_auditor;
comment on function admin.help(text) is
    'help([слово]): что умеет admin и только то, что Вам разрешено; со словом — подробно, о команде, теме, '
    'настройке или ограничении; незнакомое слово — список тем. '
    'Пример: select * from admin.help(''перенести'')';
