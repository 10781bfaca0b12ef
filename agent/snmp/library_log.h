/*
 * What Net-SNMP has to say, in our log: no more of it than others' lines have room beside.
 *
 * Of some datagrams that anybody may send it says a line each. On the SNMP thread.
 */
#ifndef NORIA_SNMP_LIBRARY_LOG_H
#define NORIA_SNMP_LIBRARY_LOG_H

/** Take Net-SNMP's lines; before init_agent(), again after each shutdown. */
void snmp_library_log_register(void);

/** Say how many lines were left out, if it is time to; to be called every few seconds. */
void snmp_library_log_tell(void);

#endif
