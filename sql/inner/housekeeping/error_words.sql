-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Why something failed, for what is kept and shown: the kind of it. The server's own message may name values of a row.

create or replace function data.error_words(p_state text) returns text
language sql immutable parallel safe
return coalesce(case p_state
        when '57014' then 'took longer than it may' when '55P03' then 'a lock was not to be had in time' when '40P01'
            then 'deadlock'
        when '40001' then 'two at once' when '53100' then 'the disk is full' when '53200' then 'out of memory'
        when '25006' then 'the server is read-only' when '42501' then 'a privilege is missing' when '42P01' then
            'a table is missing'
    end, 'failed') || ' (' || coalesce(p_state, '?????') || ')';
comment on function data.error_words(text) is 'A SQLSTATE in words, without values and so without personal data (L4)';
