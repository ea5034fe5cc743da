# cmake --install: the library, static and shared, its header, the program, tables of networks, and files for pkg-config
# (cc app.c $(pkg-config --cflags --libs yolo9)) and for CMake (find_package(yolo9), yolo9::yolo9).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(Y9_CMAKE_FOLDER ${CMAKE_INSTALL_LIBDIR}/cmake/yolo9)
set(Y9_INSTALLED yolo9_static)
if(YOLO9_SHARED)
  list(APPEND Y9_INSTALLED yolo9_shared)
endif()
install(TARGETS ${Y9_INSTALLED} EXPORT yolo9Targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT yolo9Targets NAMESPACE yolo9:: DESTINATION ${Y9_CMAKE_FOLDER})
configure_package_config_file(cmake/yolo9Config.cmake.in yolo9Config.cmake INSTALL_DESTINATION ${Y9_CMAKE_FOLDER})
write_basic_package_version_file(yolo9ConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/yolo9Config.cmake ${CMAKE_CURRENT_BINARY_DIR}/yolo9ConfigVersion.cmake
        DESTINATION ${Y9_CMAKE_FOLDER})
install(FILES include/yolo9.h TYPE INCLUDE)
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/yolo9/models FILES_MATCHING PATTERN "*.yaml")

set(Y9_PC_FOLDER ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH Y9_PC_TO_PREFIX /prefix/${Y9_PC_FOLDER} /prefix) # the folders can be moved as a whole
set(Y9_PC_REQUIRES "")
if(NOT YOLO9_SELF_CONTAINED)
  list(JOIN Y9_NEEDED " " Y9_PC_REQUIRES)
endif()
string(REGEX REPLACE "(^|;)-?l?([^;]+)" " -l\\2" Y9_PC_LIBS "${Y9_SYSTEM}")
configure_file(cmake/yolo9.pc.in yolo9.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/yolo9.pc DESTINATION ${Y9_PC_FOLDER})
