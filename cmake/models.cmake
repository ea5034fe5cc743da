# Every models/**/*.yaml becomes a string in one generated C file: struct builtin_table builtin_tables[].
file(GLOB_RECURSE Y9_TABLE_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/models/*.yaml)
set(Y9_MODEL_TABLES ${PROJECT_BINARY_DIR}/generated/builtin_tables.c)
add_custom_command(
  OUTPUT ${Y9_MODEL_TABLES}
  COMMAND ${CMAKE_COMMAND} "-DTABLES=${Y9_TABLE_FILES}" -DOUTPUT=${Y9_MODEL_TABLES} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${Y9_TABLE_FILES} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM)
