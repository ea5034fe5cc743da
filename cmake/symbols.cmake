# libyolo9.a for other programs: one relocatable object with what the functions of include/yolo9.h need of the library, in
# which every other name is local. So a program may have functions of its own called detect, sigmoid or fail. (Hidden
# visibility alone would not do: inside an archive hidden names are still global.)
if(NOT CMAKE_OBJCOPY)
  message(FATAL_ERROR "objcopy (binutils) is needed: it makes names local that are not of the library's interface")
endif()
set(Y9_ONE_OBJECT ${CMAKE_CURRENT_BINARY_DIR}/yolo9.o)
add_custom_command(
  OUTPUT ${Y9_ONE_OBJECT}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${Y9_ONE_OBJECT} $<TARGET_OBJECTS:y9_api> $<TARGET_FILE:y9>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=yolo9_* ${Y9_ONE_OBJECT}
  DEPENDS y9 y9_api $<TARGET_OBJECTS:y9_api>
  COMMAND_EXPAND_LISTS
  VERBATIM)
add_library(yolo9_library STATIC ${Y9_ONE_OBJECT})
add_library(yolo9::yolo9 ALIAS yolo9_library)
set_source_files_properties(${Y9_ONE_OBJECT} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
set_target_properties(yolo9_library PROPERTIES OUTPUT_NAME yolo9 LINKER_LANGUAGE C)
target_include_directories(yolo9_library INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>)
target_link_libraries(yolo9_library PRIVATE $<BUILD_INTERFACE:y9_inside> PkgConfig::YOLO9_DEPS ${GIF_LIBRARIES} ${Y9_SYSTEM})
