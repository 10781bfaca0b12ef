# What 'cmake --install' puts where.
install(TARGETS noriad DESTINATION ${CMAKE_INSTALL_SBINDIR})
install(DIRECTORY yang/ DESTINATION ${CMAKE_INSTALL_DATADIR}/noria/yang
  FILES_MATCHING PATTERN "*.yang")
file(READ mibs/NORIA-MIB.txt mib)
string(REPLACE "enterprises 32473" "enterprises ${NORIA_ENTERPRISE}" mib "${mib}")
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/mibs/NORIA-MIB.txt CONTENT "${mib}" @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/mibs/NORIA-MIB.txt DESTINATION ${CMAKE_INSTALL_DATADIR}/snmp/mibs)
install(FILES dist/noriad.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
configure_file(dist/noriad.service.in ${CMAKE_BINARY_DIR}/noriad.service @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/noriad.service DESTINATION lib/systemd/system)

# It may hold a user's keys, and an operator's own must stay.
install(CODE "
  set(file \"\$ENV{DESTDIR}${CMAKE_INSTALL_FULL_SYSCONFDIR}/noria/noria.xml\")
  if(NOT EXISTS \"\${file}\")
    file(INSTALL \"${CMAKE_SOURCE_DIR}/dist/noria.xml\"
         DESTINATION \"${CMAKE_INSTALL_FULL_SYSCONFDIR}/noria\"
         PERMISSIONS OWNER_READ OWNER_WRITE)
  endif()")

# Where Debian's munin-node looks for plugins.
foreach(plugin virtual_servers real_servers health agent)
  configure_file(clients/munin/snmp__noria_${plugin}.in
    ${CMAKE_BINARY_DIR}/munin/snmp__noria_${plugin} @ONLY
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
  install(PROGRAMS ${CMAKE_BINARY_DIR}/munin/snmp__noria_${plugin}
    DESTINATION ${CMAKE_INSTALL_DATADIR}/munin/plugins)
endforeach()
