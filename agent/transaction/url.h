/*
 * Configurations in files that a client names by URL (RFC 6241, 8.8).
 *
 * "file:///NAME" is a file below the folder /noria-agent:netconf-server/url-directory, and nothing
 * else can be named: no "..", no name that begins with a dot, no symbolic link on the way, regular
 * files alone. Any thread.
 */
#ifndef NORIA_TRANSACTION_URL_H
#define NORIA_TRANSACTION_URL_H

#include "agent/agent.h"

/** The largest file that is read. */
#define URL_FILE_MAX ((size_t)256 << 20)

/**
 * Read a configuration.
 * @param[out] owner What holds the data; to be freed with lyd_free_all().
 * @param[out] config First top-level node; NULL is an empty configuration.
 */
enum outcome url_read(struct agent *agent, const char *url, struct lyd_node **owner,
                      struct lyd_node **config, struct error *err);

/** Write a configuration, mode 0600, durable on return; a file that is there is replaced. */
enum outcome url_write(struct agent *agent, const char *url, const struct snapshot *snapshot,
                       struct error *err);

/** Remove a file; one that is not there is refused (data-missing). */
enum outcome url_delete(struct agent *agent, const char *url, struct error *err);

#endif
