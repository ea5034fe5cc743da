#include "weights/container.h"

#include "core/buf.h"
#include "core/log.h"
#include "formats/torch_file.h"

#include <string.h>

enum {
    MAX_DEPTH = 4,   /* wrappers in wrappers */
    MAX_VISITS = 48, /* dicts looked into: a pickle may be any graph */
    SHOWN = 12,      /* keys in the sentence of a refusal */
};

/* Keys of a checkpoint under which a network lies, the usual ones first. */
static const char *const network_keys[] = {"model",   "state_dict", "model_state_dict", "net",         "network",
                                           "weights", "params",     "module",           "model_state", "detector"};
/* ... and the average of one: always the better weights. */
static const char *const average_keys[] = {
    "ema",        "model_ema",      "ema_state_dict",       "ema_model",           "params_ema",
    "ema_params", "averaged_model", "model_ema_state_dict", "ema_model_state_dict"};
/* ... and the options of the training. */
static const char *const option_keys[] = {"opt", "train_args", "args", "hyper_parameters"};

/* Wrappers whose only child is the network. */
static const char *const wrapper_children[] = {"module", "_orig_mod"};

/* A dict with tensors under text keys: a state dict (what else is in it is passed over). */
static bool is_state_dict(const struct pickle_value *value)
{
    for (uint32_t i = 0; i < pickle_entries(value); i++) {
        if (pickle_text(value->items[2 * i]) && torch_is_tensor(value->items[2 * i + 1]))
            return true;
    }
    return false;
}

/* An attribute of an object, or an entry of a dict. */
static const struct pickle_value *member(const struct pickle_value *value, const char *key)
{
    return value && value->type == PICKLE_OBJECT ? pickle_attribute(value, key) : pickle_find(value, key);
}

static const struct pickle_value *find_network(const struct pickle_value *value, int depth, int *visits);

static const struct pickle_value *find_by_keys(const struct pickle_value *value, const char *const *keys, int n,
                                               int depth, int *visits)
{
    const struct pickle_value *found = NULL;
    for (int i = 0; i < n && !found; i++) {
        const struct pickle_value *inside = member(value, keys[i]);
        found = inside ? find_network(inside, depth + 1, visits) : NULL;
    }
    return found;
}

static bool is_wrapper_child(const char *name)
{
    for (int i = 0; i < COUNT(wrapper_children); i++) {
        if (!strcmp(name, wrapper_children[i]))
            return true;
    }
    return false;
}

/* A module, out of what DataParallel or torch.compile put around it. */
static const struct pickle_value *unwrap(const struct pickle_value *module)
{
    for (int i = 0; i < MAX_DEPTH; i++) {
        const struct pickle_value *children = pickle_attribute(module, "_modules");
        const char *name = pickle_entries(children) == 1 ? pickle_text(children->items[0]) : NULL;
        if (!name || !is_wrapper_child(name) || children->items[1]->type != PICKLE_OBJECT ||
            !pickle_attribute(children->items[1], "_modules"))
            break;
        module = children->items[1];
    }
    return module;
}

/* The module object or dict of tensors that `value` is or holds. */
static const struct pickle_value *find_network(const struct pickle_value *value, int depth, int *visits)
{
    if (depth > MAX_DEPTH || ++*visits > MAX_VISITS)
        return NULL;
    if (value->type == PICKLE_OBJECT && pickle_attribute(value, "_modules"))
        return unwrap(value);
    if (value->type != PICKLE_DICT && value->type != PICKLE_OBJECT)
        return NULL;
    const struct pickle_value *found = find_by_keys(value, network_keys, COUNT(network_keys), depth, visits);
    if (!found) /* the object that keeps an average has it under such a key too */
        found = find_by_keys(value, average_keys, COUNT(average_keys), depth, visits);
    return found || !is_state_dict(value) ? found : value;
}

