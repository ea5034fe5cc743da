/* yolo9 figure retention: how much of the input is left in the features of networks with random weights, by depth. */
#include "lab/retention.h"

#include "cli/architectures.h"
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "cli/find_sources.h"
#include "cli/image_size.h"
#include "core/cpu.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/progress.h"
#include "core/terminal.h"
#include "lab/random_net.h"
#include "lab/retention_figure.h"

static const char *const usual[] = {"plainnet", "resnet", "resnet-relu", "cspnet", "gelan", "reversible"};

enum { MOST_PHOTOS = 512, MOST_SEEDS = 100, MOST_POSITIONS = 4096 };

static const struct option_spec options_table[] = {
    {"source", NULL, OPTION_STRINGS, NULL, "photos: files, folders, patterns", .value = VALUE_PICTURES},
    {"recursive", NULL, OPTION_FLAG, NULL, "folders with all their sub-folders"},
    {"labels", NULL, OPTION_STRING, NULL,
     "folder of the photos' YOLO label files, for object against background (default: images/a.jpg has labels/a.txt, "
     "else beside the photo)",
     .value = VALUE_FOLDER},
    {"photos", NULL, OPTION_INT, "32", "photos at most, spread evenly over all", 1, MOST_PHOTOS},
    {"positions", NULL, OPTION_INT, "1000", "positions of a photo that are looked at, at most", 16, MOST_POSITIONS},
    ARCHITECTURES_OPTION("plainnet resnet resnet-relu cspnet gelan reversible"),
    {"depth", NULL, OPTION_INTS, "10 25 50 75 100 125 150 175 200",
     "convolutions behind the picture; the row of the network that is nearest is measured", 1, 10000,
     MOST_ASKED_DEPTHS},
    {"seeds", NULL, OPTION_INT, "3", "random weights of seed 0, 1 ...: mean and spread", 1, MOST_SEEDS},
    {"img", "imgsz img-size", OPTION_INT, "256", "side of the photos: their middle square is taken", 32,
     IMAGE_SIZE_MOST, .value = VALUE_SIZE},
    {"statistics", NULL, OPTION_INT, "8", "photos whose mean and variance batch normalisation takes and keeps", 1,
     MOST_PHOTOS},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024},
    FIGURE_OUT_OPTIONS,
};

struct figure {
    const struct options *o;
    struct architectures asked;
    struct sources sources;
    struct photo_set photos;
    struct team *team;
    int seeds;
    struct retention_net *nets; /* (asked.n + RETENTION_CHECKS, seeds) */
    int n;                      /* that are there */
    char *folder;
};

static enum status check_options(struct figure *f)
{
    int n;
    option_strings(f->o, "source", &n);
    if (!n)
        return fail(E_USAGE, "photos are needed: name files, folders or patterns, before --arch and other lists");
    TRY(architectures_find(f->o, usual, COUNT(usual), &f->asked));
    return figure_out_check(f->o);
}

static enum status read_photos(struct figure *f)
{
    const struct options *o = f->o;
    int n, stride;
    const char *const *words = option_strings(o, "source", &n);
    TRY(random_net_stride(f->asked.names, f->asked.n, &stride));
    const int size = (option_int(o, "img") + stride - 1) / stride * stride;
    if (size != option_int(o, "img"))
        print(stderr, "--img %d becomes %d, a multiple of %d", option_int(o, "img"), size, stride);
    TRY(find_sources((char *const *)words, n, option_flag(o, "recursive"), &f->sources));
    if (f->sources.input >= 0)
        return fail(E_USAGE, "photos are read several times: name files, not standard input");
    TRY(photo_set_read(f->sources.paths, f->sources.count, option_string(o, "labels"), size, option_int(o, "photos"),
                       &f->photos));
    const struct photo_set *p = &f->photos;
    if (p->unlabelled)
        print(stderr, "%d %s left out (%s)", p->unlabelled,
              noun(p->unlabelled, "photo without a label file is", "photos without a label file are"), p->example);
    if (!p->labelled)
        print(stderr, "no photo has a label file: object against background is not measured");
    if (p->n < PROBE_FOLDS)
        print(stderr, "fewer than %d photos: parts of a photo are told apart, not photos", PROBE_FOLDS);
    return OK;
}

static enum status measure(struct figure *f)
{
    const struct options *o = f->o;
    const struct retention_options r = {.photos = &f->photos,
                                        .positions = option_int(o, "positions"),
                                        .measured = option_int(o, "statistics"),
                                        .team = f->team};
    const int all = (f->asked.n + RETENTION_CHECKS) * f->seeds;
    int n_depths;
    const int *depths = option_ints(o, "depth", &n_depths);
    struct progress bar;
    f->nets = mem_calloc((size_t)all, sizeof *f->nets);
    if (!f->nets)
        return E_NOMEM;
    progress_start(&bar, "networks", all);
    while (f->n < all) {
        const int which = f->n / f->seeds;
        const uint64_t seed = (uint64_t)(f->n % f->seeds);
        struct retention_net *net = &f->nets[f->n++];
        if (which < f->asked.n)
            TRY(retention_measure(&r, f->asked.names[which], seed, depths, n_depths, net));
        else
            TRY(retention_check(&r, (enum retention_check)(which - f->asked.n), seed, net));
        architecture_shorten(net->name);
        progress_step(&bar, f->n);
    }
    progress_end(&bar);
    return OK;
}

static enum status write_figure(struct figure *f)
{
    enum status rc = OK;
    const struct options *o = f->o;
    const struct retention_sheet sheet = {.photos = &f->photos,
                                          .nets = f->nets,
                                          .n = f->asked.n + RETENTION_CHECKS,
                                          .networks = f->asked.n,
                                          .seeds = f->seeds};
    json_t *about = json_pack("{s:s, s:i, s:i, s:i, s:b, s:i, s:i, s:i}", "figure", "retention", "photos", f->photos.n,
                              "seeds", f->seeds, "size", f->photos.size, "labelled", f->photos.labelled,
                              "without_labels", f->photos.unlabelled, "positions", option_int(o, "positions"),
                              "statistics_of_photos", MIN(option_int(o, "statistics"), f->photos.n));
    TRY_CLEAN(about ? OK : fail_memory(NULL, 0));
    TRY_CLEAN(figure_out_make(o, &f->folder));
    TRY_CLEAN(retention_figure_write(&sheet, about, f->folder));
cleanup:
    json_decref(about);
    return rc;
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct figure f = {.o = o, .seeds = option_int(o, "seeds")};
    const int threads = option_int(o, "threads");
    TRY_CLEAN(check_options(&f));
    TRY_CLEAN(read_photos(&f));
    TRY_CLEAN(team_create(threads ? threads : cpu_count(), &f.team));
    TRY_CLEAN(measure(&f));
    TRY_CLEAN(write_figure(&f));
cleanup:
    for (int i = 0; i < f.n; i++)
        retention_free(&f.nets[i]);
    mem_free(f.nets);
    team_destroy(f.team);
    photo_set_free(&f.photos);
    sources_free(&f.sources);
    return figure_out_close(rc, f.folder, "retention.png, .svg; retention.csv, .json; retention-photos.csv, .json");
}

const struct verb_spec figure_retention = {
    .name = "figure retention",
    .summary = "what a linear reader recovers of the input, by depth",
    .positional = "source",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 figure retention data/images\n"
               "yolo9 figure retention photos/ --arch resnet gelan --depth 50 100 --seeds 5",
    .run = run,
};
