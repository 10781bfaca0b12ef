/*
 * The text of a keepalived.conf(5) as statements: a line's words, and the block that it opens.
 *
 * Comments, quotes, lines that go on, definitions ($NAME=...), conditional lines (@ID), and
 * repeated ones (~SEQ, ~LST) and included files are dealt with here. What is not (random numbers)
 * is noted.
 */
#ifndef NORIA_IMPORT_KEEPALIVED_READ_H
#define NORIA_IMPORT_KEEPALIVED_READ_H

#include "clients/import/import.h"

/** A line, and its block. */
struct statement {
    struct place place;
    char **words; /**< At least one, ended by NULL. Owned. */
    size_t count;
    bool block;              /**< Whether it opens a block. */
    struct statement *child; /**< The block's first statement. Owned. */
    struct statement *next;  /**< Owned. */
};

/**
 * Read a text and the files that it includes.
 * @param[out] first To be freed with statements_free().
 * @return REFUSED if a block has no end or no begin.
 */
enum outcome keepalived_read(struct import *import, const char *text, const char *file,
                             struct statement **first, struct error *err);

/** Free statements; NULL is legal. */
void statements_free(struct statement *first);

#endif
