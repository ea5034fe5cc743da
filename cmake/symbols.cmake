# The library for other programs: one relocatable object with what the functions of include/yolo9.h need of ours, in which
# every other name is local; libyolo9.a holds it, libyolo9.so is linked of it. So a program may have functions of its own
# called detect, sigmoid or fail. (Hidden visibility alone would not do: inside an archive hidden names are still global.)
if(NOT CMAKE_OBJCOPY)
  message(FATAL_ERROR "objcopy (binutils) is needed: it makes names local that are not of the library's interface")
endif()
set(Y9_ARCHIVES "")
set(Y9_LINKED yaml z jansson ${Y9_SYSTEM}) # what a program that links libyolo9.a links too
set(Y9_RENAME "")
if(YOLO9_SELF_CONTAINED)
  foreach(name yaml z jansson)
    find_library(Y9_ARCHIVE_${name} lib${name}.a REQUIRED)
    mark_as_advanced(Y9_ARCHIVE_${name})
    list(APPEND Y9_ARCHIVES ${Y9_ARCHIVE_${name}})
  endforeach()
  set(Y9_LINKED ${Y9_SYSTEM})
  # Archives of a distribution address data directly, which a shared library can do only with its own: jansson's look at
  # stdin (in json_loadf, which nothing here calls) goes to a variable of ours (api/error.c).
  set(Y9_JANSSON ${CMAKE_CURRENT_BINARY_DIR}/jansson.a)
  set(Y9_RENAME COMMAND ${CMAKE_OBJCOPY} --redefine-sym stdin=y9_no_stdin ${Y9_ARCHIVE_jansson} ${Y9_JANSSON})
  list(TRANSFORM Y9_ARCHIVES REPLACE "^${Y9_ARCHIVE_jansson}$" ${Y9_JANSSON})
  target_compile_definitions(y9_api PRIVATE Y9_SELF_CONTAINED)
endif()
set(Y9_ONE_OBJECT ${CMAKE_CURRENT_BINARY_DIR}/yolo9.o)
add_custom_command(
  OUTPUT ${Y9_ONE_OBJECT}
  ${Y9_RENAME}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${Y9_ONE_OBJECT} $<TARGET_OBJECTS:y9_api> $<TARGET_FILE:y9> ${Y9_ARCHIVES}
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=yolo9_* ${Y9_ONE_OBJECT}
  DEPENDS y9 y9_api $<TARGET_OBJECTS:y9_api>
  COMMAND_EXPAND_LISTS
  VERBATIM)
add_custom_target(y9_one_object DEPENDS ${Y9_ONE_OBJECT})
set_source_files_properties(${Y9_ONE_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

function(y9_library target kind)
  add_library(${target} ${kind} ${Y9_ONE_OBJECT})
  add_dependencies(${target} y9_one_object)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME yolo9 LINKER_LANGUAGE C)
  target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:y9_inside> ${Y9_LINKED})
endfunction()

y9_library(yolo9_static STATIC)
set_target_properties(yolo9_static PROPERTIES EXPORT_NAME static)
add_library(yolo9::yolo9 ALIAS yolo9_static)
if(YOLO9_SHARED)
  y9_library(yolo9_shared SHARED)
  set(map ${CMAKE_CURRENT_SOURCE_DIR}/cmake/yolo9.map)
  set_target_properties(yolo9_shared PROPERTIES EXPORT_NAME shared VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                        LINK_DEPENDS ${map})
  target_link_options(yolo9_shared PRIVATE LINKER:--version-script=${map} LINKER:--as-needed LINKER:-z,relro,-z,now)
endif()
