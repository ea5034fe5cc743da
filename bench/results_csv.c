#include "results_csv.h"

#include "core/file.h"
#include "core/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CSV = 16 << 20, MAX_COLUMNS = 8 };

/* The index of a column, or -1. `line` is changed. */
static int find_column(char *line, const char *name)
{
    int column = 0;
    for (char *save, *word = strtok_r(line, ",\n", &save); word; word = strtok_r(NULL, ",\n", &save), column++) {
        while (isspace((unsigned char)*word))
            word++;
        if (strcmp(word, name) == 0)
            return column;
    }
    return -1;
}

static int header_column(const char *header, size_t length, int column)
{
    char copy[1024], name[RESULT_NAME];
    snprintf(copy, sizeof copy, "%.*s", (int)MIN(length, sizeof copy - 1), header);
    return find_column(copy, result_column_name(HEAD_DFL, column, name));
}

static double cell(const char *line, int column)
{
    while (column-- > 0 && line)
        line = (line = strchr(line, ',')) ? line + 1 : NULL;
    return line ? strtod(line, NULL) : 0;
}

enum status results_csv_load(const char *path, const int *columns, int n_columns, double **values, int *n)
{
    enum status rc = OK;
    struct buf text = {0};
    int place[MAX_COLUMNS], lines = 0;
    char name[RESULT_NAME];
    assert(n_columns <= MAX_COLUMNS);
    TRY_CLEAN(file_read(path, MAX_CSV, &text));
    const char *line = text.size ? strchr(text.data, '\n') : NULL;
    if (!line)
        TRY_CLEAN(fail(E_FORMAT, "%s: not a results.csv", path));
    for (const char *c = text.data; *c; c++)
        lines += *c == '\n';
    for (int k = 0; k < n_columns; k++) {
        place[k] = header_column(text.data, (size_t)(line - text.data), columns[k]);
        if (place[k] < 0)
            TRY_CLEAN(fail(E_FORMAT, "%s: no column %s", path, result_column_name(HEAD_DFL, columns[k], name)));
        values[k] = mem_alloc((size_t)lines + 1, sizeof *values[k]);
        TRY_CLEAN(values[k] ? OK : E_NOMEM);
    }
    for (*n = 0; line && line[1]; line = strchr(line + 1, '\n'), ++*n) {
        for (int k = 0; k < n_columns; k++)
            values[k][*n] = cell(line + 1, place[k]);
    }
cleanup:
    buf_free(&text);
    return rc;
}
