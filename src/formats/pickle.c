#include "formats/pickle.h"

#include "core/mem.h"
#include "formats/pickle_machine.h"

#include <string.h>

/* Opcodes: Python's pickletools documents each of them. */
enum {
    MEMO_MOST = 1 << 16, /* places of the memo at the beginning */
    HIGHEST_PROTOCOL = 5,
};

/* How many values lie above the last mark. */
static size_t available(const struct machine *m)
{
    return m->depth - (m->n_marks ? m->marks[m->n_marks - 1] : 0);
}

static enum status pop(struct machine *m, struct pickle_value **out)
{
    if (!available(m))
        return machine_broken(m, "the stack is empty");
    *out = m->stack[--m->depth];
    return OK;
}

/* The values above the last mark leave the stack; they stay readable at *items until the next push. */
static enum status pop_to_mark(struct machine *m, struct pickle_value ***items, size_t *count)
{
    if (!m->n_marks)
        return machine_broken(m, "no mark");
    size_t mark = m->marks[--m->n_marks];
    *items = m->stack + mark;
    *count = m->depth - mark;
    m->depth = mark;
    return OK;
}

static enum status need(struct machine *m, size_t bytes)
{
    return (size_t)(m->end - m->p) >= bytes ? OK : machine_broken(m, "it ends too early");
}

/* A little-endian unsigned number of 1, 2, 4 or 8 bytes. */
static enum status read_number(struct machine *m, int bytes, uint64_t *out)
{
    enum status rc = need(m, (size_t)bytes);
    if (rc != OK)
        return rc;
    *out = 0;
    for (int i = 0; i < bytes; i++)
        *out |= (uint64_t)*m->p++ << (8 * i);
    return OK;
}

static enum status push_new(struct machine *m, enum pickle_type type, struct pickle_value **out)
{
    enum status rc = machine_make(m, type, out);
    return rc == OK ? machine_push(m, *out) : rc;
}

static enum status push_int(struct machine *m, enum pickle_type type, int64_t value)
{
    struct pickle_value *v = NULL;
    enum status rc = push_new(m, type, &v);
    if (rc == OK)
        v->integer = value;
    return rc;
}

/* Bytes whose length stands in front of them in `width` bytes. */
static enum status push_text(struct machine *m, enum pickle_type type, int width)
{
    uint64_t size = 0;
    struct pickle_value *v = NULL;
    enum status rc = read_number(m, width, &size);
    if (rc == OK)
        rc = need(m, (size_t)size);
    if (rc == OK)
        rc = push_new(m, type, &v);
    TRY(rc);
    m->p += size;
    char *text = machine_take(m, (size_t)size + 1);
    if (!text)
        return m->fault;
    memcpy(text, m->p - size, (size_t)size);
    text[size] = 0;
    v->text = text;
    v->count = (uint32_t)size;
    return OK;
}

static enum status op_mark(struct machine *m)
{
    enum status rc = machine_grow(&m->marks, m->n_marks, &m->marks_capacity);
    if (rc == OK)
        m->marks[m->n_marks++] = m->depth;
    return rc;
}

static enum status op_stop(struct machine *m)
{
    if (m->n_marks || m->depth != 1)
        return machine_broken(m, "it stops with values left over");
    m->out->root = m->stack[0];
    m->stopped = true;
    return OK;
}

static enum status op_pop(struct machine *m)
{
    struct pickle_value *v = NULL;
    if (!available(m) && m->n_marks) {
        m->n_marks--;
        return OK;
    }
    return pop(m, &v);
}

static enum status op_pop_mark(struct machine *m)
{
    struct pickle_value **items = NULL;
    size_t count = 0;
    return pop_to_mark(m, &items, &count);
}

static enum status op_dup(struct machine *m)
{
    return available(m) ? machine_push(m, m->stack[m->depth - 1]) : machine_broken(m, "the stack is empty");
}

