# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Writes the table of sql_files.h. -DSQL=folder -DOUT=file
foreach(folder migrations inner api admin afterwards)
  file(GLOB_RECURSE names RELATIVE ${SQL} ${SQL}/${folder}/*.sql)
  list(SORT names)
  foreach(name ${names})
    file(SHA256 ${SQL}/${name} digest)
    string(REGEX REPLACE "^migrations/" "" name ${name})
    string(APPEND rows "    {\"${name}\", \"${digest}\"},\n")
    string(APPEND json "${comma}\\\"${name}\\\":\\\"${digest}\\\"\"\n    \"")
    set(comma ",")
  endforeach()
endforeach()
file(WRITE ${OUT} "#include \"sql_files.h\"\n
#include <stddef.h>\n
const struct sql_digest sql_digests[] = {\n${rows}    {NULL, NULL}};\n
const char sql_digests_json[] =\n    \"{${json}}\";\n")
