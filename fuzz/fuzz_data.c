/* Dataset YAML: opened, not followed. What is accepted has names for all its classes. */
#include "target.h"

#include "data/dataset.h"
#include "input_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dataset_yaml yaml;
    if (dataset_yaml_open(input_file("data.yaml", data, size), &yaml) != OK)
        return 0;
    if (yaml.nc < 0 || yaml.key_points < 0 || yaml.key_values < 0)
        abort();
    for (int i = 0; i < yaml.nc; i++) {
        if (!yaml.names[i])
            abort();
    }
    dataset_yaml_close(&yaml);
    return 0;
}
