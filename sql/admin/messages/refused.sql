-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What came in and was not understood or not verified, newest first. Neither the octets nor the whole address: both may be a
-- person's (J3).

create or replace function admin.refused(since timestamptz default now() - interval '1 day')
returns table (at timestamptz, listener text, peer text, reason text, messages bigint, size bigint, digest text, request_id text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select j.at, j.listener, case when j.peer ~ E'^127[.]|^\\[::1\\]|^unix' then j.peer
        else regexp_replace(j.peer, E'^([0-9]+[.][0-9]+[.][0-9]+)[.].*$|^(\\[[0-9a-f]*:[0-9a-f]*:[0-9a-f]*).*$', E'\\1\\2…') end,
        case j.reason when 'not kept' then 'сверх запаса: не сохранены, только сосчитаны' else j.reason end,
        j.messages, j.size, encode(j.digest, 'hex'), j.request_id
    from data.my_journal_refused as j
    where j.at >= refused.since
    order by j.at desc, j.refused_id desc
    limit 10000
$$;
grant execute on function admin.refused(timestamptz) to zapisd_operator, zapisd_auditor;
comment on function admin.refused(timestamptz) is
    'refused([с какого времени]): обращения, которые не удалось понять или проверить, новые первыми: чужая подпись или '
        'сертификат, не XML и прочее. Конец адреса скрыт (…); request_id — номер req= в журнале службы, причина подробно — там. '
        'Сам файл не показывается никому: его пришлёт отправитель, проверяет zapisd dsig verify. '
        'Пример: select * from admin.refused(now() - interval ''1 hour'')';
