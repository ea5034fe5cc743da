/* quant/: weights made ready for 8-bit inference.
 *
 * Post-training quantization: which convolutions of a deployed network run in 8 bits, and how each reads its input.
 *
 * 1. The network runs in float32 over photos, letterboxed as detection does; a histogram of each convolution's input
 *    gives its range (histogram.h).
 * 2. Each convolution alone is put into 8 bits, and the change of the network's result on some of the photos is
 *    measured (head_error.h).
 * 3. While the network with all of them in 8 bits differs more than the budget allows, those that bring the most
 *    error for their work stay higher (bf16), each one if that was seen to help.
 * The result depends on the photos and options, not on threads or workers. */
#ifndef Y9_QUANT_QUANTIZE_H
#define Y9_QUANT_QUANTIZE_H

#include "data/dataset.h"
#include "quant/histogram.h"
#include "weights/weights.h"

struct quantize_config {
    int h, w;     /* network input */
    int pictures; /* for ranges, spread evenly over the dataset; all if it has fewer */
    int trials;   /* of these, for measuring errors */
    struct clip clip;
    double budget;           /* of the result's change: scores and boxes, relative */
    double most_kept;        /* at most this share of the FLOPs stays higher to meet it */
    const char *const *keep; /* convolutions that stay higher in any case: beginnings of their names */
    int n_keep;
    int workers; /* threads that read pictures ahead */
    struct team *team;
    bool progress; /* bars on standard error */
};

struct quantize_layer {
    const char *name; /* the graph's */
    int node;
    float min, max; /* of its input, and of what else is cut from the same map */
    struct conv_quant quant;
    double flops;
    double error; /* of the result when it alone is in 8 bits, beyond error_none */
    bool asked;   /* it stays higher because config.keep says so */
};

struct quantize_result {
    struct quantize_layer *layers; /* in execution order */
    int n_layers, n_kept;          /* kept: !quant.on */
    int pictures, trials;          /* used */
    double flops, kept_flops;      /* of one image */
    double error_none;             /* none in 8 bits: what higher means here, bf16 */
    double error_all;              /* all but those asked for in 8 bits */
    double error;                  /* as chosen */
};

/* Sets conv_quant of the deployed graph of `w`, whose deployed parameters are there. E_NUMERIC names a convolution
 * whose input is not finite. Release the result with quantize_result_free, also after a failure. */
enum status quantize(struct weights *w, const struct dataset *dataset, const struct quantize_config *config,
                     struct quantize_result *result);
void quantize_result_free(struct quantize_result *result);

#endif
