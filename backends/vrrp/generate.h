/*
 * From configuration to keepalived.conf(5): a function of validated entries. Any thread.
 *
 * The model's patterns let no character into a value that means something to keepalived's parser;
 * every word that an operator chose is in quotes all the same.
 */
#ifndef NORIA_VRRP_GENERATE_H
#define NORIA_VRRP_GENERATE_H

#include "backends/vrrp/configured.h"
#include "backends/vrrp/memo.h"
#include "backends/vrrp/slice.h"

/** What was generated. */
struct vrrp_text {
    char *text;       /**< Owned. */
    size_t length;    /**< Without the zero at its end. */
    size_t instances; /**< How many are enabled; if none, keepalived need not run. */
};

/**
 * Generate the configuration.
 * @param folder Where the FIFO and the agent's own tracked files are (files.h).
 * @param memo For the same schema and folder each time: what it was the last time saves work. May
 *        be NULL.
 * @param[out] text To be freed with vrrp_text_clear().
 * @return REFUSED, with the path, for what YANG cannot rule out and keepalived cannot do: an
 *         instance in two groups, an address that two instances place.
 */
enum outcome vrrp_generate(const struct schema *schema, const struct snapshot *snapshot,
                           const char *folder, struct vrrp_memo *memo, struct vrrp_text *text,
                           struct error *err);

/**
 * Generate a part of the configuration, to be tried: without what is static and without the
 * instances that are not in the slice. Of a snapshot that vrrp_generate() has not refused.
 */
enum outcome vrrp_generate_slice(const struct schema *schema, const struct snapshot *snapshot,
                                 const char *folder, const struct vrrp_slice *slice,
                                 struct vrrp_text *text, struct error *err);

/** Write a text to a file, for root alone. @return false with errno. */
bool vrrp_text_write(const struct vrrp_text *text, const char *path);

/** Free what a text owns, and empty it. */
void vrrp_text_clear(struct vrrp_text *text);

#endif
