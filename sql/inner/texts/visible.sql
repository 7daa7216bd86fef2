-- SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
--
-- Words that somebody has given for others to read, from the wire or from a keyboard.

-- What nobody sees is what the daemon takes for it (src/booking/characters.c; tests/lint/characters.py compares both). A line may
-- end and a tab may stand where it stands; every other control character is a blank (docs/decisions/0106).
create or replace function data.visible(p_text text) returns text
language plpgsql immutable parallel safe as $$
declare
    nothing constant text := E'[\u0001-\u0020\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F'
        || E'\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000\u3164'
        || E'\uE000-\uF8FF\uFDD0-\uFDEF\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB\uFFFE\uFFFF'
        || E'\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF\U000F0000-\U0010FFFF]';
    -- and what turns the direction in which what follows is read
    control constant text := E'\u0001-\u0008\u000B-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069\uFFFE\uFFFF';
begin
    if p_text ~ '^[!-~А-Яа-яЁё]$|^[!-~А-Яа-яЁё][ -~А-Яа-яЁё№«»—–]*[!-~А-Яа-яЁё»]$' then
        return p_text;
    end if;
    return nullif(regexp_replace(regexp_replace(p_text, ' *[' || control || '][ ' || control || ']*', ' ', 'g'),
        '^' || nothing || '+|' || nothing || '+$', '', 'g'), '');
end $$;
comment on function data.visible(text) is
    'Words without control characters, marks that turn the direction, and what nobody sees at their ends; null: nothing else';
