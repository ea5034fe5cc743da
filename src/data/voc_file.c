#include "data/voc_file.h"

#include "core/buf.h"
#include "core/class_names.h"
#include "core/file.h"

#include <expat.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CORNERS = 15, MAX_PIXELS = 1000000 };

struct voc_reader {
    XML_Parser parser;
    const char *name;
    struct voc_file *out;
    int capacity;
    struct buf path, text;      /* "/annotation/object/name", and what stands in that element */
    size_t ends[VOC_MAX_DEPTH]; /* of the path's parts */
    int depth;
    int corners; /* bits of those that the open object has */
    enum status rc;
};

/* The first fault counts; the parser then stops. */
static void stop(struct voc_reader *r, enum status rc)
{
    if (r->rc == OK) {
        r->rc = rc;
        XML_StopParser(r->parser, XML_FALSE);
    }
}

#define FAULT(r, code, ...)                                                                                    \
    do {                                                                                                       \
        fail(code, __VA_ARGS__);                                                                               \
        stop(r, fail_prefix(code, "%s:%lu", (r)->name, (unsigned long)XML_GetCurrentLineNumber((r)->parser))); \
    } while (0)

static void add_object(struct voc_reader *r)
{
    struct voc_file *v = r->out;
    if (v->n_objects == VOC_MAX_OBJECTS) {
        FAULT(r, E_LIMIT, "more than %d objects", VOC_MAX_OBJECTS);
        return;
    }
    if (v->n_objects == r->capacity) {
        int capacity = 2 * r->capacity + 16;
        void *grown =
            mem_grow(v->objects, (size_t)r->capacity * sizeof(*v->objects), (size_t)capacity * sizeof(*v->objects));
        if (!grown) {
            stop(r, E_NOMEM);
            return;
        }
        v->objects = grown;
        r->capacity = capacity;
    }
    v->objects[v->n_objects++] = (struct voc_object){0};
    r->corners = 0;
}

static void XMLCALL on_start(void *context, const XML_Char *element, const XML_Char **attributes)
{
    struct voc_reader *r = context;
    (void)attributes;
    if (r->rc != OK)
        return;
    if (r->depth == VOC_MAX_DEPTH) {
        FAULT(r, E_LIMIT, "XML nested deeper than %d levels", VOC_MAX_DEPTH);
        return;
    }
    if (r->depth == 0 && strcmp(element, "annotation") != 0) {
        FAULT(r, E_FORMAT, "its root is <%.40s>, not the <annotation> of Pascal VOC", element);
        return;
    }
    if (buf_printf(&r->path, "/%.100s", element) != OK) {
        stop(r, E_NOMEM);
        return;
    }
    r->ends[r->depth++] = r->path.size;
    r->text.size = 0;
    if (!strcmp(r->path.data, "/annotation/object"))
        add_object(r);
}

static void XMLCALL on_text(void *context, const XML_Char *text, int n)
{
    struct voc_reader *r = context;
    if (r->text.size + (size_t)n > VOC_MAX_TEXT)
        FAULT(r, E_LIMIT, "a text of more than %d bytes", VOC_MAX_TEXT);
    else if (buf_append(&r->text, text, (size_t)n) != OK)
        stop(r, E_NOMEM);
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public_id,
                               int internal)
{
    struct voc_reader *r = context;
    (void)name, (void)system, (void)public_id, (void)internal;
    FAULT(r, E_UNSUPPORTED, "it declares a document type (<!DOCTYPE>), which annotations do not need");
}

/* The text without blanks at its ends. */
static const char *trimmed(struct voc_reader *r)
{
    char *text = r->text.data ? r->text.data : NULL;
    if (!text || !r->text.size)
        return "";
    text[r->text.size] = 0;
    for (size_t n = r->text.size; n && strchr(" \t\r\n", text[n - 1]);)
        text[--n] = 0;
    return text + strspn(text, " \t\r\n");
}

static double number(struct voc_reader *r, const char *what)
{
    char *end;
    const char *text = trimmed(r);
    double x = strtod(text, &end);
    if (end == text || *end || !(fabs(x) <= MAX_PIXELS)) {
        FAULT(r, E_FORMAT, "%s '%.40s' is no number of pixels", what, text);
        return 0;
    }
    return x;
}

