-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- admin.lock_end() ends a forgotten session, of another role, too. Whoever may not grant that is not kept from migrating: the
-- administrator of the server can end any session himself.

do $$
begin
    grant pg_signal_backend to zapisd_owner;
exception when insufficient_privilege then
    raise notice 'zapisd_owner is not in pg_signal_backend: admin.lock_end() will end nobody';
end $$;
