# cmake --install: the archive, its header, the program, and a pkg-config file: cc app.c $(pkg-config --cflags --libs yolo9).
include(GNUInstallDirs)
install(TARGETS yolo9_library)
install(FILES include/yolo9.h TYPE INCLUDE)
set(Y9_PC_FOLDER ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH Y9_PC_TO_PREFIX /prefix/${Y9_PC_FOLDER} /prefix) # the folders can be moved as a whole
list(JOIN Y9_PACKAGES " " Y9_PC_REQUIRES) # not Requires.private: there is only an archive
string(REGEX REPLACE "(^|;)-?l?([^;]+)" " -l\\2" Y9_PC_LIBS "gif;${Y9_SYSTEM}")
configure_file(cmake/yolo9.pc.in yolo9.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/yolo9.pc DESTINATION ${Y9_PC_FOLDER})
