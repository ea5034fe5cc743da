#include "weights/rename.h"

#include "core/status.h"
#include "model/head.h"
#include "model/names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 24, WORD = 24 };

/* --- MultimediaTechLab/YOLO: the official rows, other words below them --- */

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
    if (!strcmp(word, "bottleneck"))
        return "m";
    if (word_is(p, i, "conv") && (word_is(p, i + 1, "conv") || word_is(p, i + 1, "bn")))
        return "cv1"; /* AConv's only child */
    bool numbered = !strncmp(word, "conv", 4) && isdigit((unsigned char)word[4]) && !word[5];
    if (!numbered || (word_is(p, i - 1, "conv1") && word_is(p, i - 3, "bottleneck")))
        return word; /* RepConvN keeps its conv1 and conv2 */
    snprintf(buffer, WORD, "cv%c", word[4]);
    return buffer;
}

/* Where the rows of a file with both branches stand in the official table: the main head comes before the auxiliary
 * rows there, here all rows come before the one head of both. */
enum { RANGES = 2 };
static const struct both_branches {
    struct rename_heads heads; /* in the file */
    struct {
        int first, last, shift;
    } rows[RANGES];
    int head; /* ours */
} both_branches[] = {
    {{22, 30}, {{0, 21, 0}, {23, 29, -1}}, 29}, /* yolov9-t and s */
    {{22, 38}, {{0, 21, 1}, {23, 37, 0}}, 38},  /* yolov9-m and c: they have a Silence in front */
};

static const struct both_branches *find_branches(struct rename_heads heads)
{
    for (int i = 0; i < COUNT(both_branches); i++) {
        const struct both_branches *b = &both_branches[i];
        if (b->heads.main == heads.main && b->heads.auxiliary == heads.auxiliary)
            return b;
    }
    return NULL;
}

/* Our row for theirs; -1: not needed. */
static int our_row(long row, struct rename_heads heads, const struct both_branches *both)
{
    if (!both)
        return row <= heads.main ? (int)row : -1;
    if (row == heads.main || row == heads.auxiliary)
        return both->head;
    for (int i = 0; i < RANGES; i++) {
        if (row >= both->rows[i].first && row <= both->rows[i].last)
            return (int)row + both->rows[i].shift;
    }
    return -1;
}

/* heads.<level>.<anchor_conv or class_conv>: a part of a branch of our head. */
static const char *our_part(const struct path *p, int i, bool second)
{
    bool boxes = word_is(p, i, "anchor_conv");
    if (!boxes && !word_is(p, i, "class_conv"))
        return NULL;
    return head_part_name(second, boxes ? HEAD_PART_BOX : HEAD_PART_CLS);
}

bool rename_multimedia(const char *name, struct rename_heads heads, char *out, size_t size)
{
    struct path p;
    char buffer[WORD], *end;
    if (!split(name, &p))
        return false;
    const struct both_branches *both = find_branches(heads);
    long theirs = strtol(p.word[0], &end, 10);
    int row = *end || theirs < 0 ? -1 : our_row(theirs, heads, both);
    if (row < 0)
        return false;
    int used = snprintf(out, size, "model.%d", row);
    for (int i = 1; i < p.n; i++) {
        if (word_is(&p, i, "heads") && i + 2 < p.n) { /* heads.<level>.<part> -> <part>.<level> */
            const char *part = our_part(&p, i + 2, both && theirs == heads.main);
            if (!part)
                return false; /* anc2vec, DFL's 0, 1, 2 ... */
            used += snprintf(out + used, size - (size_t)used, ".%s.%s", part, p.word[i + 1]);
            i += 2;
        } else {
            used += snprintf(out + used, size - (size_t)used, ".%s", our_word(&p, i, buffer));
        }
        if ((size_t)used >= size)
            return false;
    }
    return true;
}

bool rename_main_branch(const char *name, int head, char *out, size_t size)
{
    const struct both_branches *both = NULL;
    const char *rest;
    int row = names_row(name, &rest), used = -1;
    for (int i = 0; i < COUNT(both_branches) && !both; i++)
        both = both_branches[i].head == head ? &both_branches[i] : NULL;
    if (!both || row < 0)
        return false;
    if (row < both->heads.main) /* the trunk */
        used = snprintf(out, size, "model.%d.%s", row + both->rows[0].shift, rest);
    for (int part = HEAD_PART_BOX; row == both->heads.main && part <= HEAD_PART_CLS; part++) {
        const char *here = head_part_name(0, (enum head_part)part), *there = head_part_name(1, (enum head_part)part);
        size_t n = strlen(here);
        if (!strncmp(rest, here, n) && rest[n] == '.')
            used = snprintf(out, size, "model.%d.%s%s", head, there, rest + n);
    }
    return used > 0 && (size_t)used < size;
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

bool rename_libre(const char *name, struct rename_heads heads, char *out, size_t size)
{
    (void)heads;
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
