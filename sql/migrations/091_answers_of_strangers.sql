-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- That answers of the portal are signed by somebody who is not believed is told of an agency until SMEV's come again (L4, C4). And a
-- request that cannot be read is another thing than an answer, also where neither says its id (Q1, Q5).

alter table data.outbox_road add column untrusted text, add column untrusted_by text, add column untrusted_at timestamptz;
alter table data.outbox_road add constraint outbox_road_untrusted check ((untrusted is null) = (untrusted_by is null)
    and (untrusted is null) = (untrusted_at is null) and untrusted <> '');
comment on column data.outbox_road.untrusted is 'Why the signature on an answer was not believed: SENDER, TOKEN, TOKEN_UNAVAILABLE, ALGORITHM; none: SMEV''s came since';
comment on column data.outbox_road.untrusted_by is 'Section [smev3 NAME] that brought it';
comment on column data.outbox_road.untrusted_at is 'When one came last';
comment on constraint outbox_road_untrusted on data.outbox_road is 'Why, by whom and when';

alter table data.inbox_unread drop constraint inbox_unread_pkey;
alter table data.inbox_unread add constraint inbox_unread_pkey primary key (agency_code, message_id, operation);
comment on constraint inbox_unread_pkey on data.inbox_unread is 'Once an agency and question';
