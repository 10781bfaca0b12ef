/*
 * The files of YANG modules.
 */
#include "agent/datastore/modules.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/array.h"
#include "agent/datastore/file.h"

#define ENDING ".yang"
#define REVISION_SIZE 10 /* of "2013-07-15" */

/* A file "name.yang" or "name@2013-07-15.yang". */
struct module_file {
    char *path;
    const char *name; /* in the path */
    size_t length;    /* of the name of the module */
    bool dated;       /* the revision follows it */
    char *text;       /* or NULL, as long as nobody wants it */
};

struct modules {
    struct module_file *files; /* in the order of the folders */
    size_t count, room;
};

static bool add(struct modules *modules, const char *folder, const char *name)
{
    size_t length = strlen(name), ending = strlen(ENDING);
    char *path;
    if (length <= ending || strcmp(name + length - ending, ENDING) != 0)
        return true;
    if (!array_grow(&modules->files, modules->count, &modules->room, sizeof(*modules->files)) ||
        asprintf(&path, "%s/%s", folder, name) < 0)
        return false;
    struct module_file *file = &modules->files[modules->count++];
    *file = (struct module_file){.path = path, .name = path + strlen(folder) + 1};
    file->length = strcspn(file->name, "@");
    file->dated = file->length + 1 + REVISION_SIZE + ending == length;
    if (file->length == length)
        file->length = length - ending;
    return true;
}

static bool list(struct modules *modules, const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *item;
    bool complete = true;
    while (dir && complete && (item = readdir(dir)))
        complete = add(modules, folder, item->d_name);
    if (dir)
        closedir(dir);
    return complete;
}

struct modules *modules_new(const char *const *search)
{
    struct modules *modules = calloc(1, sizeof(*modules));
    bool complete = modules;
    for (; *search && complete; search++)
        complete = list(modules, *search);
    if (complete)
        return modules;
    modules_free(modules);
    return NULL;
}

void modules_free(struct modules *modules)
{
    if (!modules)
        return;
    for (size_t i = 0; i < modules->count; i++) {
        free(modules->files[i].path);
        free(modules->files[i].text);
    }
    free(modules->files);
    free(modules);
}

static const char *revision_of(const struct module_file *file)
{
    return file->name + file->length + 1;
}

/*
 * The file that libyang would take: of the revision that is wanted, or the newest. Where a file's
 * name does not say its revision, only if there is no other.
 */
static struct module_file *find(const struct modules *modules, const char *name,
                                const char *revision)
{
    struct module_file *found = NULL;
    size_t length = strlen(name);
    bool undated = false;
    for (size_t i = 0; i < modules->count; i++) {
        struct module_file *file = &modules->files[i];
        if (file->length != length || memcmp(file->name, name, length) != 0)
            continue;
        if ((!file->dated && found) || undated)
            return NULL;
        undated = !file->dated;
        if (file->dated && revision && strncmp(revision_of(file), revision, REVISION_SIZE) != 0)
            continue;
        if (!found || strncmp(revision_of(file), revision_of(found), REVISION_SIZE) > 0)
            found = file;
    }
    return found;
}

static const char *text_of(struct module_file *file)
{
    size_t size;
    int fd = file->text ? -1 : open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (!file_read(fd, SIZE_MAX, &file->text, &size))
            file->text = NULL;
        close(fd);
    }
    return file->text;
}

LY_ERR modules_give(const char *name, const char *revision, const char *submodule,
                    const char *submodule_revision, void *arg, LYS_INFORMAT *format,
                    const char **text, ly_module_imp_data_free_clb *free_text)
{
    struct module_file *file =
        find(arg, submodule ? submodule : name, submodule ? submodule_revision : revision);
    *text = file ? text_of(file) : NULL;
    *format = LYS_IN_YANG;
    *free_text = NULL; /* it stays ours */
    return *text ? LY_SUCCESS : LY_ENOTFOUND;
}

const char *modules_text(const struct modules *modules, const struct lys_module *module)
{
    const struct module_file *file = find(modules, module->name, module->revision);
    return file ? file->text : NULL;
}
