# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# To be sourced (bash).
#   sql_apply_functions SQL   applies the files of functions under SQL (the folder sql/) as zapisd migrate does: in one
#                             transaction, folder by folder, twice, because they may name each other in any order
sql_apply_functions() {
    local folder file pass
    local -a files=() steps=()
    for folder in inner api admin afterwards; do
        while read -r file; do files+=(-f "$file"); done < <(find "$1/$folder" -name '*.sql' | LC_ALL=C sort)
    done
    for pass in off on; do steps+=(-c "set check_function_bodies = $pass" "${files[@]}"); done
    psql -Xq1 -v ON_ERROR_STOP=1 "${steps[@]}" -c "do 'begin perform data.built_note(); end'" || { echo "FAILED: $1"; exit 1; }
}
