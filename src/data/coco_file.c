/* Members of a COCO annotation file that must be there. */
#include "data/coco.h"
#include "formats/json.h"

enum status coco_list(const struct annotations *a, const char *key, const json_t **list)
{
    *list = json_object_get(a->root, key);
    if (!json_is_array(*list))
        return fail(E_FORMAT, "%s: it has no list '%s'; is it a COCO annotation file?", a->file, key);
    return OK;
}

enum status coco_id(const struct annotations *a, const json_t *object, const char *what, size_t index, const char *key,
                    int64_t *id)
{
    const json_t *value = json_object_get(object, key);
    if (!json_whole_number(value, id) || *id < 0)
        return fail(E_FORMAT, "%s: %s[%zu] has no whole number '%s'", a->file, what, index, key);
    return OK;
}
