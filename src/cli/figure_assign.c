/* yolo9 figure assign: which anchor points each assigner gives to each object of a photo. */
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "cli/image_size.h"
#include "core/cpu.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "lab/assign_numbers.h"
#include "train/run_options.h"

#include <stdio.h>

static const struct option_spec options_table[] = {
    {"weights", NULL, OPTION_STRING, NULL, "weights in training form (deployed ones have the main head alone)",
     .value = VALUE_WEIGHTS},
    {"source", NULL, OPTION_STRING, NULL, "the photo", .value = VALUE_FILE},
    {"labels", NULL, OPTION_STRING, NULL,
     "its YOLO label file (default: images/a.jpg has labels/a.txt, else beside the photo)", .value = VALUE_FILE},
    {"cfg", "model", OPTION_STRING, NULL, "network; normally found from the weights", .value = VALUE_NETWORK},
    IMAGE_SIZE_OPTION("longer side of the input (default: that of the weights, else 640)", 1),
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024},
    FIGURE_OUT_OPTIONS,
};

struct figure {
    const struct options *o;
    struct weights weights;
    const struct graph *graph; /* the training form; of folded weights the deployed one */
    float *params;
    struct labelled_photo photo;
    struct team *team;
    struct assign_figure assign;
    char *folder;
    struct buf files; /* what is in it */
};

static enum status check_options(const struct figure *f)
{
    if (!option_string(f->o, "weights"))
        return fail(E_USAGE, "--weights is needed: a .safetensors or .pt file");
    if (!option_string(f->o, "source"))
        return fail(E_USAGE, "a photo is needed, one that has labels");
    return figure_out_check(f->o);
}

static enum status load(struct figure *f)
{
    struct weights *w = &f->weights;
    TRY(weights_load(option_string(f->o, "weights"), option_string(f->o, "cfg"), w, NULL));
    f->graph = w->params ? &w->training : &w->deployed;
    f->params = w->params ? w->params : w->deployed_params;
    if (f->graph->n_branches == 1)
        log_info("%s has no auxiliary head%s: the main head alone is shown", option_string(f->o, "weights"),
                 w->params ? "" : ", being deployed");
    return OK;
}

static enum status read_photo(struct figure *f)
{
    const struct labelled_options o = {.path = option_string(f->o, "source"),
                                       .labels = option_string(f->o, "labels"),
                                       .names = (const char *const *)f->weights.names,
                                       .nc = f->weights.nc,
                                       .size = image_side_of(f->o, &f->weights),
                                       .stride = graph_largest_stride(f->graph)};
    TRY(labelled_photo_read(&o, &f->photo));
    const struct label_rows *rows = &f->photo.rows;
    if (rows->duplicates)
        log_info("%s: %d %s twice, counted once", f->photo.label_path, rows->duplicates,
                 noun(rows->duplicates, "label stands", "labels stand"));
    return OK;
}

/* The loss that the weights were trained with, or one that a run of the network's own recipe would have. */
static enum status find_loss(const struct figure *f, struct loss_config *loss)
{
    enum status rc = OK;
    struct run_options run = {0};
    struct run_settled told;
    const char *path = option_string(f->o, "weights");
    TRY_CLEAN(run_options_read_recipe(path, f->weights.recipe, &run));
    TRY_CLEAN(run_options_settle(&run, &f->weights.table, f->graph, 1, &told));
    figure_out_tell_loss(path, &f->weights);
    *loss = run_loss_config(&run, f->graph);
cleanup:
    run_options_free(&run);
    return rc;
}

static json_t *about(const struct figure *f, const struct loss_config *loss)
{
    const bool anchors = f->graph->head.kind == HEAD_ANCHORS;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s}", "figure", "assign", "weights",
                     path_name(option_string(f->o, "weights")), "network", f->weights.table.name, "photo",
                     path_name(option_string(f->o, "source")), "labels", path_name(f->photo.label_path), "height",
                     f->photo.input.h, "width", f->photo.input.w, "branches", f->graph->n_branches, "assigner",
                     run_assigner_names[anchors                 ? ASSIGNER_SIMOTA
                                        : loss->assigner.inside ? ASSIGNER_TAL_INSIDE
                                                                : ASSIGNER_TAL]);
}

