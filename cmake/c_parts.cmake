# Every src/export/c_parts/NAME.c becomes a string c_part_NAME in a generated C file (src/export/c_export.h).
file(GLOB Y9_C_PART_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/export/c_parts/*.c)
set(Y9_C_PARTS)
foreach(part ${Y9_C_PART_FILES})
  get_filename_component(name ${part} NAME_WE)
  set(output ${PROJECT_BINARY_DIR}/generated/c_part_${name}.c)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${part} -DNAME=c_part_${name} -DOUTPUT=${output} -P ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake
    DEPENDS ${part} ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake
    VERBATIM)
  list(APPEND Y9_C_PARTS ${output})
endforeach()
