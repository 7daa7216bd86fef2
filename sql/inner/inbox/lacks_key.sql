-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What waits for a key of ours, by the beginnings of what a daemon keeps (src/queue/, src/push/): AGENCY, and whose key it is.

create or replace function data.lacks_key(p_error text) returns boolean
language sql immutable parallel safe
return coalesce(p_error ~ '^AGENCY(:|$)', false);
comment on function data.lacks_key(text) is 'Whether an attempt failed because nothing could be signed, by its last_error';
