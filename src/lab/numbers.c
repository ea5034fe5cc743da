#include "lab/numbers.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "formats/json.h"

#include <math.h>
#include <string.h>

static enum status put_text(struct buf *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n"))
        return buf_printf(out, "%s", text);
    TRY(buf_printf(out, "\""));
    for (; *text; text++)
        TRY(buf_printf(out, *text == '"' ? "\"\"" : "%c", *text));
    return buf_printf(out, "\"");
}

static enum status put_cell(struct buf *out, const json_t *cell)
{
    if (json_is_integer(cell))
        return buf_printf(out, "%lld", (long long)json_integer_value(cell));
    if (json_is_real(cell))
        return buf_printf(out, "%.9g", json_real_value(cell));
    if (json_is_boolean(cell))
        return buf_printf(out, "%d", json_is_true(cell));
    return json_is_string(cell) ? put_text(out, json_string_value(cell)) : OK;
}

static enum status put_csv(struct buf *out, json_t *columns, json_t *rows)
{
    const char *key;
    json_t *cell;
    int n = 0;
    json_object_foreach(columns, key, cell)
    {
        TRY(buf_printf(out, n++ ? "," : ""));
        TRY(put_text(out, key));
    }
    for (size_t r = 0; r < json_array_size(rows); r++) {
        n = 0;
        json_object_foreach(columns, key, cell)
        {
            TRY(buf_printf(out, n++ ? "," : "\n"));
            TRY(put_cell(out, json_object_get(json_array_get(rows, r), key)));
        }
    }
    return buf_printf(out, "\n");
}

static enum status write_csv(const char *path, json_t *columns, json_t *rows)
{
    struct buf text = {0};
    enum status rc = put_csv(&text, columns, rows);
    if (rc == OK)
        rc = file_write(path, text.data, text.size);
    buf_free(&text);
    return rc;
}

static enum status write_json(const char *path, const json_t *about, json_t *rows)
{
    json_t *root = json_copy((json_t *)about);
    enum status rc = OK;
    if (!root || json_object_set(root, "rows", rows) != 0)
        rc = fail_memory(NULL, 0);
    if (rc == OK)
        rc = json_write_file(path, root, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(root);
    return rc;
}

/* folder/name.ending; the caller frees it. */
static char *path_of(const char *folder, const char *name, const char *ending)
{
    struct buf file = {0};
    char *path = buf_printf(&file, "%s.%s", name, ending) == OK ? path_join(folder, file.data) : NULL;
    buf_free(&file);
    return path;
}

enum status numbers_write(const char *folder, const char *name, const json_t *about, json_t *rows)
{
    return numbers_write_columns(folder, name, about, json_array_get(rows, 0), rows);
}

enum status numbers_write_columns(const char *folder, const char *name, const json_t *about, json_t *columns,
                                  json_t *rows)
{
    enum status rc = OK;
    char *csv = path_of(folder, name, "csv"), *json = path_of(folder, name, "json");
    TRY_CLEAN(csv && json ? OK : E_NOMEM);
    TRY_CLEAN(write_csv(csv, columns, rows));
    TRY_CLEAN(write_json(json, about, rows));
cleanup:
    mem_free(csv);
    mem_free(json);
    return rc;
}

json_t *number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}