static const char *keep_text(struct voc_reader *r)
{
    const char *copy = arena_strdup(&r->out->arena, trimmed(r));
    if (!copy)
        stop(r, E_NOMEM);
    return copy ? copy : "";
}

/* The end of something inside an object. */
static void end_in_object(struct voc_reader *r, const char *path, struct voc_object *o)
{
    static const char *const corners[4] = {"/bndbox/xmin", "/bndbox/ymin", "/bndbox/xmax", "/bndbox/ymax"};
    for (int k = 0; k < 4; k++) {
        if (strcmp(path, corners[k]) != 0)
            continue;
        o->corners[k] = number(r, corners[k] + strlen("/bndbox/"));
        r->corners |= 1 << k;
    }
    if (!strcmp(path, "/name")) {
        o->name = keep_text(r);
        if (r->rc == OK && class_name_check(o->name) != OK)
            stop(r, fail_prefix(E_FORMAT, "%s:%lu", r->name, (unsigned long)XML_GetCurrentLineNumber(r->parser)));
    }
    if (!strcmp(path, "/difficult")) {
        const char *text = trimmed(r);
        o->difficult = *text && strcmp(text, "0") != 0 && strcmp(text, "false") != 0;
    }
}

static void end_object(struct voc_reader *r, const struct voc_object *o)
{
    if (!o->name)
        FAULT(r, E_FORMAT, "object %d has no name", r->out->n_objects);
    else if (r->corners != CORNERS)
        FAULT(r, E_FORMAT, "object %d ('%.60s') has no bndbox of xmin, ymin, xmax and ymax", r->out->n_objects,
              o->name);
}

static void XMLCALL on_end(void *context, const XML_Char *element)
{
    static const char object[] = "/annotation/object";
    struct voc_reader *r = context;
    const char *path = r->path.data;
    struct voc_file *v = r->out;
    (void)element;
    if (r->rc != OK)
        return;
    if (!strcmp(path, object))
        end_object(r, &v->objects[v->n_objects - 1]);
    else if (!strncmp(path, object, sizeof(object) - 1) && path[sizeof(object) - 1] == '/')
        end_in_object(r, path + sizeof(object) - 1, &v->objects[v->n_objects - 1]);
    else if (!strcmp(path, "/annotation/filename"))
        v->filename = keep_text(r);
    else if (!strcmp(path, "/annotation/size/width"))
        v->w = (int)MAX(number(r, "width"), 0);
    else if (!strcmp(path, "/annotation/size/height"))
        v->h = (int)MAX(number(r, "height"), 0);
    r->depth--;
    r->path.size = r->depth ? r->ends[r->depth - 1] : 0;
    r->path.data[r->path.size] = 0;
    r->text.size = 0;
}

void voc_free(struct voc_file *v)
{
    mem_free(v->objects);
    arena_free(&v->arena);
    *v = (struct voc_file){.filename = ""};
}

enum status voc_read(const char *name, const void *bytes, size_t size, struct voc_file *out)
{
    struct voc_reader r = {.name = name, .out = out};
    *out = (struct voc_file){.filename = ""};
    arena_init(&out->arena);
    if (size > VOC_MAX_BYTES)
        return fail(E_LIMIT, "%s: %zu bytes, the limit is %d", name, size, VOC_MAX_BYTES);
    r.parser = XML_ParserCreate(NULL);
    if (!r.parser)
        return fail_memory(name, 0);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    if (XML_Parse(r.parser, bytes, (int)size, 1) != XML_STATUS_OK && r.rc == OK)
        r.rc = fail(E_FORMAT, "%s:%lu: %s", name, (unsigned long)XML_GetCurrentLineNumber(r.parser),
                    XML_ErrorString(XML_GetErrorCode(r.parser)));
    XML_ParserFree(r.parser);
    buf_free(&r.path);
    buf_free(&r.text);
    if (r.rc != OK)
        voc_free(out);
    return r.rc;
}

enum status voc_read_file(const char *path, struct voc_file *out)
{
    struct buf bytes = {0};
    *out = (struct voc_file){.filename = ""};
    enum status rc = file_read(path, VOC_MAX_BYTES, &bytes);
    if (rc == OK)
        rc = voc_read(path, bytes.data, bytes.size, out);
    buf_free(&bytes);
    return rc;
}
