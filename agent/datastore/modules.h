/*
 * The files of YANG modules, for libyang: each folder is listed once and each file read once, where
 * libyang lists all folders, and looks at each of their files, for every module.
 *
 * A value of the thread that loads the schema.
 */
#ifndef NORIA_DATASTORE_MODULES_H
#define NORIA_DATASTORE_MODULES_H

#include <libyang/libyang.h>
#include <stdbool.h>

/** The files, and the texts of those that were asked for. */
struct modules;

/**
 * List the files of some folders.
 * @param search Folders, ended by NULL; those that cannot be listed are passed over.
 * @return To be freed with modules_free(), NULL for want of memory.
 */
struct modules *modules_new(const char *const *search);

/** Free them; NULL is legal. */
void modules_free(struct modules *modules);

/**
 * Give libyang the text of a module or submodule (ly_ctx_set_module_imp_clb()).
 * @param arg The modules, which have to be there as long as the text.
 * @return LY_ENOTFOUND: there is none, or it takes a look into files to know which; libyang does.
 */
LY_ERR modules_give(const char *name, const char *revision, const char *submodule,
                    const char *submodule_revision, void *arg, LYS_INFORMAT *format,
                    const char **text, ly_module_imp_data_free_clb *free_text);

/** The text that was given for a module, or NULL. Borrowed. */
const char *modules_text(const struct modules *modules, const struct lys_module *module);

#endif
