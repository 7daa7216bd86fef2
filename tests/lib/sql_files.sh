# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# To be sourced.
#   sql_function_files SQL   the files of functions under SQL (the folder sql/), in the order zapisd migrate applies them in
sql_function_files() {
    for sql_folder in inner api admin afterwards; do find "$1/$sql_folder" -name '*.sql' | LC_ALL=C sort; done
}