static enum status op_proto(struct machine *m)
{
    uint64_t version = 0;
    enum status rc = read_number(m, 1, &version);
    if (rc == OK && version > HIGHEST_PROTOCOL)
        rc = fail(E_UNSUPPORTED, "%s: pickle protocol %d is not supported", m->name, (int)version);
    return rc;
}

static enum status op_frame(struct machine *m)
{
    uint64_t size = 0;
    enum status rc = read_number(m, 8, &size);
    return rc != OK ? rc : need(m, (size_t)size);
}

/* Push the one value kept at *shared. */
static enum status push_shared(struct machine *m, struct pickle_value **shared, enum pickle_type type, int64_t integer)
{
    enum status rc = OK;
    if (!*shared && (rc = machine_make(m, type, shared)) == OK)
        (*shared)->integer = integer;
    return rc == OK ? machine_push(m, *shared) : rc;
}

static enum status op_none(struct machine *m)
{
    return push_shared(m, &m->none, PICKLE_NONE, 0);
}

static enum status op_true(struct machine *m)
{
    return push_shared(m, &m->truth[1], PICKLE_BOOL, 1);
}

static enum status op_false(struct machine *m)
{
    return push_shared(m, &m->truth[0], PICKLE_BOOL, 0);
}

static enum status op_int4(struct machine *m)
{
    uint64_t value = 0;
    enum status rc = read_number(m, 4, &value);
    return rc == OK ? push_int(m, PICKLE_INT, (int32_t)(uint32_t)value) : rc;
}

static enum status op_int1(struct machine *m)
{
    uint64_t value = 0;
    enum status rc = read_number(m, 1, &value);
    return rc == OK ? push_shared(m, &m->small[value], PICKLE_INT, (int64_t)value) : rc;
}

static enum status op_int2(struct machine *m)
{
    uint64_t value = 0;
    enum status rc = read_number(m, 2, &value);
    return rc == OK ? push_int(m, PICKLE_INT, (int64_t)value) : rc;
}

/* Two's complement of any length; what does not fit into 64 bits is refused. */
static enum status op_long1(struct machine *m)
{
    uint64_t size = 0, value = 0;
    enum status rc = read_number(m, 1, &size);
    if (rc == OK && size > 8)
        return fail(E_UNSUPPORTED, "%s: a whole number of %d bytes is not supported", m->name, (int)size);
    if (rc == OK)
        rc = read_number(m, (int)size, &value);
    if (rc != OK)
        return rc;
    bool negative = size && value >> (8 * size - 1) & 1;
    if (negative && size < 8)
        value |= UINT64_MAX << (8 * size);
    return push_int(m, PICKLE_INT, (int64_t)value);
}

static enum status op_float(struct machine *m)
{
    uint64_t bits = 0;
    struct pickle_value *v = NULL;
    enum status rc = need(m, 8);
    if (rc == OK)
        rc = push_new(m, PICKLE_FLOAT, &v);
    if (rc != OK)
        return rc;
    for (int i = 0; i < 8; i++) /* big-endian */
        bits = bits << 8 | *m->p++;
    memcpy(&v->real, &bits, sizeof v->real);
    return OK;
}

static enum status op_text1(struct machine *m)
{
    return push_text(m, PICKLE_STRING, 1);
}

static enum status op_text4(struct machine *m)
{
    return push_text(m, PICKLE_STRING, 4);
}

static enum status op_text8(struct machine *m)
{
    return push_text(m, PICKLE_STRING, 8);
}

static enum status op_bytes1(struct machine *m)
{
    return push_text(m, PICKLE_BYTES, 1);
}

static enum status op_bytes4(struct machine *m)
{
    return push_text(m, PICKLE_BYTES, 4);
}

static enum status op_bytes8(struct machine *m)
{
    return push_text(m, PICKLE_BYTES, 8);
}

static enum status op_empty_list(struct machine *m)
{
    struct pickle_value *v = NULL;
    return push_new(m, PICKLE_LIST, &v);
}

static enum status op_empty_tuple(struct machine *m)
{
    return push_shared(m, &m->empty_tuple, PICKLE_TUPLE, 0);
}

