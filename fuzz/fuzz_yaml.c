/* YAML: what is read, written again and read again must be the same tree. */
#include "target.h"

#include "core/log.h"
#include "formats/yaml.h"
#include "formats/yaml_write.h"

#include <stdlib.h>
#include <string.h>

static void write_node(struct yaml_writer *w, const char *key, const struct yaml_node *node)
{
    if (node->type == YAML_MAP)
        yaml_begin_map(w, key, node->line % 2);
    else if (node->type == YAML_LIST)
        yaml_begin_list(w, key, node->line % 2);
    else
        yaml_put_string(w, key, node->text);
    for (int i = 0; i < node->count; i++)
        write_node(w, node->keys ? node->keys[i]->text : NULL, node->items[i]);
    if (node->type == YAML_MAP || node->type == YAML_LIST)
        yaml_end(w);
}

static void compare(const struct yaml_node *a, const struct yaml_node *b)
{
    enum yaml_type kept = a->type == YAML_MAP || a->type == YAML_LIST ? a->type : YAML_STRING;
    if (b->type != kept || a->count != b->count || (kept == YAML_STRING && strcmp(a->text, b->text) != 0))
        abort();
    for (int i = 0; i < a->count; i++) {
        if (a->keys && strcmp(a->keys[i]->text, b->keys[i]->text) != 0)
            abort();
        compare(a->items[i], b->items[i]);
    }
}

static void ask(const struct yaml_node *node)
{
    int i;
    double d;
    bool b;
    const char *s;
    yaml_get_int(node, "value", -5, 5, &i);
    yaml_get_double(node, "value", &d);
    yaml_get_bool(node, "value", &b);
    yaml_get_string(node, "value", &s);
    yaml_find(node, "nc");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml doc, again;
    struct yaml_writer w;
    struct buf text = {0};
    log_set_level(LOG_QUIET); /* keys that stand twice are warned of */
    if (yaml_open_memory("fuzz", data, size, &doc) != OK)
        return 0;
    ask(doc.root);
    for (int i = 0; i < doc.root->count; i++)
        ask(doc.root->items[i]);
    yaml_begin(&w, &text);
    write_node(&w, NULL, doc.root);
    if (yaml_finish(&w) != OK || yaml_open_memory("again", text.data, text.size, &again) != OK)
        abort();
    if (again.n_repeated)
        abort();
    compare(doc.root, again.root);
    yaml_close(&again);
    yaml_close(&doc);
    buf_free(&text);
    return 0;
}
