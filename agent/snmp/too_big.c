/*
 * Answers that are larger than the manager takes.
 *
 * Two of Net-SNMP's functions are replaced here, which its agent library calls with what it has to
 * answer; their places are known from its headers. On the SNMP thread.
 */
#include <net-snmp/net-snmp-config.h>

#include <dlfcn.h>
#include <net-snmp/net-snmp-includes.h>
#include <stdbool.h>
#include <stdlib.h>

static bool is_too_long(const netsnmp_session *session)
{
    return session && session->s_snmp_errno == SNMPERR_TOO_LONG;
}

/* --- what is not GETBULK's --- */

/* Without variables, unless it is of version 1 (RFC 3416, 4.2.1; RFC 1157, 4.1.2). */
static void make_too_big(netsnmp_pdu *pdu)
{
    snmp_free_varbind(pdu->variables);
    pdu->variables = NULL;
    pdu->errstat = SNMP_ERR_TOOBIG;
    pdu->errindex = 0;
}

/*
 * Net-SNMP answers tooBig with the variables of the request. If that is too large, too, it sends
 * nothing, and the manager waits in vain.
 */
int snmp_send(netsnmp_session *session, netsnmp_pdu *pdu)
{
    static int (*send_by_library)(netsnmp_session * session, netsnmp_pdu * pdu);

    if (!send_by_library)
        *(void **)&send_by_library = dlsym(RTLD_NEXT, "snmp_send");
    bool answer = pdu->command == SNMP_MSG_RESPONSE;
    if (answer && pdu->errstat == SNMP_ERR_TOOBIG && pdu->version != SNMP_VERSION_1)
        make_too_big(pdu);
    int sent = send_by_library(session, pdu);
    if (sent || !answer || !is_too_long(session))
        return sent;
    make_too_big(pdu);
    return send_by_library(session, pdu);
}

/* --- what is GETBULK's --- */

typedef int (*build_function)(struct session_list *session, netsnmp_pdu *pdu, int bulk);

/* Build an answer of the first variables alone. The others are left where they are. */
static int build_first(build_function build, struct session_list *session, netsnmp_pdu *pdu,
                       netsnmp_variable_list **variables, size_t count)
{
    netsnmp_variable_list **end = count ? &variables[count - 1]->next_variable : &pdu->variables;
    netsnmp_variable_list *rest = *end;

    *end = NULL;
    int status = build(session, pdu, 0);
    *end = rest;
    return status;
}

/* As many of the variables as fit. @return As build; tooBig if not even one does. */
static int build_some(build_function build, struct session_list *session, netsnmp_pdu *pdu,
                      netsnmp_variable_list **variables, size_t count)
{
    size_t fit = 0, too_many = count;

    while (too_many - fit > 1) {
        size_t middle = fit + (too_many - fit) / 2;
        int status = build_first(build, session, pdu, variables, middle);
        if (status == SNMPERR_SUCCESS)
            fit = middle;
        else if (is_too_long(snmp_sess_session(session)))
            too_many = middle;
        else
            return status;
    }
    if (fit == 0)
        return build(session, pdu, 0);
    snmp_free_varbind(variables[fit]);
    variables[fit - 1]->next_variable = NULL;
    return build(session, pdu, 0);
}

/*
 * Net-SNMP 5.9 leaves variables out until a message of version 3 has SNMP_MAX_MSG_SIZE octets at
 * most, and does so for ever if the manager takes fewer.
 */
int _build_initial_pdu_packet(struct session_list *session, netsnmp_pdu *pdu, int bulk)
{
    static build_function build;
    size_t count = 0;

    if (!build)
        *(void **)&build = dlsym(RTLD_NEXT, "_build_initial_pdu_packet");
    if (!bulk || pdu->version != SNMP_VERSION_3)
        return build(session, pdu, bulk);
    pdu->flags &= ~(UCD_MSG_FLAG_FORWARD_ENCODE | UCD_MSG_FLAG_BULK_TOOBIG);
    int status = build(session, pdu, 0);
    if (status == SNMPERR_SUCCESS || !is_too_long(snmp_sess_session(session)))
        return status;
    for (netsnmp_variable_list *at = pdu->variables; at; at = at->next_variable)
        count++;
    netsnmp_variable_list **variables = calloc(count + 1, sizeof(*variables));
    if (!variables)
        return status;
    count = 0;
    for (netsnmp_variable_list *at = pdu->variables; at; at = at->next_variable)
        variables[count++] = at;
    if (count)
        status = build_some(build, session, pdu, variables, count);
    free(variables);
    return status;
}
