#include "weights/rename.h"

#include "core/status.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 24, WORD = 24, HEAD_WORDS = 3 /* heads, level, part */ };

/* --- MultimediaTechLab/YOLO: the official rows, other words below them --- */

static const struct {
    const char *theirs, *ours;
} words[] = {{"bottleneck", "m"}, {"anchor_conv", "cv2"}, {"class_conv", "cv3"}};

struct path {
    char word[MAX_WORDS][WORD];
    int n;
};

static bool split(const char *name, struct path *p)
{
    p->n = 0;
    while (*name) {
        size_t length = strcspn(name, ".");
        if (!length || length >= WORD || p->n == MAX_WORDS)
            return false;
        snprintf(p->word[p->n++], WORD, "%.*s", (int)length, name);
        name += length + (name[length] == '.');
    }
    return p->n > 1;
}

static bool word_is(const struct path *p, int i, const char *word)
{
    return i >= 0 && i < p->n && !strcmp(p->word[i], word);
}

/* Our word for word i of the path. */
static const char *our_word(const struct path *p, int i, char buffer[WORD])
{
    const char *word = p->word[i];
    for (int k = 0; k < COUNT(words); k++) {
        if (!strcmp(word, words[k].theirs))
            return words[k].ours;
    }
    if (word_is(p, i, "conv") && (word_is(p, i + 1, "conv") || word_is(p, i + 1, "bn")))
        return "cv1"; /* AConv's only child */
    bool numbered = !strncmp(word, "conv", 4) && isdigit((unsigned char)word[4]) && !word[5];
    if (!numbered || (word_is(p, i - 1, "conv1") && word_is(p, i - 3, "bottleneck")))
        return word; /* RepConvN keeps its conv1 and conv2 */
    snprintf(buffer, WORD, "cv%c", word[4]);
    return buffer;
}

bool rename_multimedia(const char *name, int last, char *out, size_t size)
{
    struct path p;
    char buffer[WORD], *end;
    if (!split(name, &p))
        return false;
    long row = strtol(p.word[0], &end, 10);
    if (*end || row < 0 || row > last || word_is(&p, HEAD_WORDS, "anc2vec"))
        return false;
    int used = snprintf(out, size, "model.%ld", row);
    for (int i = 1; i < p.n; i++) {
        if (word_is(&p, i, "heads") && i + 2 < p.n) { /* heads.<level>.<part> -> <part>.<level> */
            used += snprintf(out + used, size - (size_t)used, ".%s.%s", our_word(&p, i + 2, buffer), p.word[i + 1]);
            i += 2;
        } else {
            used += snprintf(out + used, size - (size_t)used, ".%s", our_word(&p, i, buffer));
        }
        if ((size_t)used >= size)
            return false;
    }
    return true;
}

/* --- LibreYOLO: names instead of rows, the official words below them --- */

static const struct {
    const char *name;
    int row;
} places[] = {
    {"backbone.conv0.", 0}, {"backbone.conv1.", 1},   {"backbone.elan1.", 2}, {"backbone.down2.", 3},
    {"backbone.elan2.", 4}, {"backbone.down3.", 5},   {"backbone.elan3.", 6}, {"backbone.down4.", 7},
    {"backbone.elan4.", 8}, {"backbone.spp.", 9},     {"neck.elan_up1.", 12}, {"neck.elan_up2.", 15},
    {"neck.down1.", 16},    {"neck.elan_down1.", 18}, {"neck.down2.", 19},    {"neck.elan_down2.", 21},
    {"head.", 22},
};

bool rename_libre(const char *name, int last, char *out, size_t size)
{
    (void)last;
    for (int i = 0; i < COUNT(places); i++) {
        size_t n = strlen(places[i].name);
        if (strncmp(name, places[i].name, n) != 0)
            continue;
        const char *rest = name + n;
        bool aconv = !strncmp(rest, "cv.", 3);
        int used = snprintf(out, size, "model.%d.%s%s", places[i].row, aconv ? "cv1." : "", aconv ? rest + 3 : rest);
        return used > 0 && (size_t)used < size;
    }
    return false;
}
