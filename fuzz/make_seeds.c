/* Writes the seed corpus: make_seeds FOLDER makes FOLDER/<target>/<name> for every target. */
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "formats/safetensors.h"
#include "support/image_files.h"
#include "support/make_network.h"
#include "tiny_table.h"
#include "tiny_trainer.h"
#include "weights/weights.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

struct seeds {
    const char *folder;
    int bad;
};

static char *seed_path(struct seeds *s, const char *target, const char *name)
{
    char *folder = path_join(s->folder, target);
    if (!folder || path_make_folder(folder) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        s->bad = 1;
    }
    char *path = folder ? path_join(folder, name) : NULL;
    mem_free(folder);
    return path;
}

static void save(struct seeds *s, const char *target, const char *name, const void *bytes, size_t size)
{
    char *path = seed_path(s, target, name);
    if (!path || file_write(path, bytes, size) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        s->bad = 1;
    }
    mem_free(path);
}

static void save_buf(struct seeds *s, const char *target, const char *name, struct buf *b)
{
    save(s, target, name, b->data, b->size);
    buf_free(b);
}

static void save_text(struct seeds *s, const char *target, const char *name, const char *text)
{
    save(s, target, name, text, strlen(text));
}

/* Sizes in 64 bits, and a packed pickle: two storages, one of them packed too. */
static void make_large(struct seeds *s)
{
    static const unsigned char data[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct buf p = {0}, b = {0};
    pickle_begin(&p);
    pickle_op(&p, "}(");
    pickle_put_text(&p, "model.0.cv2.0.2.weight");
    pickle_put_tensor(&p, &(struct tensor_part){"BFloat16Storage", "0", 6, 1, 2, {2, 2}, {1, 2}});
    pickle_put_text(&p, "ema.model.0.cv2.0.2.weight");
    pickle_put_tensor(&p, &(struct tensor_part){"DoubleStorage", "1", 1, 0, 1, {1}, {1}});
    pickle_op(&p, "u.");
    for (int end64 = 0; end64 < 2; end64++) {
        const struct zip_part parts[] = {
            {.name = "x/data.pkl", .data = p.data, .size = p.size, .zip64 = true, .deflate = end64},
            {.name = "x/data/0", .data = data, .size = 12, .zip64 = true, .deflate = end64},
            {.name = "x/data/1", .data = data, .size = 8, .zip64 = true}};
        make_zip(&b, parts, COUNT(parts), end64);
        save_buf(s, "fuzz_pt", end64 ? "packed64.pt" : "zip64.pt", &b);
    }
    buf_free(&p);
}

/* The layout without an archive: two storages, one window, a class with its source. */
static void make_old(struct seeds *s)
{
    static const unsigned char data[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const struct old_storage storages[] = {{"7", data, 4, 16}, {"3", data, 2, 4}};
    struct buf object = {0}, b = {0};
    pickle_begin(&object);
    pickle_op(&object, "}(");
    pickle_put_text(&object, "model.0.conv.weight");
    pickle_put_tensor(&object, &(struct tensor_part){"FloatStorage", "7", 4, 0, 4, {2, 2, 1, 1}, {1, 2, 1, 1}});
    pickle_put_text(&object, "model.0.conv.bias");
    pickle_put_tensor(&object, &(struct tensor_part){"BFloat16Storage", "3", 2, 0, 1, {2}, {1}});
    pickle_put_text(&object, "class");
    pickle_put_old_class(&object, "models.yolo", "Model");
    pickle_op(&object, "u.");
    make_old_layout(&b, &object, storages, 2, &(struct old_layout){0});
    save_buf(s, "fuzz_pt", "old.pt", &b);
    buf_free(&object);
}

static void make_pt(struct seeds *s)
{
    static const struct tensor_part row = {"HalfStorage", "0", 6, 1, 2, {2, 2}, {1, 2}};
    static const unsigned char data[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct buf b = {0};
    make_module_checkpoint(&b);
    save_buf(s, "fuzz_pt", "module.pt", &b);
    make_checkpoint(&b, &row, data, sizeof data, false);
    save_buf(s, "fuzz_pt", "stored.pt", &b);
    make_checkpoint(&b, &row, data, sizeof data, true);
    save_buf(s, "fuzz_pt", "deflated.pt", &b);
    make_large(s);
    make_old(s);
}

static void make_pickle(struct seeds *s)
{
    static const char protocol4[] =
        "\x80\x04\x95\x30\0\0\0\0\0\0\0\x8c\x0b"
        "collections\x94\x8c\x0bOrderedDict\x94\x93\x94)\x81\x94\x8c\x01k\x94\x8f(K\x01K\x02"
        "\x90s.";
    static const char numpy[] = "\x80\x02cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\0\0\0f8K\0K\x01\x87R"
                                "c_codecs\nencode\nX\x08\0\0\0abcdefghX\x06\0\0\0latin1\x86R\x86R.";
    static const char hostile[] = "\x80\x02"
                                  "cposix\nsystem\nX\x02\0\0\0id\x85R.";
    struct buf b = {0};
    make_module_pickle(&b);
    save_buf(s, "fuzz_pickle", "module.pkl", &b);
    save(s, "fuzz_pickle", "protocol4.pkl", protocol4, sizeof protocol4 - 1);
    save(s, "fuzz_pickle", "numpy.pkl", numpy, sizeof numpy - 1);
    save(s, "fuzz_pickle", "hostile.pkl", hostile, sizeof hostile - 1);
    save(s, "fuzz_pickle", "itself.pkl",
         "\x80\x02]q\x01h\x01"
         "a.",
         9);
}

static void make_safetensors(struct seeds *s, const char *target)
{
    static const float f[6] = {1, 2, 3, 4, 5, 6};
    static const struct safetensors_text texts[] = {{"yolo9.names", "[\"a\",\"b\"]"},
                                                    {"yolo9.strides", "[8,16]"},
                                                    {"yolo9.epoch", "3"},
                                                    {"yolo9.table", "nc: 2\n"}};
    const struct safetensor_source sources[] = {
        {.name = "model.0.conv.weight", .dtype = DTYPE_F32, .rank = 4, .shape = {3, 2, 1, 1}, .data = f},
        {.name = "ema.model.0.conv.weight", .dtype = DTYPE_F16, .rank = 1, .shape = {6}, .data = f, .from_f32 = true},
        {.name = "one", .dtype = DTYPE_I64, .rank = 0, .data = f},
        {.name = "none", .dtype = DTYPE_U8, .rank = 2, .shape = {0, 4}, .data = f},
    };
    char *path = seed_path(s, target, "small.safetensors");
    if (!path || safetensors_write(path, sources, COUNT(sources), texts, COUNT(texts)) != OK)
        s->bad = 1;
    mem_free(path);
}

/* A narrow network as other programs save it: in dicts, behind prefixes, beside its average, as objects. */
static void make_dressed(struct seeds *s)
{
    static const struct network_dress dresses[] = {
        {.keys = {"model", "state_dict"}, .average_keys = {"ema", "module"}, .counters = true},
        {.keys = {"state_dict"}, .prefix = "model.", .average_prefix = "ema.ema_model."},
        {.prefix = "module._orig_mod.", .skip = 6},
        {.prefix = "net.", .old = true},
        {.keys = {"state_dict"}, .beside = {"pytorch-lightning_version", "2.1", "model_family", "yolo9"}},
    };
    static const char *const both[] = {"22.heads.0.anchor_conv.2.weight",
                                       "38.heads.0.anchor_conv.2.weight",
                                       "38.heads.2.class_conv.1.conv.weight",
                                       "23.conv.weight",
                                       "4.conv2.0.bottleneck.1.conv1.conv2.conv.weight",
                                       "3.conv.conv.weight",
                                       "22.heads.0.anc2vec.anc2vec.weight",
                                       "ema.model.22.heads.0.anchor_conv.2.weight",
                                       NULL};
    static const char *const libre[] = {"head.cv2.0.2.weight", "backbone.down2.cv.bn.bias", "neck.elan_up1.cv1.bn.bias",
                                        "ema.step", NULL};
    struct weights w = {0};
    struct buf b = {0};
    char *table = seed_path(s, "fuzz_table", "narrow.yaml"), name[32];
    save_text(s, "fuzz_table", "narrow.yaml",
              "nc: 1\nreg_max: 1\nbox_width: 4\nclass_width: 4\nbackbone:\n- [-1, 1, Conv, [8, 3, 2]]\nhead:\n"
              "- [[0], 1, Detect, [nc]]\n");
    save_text(
        s, "fuzz_table", "scales.yaml",
        "nc: 8\nscales: {n: [0.33, 0.25, 16], s: [0.5, 0.5, 8]}\nscale: s\nbackbone:\n- [-1, 1, Conv, [8, 3, 2]]\n"
        "- [-1, 3, C2f, [16, True]]\n- [-1, 1, SPPF, [8, 5, 3, False, none]]\nhead:\n- [[2], 1, Detect, [nc]]\n");
    if (!table || weights_random(table, 0, 1, &w) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        s->bad = 1;
    }
    for (int i = 0; !s->bad && i < COUNT(dresses); i++) {
        snprintf(name, sizeof name, "dressed%d.pt", i);
        make_network(&b, &w.training, w.params, w.params, &dresses[i]);
        save_buf(s, "fuzz_pt", name, &b);
    }
    for (int i = 0; !s->bad && i < 2; i++) {
        snprintf(name, sizeof name, "ultralytics%d.pt", i);
        const struct object_dress dress = {
            .forward = i ? "forward_fuse" : NULL, .act = "SiLU", .other = "Identity", .place = "model.0."};
        make_ultralytics(&b, &w.training, w.params, 96, &dress);
        save_buf(s, "fuzz_pt", name, &b);
    }
    make_named(&b, (const char *[]){"22.heads.0.anchor_conv.2.weight", "22.m.0.weight", "22.anchors", NULL});
    save_buf(s, "fuzz_pt", "named.pt", &b);
    make_named(&b, both);
    save_buf(s, "fuzz_pt", "both.pt", &b);
    make_named(&b, libre);
    save_buf(s, "fuzz_pt", "libre.pt", &b);
    weights_free(&w);
    mem_free(table);
}

/* Every second convolution of the tiny network in 8 bits. */
static void make_eight_bit(struct seeds *s)
{
    struct weights w = {0};
    char *path = seed_path(s, "fuzz_eight_bit", "tiny.safetensors");
    char *table = seed_path(s, "fuzz_table", "tiny.yaml");
    save_text(s, "fuzz_table", "tiny.yaml", tiny_table);
    if (!path || !table || weights_random(table, 0, 1, &w) != OK || weights_deploy(&w) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        s->bad = 1;
    }
    for (int i = 0, n = 0; i < w.deployed.n_nodes; i++) {
        struct node *node = &w.deployed.nodes[i];
        if (node->op == OP_CONV2D && n++ % 2 == 0)
            node->u.conv.quant = (struct conv_quant){.on = true, .scale = 0.05f, .zero = 7};
    }
    if (!s->bad && weights_save_eight_bit(path, &w) != OK)
        s->bad = 1;
    weights_free(&w);
    mem_free(table);
    mem_free(path);
}

static void tiny_trainer_free(struct tiny_trainer *t)
{
    trainer_free(&t->trainer);
    graph_free(&t->graph);
    table_free(&t->table);
    mem_free(t->start);
}

/* A run of the tiny network after its first epoch. */
static void make_state(struct seeds *s)
{
    struct tiny_trainer tiny;
    struct run_options options;
    struct run_progress progress = {0};
    const double row[RESULT_COLUMNS] = {0.5, 1, 2};
    const char *const names[] = {"a", "b"};
    char *path = seed_path(s, "fuzz_state", "state.safetensors");
    char *finished = seed_path(s, "fuzz_state", "finished.safetensors");
    run_options_init(&options);
    tiny_trainer_init(&tiny);
    const struct weights_meta meta = {.table = &tiny.table, .names = names, .nc = 2};
    const struct state_subject subject = {&options, &meta, 2};
    if (!path || !finished || run_progress_init(&progress, 2) != OK || run_progress_add_row(&progress, row) != OK)
        s->bad = 1;
    progress.epoch = 1;
    if (!s->bad && state_write(path, &subject, &progress, &tiny.trainer) != OK)
        s->bad = 1;
    progress.finished = true;
    if (!s->bad && state_write(finished, &subject, &progress, NULL) != OK)
        s->bad = 1;
    run_progress_free(&progress);
    run_options_free(&options);
    tiny_trainer_free(&tiny);
    mem_free(path);
    mem_free(finished);
}

static void make_jpegs(struct seeds *s, const uint8_t *samples)
{
    struct buf b = {0};
    const struct jpeg_recipe recipes[] = {{.components = 3, .orientation = 6},
                                          {.components = 3, .progressive = 1, .orientation = 3, .big_endian = 1},
                                          {.components = 4, .ycck = 1, .restart = 1},
                                          {.components = 1, .full_colour = 0}};
    for (int i = 0; i < COUNT(recipes); i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.jpg", i);
        make_jpeg(samples, 12, 20, &recipes[i], &b);
        save_buf(s, "fuzz_picture", name, &b);
    }
}

static void make_pictures(struct seeds *s)
{
    static const char bmp[] = "BM\x4a\0\0\0\0\0\0\0\x42\0\0\0\x28\0\0\0\3\0\0\0\2\0\0\0\1\0\x08\0\1\0\0\0"
                              "\0\0\0\0\0\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1\2\3\0\4\5\6\0\7\x08\x09\0"
                              "\2\1\0\0\0\3\0\1\2\0\0\1";
    static const char masked[] = "BM\x4a\0\0\0\0\0\0\0\x42\0\0\0\x28\0\0\0\2\0\0\0\xfe\xff\xff\xff\1\0\x10\0\3\0\0\0"
                                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf8\0\0\xe0\7\0\0\x1f\0\0\0"
                                 "\1\2\3\4\5\6\7\x08";
    static const char gif[] =
        "GIF89a\2\0\2\0\xf0\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\2\0\2\0@\2\3\x0c\x10\5\0;";
    static const char tiff[] =
        "II*\0\x08\0\0\0\x08\0\0\1\3\0\1\0\0\0\2\0\0\0\1\1\3\0\1\0\0\0\2\0\0\0\2\1\3\0\1\0\0\0\x08\0\0\0"
        "\3\1\3\0\1\0\0\0\1\0\0\0\6\1\3\0\1\0\0\0\1\0\0\0\x11\1\4\0\1\0\0\0\x6e\0\0\0"
        "\x12\1\3\0\1\0\0\0\6\0\0\0\x17\1\4\0\1\0\0\0\4\0\0\0\0\0\0\0\1\2\3\4";
    uint8_t samples[12 * 20 * 4];
    struct buf b = {0};
    for (int i = 0; i < COUNT(samples); i++)
        samples[i] = (uint8_t)(i * 37 % 256);
    make_jpegs(s, samples);
    make_png(samples, 60, 12, 20, &(struct png_recipe){PNG_COLOR_TYPE_RGB, 8, .interlaced = 1, .orientation = 8}, &b);
    save_buf(s, "fuzz_picture", "interlaced.png", &b);
    make_png(samples, 10, 12, 20, &(struct png_recipe){PNG_COLOR_TYPE_PALETTE, 4, .transparent = 1, .palette = samples},
             &b);
    save_buf(s, "fuzz_picture", "palette.png", &b);
    make_webp(samples, 12, 20, 4, 1, &b);
    save_buf(s, "fuzz_picture", "lossless.webp", &b);
    make_webp(samples, 12, 20, 3, 0, &b);
    save_buf(s, "fuzz_picture", "lossy.webp", &b);
    save(s, "fuzz_picture", "runs.bmp", bmp, sizeof bmp - 1);
    save(s, "fuzz_picture", "masked.bmp", masked, sizeof masked - 1);
    save(s, "fuzz_picture", "two.gif", gif, sizeof gif - 1);
    save(s, "fuzz_picture", "grey.tif", tiff, sizeof tiff - 1);
}

static void make_texts(struct seeds *s)
{
    save_text(s, "fuzz_points", "points.csv",
              "family,model,network,size,params_m,flops_g,ap,split,source\nA,T,gelan-t,640,2.0,7.7,38.3,val,\"a, "
              "\"\"b\"\"\"\n");
    save_text(s, "fuzz_points", "val.json",
              "{\"map\": 0.36, \"coco\": {\"AP\": 0.365}, \"network\": {\"name\": \"gelan-t\", \"img\": [320, 320], "
              "\"params\": 2094000, \"gflops\": 2.05}}");
    save_text(s, "fuzz_labels", "boxes.txt", "0 0.5 0.5 0.25 1\r\n\n2\t.1 .1 0 1e-3\n0 0.5 0.5 0.25 1\n");
    save_text(s, "fuzz_labels", "polygons.txt", "1 0.25 0.5 0.75 0.5 0.5 1\n0 0.25 0.5 0.5 0.25\n");
    save_text(s, "fuzz_labels", "refused.txt", "0 .5 .5 nan .2\n-1 0x1p3 inf 1e999 .2 .3\n3 .5\n");
    save_text(s, "fuzz_labels", "rounded.txt", "1.0 .5 .5 1.000001 1\n0 -0.0005 0 1 0 1 1 0 1\n2e0 .5 .5 .1 .1 .9\n");
    save_text(s, "fuzz_yaml", "table.yaml",
              "# net\nnc: 80\nactivation: nn.ReLU()\nbackbone:\n  [[-1, 1, Conv, [16, 3, 2]],\n"
              "   [[-1, 6], 1, Concat, [1]], [-1, 1, nn.Upsample, [None, 2, 'nearest']]]\n");
    save_text(s, "fuzz_yaml", "block.yaml",
              "a:\n  - b: 1\n    c: [x, {y: \"\\u00e9\\n\"}]\n  - - 2\n    - .inf\n? key\n: |\n  text\n  more\nd: >-\n"
              "  folded\n  text\ne: !!str 5\nf: ~\n");
    save_text(s, "fuzz_yaml", "refused.yaml", "a: &x 1\nb: *x\n--- \nc: !!python/object:os.system x\n");
    save_text(s, "fuzz_yaml", "hyp.yaml", "lr0: 0.01\nlrf: 1e-2\nbox: 7.5\nflag: no\nnames: {0: red, 1: 'it''s'}\n");
    save_text(s, "fuzz_hyp", "hyp.yaml",
              "# of a run\nlr0: 0.01\nlrf: 1e-2\nbox: 7.5\nobj: 0.7\nanchors: 3\nmosaic: 1\n");
    save_text(s, "fuzz_hyp", "refused.yaml", "lr0: 0.01\nlr00: 5\nmosaic: 7\n");
    save_text(s, "fuzz_table", "pgi.yaml",
              "nc: 4\nbackbone:\n- [-1, 1, Silence, [], image]\n- [-1, 1, Conv, [16, 3, 2]]\n"
              "- [-1, 2, RepNCSP, [16, 2], B]\n- [1, 1, CBLinear, [[16, 8]], R]\n- [image, 1, Conv, [16, 3, 2]]\n"
              "- [[R, -1], 1, CBFuse, [[0]]]\nhead:\n- [[-1, B], 1, DualDDetect, [nc]]\n");
    save_text(s, "fuzz_table", "base.yaml",
              "base: gelan-t\nnc: 2\nfamily: ultralytics\nbox_groups: 1\nclass_tower: [light, null]\n");
    save_text(s, "fuzz_table", "own.yaml",
              "nc: 4\ndepth_multiple: 0.5\nwidth_multiple: 0.5\nactivation: nn.ReLU()\nbox_width: [64, null]\n"
              "class_width: 9\nreg_max: 8\nbackbone:\n- [-1, 4, BottleneckCSP, ['2*(nc+12)', True, 2, 0.5], a_]\n"
              "- [[-1, 0], 1, Concat, [1]]\n- [-2, 1, nn.Upsample, [None, 2, 'nearest']]\n"
              "- [a_, 1, RepNCSPELAN4, [32, 16, 8, 1, dw]]\nhead:\n- [-1, 1, Detect, [\"3*(nc+5)//2\"]]\n");
    save_text(
        s, "fuzz_json", "coco.json",
        "{\"images\":[{\"id\":1,\"file_name\":\"a\\u00e9.jpg\",\"width\":640}],\"annotations\":[{\"bbox\":[1.5,2,3e2,"
        "-4.25],\"iscrowd\":0,\"segmentation\":[[1,2,3]]}],\"ok\":true,\"none\":null}");
    save_text(s, "fuzz_json", "scalar.json", "\"\\ud83d\\ude80\\\"\"");
    save_text(s, "fuzz_json", "deep.json", "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]");
}

static void make_dataset_texts(struct seeds *s)
{
    save_text(s, "fuzz_voc", "picture.xml",
              "<?xml version='1.0'?>\n<annotation><filename>a.jpg</filename><size><width>40</width><height>20</height>"
              "</size><object><name>disc</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2</ymin>"
              "<xmax>3.5</xmax><ymax>1e1</ymax></bndbox><part><name>p</name></part></object></annotation>\n");
    save_text(s, "fuzz_voc", "refused.xml",
              "<!DOCTYPE a [<!ENTITY b \"c\"><!ENTITY d SYSTEM \"file:///e\">]><annotation>&b;&d;</annotation>");
    save_text(s, "fuzz_voc", "encoded.xml",
              "<?xml version='1.0' encoding='ISO-8859-1'?><annotation><!-- x --><object><name><![CDATA[a&b]]></name>"
              "<bndbox><xmin>&#49;</xmin></bndbox></object></annotation>");
    save_text(
        s, "fuzz_coco", "boxes.json",
        "{\"images\": [{\"id\": 3, \"file_name\": \"d/a.jpg\", \"width\": 40, \"height\": 20}, {\"id\": 1, "
        "\"file_name\": \"b.jpg\"}], \"categories\": [{\"id\": 0, \"name\": \"set\"}, {\"id\": 7, \"name\": "
        "\"disc\", \"supercategory\": \"set\"}, {\"id\": 9, \"name\": \"Star\"}],\n\"annotations\": [{\"image_id\": "
        "3, \"category_id\": 7, \"bbox\": [1, 2, 30, 4.5], \"area\": 9, \"iscrowd\": 1, \"segmentation\": "
        "[[1, 2, 3, 4]]}, {\"image_id\": 3, \"category_id\": 9, \"bbox\": [-1, 2, 3, 40]}]}");
    save_text(s, "fuzz_json_items", "boxes.json", "\xef\xbb\xbf[{\"a\":[1,{\"b\":\"]\\\"}\"}]},\n 2e0 ,null,\"x\"]\n");
    save_text(s, "fuzz_json_items", "plain.json", " [ [],{} , -1.5]");
    save_text(s, "fuzz_json_items", "refused.json", "[1,{\"a\":1,\"a\":2},]");
    save_text(s, "fuzz_coco", "boxes.json",
              "{\"images\":[{\"id\":1,\"file_name\":\"a/x.jpg\",\"width\":64,\"height\":48},{\"id\":2,\"file_name\":"
              "\"y.jpg\",\"width\":32,\"height\":32}],\"categories\":[{\"id\":3,\"name\":\"disc\",\"supercategory\":"
              "\"things\"},{\"id\":5,\"name\":\"cross\"}],\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":3,"
              "\"bbox\":[1,2,30.5,20],\"area\":600,\"iscrowd\":0,\"segmentation\":[[1,2,31,2,31,22]]},{\"id\":2,"
              "\"image_id\":2,\"category_id\":5,\"bbox\":[4,4,8,8],\"iscrowd\":1,\"segmentation\":{\"counts\":[3,2],"
              "\"size\":[32,32]}}]}");
    save_text(s, "fuzz_coco", "names.json",
              "{\"images\":[{\"id\":1,\"file_name\":\"x.jpg\"}],\"categories\":[{\"id\":0,\"name\":\"cross\"}],"
              "\"annotations\":[]}");
    save_text(
        s, "fuzz_results", "ids.json",
        "[{\"image_id\":1,\"category_id\":3,\"bbox\":[1,2,30,20],\"score\":0.9},{\"image_id\":7,\"category_id\":5,"
        "\"bbox\":[4.5,4,8,8e0],\"score\":1}]");
    save_text(
        s, "fuzz_results", "names.json",
        "[{\"image\":\"b/x.jpg\",\"image_id\":\"b/x\",\"category\":\"cross\",\"category_id\":1,\"bbox\":[1,2,3,4],"
        "\"score\":0.25},\n{\"image_id\":\"y\",\"category_id\":5,\"bbox\":[0,0,1,1],\"score\":0}]");
    save_text(s, "fuzz_data", "names.yaml",
              "path: ../set\ntrain: images/train\nval: [images/val, more.txt]\nnc: 2\nnames: {0: a, '1': b}\n");
    save_text(s, "fuzz_data", "pose.yaml", "val: v.json\nnames:\n- a\n- 7\n- yes\nkpt_shape: [17, 3]\n");
    save_text(s, "fuzz_data", "count.yaml", "train: t.txt\nnc: 3.0\ndownload: none\n");
    save_text(s, "fuzz_lists", "list.txt", "\xef\xbb\xbf./x.png\r\n x.png \n\n# note\nnone.jpg\n/x.png\n");
    save_text(s, "fuzz_lists", "odd.txt",
              "../x.png\n./\n.\nx.png x.png\nrtsp://a/b\nhttp://x.jpg\n0\nmovie.mp4\n*.png\n-");
}

int main(int argc, char **argv)
{
    struct seeds s = {.folder = argc == 2 ? argv[1] : NULL};
    if (!s.folder) {
        fprintf(stderr, "usage: make_seeds FOLDER\n");
        return 2;
    }
    make_pt(&s);
    make_pickle(&s);
    make_safetensors(&s, "fuzz_safetensors");
    make_safetensors(&s, "fuzz_pt");
    make_dressed(&s);
    make_eight_bit(&s);
    make_state(&s);
    make_pictures(&s);
    make_texts(&s);
    make_dataset_texts(&s);
    return s.bad;
}
