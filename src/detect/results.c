#include "detect/results.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/text.h"
#include "detect/boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum status results_summary(const struct picture_result *r, const char *const *names, int nc, struct buf *out)
{
    enum status rc = OK;
    const char *separator = "";
    if (!r->count)
        return buf_printf(out, "(no detections)");
    for (int class = 0; class < nc; class ++) {
        int n = 0;
        for (int i = 0; i < r->count; i++)
            n += r->detections[i].class == class;
        if (!n)
            continue;
        TRY(buf_printf(out, "%s%d %s", separator, n, names[class]));
        separator = ", ";
    }
    text_one_line(out->data);
cleanup:
    return rc;
}

static void rounded(const struct detection *d, float xyxy[4])
{
    for (int i = 0; i < 4; i++)
        xyxy[i] = rintf(d->xyxy[i]); /* half to even, as torch rounds */
}

enum status results_write_labels(const struct picture_result *r, const char *path, bool with_score)
{
    struct buf text = {0};
    enum status rc = OK;
    for (int i = r->count - 1; i >= 0; i--) {
        const struct detection *d = &r->detections[i];
        float box[4];
        rounded(d, box);
        box_xyxy_to_cxcywh(box, box);
        TRY(buf_printf(&text, "%d %g %g %g %g", d->class, box[0] / (float)r->w, box[1] / (float)r->h,
                       box[2] / (float)r->w, box[3] / (float)r->h));
        if (with_score)
            TRY(buf_printf(&text, " %g", d->score));
        TRY(buf_printf(&text, "\n"));
    }
    if (text.size)
        TRY(file_write(path, text.data, text.size));
cleanup:
    buf_free(&text);
    return rc;
}

/* COCO image ids are numbers: "000000000139" -> 139. Any other stem stays text. */
static json_t *image_id(const char *stem)
{
    size_t n = strlen(stem);
    if (!n || n > 18 || strspn(stem, "0123456789") != n)
        return json_string(stem);
    return json_integer(strtoll(stem, NULL, 10));
}

enum status results_add_json(const struct picture_result *r, const char *const *names, json_t *array)
{
    char *stem = path_stem(r->path);
    if (!stem)
        return E_NOMEM;
    enum status rc = OK;
    for (int i = 0; i < r->count && rc == OK; i++) {
        const struct detection *d = &r->detections[i];
        float b[4];
        box_xyxy_to_xywh(d->xyxy, b);
        json_t *object = json_pack("{s:s, s:o, s:i, s:s, s:[f,f,f,f], s:f}", "image", path_name(r->path), "image_id",
                                   image_id(stem), "category_id", d->class, "category", names[d->class], "bbox", b[0],
                                   b[1], b[2], b[3], "score", d->score);
        if (!object || json_array_append_new(array, object) != 0)
            rc = fail(E_NOMEM, "%s: its result cannot be written as JSON (is the name UTF-8?)", r->path);
    }
    mem_free(stem);
    return rc;
}

void results_crop_box(const struct picture_result *r, const struct detection *d, int xyxy[4])
{
    float b[4];
    rounded(d, b);
    box_xyxy_to_cxcywh(b, b);
    b[2] = b[2] * 1.02f + 10;
    b[3] = b[3] * 1.02f + 10;
    box_cxcywh_to_xyxy(b, b);
    box_clip(b, (float)r->w, (float)r->h);
    for (int i = 0; i < 4; i++)
        xyxy[i] = (int)b[i];
}
