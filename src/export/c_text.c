#include "export/c_text.h"

#include <ctype.h>
#include <string.h>

/* --- the parts --- */

#define PART(id, file) extern const char c_part_##file[];
#include "export/c_parts.def"
#undef PART
extern const char c_part_boxes[], c_part_boxes_dfl[], c_part_boxes_anchors[];

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* A part with net_ and NET_ at the beginning of words replaced. */
static void write_part(struct c_export *e, const char *text)
{
    for (const char *c = text; *c; c++) {
        const bool begins = c == text || !is_word(c[-1]);
        const bool lower = begins && !strncmp(c, "net_", 4), upper = begins && !strncmp(c, "NET_", 4);
        if (lower || upper) {
            fputs(lower ? e->prefix : e->upper, e->out);
            c += 2;
        } else {
            fputc(*c, e->out);
        }
    }
}

/* act_FORM_c for each formula of kernels/act.def: what it is in C. x is the sum, %s the formula's parameter. */
static const char act_none_c[] = "x", act_silu_c[] = "x / (1.0f + expf(-x))", act_relu_c[] = "x < 0.0f ? 0.0f : x",
                  act_relu6_c[] = "x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x", act_leaky_c[] = "x > 0.0f ? x : %s * x",
                  act_hardswish_c[] = "x * ((x < -3.0f ? 0.0f : x > 3.0f ? 6.0f : x + 3.0f) * (1.0f / 6))";

static const char *act_expression(enum act act)
{
    static const char *const text[ACT_COUNT] = {
#define ACTIVATION(id, form, ...) [ACT_##id] = act_##form##_c,
#include "kernels/act.def"
#undef ACTIVATION
    };
    return text[act];
}

static float act_parameter(enum act act)
{
    static const float parameter[ACT_COUNT] = {
#define ACTIVATION(id, form, a, ...) [ACT_##id] = a,
#include "kernels/act.def"
#undef ACTIVATION
    };
    return parameter[act];
}

static const char *act_id(enum act act)
{
    static const char *const id[ACT_COUNT] = {
#define ACTIVATION(id, ...) [ACT_##id] = #id,
#include "kernels/act.def"
#undef ACTIVATION
    };
    return id[act];
}

static void write_activations(struct c_export *e)
{
    fputs("\nenum activation {", e->out);
    for (int a = 0, n = 0; a < ACT_COUNT; a++) {
        if (e->act[a])
            fprintf(e->out, "%s%s", n++ ? ", " : " ", act_id((enum act)a));
    }
    fputs(" };\n\nstatic float activate(float x, enum activation activation)\n{\n    switch (activation) {\n", e->out);
    for (int a = 0; a < ACT_COUNT; a++) {
        if (!e->act[a])
            continue;
        fprintf(e->out, "    case %s:\n        return ", act_id((enum act)a));
        char number[C_FLOAT];
        const char *text = act_expression((enum act)a), *place = strstr(text, "%s");
        if (place)
            fprintf(e->out, "%.*s%s%s", (int)(place - text), text, c_float(act_parameter((enum act)a), number),
                    place + 2);
        else
            fputs(text, e->out);
        fputs(";\n", e->out);
    }
    fputs("    }\n    return x;\n}\n", e->out);
}

static void write_parts(struct c_export *e)
{
    static const char *const text[PARTS] = {
#define PART(id, file) [PART_##id] = c_part_##file,
#include "export/c_parts.def"
#undef PART
    };
    bool any_act = false;
    for (int a = 0; a < ACT_COUNT; a++)
        any_act |= e->act[a];
    for (int k = 0; k < PARTS; k++) {
        if (k == PART_PANELS && any_act)
            write_activations(e);
        if (k == PART_PANELS && e->most_taps)
            fprintf(e->out, "\nenum { TAPS = %d }; /* of the largest window */\n", e->most_taps);
        if (!e->part[k])
            continue;
        fputc('\n', e->out);
        write_part(e, text[k]);
    }
}

/* --- the source --- */

static int classes_of(const struct c_export *e)
{
    return e->g->head.nc;
}

void c_text_top(struct c_export *e, const char *header)
{
    fprintf(e->out,
            "/* %s for pictures of %d x %d (rows x columns), %d %s, %s; written by yolo9 export --format c.\n"
            " * %s says how it is used. Nothing here is changed by hand: export again. */\n"
            "#include \"%s\"\n\n#include <math.h>\n#include <stdint.h>\n#include <string.h>\n\n"
            "#ifdef __clang__\n#pragma STDC FP_CONTRACT OFF /* a product is rounded before it is added, everywhere */\n"
            "#endif\n",
            e->o->model, e->o->h, e->o->w, classes_of(e), classes_of(e) == 1 ? "class" : "classes",
            e->part[PART_CONV_BYTES] ? "8-bit weights" : "float weights", header, header);
    write_parts(e);
}

