/*
 * Command lines: a program and its arguments in one text. Functions of values; any thread.
 */
#ifndef NORIA_COMMAND_LINE_H
#define NORIA_COMMAND_LINE_H

#include <stddef.h>

/**
 * The words of a command line: blanks are between them, and in quotes (' or ") they are not.
 * @param[out] count How many, or NULL.
 * @return Ended by NULL; to be freed by one free(). NULL for want of memory.
 */
char **command_line_split(const char *text, size_t *count);

#endif
