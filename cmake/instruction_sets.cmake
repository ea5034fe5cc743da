# The compiler flags of a kernel file are those of the row of src/core/cpu.def that its name ends with, and of the rows
# which that one builds on. They go by file name and nowhere else: what is not called at run time without such a row must
# not hold its instructions.
set(Y9_CPU_DEF ${CMAKE_CURRENT_SOURCE_DIR}/src/core/cpu.def)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${Y9_CPU_DEF})
file(STRINGS ${Y9_CPU_DEF} rows REGEX "^INSTRUCTION_SET")
set(y9_set_names)
foreach(row ${rows})
  if(NOT row MATCHES "^INSTRUCTION_SET\\(([A-Z0-9_]+), \"([a-z0-9]+)\", ([A-Z0-9_]+), ([A-Z0-9_]+), (X86|ARM), \"([^\"]*)\", ([a-z0-9_]+)\\)$")
    message(FATAL_ERROR "src/core/cpu.def: a row is not as its head says: ${row}")
  endif()
  set(id ${CMAKE_MATCH_1})
  set(name ${CMAKE_MATCH_2})
  set(needs ${CMAKE_MATCH_4})
  separate_arguments(flags UNIX_COMMAND "${CMAKE_MATCH_6}")
  list(APPEND y9_set_names ${name})
  set(y9_flags_of_${id} ${y9_flags_of_${needs}} ${flags}) # of NONE: nothing
  set(y9_flags_of_name_${name} ${y9_flags_of_${id}})
endforeach()

foreach(source ${Y9_ISA_SOURCES})
  string(REGEX REPLACE "^.*_([a-z0-9]+)\\.c$" "\\1" name ${source})
  if(NOT name IN_LIST y9_set_names)
    message(FATAL_ERROR "${source}: its name ends with no instruction set of src/core/cpu.def")
  endif()
  set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${y9_flags_of_name_${name}}")
endforeach()