/* A text as a C constant: what is not plain ASCII as octal digits, no trigraph. */
static void write_text(struct c_export *e, const char *text)
{
    fputc('"', e->out);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\' || *c == '?')
            fprintf(e->out, "\\%c", *c);
        else if ((unsigned char)*c < 32 || (unsigned char)*c > 126)
            fprintf(e->out, "\\%03o", (unsigned char)*c);
        else
            fputc(*c, e->out);
    }
    fputc('"', e->out);
}

static void write_names(struct c_export *e)
{
    fputs("\n/* --- what goes in and comes out --- */\n\n", e->out);
    fprintf(e->out, "const char *const %s_names[%s_CLASSES] = {\n", e->prefix, e->upper);
    for (int k = 0; k < classes_of(e); k++) {
        fputs("    ", e->out);
        write_text(e, e->o->names[k]);
        fputs(",\n", e->out);
    }
    fputs("};\n", e->out);
}

static void write_load(struct c_export *e)
{
    const int channels = e->g->values[e->g->input].c;
    fprintf(e->out,
            "\nvoid %s_load(float *arena, const unsigned char *rgb)\n{\n"
            "    for (int y = 0; y < %s_HEIGHT; y++)\n        for (int x = 0; x < %s_WIDTH; x++, rgb += %d)\n"
            "            for (int c = 0; c < %d; c++)\n"
            "                pixel(arena, &%s, y, x)[c] = (float)rgb[c] / 255.0f;\n}\n",
            e->prefix, e->upper, e->upper, channels, channels, e->region[e->g->input]);
    fprintf(e->out,
            "\nfloat *%s_input(float *arena, int y, int x)\n{\n    return pixel(arena, &%s, y, x);\n}\n"
            "\nconst float *%s_output(float *arena, int level, int y, int x)\n{\n"
            "    return pixel(arena, levels[level].map, y, x);\n}\n",
            e->prefix, e->region[e->g->input], e->prefix);
}

static void write_levels(struct c_export *e)
{
    const struct graph *g = e->g;
    const struct branch *main = &g->branch[g->n_branches - 1];
    fprintf(e->out,
            "\n/* The head's maps, and how many pixels of the picture a cell of theirs is wide. */\n"
            "static const struct {\n    const struct map *map;\n    int stride;\n} levels[%s_LEVELS] = {",
            e->upper);
    for (int l = 0; l < main->n_levels; l++)
        fprintf(e->out, "%s{&%s, %d}", l ? ", " : "", e->region[main->level[l]], g->stride[l]);
    fputs("};\n", e->out);
}

static void write_anchors(struct c_export *e)
{
    const struct head *h = &e->g->head;
    const int n_levels = e->g->branch[e->g->n_branches - 1].n_levels;
    fprintf(e->out,
            "\nenum { ANCHORS = %d }; /* boxes a cell */\n\n/* Their widths and heights in pixels. */\n"
            "static const float anchors[%s_LEVELS][ANCHORS][2] = {\n",
            h->n_anchors, e->upper);
    for (int l = 0; l < n_levels; l++) {
        fputs("    {", e->out);
        for (int a = 0; a < h->n_anchors; a++)
            fprintf(e->out, "%s{%.9g, %.9g}", a ? ", " : "", (double)h->anchor[l][a][0], (double)h->anchor[l][a][1]);
        fputs("},\n", e->out);
    }
    fputs("};\n", e->out);
}

static void write_bins(struct c_export *e)
{
    fprintf(e->out, "\nenum { BINS = %d }; /* logits a side */\n", e->g->head.reg_max);
}

/* What differs from one kind of head to another. */
static const struct {
    void (*constants)(struct c_export *e);
    const char *part;
    const char *channels; /* what the channels of a cell are, for the header */
} heads[HEAD_KINDS] = {
    [HEAD_DFL] = {write_bins, c_part_boxes_dfl,
                  "four sides (left, top,\n * right, bottom) of %d logits each, then a logit a class"},
    [HEAD_ANCHORS] = {write_anchors, c_part_boxes_anchors,
                      "%d boxes, each x, y,\n * w, h, objectness, then a logit a class"},
};

static void write_boxes(struct c_export *e)
{
    char offset[C_FLOAT];
    heads[e->g->head.kind].constants(e);
    fprintf(e->out,
            "\n/* Where in the arena boxes are gathered: what the network left there is not needed any more. */\n"
            "#define CANDIDATES %zuUL\n\n/* Boxes of the next class are moved by so many pixels. */\n"
            "#define CLASS_OFFSET %s\n\n",
            e->candidates, c_float(e->o->class_offset, offset));
    write_part(e, heads[e->g->head.kind].part);
    fputc('\n', e->out);
    write_part(e, c_part_boxes);
}

void c_text_ends(struct c_export *e)
{
    write_names(e);
    write_levels(e);
    write_load(e);
    if (!e->o->raw)
        write_boxes(e);
}

/* --- the header --- */

