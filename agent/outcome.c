/*
 * Outcomes and errors.
 */
#include "agent/outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/yang_string.h"

static enum outcome record(struct error *err, enum outcome outcome, enum error_tag tag,
                           const char *path, const char *format, va_list args)
{
    if (!err || err->outcome != DONE)
        return outcome;
    err->outcome = outcome;
    err->tag = tag;
    err->path = path ? strdup(path) : NULL;
    if (vasprintf(&err->message, format, args) < 0)
        err->message = NULL;
    else
        yang_string_mend(err->message); /* libyang quotes bytes of what it could not read */
    return outcome;
}

enum outcome refuse(struct error *err, enum error_tag tag, const char *path, const char *format,
                    ...)
{
    va_list args;
    va_start(args, format);
    record(err, REFUSED, tag, path, format, args);
    va_end(args);
    return REFUSED;
}

enum outcome fail(struct error *err, enum error_tag tag, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(err, FAILED, tag, path, format, args);
    va_end(args);
    return FAILED;
}

enum outcome fail_memory(struct error *err)
{
    return fail(err, TAG_RESOURCE_DENIED, NULL, "Out of memory.");
}

void error_set_app_tag(struct error *err, const char *app_tag)
{
    if (err && !err->app_tag && app_tag)
        err->app_tag = strdup(app_tag);
}

void error_move(struct error *to, struct error *from)
{
    error_clear(to);
    *to = *from;
    *from = (struct error){0};
}

void error_clear(struct error *err)
{
    if (!err)
        return;
    free(err->path);
    free(err->app_tag);
    free(err->message);
    free(err->element);
    free(err->detail);
    *err = (struct error){0};
}

const char *error_message(const struct error *err)
{
    return err->message ? err->message : "The operation could not be done.";
}

const char *error_tag_name(enum error_tag tag)
{
    static const char *const names[] = {
        [TAG_OPERATION_FAILED] = "operation-failed",
        [TAG_IN_USE] = "in-use",
        [TAG_INVALID_VALUE] = "invalid-value",
        [TAG_MISSING_ATTRIBUTE] = "missing-attribute",
        [TAG_BAD_ATTRIBUTE] = "bad-attribute",
        [TAG_UNKNOWN_ATTRIBUTE] = "unknown-attribute",
        [TAG_MISSING_ELEMENT] = "missing-element",
        [TAG_BAD_ELEMENT] = "bad-element",
        [TAG_UNKNOWN_ELEMENT] = "unknown-element",
        [TAG_UNKNOWN_NAMESPACE] = "unknown-namespace",
        [TAG_ACCESS_DENIED] = "access-denied",
        [TAG_LOCK_DENIED] = "lock-denied",
        [TAG_RESOURCE_DENIED] = "resource-denied",
        [TAG_ROLLBACK_FAILED] = "rollback-failed",
        [TAG_DATA_EXISTS] = "data-exists",
        [TAG_DATA_MISSING] = "data-missing",
        [TAG_OPERATION_NOT_SUPPORTED] = "operation-not-supported",
    };
    return names[tag];
}
