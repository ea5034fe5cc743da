# ONNX export writes protobuf messages of Debian's onnx.proto (libonnx-dev), compiled by protoc-c.
find_program(PROTOC_C protoc-c REQUIRED)
find_file(ONNX_PROTO onnx/onnx.proto PATHS /usr/include REQUIRED)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated) # make, unlike ninja, does not
set(Y9_ONNX_SOURCES ${PROJECT_BINARY_DIR}/generated/onnx.pb-c.c)
get_filename_component(ONNX_FOLDER ${ONNX_PROTO} DIRECTORY)
add_custom_command(
  OUTPUT ${PROJECT_BINARY_DIR}/generated/onnx.pb-c.c ${PROJECT_BINARY_DIR}/generated/onnx.pb-c.h
  COMMAND ${PROTOC_C} --proto_path=${ONNX_FOLDER} --c_out=${PROJECT_BINARY_DIR}/generated ${ONNX_FOLDER}/onnx.proto
  DEPENDS ${ONNX_PROTO}
  VERBATIM)
set_source_files_properties(${PROJECT_BINARY_DIR}/generated/onnx.pb-c.c PROPERTIES COMPILE_OPTIONS "-w")