/* "#define NET_ROWS {8, 4, 2}": rows, columns or strides of the levels. */
static void header_levels(struct c_export *e, const char *what, const int *numbers, int n)
{
    fprintf(e->out, "#define %s_%s {", e->upper, what);
    for (int l = 0; l < n; l++)
        fprintf(e->out, "%s%d", l ? ", " : "", numbers[l]);
    fputs("}\n", e->out);
}

static void header_sizes(struct c_export *e)
{
    const struct graph *g = e->g;
    const struct branch *main = &g->branch[g->n_branches - 1];
    fprintf(e->out, "enum { %s_HEIGHT = %d, %s_WIDTH = %d, %s_CLASSES = %d, %s_LEVELS = %d, %s_CHANNELS = %d };\n",
            e->upper, e->o->h, e->upper, e->o->w, e->upper, classes_of(e), e->upper, main->n_levels, e->upper,
            head_channels(&g->head));
    int rows[MAX_LEVELS], columns[MAX_LEVELS];
    for (int l = 0; l < main->n_levels; l++) {
        rows[l] = e->plan->extents[main->level[l]].h;
        columns[l] = e->plan->extents[main->level[l]].w;
    }
    header_levels(e, "ROWS", rows, main->n_levels); /* initialisers of arrays of LEVELS numbers */
    header_levels(e, "COLUMNS", columns, main->n_levels);
    header_levels(e, "STRIDES", g->stride, main->n_levels);
    fprintf(e->out, "#define %s_ARENA_FLOATS %zuUL\n\n", e->upper, e->arena_floats);
    fprintf(e->out, "extern const char *const %s_names[%s_CLASSES];\n\n", e->prefix, e->upper);
}

static void header_maps(struct c_export *e)
{
    const struct head *h = &e->g->head;
    fputs("/* The head's maps as its convolutions leave them, until the next run: the CHANNELS numbers of cell (y, x) "
          "of\n"
          " * a level of ROWS x COLUMNS cells, each STRIDES pixels wide. They are ",
          e->out);
    fprintf(e->out, heads[h->kind].channels, h->kind == HEAD_DFL ? h->reg_max : h->n_anchors);
    fprintf(e->out, ". */\nconst float *%s_output(float *arena, int level, int y, int x);\n\n", e->prefix);
}

static void header_boxes(struct c_export *e)
{
    fprintf(
        e->out,
        "/* Corners in pixels of the network's picture, not clipped to it. */\n"
        "struct %s_box {\n    float x0, y0, x1, y1, score;\n    int label; /* index into %s_names */\n};\n\n"
        "/* After a run: boxes by falling score, at most `most`, of scores above `confidence` (0.25 is usual); of\n"
        " * boxes of a class that overlap more than `iou` (0.45) the best one alone. Returns how many there are. */\n"
        "int %s_boxes(float *arena, float confidence, float iou, struct %s_box *boxes, int most);\n\n",
        e->prefix, e->prefix, e->prefix, e->prefix);
}

void c_text_header(struct c_export *e)
{
    const size_t arena = e->arena_floats * sizeof(float);
    fprintf(e->out,
            "/* %s for pictures of %d x %d (rows x columns), %d %s; written by yolo9 export --format c.\n *\n"
            " *   flash  %zu bytes of constants, and the code\n"
            " *   RAM    %zu bytes, the arena; no heap, less than 2 KB of stack\n"
            " *\n"
            " *   static float arena[%s_ARENA_FLOATS];\n"
            " *   %s_load(arena, picture);\n"
            " *   %s_run(arena);\n",
            e->o->model, e->o->h, e->o->w, classes_of(e), classes_of(e) == 1 ? "class" : "classes", e->weights, arena,
            e->upper, e->prefix, e->prefix);
    if (!e->o->raw)
        fprintf(e->out, " *   n = %s_boxes(arena, 0.25f, 0.45f, boxes, 100);\n", e->prefix);
    fprintf(e->out,
            " *\n * An arena is used by one thread at a time; with one arena each, threads do not disturb each other.\n"
            " * C99, libm; no other function of the system is called. */\n"
            "#ifndef %s_H\n#define %s_H\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
            e->upper, e->upper);
    header_sizes(e);
    fprintf(e->out,
            "/* A picture of HEIGHT x WIDTH pixels, bytes R, G, B, row by row: letterboxed, that is, scaled with its\n"
            " * proportions and filled up with grey (114), as in training. The run does not keep it. */\n"
            "void %s_load(float *arena, const unsigned char *rgb);\n"
            "/* Or pixel by pixel: where red, green and blue of a pixel go, 0 .. 1. */\n"
            "float *%s_input(float *arena, int y, int x);\n\nvoid %s_run(float *arena);\n\n",
            e->prefix, e->prefix, e->prefix);
    header_maps(e);
    if (!e->o->raw)
        header_boxes(e);
    fputs("#ifdef __cplusplus\n}\n#endif\n\n#endif\n", e->out);
}
