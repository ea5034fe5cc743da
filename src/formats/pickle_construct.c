/* What pickles make by calling something: plain containers, or inert objects. */
#include "formats/pickle_machine.h"

#include <string.h>

/* Protocol 2 spells bytes as _codecs.encode(text, 'latin1'): each character of the text is one byte. */
static enum status bytes_from_latin1(struct machine *m, const struct pickle_value *text, struct pickle_value **out)
{
    enum status rc = machine_make(m, PICKLE_BYTES, out);
    unsigned char *bytes = rc == OK ? machine_take(m, (size_t)text->count + 1) : NULL;
    if (!bytes)
        return rc == OK ? m->fault : rc;
    const unsigned char *p = (const unsigned char *)text->text, *end = p + text->count;
    size_t n = 0;
    while (p < end) {
        if (*p < 0x80) {
            bytes[n++] = *p++;
        } else if ((*p == 0xc2 || *p == 0xc3) && p[1] >> 6 == 2) {
            bytes[n++] = (unsigned char)(*p << 6 | (p[1] & 0x3f));
            p += 2;
        } else {
            return machine_broken(m, "text that latin-1 cannot hold");
        }
    }
    bytes[n] = 0;
    (*out)->text = (const char *)bytes;
    (*out)->count = (uint32_t)n;
    return OK;
}

/* OrderedDict([(key, value), ...]) */
static enum status dict_from_pairs(struct machine *m, const struct pickle_value *pairs, struct pickle_value **out)
{
    enum status rc = machine_make(m, PICKLE_DICT, out);
    if (pairs->type != PICKLE_LIST)
        return rc == OK ? machine_broken(m, "a dict is not made from a list") : rc;
    for (uint32_t i = 0; i < pairs->count && rc == OK; i++) {
        const struct pickle_value *pair = pairs->items[i];
        if ((pair->type != PICKLE_TUPLE && pair->type != PICKLE_LIST) || pair->count != 2)
            return machine_broken(m, "a dict is not made from pairs");
        rc = machine_append(m, *out, pair->items, 2);
    }
    return rc;
}

/* getattr(module, "forward_fuse"): a fused module of Ultralytics names the method that runs it. It stays an inert pair;
 * any other attribute has no place in a checkpoint. */
static enum status check_attribute(const struct machine *m, const struct pickle_value *callee,
                                   const struct pickle_value *args)
{
    const char *name = args->count == 2 ? pickle_text(args->items[1]) : NULL;
    if (name && !strncmp(name, "forward", 7) && args->items[0]->type == PICKLE_OBJECT)
        return OK;
    return fail(E_UNSUPPORTED, "%s: the pickle names %s.getattr for %.60s, which has no place in a checkpoint: refused",
                m->name, callee->module, name ? name : "no attribute");
}

/* callee(args): the few plain containers that protocol 2 spells this way become values, anything else an object. */
enum status machine_construct(struct machine *m, struct pickle_value *callee, struct pickle_value *args)
{
    struct pickle_value *v = NULL, *first = args->count ? args->items[0] : NULL;
    enum status rc = OK;
    if (callee->type != PICKLE_GLOBAL)
        return machine_broken(m, "something that is no class is made");
    enum pickle_makes makes = (enum pickle_makes)callee->count;
    if (makes == MAKES_ORDERED_DICT && first) {
        rc = dict_from_pairs(m, first, &v);
    } else if (makes == MAKES_ORDERED_DICT || makes == MAKES_DICT) {
        rc = machine_make(m, PICKLE_DICT, &v);
    } else if (makes == MAKES_SET) {
        rc = machine_make(m, PICKLE_SET, &v);
        if (rc == OK && first && (first->type == PICKLE_LIST || first->type == PICKLE_TUPLE))
            rc = machine_append(m, v, first->items, first->count);
    } else if (makes == MAKES_SIZE && first && first->type == PICKLE_TUPLE) {
        v = first;
    } else if (makes == MAKES_BYTES && first && first->type == PICKLE_STRING) {
        rc = bytes_from_latin1(m, first, &v);
    } else {
        if (makes == MAKES_ATTRIBUTE)
            rc = check_attribute(m, callee, args);
        if (rc == OK)
            rc = machine_make(m, PICKLE_OBJECT, &v);
        if (rc == OK) {
            v->callee = callee;
            v->args = args;
        }
    }
    return rc == OK ? machine_push(m, v) : rc;
}

/* ('storage', ...) is kept as it is, for whoever knows where the storages lie. PyTorch's old layout also names classes
 * this way, with their source text: ('module', class, file, text) is the class, the text is nobody's business. */
enum status machine_persistent(struct machine *m, struct pickle_value *id)
{
    struct pickle_value *v = NULL;
    if (id->type == PICKLE_TUPLE && id->count >= 2 && id->items[1]->type == PICKLE_GLOBAL) {
        const char *kind = pickle_text(id->items[0]);
        if (kind && !strcmp(kind, "module"))
            return machine_push(m, id->items[1]);
    }
    TRY(machine_make(m, PICKLE_PERSISTENT, &v));
    v->args = id;
    if (!m->persistent) {
        TRY(machine_make(m, PICKLE_LIST, &m->persistent));
        m->out->persistent = m->persistent;
    }
    TRY(machine_append(m, m->persistent, &v, 1));
    return machine_push(m, v);
}
