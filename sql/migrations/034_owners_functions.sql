-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- What the owner makes is the owner's: `zapisd migrate` applies the files of functions as zapisd_owner, and nobody else may call one
-- until a file grants it. data.rights_repair() puts this right where a restore has left it out.

alter default privileges for role zapisd_owner revoke execute on routines from public;
