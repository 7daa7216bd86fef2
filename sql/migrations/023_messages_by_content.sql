-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Every signed message that was remembered under the id SMEV gave it is remembered by what its sender signed too (B6, C7):
-- without that id, or under another, it has no second effect. Of several with one content the first is the answer.

insert into data.message_seen (sender_code, message_id, digest, journal_id, journal_at)
select distinct on (s.sender_code, s.digest) s.sender_code, 'body:' || encode(s.digest, 'hex'), s.digest, s.journal_id, s.journal_at
from data.message_seen as s
where s.sender_code <> ''
order by s.sender_code, s.digest, s.journal_at, s.journal_id
on conflict do nothing;
comment on column data.message_seen.message_id is
    'A name of the message: body: and the digest in hex (every signed one), the id SMEV gave it, or req: and ours (plain listeners)';