static enum status op_empty_dict(struct machine *m)
{
    struct pickle_value *v = NULL;
    return push_new(m, PICKLE_DICT, &v);
}

static enum status op_empty_set(struct machine *m)
{
    struct pickle_value *v = NULL;
    return push_new(m, PICKLE_SET, &v);
}

/* A container of everything above the mark. */
static enum status from_mark(struct machine *m, enum pickle_type type)
{
    struct pickle_value **items = NULL, *v = NULL;
    size_t count = 0;
    enum status rc = pop_to_mark(m, &items, &count);
    if (rc == OK && type == PICKLE_DICT && count % 2)
        rc = machine_broken(m, "a key without a value");
    if (rc == OK)
        rc = machine_make(m, type, &v);
    if (rc == OK)
        rc = machine_append(m, v, items, count);
    return rc == OK ? machine_push(m, v) : rc;
}

static enum status op_tuple(struct machine *m)
{
    return from_mark(m, PICKLE_TUPLE);
}

static enum status op_list(struct machine *m)
{
    return from_mark(m, PICKLE_LIST);
}

static enum status op_dict(struct machine *m)
{
    return from_mark(m, PICKLE_DICT);
}

static enum status op_frozenset(struct machine *m)
{
    return from_mark(m, PICKLE_SET);
}

static enum status tuple_of(struct machine *m, size_t count)
{
    struct pickle_value *v = NULL;
    if (available(m) < count)
        return machine_broken(m, "the stack is empty");
    enum status rc = machine_make(m, PICKLE_TUPLE, &v);
    if (rc == OK)
        rc = machine_append(m, v, m->stack + m->depth - count, count);
    if (rc != OK)
        return rc;
    m->depth -= count;
    return machine_push(m, v);
}

static enum status op_tuple1(struct machine *m)
{
    return tuple_of(m, 1);
}

static enum status op_tuple2(struct machine *m)
{
    return tuple_of(m, 2);
}

static enum status op_tuple3(struct machine *m)
{
    return tuple_of(m, 3);
}

/* Add to the container below on the stack. */
static enum status extend(struct machine *m, struct pickle_value *const *items, size_t count, enum pickle_type type)
{
    if (!available(m))
        return machine_broken(m, "the stack is empty");
    struct pickle_value *v = m->stack[m->depth - 1];
    bool fits = v->type == type || (type == PICKLE_DICT && v->type == PICKLE_OBJECT);
    if (!fits)
        return machine_broken(m, "elements are added to something that takes none");
    if (type == PICKLE_DICT && count % 2)
        return machine_broken(m, "a key without a value");
    return machine_append(m, v, items, count);
}

static enum status extend_from_mark(struct machine *m, enum pickle_type type)
{
    struct pickle_value **items = NULL;
    size_t count = 0;
    enum status rc = pop_to_mark(m, &items, &count);
    return rc == OK ? extend(m, items, count, type) : rc;
}

static enum status op_appends(struct machine *m)
{
    return extend_from_mark(m, PICKLE_LIST);
}

static enum status op_setitems(struct machine *m)
{
    return extend_from_mark(m, PICKLE_DICT);
}

static enum status op_additems(struct machine *m)
{
    return extend_from_mark(m, PICKLE_SET);
}

static enum status op_append(struct machine *m)
{
    struct pickle_value *v = NULL;
    enum status rc = pop(m, &v);
    return rc == OK ? extend(m, &v, 1, PICKLE_LIST) : rc;
}

static enum status op_setitem(struct machine *m)
{
    if (available(m) < 2)
        return machine_broken(m, "the stack is empty");
    m->depth -= 2;
    return extend(m, m->stack + m->depth, 2, PICKLE_DICT);
}

