/* A bare pickle: read, told as YAML, and asked for numbers. */
#include "target.h"

#include "formats/pickle_yaml.h"
#include "formats/torch_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pickle pickle;
    struct buf text = {0};
    double number;
    if (pickle_read("fuzz", data, size, &pickle) == OK) {
        if (!pickle.root || pickle.memory > (1 << 20) + 64 * size)
            abort();
        pickle_to_yaml(pickle.root, &text);
        torch_number(pickle.root, &number);
        pickle_attribute(pickle.root, "_modules");
    }
    buf_free(&text);
    pickle_free(&pickle);
    return 0;
}
