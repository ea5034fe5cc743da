#include "image/text.h"

#include "core/library.h"
#include "core/log.h"
#include "core/status.h"
#include "core/text.h"

#include <pango/pangocairo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_BYTES = 512 };

/* Asked by LeakSanitizer's runtime, by this name, in builds with it: fontconfig loses a pattern of its own at exit. The
 * runtime finds it only where it is visible; all else here is compiled hidden. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

/* --- Pango, opened when it is needed --- */

static struct {
    bool there;
    __typeof__(pango_cairo_create_layout) *create_layout;
    __typeof__(pango_cairo_show_layout_line) *show_line;
    __typeof__(pango_layout_set_text) *set_text;
    __typeof__(pango_layout_set_font_description) *set_font;
    __typeof__(pango_layout_set_single_paragraph_mode) *set_single_paragraph;
    __typeof__(pango_layout_get_line_readonly) *get_line;
    __typeof__(pango_layout_get_unknown_glyphs_count) *unknown_glyphs;
    __typeof__(pango_layout_get_size) *get_size;
    __typeof__(pango_font_description_new) *font_new;
    __typeof__(pango_font_description_free) *font_free;
    __typeof__(pango_font_description_set_family) *set_family;
    __typeof__(pango_font_description_set_weight) *set_weight;
    __typeof__(pango_font_description_set_absolute_size) *set_size;
    __typeof__(g_object_unref) *unref;
} pango;

static void pango_open(void)
{
    const struct library_symbol wanted[] = {
        {&pango.create_layout, "pango_cairo_create_layout"},
        {&pango.show_line, "pango_cairo_show_layout_line"},
        {&pango.set_text, "pango_layout_set_text"},
        {&pango.set_font, "pango_layout_set_font_description"},
        {&pango.set_single_paragraph, "pango_layout_set_single_paragraph_mode"},
        {&pango.get_line, "pango_layout_get_line_readonly"},
        {&pango.unknown_glyphs, "pango_layout_get_unknown_glyphs_count"},
        {&pango.get_size, "pango_layout_get_size"},
        {&pango.font_new, "pango_font_description_new"},
        {&pango.font_free, "pango_font_description_free"},
        {&pango.set_family, "pango_font_description_set_family"},
        {&pango.set_weight, "pango_font_description_set_weight"},
        {&pango.set_size, "pango_font_description_set_absolute_size"},
        {&pango.unref, "g_object_unref"},
    };
    pango.there = library_open("libpangocairo-1.0.so.0", wanted, COUNT(wanted));
}

static bool pango_ready(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, pango_open);
    return pango.there;
}

static bool is_plain(const char *text)
{
    for (; *text; text++) {
        if (*text < 0x20 || *text > 0x7E)
            return false;
    }
    return true;
}

/* A layout of clean text in the context's font; pango.unref it. */
static PangoLayout *layout_create(cairo_t *cr, const char *text)
{
    cairo_matrix_t size;
    cairo_get_font_matrix(cr, &size);
    bool bold = cairo_toy_font_face_get_weight(cairo_get_font_face(cr)) == CAIRO_FONT_WEIGHT_BOLD;
    PangoLayout *layout = pango.create_layout(cr);
    PangoFontDescription *font = pango.font_new();
    pango.set_family(font, "DejaVu Sans");
    pango.set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango.set_size(font, size.xx * PANGO_SCALE);
    pango.set_font(layout, font);
    pango.set_single_paragraph(layout, TRUE);
    pango.set_text(layout, text, -1);
    pango.font_free(font);
    return layout;
}

/* Has clean text a letter that cannot be drawn? */
static bool has_unknown(cairo_t *cr, const char *text)
{
    if (is_plain(text))
        return false;
    if (!pango_ready())
        return true;
    PangoLayout *layout = layout_create(cr, text);
    bool unknown = pango.unknown_glyphs(layout) > 0;
    pango.unref(layout);
    return unknown;
}

static void tell_unknown(const char *text, const char *instead)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&told))
        return;
    if (!pango_ready())
        log_warn(
            "\"%s\" is drawn as \"%s\" in pictures: libpangocairo-1.0.so.0, which draws other letters than ASCII, is "
            "not installed",
            text, instead);
    else
        log_warn(
            "\"%s\" is drawn as \"%s\" in pictures: no installed font has its letters (fonts-wqy-microhei has Chinese, "
            "Japanese and Korean, fonts-noto-core most other scripts, fonts-noto-color-emoji emoji)",
            text, instead);
}

/* --- valid UTF-8 --- */
void text_clean(const char *text, char *out, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t used = 0;
    while (*p && used + 1 < size) {
        size_t n = (size_t)text_decode((const char *)p, NULL);
        if (used + MAX(n, 1) >= size)
            break;
        if (n == 0 || *p < 0x20)
            out[used++] = '?';
        else
            memcpy(out + used, p, n);
        used += n && *p >= 0x20 ? n : 0;
        p += MAX(n, 1);
    }
    out[used] = 0;
}

