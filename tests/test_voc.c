/* Pascal VOC annotations: one file, and the ways in which a split names them. */
#include "support/dataset_files.h"
#include "support/unit.h"

#include "data/voc_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT(name, x1, y1, x2, y2, more)                                                            \
    "<object><name>" name "</name>" more "<bndbox><xmin>" #x1 "</xmin><ymin>" #y1 "</ymin><xmax>" #x2 \
    "</xmax><ymax>" #y2 "</ymax></bndbox></object>"
#define SIZE "<size><width>40</width><height>20</height><depth>3</depth></size>"

static void one_file_is_read(void **state)
{
    (void)state;
    struct voc_file v;
    const char *text =
        "\xef\xbb\xbf<?xml version=\"1.0\"?>\r\n<annotation verified=\"yes\">\n<folder>x</folder>"
        "<filename> a &amp; b.jpg\n</filename>" SIZE
        "<object><part><name>head</name><bndbox><xmin>1</xmin></bndbox></part><name>dog</name>"
        "<difficult>1</difficult><bndbox><ymax>4</ymax><ymin>3.5</ymin><xmin>1</xmin><xmax>1e1</xmax>"
        "</bndbox></object>" OBJECT("c\xc3\xa2t", 2, 3, 4, 5, "<difficult>0</difficult>") "</annotation>\n";
    if (voc_read("a.xml", text, strlen(text), &v) != OK)
        fail_msg("%s", fail_text());
    assert_string_equal(v.filename, "a & b.jpg");
    assert_true(v.w == 40 && v.h == 20 && v.n_objects == 2);
    assert_string_equal(v.objects[0].name, "dog");
    assert_true(v.objects[0].difficult && v.objects[0].corners[1] == 3.5 && v.objects[0].corners[2] == 10);
    assert_string_equal(v.objects[1].name, "c\xc3\xa2t");
    assert_true(!v.objects[1].difficult && v.objects[1].corners[3] == 5);
    voc_free(&v);
}

static void assert_fault(const char *text, const char *sentence)
{
    struct voc_file v;
    assert_int_not_equal(voc_read("a.xml", text, strlen(text), &v), OK);
    assert_contains(fail_text(), sentence);
    assert_true(!v.n_objects && !v.objects);
}

static void faults_are_told_with_their_line(void **state)
{
    (void)state;
    char deep[2000] = "<annotation>", longer[6000] = "<annotation><filename>";
    assert_fault("", "a.xml:1: no element found");
    assert_fault("<annotation>\n<object>", "a.xml:2: no element found");
    assert_fault("<html></html>", "a.xml:1: its root is <html>");
    assert_fault("<annotation></annotation><b/>", "a.xml:1: junk after document element");
    assert_fault("<annotation>\n<object></object></annotation>", "a.xml:2: object 1 has no name");
    assert_fault("<annotation><object><name>a</name></object></annotation>", "object 1 ('a') has no bndbox");
    assert_fault("<annotation>\n" OBJECT("a", x, 1, 2, 2, "") "</annotation>",
                 "a.xml:2: xmin 'x' is no number of pixels");
    assert_fault("<annotation>" OBJECT("a", 1e9, 1, 2, 2, "") "</annotation>", "xmin '1e9' is no number of pixels");
    assert_fault("<annotation>" OBJECT("a", nan, 1, 2, 2, "") "</annotation>", "xmin 'nan' is no number of pixels");
    assert_fault("<annotation>" OBJECT(" ", 1, 1, 2, 2, "") "</annotation>", "a.xml:1: a class name is empty");
    assert_fault("<!DOCTYPE annotation [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>\n<annotation>&b;</annotation>",
                 "a.xml:1: it declares a document type");
    assert_fault("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><annotation/>", "it declares a document type");
    assert_fault("<annotation>&b;</annotation>", "a.xml:1: undefined entity");
    for (int i = 0; i < 40; i++)
        strcat(deep, "<a>");
    assert_fault(deep, "nested deeper than 32 levels");
    memset(longer + strlen(longer), 'x', 5000);
    assert_fault(longer, "a text of more than 4000 bytes");
}

static void make_annotation(struct place *p, const char *name, const char *objects)
{
    char text[2000];
    snprintf(text, sizeof(text), "<annotation>" SIZE "%s</annotation>", objects);
    make_text(p, name, text);
}

/* Corners count from 1 and lie in the box; difficult objects are there as crowds are. */
static void assert_set(struct place *p, const char *yaml, int pictures, int labels, const char *note)
{
    struct dataset *d;
    make_text(p, "data.yaml", yaml);
    if (try_load(in(p, "data.yaml"), SPLIT_TRAIN, NULL, &d) != OK)
        fail_msg("%s: %s", yaml, fail_text());
    assert_int_equal(d->n_images, pictures);
    assert_int_equal(d->summary.objects, labels);
    assert_true(d->nc == 2 && !strcmp(d->names[0], "cat") && !strcmp(d->names[1], "dog"));
    if (note)
        assert_notes(d, note);
    dataset_destroy(d);
}

