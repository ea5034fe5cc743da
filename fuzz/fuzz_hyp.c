/* Hyper-parameter files: what is accepted is written and read again with the same values. */
#include "target.h"

#include "core/log.h"
#include "formats/yaml.h"
#include "input_file.h"
#include "train/hyper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hyper first = hyper_default(), again = hyper_default();
    uint64_t given = 0;
    struct yaml_writer w;
    struct buf text = {0};
    struct yaml doc;
    log_set_level(LOG_QUIET); /* keys that stand twice or mean nothing are told */
    if (hyper_read(input_file("hyp.yaml", data, size), &first, &given) != OK) {
        struct hyper untouched = hyper_default();
        if (memcmp(&first, &untouched, sizeof first) != 0)
            abort();
        return 0;
    }
    yaml_begin(&w, &text);
    yaml_begin_map(&w, NULL, false);
    hyper_put(&first, &w);
    yaml_end(&w);
    if (yaml_finish(&w) != OK || yaml_open_memory("again", text.data, text.size, &doc) != OK ||
        hyper_read_map(doc.root, &again) != OK || memcmp(&first, &again, sizeof first) != 0)
        abort();
    yaml_close(&doc);
    buf_free(&text);
    return 0;
}