/* `text` made drawable: clean, with "?" for what no font has. */
static void text_prepare(cairo_t *cr, const char *text, char out[TEXT_BYTES])
{
    char clean[TEXT_BYTES], letter[8];
    size_t used = 0;
    text_clean(text, clean, sizeof clean);
    memcpy(out, clean, strlen(clean) + 1);
    if (!has_unknown(cr, clean))
        return;
    for (const char *p = clean; *p; p += strlen(letter)) {
        size_t n = MAX((size_t)text_decode(p, NULL), 1);
        memcpy(letter, p, n);
        letter[n] = 0;
        if (has_unknown(cr, letter)) {
            out[used++] = '?';
        } else {
            memcpy(out + used, letter, n);
            used += n;
        }
    }
    out[used] = 0;
    tell_unknown(clean, out);
}

/* --- text on a context --- */

void font_select(cairo_t *cr, double size, int bold)
{
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

/* Width of prepared text. */
static double prepared_width(cairo_t *cr, const char *text)
{
    if (!is_plain(text)) {
        int width, height;
        PangoLayout *layout = layout_create(cr, text);
        pango.get_size(layout, &width, &height);
        pango.unref(layout);
        return (double)width / PANGO_SCALE;
    }
    cairo_text_extents_t t;
    cairo_text_extents(cr, text, &t);
    return t.x_advance;
}

void text_show(cairo_t *cr, double x, double y, double align, double valign, const char *text)
{
    char prepared[TEXT_BYTES];
    cairo_font_extents_t f;
    text_prepare(cr, text, prepared);
    cairo_font_extents(cr, &f);
    cairo_move_to(cr, x - align * prepared_width(cr, prepared), y - valign * (f.ascent + f.descent) + f.ascent);
    if (is_plain(prepared)) {
        cairo_show_text(cr, prepared);
        return;
    }
    PangoLayout *layout = layout_create(cr, prepared);
    pango.show_line(cr, pango.get_line(layout, 0));
    pango.unref(layout);
    cairo_new_path(cr);
}

double text_width(cairo_t *cr, const char *text)
{
    char prepared[TEXT_BYTES];
    text_prepare(cr, text, prepared);
    return prepared_width(cr, prepared);
}

double text_height(cairo_t *cr)
{
    cairo_font_extents_t f;
    cairo_font_extents(cr, &f);
    return f.ascent + f.descent;
}

/* The k-th character of clean text of n characters, by its place in bytes. */
static int character_places(const char *text, size_t places[TEXT_BYTES])
{
    int n = 0;
    for (size_t i = 0; text[i]; i++) {
        if ((text[i] & 0xC0) != 0x80)
            places[n++] = i;
    }
    places[n] = strlen(text);
    return n;
}

void text_shorten(cairo_t *cr, const char *text, double room, bool keep_end, char *out, size_t size)
{
    char prepared[TEXT_BYTES];
    size_t places[TEXT_BYTES];
    text_prepare(cr, text, prepared);
    snprintf(out, size, "%s", prepared);
    if (strlen(prepared) < size && prepared_width(cr, prepared) <= room)
        return;
    int n = character_places(prepared, places), low = 0, high = n - 1; /* characters kept: low fits, high + 1 not */
    while (low <= high) {
        int kept = (low + high + 1) / 2;
        size_t start = keep_end ? places[n - kept] : 0, length = keep_end ? places[n] - start : places[kept];
        while (!keep_end && length && prepared[length - 1] == ' ')
            length--;
        int written = keep_end ? snprintf(out, size, "...%s", prepared + start)
                               : snprintf(out, size, "%.*s...", (int)length, prepared);
        bool fits = (size_t)written < size && text_width(cr, out) <= room;
        if (low == high) {
            if (!fits)
                out[0] = 0;
            return;
        }
        if (fits)
            low = kept;
        else
            high = kept - 1;
    }
    out[0] = 0;
}

cairo_t *measure_create(void)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cr = cairo_create(surface);
    cairo_surface_destroy(surface); /* the context keeps it */
    return cr;
}

/* Can all of a clean name be drawn? */
static bool is_drawable(const char *name)
{
    if (is_plain(name))
        return true;
    cairo_t *cr = measure_create();
    font_select(cr, 12, 0);
    bool unknown = has_unknown(cr, name);
    cairo_destroy(cr);
    return !unknown;
}

void text_class(const char *const *names, int n_names, int class_index, char *out, size_t size)
{
    char name[TEXT_BYTES] = "", number[32];
    snprintf(number, sizeof number, "class %d", class_index);
    if (names && class_index >= 0 && class_index < n_names && names[class_index])
        text_clean(names[class_index], name, sizeof name);
    bool drawable = is_drawable(name);
    if (!drawable)
        tell_unknown(name, number);
    text_clean(*name && drawable ? name : number, out, size);
}
