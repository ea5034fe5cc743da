/* JSON: what is read, dumped and read again must be equal. */
#include "target.h"

#include "formats/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct json_limits limits = {.bytes = 1 << 20, .values = 10000, .depth = 16};
    json_t *root, *again;
    if (json_read_memory("fuzz", data, size, &limits, &root) != OK)
        return 0;
    char *text = json_dumps(root, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!text || json_read_memory("again", text, strlen(text), NULL, &again) != OK || !json_equal(root, again))
        abort();
    json_decref(again);
    json_decref(root);
    free(text);
    return 0;
}
