-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- An answer that waits may have to be signed anew (C5, Q3); and what SMEV refuses of ours, whatever it gives us, is told at once (L4).

alter table data.inbox add column afresh boolean not null default false;
comment on column data.inbox.afresh is 'Somebody wants the answer that is kept to be signed anew before it is sent';

alter table data.inbox_source add column refused text, add column refused_operation text, add column refused_since timestamptz,
    add column refused_at timestamptz,
    add constraint inbox_source_refused check ((refused is null) = (refused_operation is null)
        and (refused is null) = (refused_since is null) and (refused is null) = (refused_at is null)
        and (refused_operation is null or refused_operation in ('Ack', 'SendResponse')));
comment on column data.inbox_source.refused is 'The fault by which SMEV refuses what we tell it, while it gives us messages; none: it takes it';
comment on column data.inbox_source.refused_operation is 'What it refuses so: Ack, SendResponse';
comment on column data.inbox_source.refused_since is 'Since when';
comment on column data.inbox_source.refused_at is 'When it last did';
comment on constraint inbox_source_refused on data.inbox_source is 'What is refused, since when, and until when';
