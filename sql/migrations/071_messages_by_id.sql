-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- A message of a queue of SMEV 3 is known by its MessageID, which SMEV has signed, and by nothing else: two of equal content are two
-- (Q1).

alter type api.message add attribute by_id boolean;
comment on column api.message.by_id is 'Known by sender and message_id alone; otherwise by what its sender signed as well';
comment on column data.message_seen.sender_code is 'Sender: its code in SMEV 2, its mnemonic in SMEV 3';
comment on column data.message_seen.message_id is
    'A name of the message: body: and the digest in hex (every signed one of SMEV 2), the id SMEV gave it, or req: and ours (plain '
        'listeners)';
comment on column data.message_seen.digest is
    'SHA-256 of what was verified, in SMEV 3 of the business element alone: the same id with another is refused by name';
