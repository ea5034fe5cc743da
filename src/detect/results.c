#include "detect/results.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/text.h"
#include "detect/boxes.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A class without a name is called by its number: "2 of class 0", not "2 0". */
static bool is_number(const char *name)
{
    return *name && !name[strspn(name, "0123456789")];
}

enum status results_summary(const struct picture_result *r, const char *const *names, int nc, struct buf *out)
{
    const char *separator = "";
    if (!r->count)
        return buf_printf(out, "(no detections)");
    for (int class = 0; class < nc; class ++) {
        int n = 0;
        for (int i = 0; i < r->count; i++)
            n += r->detections[i].class == class;
        if (!n)
            continue;
        TRY(buf_printf(out, "%s%d %s%s", separator, n, is_number(names[class]) ? "of class " : "", names[class]));
        separator = ", ";
    }
    text_one_line(out->data);
    return OK;
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
        TRY_CLEAN(buf_printf(&text, "%d %g %g %g %g", d->class, box[0] / (float)r->w, box[1] / (float)r->h,
                             box[2] / (float)r->w, box[3] / (float)r->h));
        if (with_score)
            TRY_CLEAN(buf_printf(&text, " %g", d->score));
        TRY_CLEAN(buf_printf(&text, "\n"));
    }
    if (text.size)
        TRY_CLEAN(file_write(path, text.data, text.size));
cleanup:
    buf_free(&text);
    return rc;
}

static enum status append_json(struct buf *out, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_REAL_PRECISION(9)) : NULL;
    enum status rc = text ? buf_append(out, text, strlen(text)) : fail_memory(NULL, 0);
    free(text);
    json_decref(value);
    return rc;
}

static json_t *box_json(const struct detection *d)
{
    float b[4];
    box_xyxy_to_xywh(d->xyxy, b);
    return json_pack("[f,f,f,f]", b[0], b[1], b[2], b[3]);
}

enum status results_write_json(const struct picture_result *r, const struct result_words *words, long *count,
                               struct buf *out)
{
    enum status rc = OK;
    for (int i = 0; i < r->count && rc == OK; i++) {
        const struct detection *d = &r->detections[i];
        json_t *id = words->number < 0 ? json_string(words->image_id) : json_integer(words->number);
        rc = buf_printf(out, (*count)++ ? ",\n " : "\n ");
        if (rc == OK)
            rc = append_json(out, json_pack("{s:s, s:o, s:i, s:s, s:o, s:f}", "image", words->image, "image_id", id,
                                            "category_id", d->class, "category", words->classes[d->class], "bbox",
                                            box_json(d), "score", d->score));
    }
    return rc;
}

static double thousandths(double x)
{
    return rint(x * 1e3) / 1e3;
}

enum status results_write_json_line(const struct picture_result *r, const struct result_words *words,
                                    const struct result_times *ms, struct buf *out)
{
    enum status rc = OK;
    json_t *found = json_array();
    for (int i = 0; found && i < r->count; i++) {
        const struct detection *d = &r->detections[i];
        if (json_array_append_new(found, json_pack("{s:i, s:s, s:o, s:f}", "category_id", d->class, "category",
                                                   words->classes[d->class], "bbox", box_json(d), "score", d->score)) !=
            0)
            rc = fail_memory(NULL, 0);
    }
    json_t *line = json_pack("{s:s, s:i, s:i, s:o, s:{s:f, s:f, s:f}}", "image", words->image, "width", r->w, "height",
                             r->h, "detections", found, "ms", "read", thousandths(ms->read), "net",
                             thousandths(ms->net), "nms", thousandths(ms->nms));
    if (rc != OK)
        json_decref(line);
    else
        rc = append_json(out, line);
    return rc == OK ? buf_append(out, "\n", 1) : rc;
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
