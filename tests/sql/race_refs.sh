#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# A book changes all the time while it is read, whole, by page and by delta: every answer is of one version (R6, A16).
# Two who change the same book at once, and cycles made by two together (edge 22). A CSV file out of one book and into another.
. "$(dirname "$0")/lib/race.sh"
items=1500
q >/dev/null <<SQL
select admin.ref_new('race', 'Гонки'), admin.ref_new('race2', 'Гонки 2'), admin.ref_new('racetree', 'Гонки по дереву', 'H');
insert into data.ref_item (ref_name, code, title) select 'race', 'c' || lpad(n::text, 4, '0'), 'v2' from generate_series(1, $items) n;
SQL
expect "the first version" 2 "$(q -c "select version from data.ref_book where ref_name = 'race'")"

# Writers: each transaction renames every item to the version it makes, in one or two statements and with a rest in between.
# Neither begins its last before each reader has begun a reading that a change is to come into.
q -c "create table public.race_began (reader integer)" >/dev/null
writer() {
    for i in $(seq 1 40); do
        [ "$i" != 40 ] || wait_until "select count(*) = 3 from public.race_began"
        q >/dev/null <<'SQL'
begin;
select from data.ref_book where ref_name = 'race' for update;
update data.ref_item set title = 'v' || (select version + 2 from data.ref_book where ref_name = 'race') where ref_name = 'race' and code < 'c0700';
select pg_sleep(random() * 0.01);
update data.ref_item set title = 'v' || (select version + 1 from data.ref_book where ref_name = 'race') where ref_name = 'race' and code >= 'c0700';
commit;
SQL
    done
}
# Readers: a whole answer has one title, that of its version; pages of one reading have it too, or the reading is refused.
reader() { # SIZE [MEETS]: whether a change must come into his first reading
    q <<SQL
do \$\$
declare
    r record;
    first text;
    page integer;
    got integer;
    whole integer := 0;
    refused integer := 0;
begin
    for i in 1..30 loop
        select max(version) filter (where kind = 'answer') as version, max(total_items) as total, count(*) filter (where kind = 'item') as n,
            min("values"[1]) as least, max("values"[1]) as most, max(error_code) as code
        into r from api.get_ref_items_list('', 'race', null, 'ONELEVEL', '{title}', '{}', 0, 0, null);
        if r.code <> 0 or r.n <> $items or r.total <> $items or r.least <> 'v' || r.version or r.most <> r.least then
            raise exception 'half a version: %', r;
        end if;
        commit;
        got := 0;
        page := 0;
        loop
            page := page + 1;
            select max(version) filter (where kind = 'answer') as version, count(*) filter (where kind = 'item') as n,
                min("values"[1]) as least, max("values"[1]) as most, max(error_code) as code
            into r from api.get_ref_items_list('', 'race', null, 'ONELEVEL', '{title}', '{}', page, $1, null);
            commit;
            if r.code = 1 then
                refused := refused + 1;
                exit;
            end if;
            if page = 1 then
                first := r.version;
                if ${2:-false} and i = 1 then
                    insert into public.race_began values ($1);
                    commit;
                    while first = (select version::text from data.ref_book where ref_name = 'race') loop
                        commit;
                    end loop;
                end if;
            end if;
            if r.code <> 0 or r.version <> first or r.n > 0 and (r.least <> 'v' || first or r.most <> r.least) then
                raise exception 'page % of another version than %: %', page, first, r;
            end if;
            got := got + r.n;
            if r.n = 0 then
                if got <> $items then
                    raise exception 'read % items', got;
                end if;
                whole := whole + 1;
                exit;
            end if;
        end loop;
        -- what a delta says changed since an older version is all of it, and as it is now
        select max(version) filter (where kind = 'answer') as version, count(*) filter (where kind = 'item') as n,
            min("values"[1]) as least, max("values"[1]) as most, max(error_code) as code
        into r from api.get_ref_items_list('', 'race', null, 'ONELEVEL', '{title}', '{}', 0, 0, '2');
        if r.code not in (0, 5) or r.code = 0 and r.n <> $items or r.n > 0 and (r.least <> 'v' || r.version or r.most <> r.least) then
            raise exception 'half a delta: %', r;
        end if;
        commit;
    end loop;
    raise warning 'whole=% refused=%', whole, refused;
end \$\$;
SQL
}
writer & w1=$!
writer & w2=$!
readers=()
for size in 400 500 700; do reader $size true >"$race_dir/$size" 2>&1 & readers+=($!); done
bad=0
for pid in "${readers[@]}"; do wait "$pid" || bad=1; done
wait $w1 || bad=1
wait $w2 || bad=1
if [ $bad = 1 ]; then cat "$race_dir"/[0-9]*; exit 1; fi
# The readings that met a change were refused; when nobody writes any more, all are whole.
[ "$(cat "$race_dir"/[0-9]* | grep -c 'refused=[1-9]')" = 3 ] || { echo "no reading met a change"; cat "$race_dir"/[0-9]*; exit 1; }
reader 400 >"$race_dir/quiet" 2>&1 || { cat "$race_dir/quiet"; exit 1; }
grep -q 'whole=30 refused=0' "$race_dir/quiet" || { cat "$race_dir/quiet"; exit 1; }
q -c "drop table public.race_began"
expect "two writers, forty transactions each, two changes a transaction" 162 "$(q -c "select version from data.ref_book where ref_name = 'race'")"
expect "and they all agree" "v162" "$(q -c "select distinct title from data.ref_item where ref_name = 'race'")"
expect "the delta of all of it" "0|$items" "$(q -c "select max(error_code), count(*) - 1 from api.get_ref_items_list('', 'race', null, 'ONELEVEL', '{}', '{}', 0, 0, '2')")"

