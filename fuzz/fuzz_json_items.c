/* A JSON array element by element: it has the elements that the whole text has. */
#include "target.h"

#include "formats/json.h"
#include "formats/json_items.h"

#include <stdlib.h>

/* The elements of `whole`, or, where it is NULL, as many as come before the fault. */
static void walk(const uint8_t *data, size_t size, const json_t *whole)
{
    struct json_items items;
    json_t *item = NULL;
    size_t n = 0;
    enum status rc = json_items_open_memory("items", data, size, &items);
    while (rc == OK && (rc = json_items_next(&items, &item)) == OK && item) {
        if (whole && !json_equal(item, json_array_get(whole, n)))
            abort();
        json_decref(item);
        n++;
    }
    if (whole && (rc != OK || n != json_array_size(whole)))
        abort();
    json_items_close(&items);
    if (rc == OK && json_items_open_memory("items", data, size, &items) == OK) {
        size_t count = 0;
        if (json_items_count(&items, &count) != OK || count != n)
            abort();
        json_items_close(&items);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct json_limits limits = {.bytes = 1 << 20, .values = 10000, .depth = 60};
    json_t *whole = NULL;
    if (json_read_memory("fuzz", data, size, &limits, &whole) != OK || json_is_array(whole))
        walk(data, size, whole);
    json_decref(whole);
    return 0;
}