/* steps.png, steps-auxiliary.png, steps-auxiliary-1.png */
static enum status write_steps(struct figure *f, const struct assign_sheet *sheet, int steps)
{
    const struct assign_view *v = &f->assign.views[f->assign.steps[steps].view];
    char name[64];
    snprintf(name, sizeof name, v->main ? "steps.png" : "steps-%s.png", v->head);
    for (char *c = name; *c; c++)
        *c = *c == ' ' ? '-' : *c;
    char *path = path_join(f->folder, name);
    enum status rc = path ? assign_draw_steps(sheet, steps, path) : E_NOMEM;
    mem_free(path);
    if (rc == OK)
        rc = buf_printf(&f->files, ", %s", name);
    return rc;
}

static enum status write_figure(struct figure *f, const struct loss_config *loss)
{
    enum status rc = OK;
    const struct assign_sheet sheet = {.figure = &f->assign,
                                       .photo = &f->photo,
                                       .photo_name = path_name(option_string(f->o, "source")),
                                       .network = f->weights.table.name,
                                       .names = (const char *const *)f->weights.names,
                                       .nc = f->weights.nc};
    char *path = NULL;
    json_t *words = about(f, loss);
    if (!words)
        return fail(E_ARGUMENT, "%s: a name is no UTF-8 text", option_string(f->o, "source"));
    TRY_CLEAN(figure_out_make(f->o, &f->folder));
    TRY_CLEAN((path = path_join(f->folder, "assign.png")) ? OK : E_NOMEM);
    TRY_CLEAN(assign_draw(&sheet, path));
    TRY_CLEAN(buf_printf(&f->files, "assign.png"));
    for (int i = 0; i < f->assign.n_steps; i++)
        TRY_CLEAN(write_steps(f, &sheet, i));
    TRY_CLEAN(assign_numbers_write(&sheet, f->folder, words));
cleanup:
    json_decref(words);
    mem_free(path);
    return rc;
}

static enum status tell(const struct figure *f)
{
    for (int i = 0; i < f->assign.n_views; i++) {
        const struct assign_view *v = &f->assign.views[i];
        int shared, example, left_out = assign_left_out(&f->assign, i, &example);
        if (!assign_view_drawn(&f->assign, i))
            continue;
        TRY(assign_shared(&f->assign, i, &shared));
        print(stdout, "%s head, %s, top %d: %d points for %d %s", v->head, v->assigner, v->top_k, v->n,
              f->assign.n_objects, noun(f->assign.n_objects, "object", "objects"));
        if (!v->main)
            print(stdout, "  %d of them are the main head's for the same object", shared);
        if (left_out)
            print(stdout, "  %d of the objects get%s none (e.g. object %d)", left_out, noun(left_out, "s", ""),
                  example + 1);
    }
    return OK;
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct figure f = {.o = o};
    struct loss_config loss;
    const int threads = option_int(o, "threads");
    TRY_CLEAN(check_options(&f));
    TRY_CLEAN(load(&f));
    TRY_CLEAN(read_photo(&f));
    TRY_CLEAN(find_loss(&f, &loss));
    TRY_CLEAN(team_create(threads ? threads : cpu_count(), &f.team));
    TRY_CLEAN(assign_figure_make(f.graph, f.params, &loss, &f.photo, f.team, &f.assign));
    TRY_CLEAN(write_figure(&f, &loss));
    TRY_CLEAN(tell(&f));
    TRY_CLEAN(buf_printf(&f.files, ", assign.csv, assign.json"));
cleanup:
    assign_figure_free(&f.assign);
    team_destroy(f.team);
    labelled_photo_free(&f.photo);
    weights_free(&f.weights);
    rc = figure_out_close(rc, f.folder, f.files.data);
    buf_free(&f.files);
    return rc;
}

const struct verb_spec figure_assign = {
    .name = "figure assign",
    .summary = "anchor points that each assigner gives to a photo's objects",
    .positional = "source",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 figure assign --weights last.safetensors images/photo.jpg\n"
               "yolo9 figure assign last.safetensors photo.jpg --labels photo.txt",
    .run = run,
};
