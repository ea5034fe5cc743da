/* Results files of any tool, scored on three pictures: the numbers are shares. */
#include "target.h"

#include "eval/results.h"
#include "input_file.h"

static struct dataset_yaml yaml;
static struct dataset *dataset;

static void load(void)
{
    static const char words[] = "names: [disc, cross]\nval: truth.json\ntrain: truth.json\n";
    static const char truth[] =
        "{\"images\": [{\"id\": 1, \"file_name\": \"a/x.jpg\", \"width\": 64, \"height\": 48},"
        "{\"id\": 2, \"file_name\": \"b/x.jpg\", \"width\": 64, \"height\": 48},"
        "{\"id\": 7, \"file_name\": \"y.jpg\", \"width\": 32, \"height\": 32}],"
        "\"categories\": [{\"id\": 3, \"name\": \"disc\"}, {\"id\": 5, \"name\": \"cross\"}],"
        "\"annotations\": [{\"image_id\": 1, \"category_id\": 3, \"bbox\": [1, 2, 30, 20], \"area\": 600},"
        "{\"image_id\": 7, \"category_id\": 5, \"bbox\": [4, 4, 8, 8], \"area\": 64, \"iscrowd\": 1}]}";
    const struct dataset_options options = {.no_cache = true, .no_pixels = true};
    input_file("truth.json", truth, sizeof truth - 1);
    if (dataset_yaml_open(input_file("data.yaml", words, sizeof words - 1), &yaml) != OK ||
        dataset_load(&yaml, SPLIT_VAL, &options, &dataset) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct evaluation_config config = {.coco = true};
    struct results_left left = {0};
    struct evaluation e;
    struct evaluation_result result;
    if (!dataset)
        load();
    const struct results_options options = {.max_det = 5,
                                            .category_ids = results_category_ids(&yaml, SPLIT_VAL, dataset)};
    if (evaluation_init(&e, dataset->nc, &config) != OK)
        abort();
    if (results_evaluate(input_file("boxes.json", data, size), dataset, &options, &e, &left) == OK) {
        if (evaluation_finish(&e, &result) != OK || !(result.official.map50 >= 0 && result.official.map50 <= 1))
            abort();
        evaluation_result_free(&result);
    }
    mem_free(left.example);
    evaluation_free(&e);
    return 0;
}
