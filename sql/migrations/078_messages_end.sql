-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Messages of SMEV 3 and of the outbox that are over leave after a while, with what belongs to them (J3); how often an answer was
-- taken to be sent is counted beside how often a message was taken at all (Q3).

alter table data.inbox add column sendings integer not null default 0;
update data.inbox set sendings = 1 where attempts > 0 and state in ('sending', 'sent');
alter table data.inbox drop constraint inbox_counts_range;
alter table data.inbox add constraint inbox_counts_range check (sendings >= 0 and attempts >= sendings and others >= 0);
comment on column data.inbox.sendings is 'How often, of attempts, it was taken to send its answer';
comment on constraint inbox_counts_range on data.inbox is 'Counts, and a part is no more than the whole';
create index inbox_ended on data.inbox (ended_at) where ended_at is not null;
comment on index data.inbox_ended is 'What is over, and since when: it leaves in this order';
create index outbox_ended on data.outbox (done_at) where done_at is not null;
comment on index data.outbox_ended is 'What is over, and since when: it leaves in this order';

-- Rows of what is over may leave; nobody takes one away by accident.
create function data.keep_while_recent() returns trigger
language plpgsql as $$
declare
    ended timestamptz;
begin
    if tg_table_name = 'inbox_call' then
        select i.ended_at into ended from data.inbox as i where i.inbox_id = old.inbox_id;
    else
        select x.done_at into ended from data.outbox as x where x.outbox_id = old.outbox_id;
    end if;
    if ended is null or ended > now() - interval '60 days' then
        raise exception 'DELETE of data.% is refused: its message is not over, or not for 60 days', tg_table_name
            using errcode = 'insufficient_privilege';
    end if;
    return old;
end $$;
alter function data.keep_while_recent() owner to zapisd_owner;
revoke all on function data.keep_while_recent() from public;
comment on function data.keep_while_recent() is 'Trigger of tables whose rows leave with their message, 60 days after its end at the earliest';

drop trigger inbox_call_append_only on data.inbox_call;
create trigger inbox_call_append_only before update or truncate on data.inbox_call
    for each statement execute function data.refuse_change();
comment on trigger inbox_call_append_only on data.inbox_call is 'Not even the owner rewrites it by accident (J2)';
create trigger inbox_call_recent before delete on data.inbox_call for each row execute function data.keep_while_recent();
comment on trigger inbox_call_recent on data.inbox_call is 'SMEV delivers again for 45 days: until then its exchanges are known';
drop trigger outbox_event_append_only on data.outbox_event;
create trigger outbox_event_append_only before update or truncate on data.outbox_event
    for each statement execute function data.refuse_change();
comment on trigger outbox_event_append_only on data.outbox_event is 'What became of a message is not rewritten by accident';
create trigger outbox_event_recent before delete on data.outbox_event for each row execute function data.keep_while_recent();
comment on trigger outbox_event_recent on data.outbox_event is 'What became of a message leaves with it, not before';

comment on column data.journal_refused.answer is 'The fault it was answered with; of what SMEV said to a call of ours: that call';

insert into data.housekeeping (task, number, title, every_s) values ('ended', 7, 'отжившие входящие СМЭВ и исходящие порталу', 60);
