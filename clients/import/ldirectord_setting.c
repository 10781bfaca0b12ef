/*
 * Settings of a section of ldirectord's configuration.
 */
#include <string.h>

#include "clients/import/ldirectord.h"

const struct setting *ldirectord_setting(const struct section *section, const char *key)
{
    for (; section; section = section->all)
        for (size_t i = section->count; i > 0; i--)
            if (!strcmp(section->settings[i - 1].key, key))
                return &section->settings[i - 1];
    return NULL;
}

const char *ldirectord_value(const struct section *section, const char *key, const char *fallback)
{
    const struct setting *setting = ldirectord_setting(section, key);
    return setting ? setting->value : fallback;
}
