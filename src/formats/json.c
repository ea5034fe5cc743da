#include "formats/json.h"

#include "core/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct json_limits json_limits_default = {.bytes = (size_t)256 << 20, .values = 16000000, .depth = 64};

/* Depth and an upper bound of the number of values, before jansson takes any memory. Strings are skipped; the text
 * may be malformed in any other way, which jansson finds. */
static enum status check_size(const char *name, const char *text, size_t size, const struct json_limits *limits)
{
    size_t values = 0;
    int depth = 0;
    for (size_t i = 0; i < size; i++) {
        switch (text[i]) {
        case '"':
            for (i++; i < size && text[i] != '"'; i++)
                i += text[i] == '\\';
            break;
        case '[':
        case '{':
            values++;
            if (++depth > limits->depth)
                return fail(E_LIMIT, "%s: JSON nested deeper than %d levels", name, limits->depth);
            break;
        case ']':
        case '}':
            depth--;
            break;
        case ',':
            values++;
            break;
        default:
            break;
        }
    }
    if (values > limits->values)
        return fail(E_LIMIT, "%s: JSON with more than %zu values", name, limits->values);
    return OK;
}

enum status json_read_memory(const char *name, const void *bytes, size_t size, const struct json_limits *limits,
                             json_t **out)
{
    *out = NULL;
    if (!limits)
        limits = &json_limits_default;
    if (size > limits->bytes)
        return fail(E_LIMIT, "%s: %zu bytes of JSON, the limit is %zu", name, size, limits->bytes);
    if (size == 0)
        return fail(E_FORMAT, "%s: empty, JSON expected", name);
    enum status rc = check_size(name, bytes, size, limits);
    if (rc != OK)
        return rc;
    json_error_t error;
    *out = json_loadb(bytes, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!*out && json_error_code(&error) == json_error_out_of_memory)
        return fail_memory(name, 0);
    if (!*out)
        return fail(E_FORMAT, "%s:%d: %s", name, error.line, error.text);
    return OK;
}

enum status json_read_file(const char *path, const struct json_limits *limits, json_t **out)
{
    struct buf text = {0};
    *out = NULL;
    enum status rc = file_read_text(path, (limits ? limits : &json_limits_default)->bytes, &text);
    if (rc == OK)
        rc = json_read_memory(path, text.data, text.size, limits, out);
    buf_free(&text);
    return rc;
}

/* "17": digits alone, few enough for 64 bits. */
static bool quoted_number(const json_t *value, int64_t *out)
{
    const char *text = json_string_value(value);
    size_t digits = text ? strspn(text, "0123456789") : 0;
    if (!digits || digits > 18 || text[digits])
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

bool json_whole_number(const json_t *value, int64_t *out)
{
    const double exact = 1e15; /* every whole number up to there is a double */
    double x = json_number_value(value);
    *out = -1;
    if (json_is_integer(value))
        *out = json_integer_value(value);
    else if (json_is_real(value) && fabs(x) < exact && x == floor(x))
        *out = (int64_t)x;
    else
        return quoted_number(value, out);
    return true;
}

enum status json_write_file(const char *path, const json_t *root, size_t flags)
{
    struct file_writer w;
    enum status rc = file_writer_open(&w, path);
    if (rc != OK)
        return rc;
    if (json_dumpf(root, w.stream, flags | JSON_ENCODE_ANY) != 0 && !ferror(w.stream)) {
        file_writer_abort(&w);
        return fail(E_ARGUMENT, "%s: value that JSON cannot hold", path);
    }
    fputc('\n', w.stream); /* a failed write sets ferror, which commit reports */
    return file_writer_commit(&w);
}
