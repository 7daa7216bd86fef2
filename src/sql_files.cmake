# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
# Writes the table of sql_files.h. -DSQL=folder -DOUT=file
foreach(folder migrations api admin)
  file(GLOB paths ${SQL}/${folder}/*.sql)
  list(SORT paths)
  foreach(path ${paths})
    get_filename_component(name ${path} NAME)
    if(NOT folder STREQUAL migrations)
      set(name ${folder}/${name})
    endif()
    file(SHA256 ${path} digest)
    string(APPEND rows "    {\"${name}\", \"${digest}\"},\n")
    string(APPEND json "${comma}\\\"${name}\\\":\\\"${digest}\\\"\"\n    \"")
    set(comma ",")
  endforeach()
endforeach()
file(WRITE ${OUT} "#include \"sql_files.h\"\n
#include <stddef.h>\n
const struct sql_digest sql_digests[] = {\n${rows}    {NULL, NULL}};\n
const char sql_digests_json[] =\n    \"{${json}}\";\n")
