# noria-import: a library and a page of main.c, as the daemon is, so that tests link the real thing.
file(GLOB import_sources CONFIGURE_DEPENDS clients/import/*.c)
list(REMOVE_ITEM import_sources ${CMAKE_SOURCE_DIR}/clients/import/main.c)
add_library(noria_import STATIC ${import_sources})
target_link_libraries(noria_import PUBLIC noria m)
# Tables of keywords leave out what does not apply.
target_compile_options(noria_import PRIVATE -Wno-missing-field-initializers)
add_executable(noria-import clients/import/main.c)
target_link_libraries(noria-import PRIVATE noria_import)
install(TARGETS noria-import DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES dist/noria-import.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