# a cycle made by two, neither of whom sees the other
q >/dev/null -c "select admin.ref_put('racetree', 'x', 'X'), admin.ref_put('racetree', 'y', 'Y')"
under() { echo "update data.ref_item as i set parent_id = p.item_id from data.ref_item as p where i.ref_name = 'racetree' and p.ref_name = 'racetree' and i.code = '$1' and p.code = '$2'"; }
hold "$(under x y)"
meet "$(under y x)"
case $met in *'would be inside itself'*) ;; *) echo "a cycle by two: $met"; exit 1 ;; esac

# a file out of one book and into another; a broken one leaves no trace
q >/dev/null <<SQL
select admin.ref_csv('race');
\copy ref_csv to '$race_dir/race.csv' (format csv, header)
SQL
expect "lines of the file" $((items + 1)) "$(wc -l <"$race_dir/race.csv")"
expect "its header" "code,title" "$(head -n 1 "$race_dir/race.csv")"
expect "imported" "||принято: изменено $items, удалено 0, версия 2" "$(q <<SQL | tail -n 1
select admin.ref_csv('race2', true);
\copy ref_csv from '$race_dir/race.csv' (format csv, header match)
select * from admin.ref_import('race2');
SQL
)"
expect "the same book" 0 "$(q -c "select count(*) from (select code, title from data.ref_item where ref_name = 'race' except select code, title from data.ref_item where ref_name = 'race2') as x")"
sed -i '700s/^[^,]*/c0001/; 900s/,.*/,/' "$race_dir/race.csv"
expect "wrong lines" "700|code 900|title" "$(q <<SQL | grep '^[0-9]*|' | cut -d'|' -f1,2 | tr '\n' ' ' | sed 's/ $//'
select admin.ref_csv('race2', true);
\copy ref_csv from '$race_dir/race.csv' (format csv, header match)
select * from admin.ref_import('race2');
SQL
)"
expect "and no change" 2 "$(q -c "select version from data.ref_book where ref_name = 'race2'")"
sed -i '1s/title/name/' "$race_dir/race.csv"
if q >/dev/null 2>"$race_dir/said" <<SQL
select admin.ref_csv('race2', true);
\copy ref_csv from '$race_dir/race.csv' (format csv, header match)
SQL
then echo "a file of another book was read"; exit 1; fi
grep -q 'column name mismatch' "$race_dir/said" || { cat "$race_dir/said"; exit 1; }