/* The only entry that holds a network, under whatever key. */
static const struct pickle_value *find_only(const struct pickle_value *root, int *visits)
{
    const struct pickle_value *found = NULL;
    for (uint32_t i = 0; i < pickle_entries(root); i++) {
        const struct pickle_value *value = root->items[2 * i + 1], *inside = NULL;
        if (value->type == PICKLE_DICT || value->type == PICKLE_OBJECT)
            inside = find_network(value, 1, visits);
        if (inside && found)
            return NULL;
        found = inside ? inside : found;
    }
    return found;
}

/* "epoch, optimizer, scheduler" */
static enum status list_keys(const struct pickle_value *root, struct buf *out)
{
    uint32_t n = pickle_entries(root), shown = 0;
    for (uint32_t i = 0; i < n && shown < SHOWN; i++) {
        const char *key = pickle_text(root->items[2 * i]);
        if (key)
            TRY(buf_printf(out, "%s%.40s", shown++ ? ", " : "", key));
    }
    if (n > shown && shown)
        TRY(buf_printf(out, " and %u more", n - shown));
    return OK;
}

static enum status refuse_container(const char *file, const struct pickle_value *root)
{
    struct buf keys = {0};
    enum status rc = list_keys(root, &keys);
    if (rc == OK && keys.size)
        rc = fail(E_FORMAT,
                  "%s: no weights of a network in this PyTorch file, or more than one; its keys: %s. Save the model's "
                  "state dict under the key model, or alone",
                  file, keys.data);
    else if (rc == OK)
        rc = fail(E_FORMAT, "%s: a PyTorch file without a network", file);
    buf_free(&keys);
    return rc;
}

/* The average beside the network: in the outermost dict that has such a key, of those around the network. */
static const struct pickle_value *find_average(const struct pickle_value *dict, int depth, int *visits)
{
    const struct pickle_value *found = find_by_keys(dict, average_keys, COUNT(average_keys), depth, visits);
    for (int i = 0; i < COUNT(network_keys) && !found && depth < MAX_DEPTH; i++) {
        const struct pickle_value *inside = pickle_find(dict, network_keys[i]);
        if (inside && inside->type == PICKLE_DICT && !is_state_dict(inside) && ++*visits <= MAX_VISITS)
            found = find_average(inside, depth + 1, visits);
    }
    return found;
}

/* Averages in forms that nobody here knows (a list of tensors without names) are said. */
static void tell_unread_average(const char *file, const struct pickle_value *root)
{
    for (int i = 0; i < COUNT(average_keys); i++) {
        const struct pickle_value *value = pickle_find(root, average_keys[i]);
        if (value && (value->type == PICKLE_DICT || value->type == PICKLE_LIST || value->type == PICKLE_OBJECT)) {
            log_warn("%s: what it keeps as an average under '%s' is no network that is understood; the raw weights are "
                     "used",
                     file, average_keys[i]);
            return;
        }
    }
}

enum status container_find_networks(const char *file, const struct pickle_value *root, struct network_container *out)
{
    int visits = 0;
    *out = (struct network_container){0};
    if (root->type == PICKLE_OBJECT) {
        out->raw = find_network(root, 0, &visits);
    } else if (root->type == PICKLE_DICT) {
        out->average = find_average(root, 0, &visits);
        visits = 0;
        out->raw = find_by_keys(root, network_keys, COUNT(network_keys), 0, &visits);
        if (!out->raw && is_state_dict(root))
            out->raw = root;
        visits = 0;
        if (out->raw && !out->average)
            tell_unread_average(file, root);
        if (!out->raw && !out->average)
            out->raw = find_only(root, &visits);
        for (int i = 0; i < COUNT(option_keys) && !out->options; i++) {
            const struct pickle_value *options = pickle_find(root, option_keys[i]);
            if (options && (options->type == PICKLE_DICT || options->type == PICKLE_OBJECT))
                out->options = options;
        }
    }
    return out->raw || out->average ? OK : refuse_container(file, root);
}
