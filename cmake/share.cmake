# Manual pages and shell completions, written by the program itself from the tables of its verbs: share/ in the build's
# folder. A build for another machine without an emulator goes without them.
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  return()
endif()

set(Y9_SHARE ${CMAKE_CURRENT_BINARY_DIR}/share)
set(Y9_BASH ${Y9_SHARE}/bash-completion/completions/yolo9)
set(Y9_ZSH ${Y9_SHARE}/zsh/site-functions/_yolo9)
set(Y9_FISH ${Y9_SHARE}/fish/vendor_completions.d/yolo9.fish)
file(STRINGS src/cli/verbs.def Y9_VERBS REGEX "^VERB\\(")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS src/cli/verbs.def)
set(Y9_PAGES yolo9.1)
set(Y9_PAGE_COMMANDS COMMAND yolo9 help --format man > ${Y9_SHARE}/man/man1/yolo9.1)
foreach(line ${Y9_VERBS})
  string(REGEX REPLACE "VERB\\(([a-z_]+)\\).*" "\\1" verb ${line})
  list(APPEND Y9_PAGES yolo9-${verb}.1)
  list(APPEND Y9_PAGE_COMMANDS COMMAND yolo9 help ${verb} --format man > ${Y9_SHARE}/man/man1/yolo9-${verb}.1)
endforeach()
file(STRINGS src/cli/figure.def Y9_FIGURES REGEX "^FIGURE\\(")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS src/cli/figure.def)
foreach(line ${Y9_FIGURES})
  string(REGEX REPLACE "FIGURE\\(([a-z_]+)\\).*" "\\1" figure ${line})
  list(APPEND Y9_PAGES yolo9-figure-${figure}.1)
  list(APPEND Y9_PAGE_COMMANDS COMMAND yolo9 help figure ${figure} --format man > ${Y9_SHARE}/man/man1/yolo9-figure-${figure}.1)
endforeach()
list(TRANSFORM Y9_PAGES PREPEND ${Y9_SHARE}/man/man1/)

foreach(file ${Y9_BASH} ${Y9_ZSH} ${Y9_FISH} ${Y9_SHARE}/man/man1/yolo9.1)
  get_filename_component(folder ${file} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
endforeach()
add_custom_command(OUTPUT ${Y9_PAGES} ${Y9_BASH} ${Y9_ZSH} ${Y9_FISH}
                   ${Y9_PAGE_COMMANDS}
                   COMMAND yolo9 help --format bash > ${Y9_BASH}
                   COMMAND yolo9 help --format zsh > ${Y9_ZSH}
                   COMMAND yolo9 help --format fish > ${Y9_FISH}
                   DEPENDS yolo9 VERBATIM COMMENT "Manual pages and completions")
add_custom_target(share ALL DEPENDS ${Y9_PAGES} ${Y9_BASH} ${Y9_ZSH} ${Y9_FISH})
if(YOLO9_INSTALL)
  include(GNUInstallDirs)
  install(DIRECTORY ${Y9_SHARE}/bash-completion ${Y9_SHARE}/zsh ${Y9_SHARE}/fish DESTINATION ${CMAKE_INSTALL_DATADIR})
  install(DIRECTORY ${Y9_SHARE}/man/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
endif()
