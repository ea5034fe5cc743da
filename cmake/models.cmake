# Every models/**/*.yaml becomes a string in one generated C file: struct builtin_table builtin_tables[].
file(GLOB_RECURSE Y9_TABLE_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/models/*.yaml)
set(Y9_MODEL_TABLES ${PROJECT_BINARY_DIR}/generated/builtin_tables.c)
add_custom_command(
  OUTPUT ${Y9_MODEL_TABLES}
  COMMAND ${CMAKE_COMMAND} "-DTABLES=${Y9_TABLE_FILES}" -DOUTPUT=${Y9_MODEL_TABLES} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${Y9_TABLE_FILES} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM)

# Published accuracies, models/published-points.csv, as one string: published_points (src/lab/points.h).
set(Y9_PUBLISHED_POINTS ${PROJECT_BINARY_DIR}/generated/published_points.c)
add_custom_command(
  OUTPUT ${Y9_PUBLISHED_POINTS}
  COMMAND ${CMAKE_COMMAND} -DINPUT=${PROJECT_SOURCE_DIR}/models/published-points.csv -DNAME=published_points
          -DOUTPUT=${Y9_PUBLISHED_POINTS} -P ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake
  DEPENDS ${PROJECT_SOURCE_DIR}/models/published-points.csv ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake
  VERBATIM)