static enum status push_global(struct machine *m, const char *module, size_t module_size, const char *name,
                               size_t name_size)
{
    struct pickle_value *v = NULL;
    enum status rc = push_new(m, PICKLE_GLOBAL, &v);
    char *text = rc == OK ? machine_take(m, module_size + name_size + 2) : NULL;
    if (!text)
        return rc == OK ? m->fault : rc;
    memcpy(text, module, module_size);
    text[module_size] = 0;
    memcpy(text + module_size + 1, name, name_size);
    text[module_size + 1 + name_size] = 0;
    v->module = text;
    if (strlen(text) != module_size || strlen(pickle_global_name(v)) != name_size)
        return machine_broken(m, "a name holds a zero byte");
    if (!pickle_is_harmless(text, pickle_global_name(v)))
        return fail(E_UNSUPPORTED, "%s: the pickle names %.100s.%.100s, which has no place in a checkpoint: refused",
                    m->name, text, pickle_global_name(v));
    v->count = pickle_makes(v);
    return OK;
}

static enum status read_line(struct machine *m, const char **text, size_t *size)
{
    const unsigned char *end = memchr(m->p, '\n', (size_t)(m->end - m->p));
    if (!end)
        return machine_broken(m, "it ends too early");
    *text = (const char *)m->p;
    *size = (size_t)(end - m->p);
    m->p = end + 1;
    return OK;
}

static enum status op_global(struct machine *m)
{
    const char *module = NULL, *name = NULL;
    size_t module_size = 0, name_size = 0;
    enum status rc = read_line(m, &module, &module_size);
    if (rc == OK)
        rc = read_line(m, &name, &name_size);
    return rc == OK ? push_global(m, module, module_size, name, name_size) : rc;
}

static enum status op_stack_global(struct machine *m)
{
    struct pickle_value *module = NULL, *name = NULL;
    enum status rc = pop(m, &name);
    if (rc == OK)
        rc = pop(m, &module);
    if (rc != OK)
        return rc;
    if (module->type != PICKLE_STRING || name->type != PICKLE_STRING)
        return machine_broken(m, "a class is not named by text");
    return push_global(m, module->text, module->count, name->text, name->count);
}

/* REDUCE and NEWOBJ differ in how Python would call the class; here nothing is called. */
static enum status op_reduce(struct machine *m)
{
    if (available(m) < 2)
        return machine_broken(m, "the stack is empty");
    m->depth -= 2;
    struct pickle_value *callee = m->stack[m->depth], *args = m->stack[m->depth + 1];
    if (args->type != PICKLE_TUPLE)
        return machine_broken(m, "arguments are not a tuple");
    return machine_construct(m, callee, args);
}

static enum status op_build(struct machine *m)
{
    struct pickle_value *state = NULL;
    enum status rc = pop(m, &state);
    if (rc != OK)
        return rc;
    if (!available(m))
        return machine_broken(m, "the stack is empty");
    struct pickle_value *v = m->stack[m->depth - 1];
    if (v->type != PICKLE_OBJECT && v->type != PICKLE_DICT)
        return machine_broken(m, "a state is given to something that has none");
    v->state = state;
    return OK;
}

static enum status op_persid(struct machine *m)
{
    struct pickle_value *id = NULL;
    TRY(pop(m, &id));
    return machine_persistent(m, id);
}

static enum status get(struct machine *m, int bytes)
{
    uint64_t index = 0;
    enum status rc = read_number(m, bytes, &index);
    if (rc == OK && (index >= m->memo_count || !m->memo[index]))
        rc = machine_broken(m, "an unknown value is asked for");
    return rc == OK ? machine_push(m, m->memo[index]) : rc;
}

/* Pickles number their values from 0 on, so that an index beyond what was read is no honest one. */
static enum status put(struct machine *m, uint64_t index)
{
    if (!available(m))
        return machine_broken(m, "the stack is empty");
    if (index > (size_t)(m->p - m->start))
        return machine_broken(m, "a value is kept under an absurd number");
    while (m->memo_count <= index) {
        enum status rc = machine_grow(&m->memo, m->memo_count, &m->memo_capacity);
        if (rc != OK)
            return rc;
        m->memo[m->memo_count++] = NULL;
    }
    m->memo[index] = m->stack[m->depth - 1];
    return OK;
}

static enum status op_get1(struct machine *m)
{
    return get(m, 1);
}

