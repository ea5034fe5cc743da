/* Hyper-parameters under their official names (SPEC 10), from a YAML file and from key=value words. */
#ifndef Y9_TRAIN_HYPER_H
#define Y9_TRAIN_HYPER_H

#include "core/buf.h"
#include "data/augment.h"
#include "formats/yaml.h"
#include "formats/yaml_write.h"
#include "train/loss.h"
#include "train/schedule.h"

#include <jansson.h>
#include <stdint.h>

struct hyper {
    double lr0, lrf, momentum, weight_decay;
    double warmup_epochs, warmup_momentum, warmup_bias_lr;
    double box, cls, cls_pw, dfl, fl_gamma;
    double obj, obj_pw, anchor_t, label_smoothing; /* of anchor heads (SPEC-wild C.7) */
    double iou_t;                                  /* read and written, used by nothing (SPEC 7) */
    double hsv_h, hsv_s, hsv_v, degrees, translate, scale, shear, perspective, flipud, fliplr;
    double mosaic, mixup, copy_paste;
};

struct hyper hyper_default(void); /* hyp.scratch-high */

/* Replace the values named in a YAML file; the others stay. Keys of other releases that mean nothing here are told in
 * one line. Unknown keys and values out of range are refused with "file:line: ...", and nothing is changed.
 * `given` (may be NULL) remembers which keys were named, a bit for each. */
enum status hyper_read(const char *path, struct hyper *h, uint64_t *given);
/* From the `hyp` of a run's own options: keys that are not of struct hyper are refused. */
enum status hyper_read_map(const struct yaml_node *map, struct hyper *h);
/* One "key=value" word of a command line. */
enum status hyper_set(const char *word, struct hyper *h, uint64_t *given);
/* The values of `base` for all keys that were not given. */
void hyper_fill(struct hyper *h, uint64_t given, const struct hyper *base);
/* What is to be said of the values given for a network: keys without effect on its kind of head, as an entry of a list
 * "obj (there is no objectness), ..." appended to `idle`; gains of another kind of loss, as a line appended to `words`.
 */
enum status hyper_check_given(const struct hyper *h, uint64_t given, enum head_kind head, struct buf *idle,
                              struct buf *words);

/* All keys and values as the entries of the writer's current map. */
void hyper_put(const struct hyper *h, struct yaml_writer *w);
json_t *hyper_json(const struct hyper *h); /* the same as an object */
enum status hyper_write(const char *path, const struct hyper *h);

/* Hand the values on to those who use them; other fields stay. */
void hyper_apply_loss(const struct hyper *h, struct loss_config *loss);
void hyper_apply_schedule(const struct hyper *h, struct schedule *schedule);
struct augment_config hyper_augment(const struct hyper *h);

#endif