static void make_voc(struct place *p)
{
    make_picture(p, "voc/JPEGImages/a.jpg", 40, 20);
    make_picture(p, "voc/JPEGImages/b.png", 40, 20);
    make_picture(p, "voc/JPEGImages/c.jpg", 40, 20);
    make_annotation(p, "voc/Annotations/a.xml",
                    OBJECT("dog", 1, 1, 40, 20, "") OBJECT("cat", 11, 6, 20, 10, "<difficult>1</difficult>"));
    make_annotation(p, "voc/Annotations/b.xml", OBJECT("dog", 11, 6, 30, 15, ""));
    make_annotation(p, "voc/Annotations/c.xml", OBJECT("cat", 1, 1, 10, 10, ""));
    make_text(p, "voc/ImageSets/Main/train.txt", "a\nb\n");
    make_text(p, "voc/ImageSets/Main/cat_val.txt", "b -1\r\nc  1\r\n");
}

static void sets_are_found(void **state)
{
    struct place *p = *state;
    make_voc(p);
    assert_set(p, "train: voc\nnames: [cat, dog]\n", 2, 2, NULL);
    assert_set(p, "train: voc/ImageSets/Main/cat_val.txt\nnames: [cat, dog]\n", 2, 2, NULL);
    assert_set(p, "train: voc/Annotations\nnames: [cat, dog]\n", 3, 3, NULL);
    assert_set(p, "train: voc/JPEGImages\nnames: [cat, dog]\n", 3, 3, "labels come from Pascal VOC annotations (");
    assert_set(p, "train: [voc/Annotations/a.xml, voc/Annotations/c.xml]\nnames: [cat, dog]\n", 2, 2, NULL);
    assert_set(p, "train: voc\ntest: voc/Annotations/c.xml\n", 2, 2,
               "has no names: the annotations of all splits have 2 classes");
    assert_set(p, "train: voc/ImageSets/Main/train.txt\nval: voc/Annotations\nnc: 2\n", 2, 2, "has no names");
    assert_fails(p, "train: voc\nnc: 5\n", E_FORMAT, "nc is 5, but the annotations of its splits name 2 classes");
    assert_fails(p, "train: [voc, voc/JPEGImages]\nnames: [cat, dog]\n", E_FORMAT, "not both");
    make_picture(p, "beside/x.jpg", 40, 20);
    make_annotation(p, "beside/x.xml", OBJECT("Dog ", 1, 1, 10, 10, "")); /* labelImg */
    make_picture(p, "beside/y.jpg", 40, 20);
    assert_set(p, "train: beside\nnames: [cat, dog]\n", 2, 1, "labels come from Pascal VOC annotations (");
    make_text(p, "beside/y.txt", "0 .5 .5 .5 .5\n"); /* label files come first */
    assert_set(p, "train: beside\nnames: [cat, dog]\n", 2, 1, NULL);
}

static void boxes_count_from_one(void **state)
{
    struct place *p = *state;
    struct buf text = {0};
    make_voc(p);
    make_text(p, "data.yaml", "train: voc\nnames: [cat, dog]\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    const struct dataset_object *o = &d->objects[d->images[0].first_object];
    assert_true(d->images[0].n_objects == 1 && d->images[0].n_crowds == 1 && d->summary.difficult == 1);
    assert_true(o[0].class == 1 && o[0].cxcywh[0] == 0.5f && o[0].cxcywh[2] == 1 && o[0].cxcywh[3] == 1);
    assert_true(o[0].area == 800 && o[1].class == 0 && o[1].cxcywh[2] == 0.25f && o[1].area == 50);
    assert_int_equal(dataset_describe(d, "train", 3, &text), OK);
    assert_contains(text.data, "1 object marked difficult: not learned");
    buf_free(&text);
    dataset_destroy(d);
}

static void what_does_not_fit_is_left_out_and_said(void **state)
{
    struct place *p = *state;
    make_voc(p);
    make_annotation(p, "voc/Annotations/a.xml", OBJECT("horse", 1, 1, 10, 10, ""));
    make_annotation(p, "voc/Annotations/d.xml", OBJECT("cat", 1, 1, 10, 10, ""));
    make_annotation(p, "voc/Annotations/c.xml", "<filename>b.png</filename>" OBJECT("cat", 1, 1, 10, 10, ""));
    make_text(p, "data.yaml", "train: voc/Annotations\nnames: [cat, dog]\n");
    struct dataset *d = load(p, SPLIT_TRAIN, NULL);
    assert_true(d->n_images == 1 && d->summary.bad_labels == 2 && d->summary.absent == 1);
    assert_contains(d->summary.problems[0], "a.xml: object 'horse' is not among the 2 class names of ");
    assert_contains(d->summary.problems[1], "c.xml: it says that it is of b.png, but by its name it belongs to c.jpg");
    assert_contains(d->summary.problems[2], "JPEGImages/d.jpg: it does not exist");
    dataset_destroy(d);
    const struct dataset_options told = {.no_pixels = true};
    d = load(p, SPLIT_TRAIN, &told);
    assert_true(d->n_images == 2 && d->images[1].w == 40);
    dataset_destroy(d);
    make_picture(p, "voc/JPEGImages/b.png", 41, 20);
    assert_int_equal(try_load(in(p, "data.yaml"), SPLIT_TRAIN, NULL, &d), E_FORMAT);
    assert_contains(fail_text(), "of 4; the first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_is_read),
        cmocka_unit_test(faults_are_told_with_their_line),
        cmocka_unit_test_setup_teardown(sets_are_found, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(boxes_count_from_one, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_left_out_and_said, place_set_up, place_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