static enum status op_get4(struct machine *m)
{
    return get(m, 4);
}

static enum status op_put1(struct machine *m)
{
    uint64_t index = 0;
    enum status rc = read_number(m, 1, &index);
    return rc == OK ? put(m, index) : rc;
}

static enum status op_put4(struct machine *m)
{
    uint64_t index = 0;
    enum status rc = read_number(m, 4, &index);
    return rc == OK ? put(m, index) : rc;
}

static enum status op_memoize(struct machine *m)
{
    return put(m, m->memo_count);
}

static enum status (*const operations[256])(struct machine *) = {
    ['('] = op_mark,       ['.'] = op_stop,        ['0'] = op_pop,           ['1'] = op_pop_mark, ['2'] = op_dup,
    ['N'] = op_none,       ['J'] = op_int4,        ['K'] = op_int1,          ['M'] = op_int2,     ['G'] = op_float,
    ['X'] = op_text4,      ['B'] = op_bytes4,      ['C'] = op_bytes1,        ['T'] = op_text4,    ['U'] = op_text1,
    [']'] = op_empty_list, [')'] = op_empty_tuple, ['}'] = op_empty_dict,    ['a'] = op_append,   ['e'] = op_appends,
    ['l'] = op_list,       ['t'] = op_tuple,       ['d'] = op_dict,          ['s'] = op_setitem,  ['u'] = op_setitems,
    ['c'] = op_global,     ['R'] = op_reduce,      ['b'] = op_build,         ['Q'] = op_persid,   ['h'] = op_get1,
    ['j'] = op_get4,       ['q'] = op_put1,        ['r'] = op_put4,          [0x80] = op_proto,   [0x81] = op_reduce,
    [0x85] = op_tuple1,    [0x86] = op_tuple2,     [0x87] = op_tuple3,       [0x88] = op_true,    [0x89] = op_false,
    [0x8a] = op_long1,     [0x8c] = op_text1,      [0x8d] = op_text8,        [0x8e] = op_bytes8,  [0x8f] = op_empty_set,
    [0x90] = op_additems,  [0x91] = op_frozenset,  [0x93] = op_stack_global, [0x94] = op_memoize, [0x95] = op_frame,
    [0x96] = op_bytes8,
};

static enum status run(struct machine *m)
{
    if (m->p == m->end || *m->p != 0x80)
        return fail(E_FORMAT, "%s: not a pickle of protocol 2 to 5", m->name);
    while (!m->stopped) {
        if (m->p == m->end)
            return machine_broken(m, "it ends too early");
        int code = *m->p++;
        if (!operations[code])
            return fail(E_UNSUPPORTED, "%s: pickle operation 0x%02x at byte %zu is not supported", m->name, code,
                        (size_t)(m->p - m->start) - 1);
        enum status rc = operations[code](m);
        if (rc != OK)
            return rc;
    }
    return OK;
}

enum status pickle_read(const char *name, const void *bytes, size_t size, struct pickle *pickle)
{
    struct machine m = {.name = name, .start = bytes, .p = bytes, .end = (const unsigned char *)bytes + size};
    *pickle = (struct pickle){0};
    if (size > PICKLE_MOST)
        return fail(E_LIMIT, "%s: %zu bytes of pickle, the limit is %d", name, size, PICKLE_MOST);
    m.out = pickle;
    enum status rc = machine_grow(&m.stack, 0, &m.stack_capacity); /* so that sums with its address are defined */
    if (rc == OK) {                                                /* pickles keep about one value in ten bytes */
        m.memo_capacity = MIN(size / 8 + 1, (size_t)MEMO_MOST);
        m.memo = mem_alloc(m.memo_capacity, sizeof *m.memo);
        rc = m.memo ? run(&m) : E_NOMEM;
    }
    if (rc != OK)
        pickle_free(pickle);
    else
        pickle->used = (size_t)(m.p - m.start);
    mem_free(m.stack);
    mem_free(m.memo);
    mem_free(m.marks);
    return rc;
}
