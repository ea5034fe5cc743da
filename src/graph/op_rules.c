#include "graph/op_rules.h"

#include <stdio.h>

/* --- what several ops share --- */

static int window_count(int size, int k, int stride, int pad, int dilation)
{
    int span = dilation * (k - 1) + 1;
    return size + 2 * pad < span ? 0 : (size + 2 * pad - span) / stride + 1;
}

static bool reads_nothing(const struct node *n, int s)
{
    (void)n;
    (void)s;
    return false;
}

/* --- conv2d --- */

static enum status conv2d_check(const struct graph *g, const struct node *n)
{
    const struct conv_attr *a = &n->u.conv;
    int ic = g->values[n->src[0]].c, oc = g->values[n->dst].c;
    bool fits = a->groups > 0 && ic % a->groups == 0 && oc % a->groups == 0 && oc == a->oc;
    const struct param *w = &g->params[a->weight];
    const int weight_ic = a->weight_ic ? a->weight_ic : ic;
    fits = fits && a->first_ic >= 0 && a->first_ic + ic <= weight_ic && (weight_ic == ic || a->groups == 1);
    fits = fits && w->shape[0] == oc && w->shape[1] == weight_ic / a->groups && w->shape[2] == a->kh &&
           w->shape[3] == a->kw;
    if (!fits)
        return fail(E_SHAPE, "%s: a convolution of %d to %d channels in %d groups does not fit its weights", n->name,
                    ic, oc, a->groups);
    if ((a->residual || a->addend_scale) && g->values[n->src[1]].c != oc)
        return fail(E_SHAPE, "%s: %d channels are added to %d", n->name, g->values[n->src[1]].c, oc);
    return OK;
}

static enum status conv2d_infer(const struct graph *g, const struct node *n, const struct extent *e, struct extent *dst)
{
    (void)g;
    const struct conv_attr *a = &n->u.conv;
    const struct extent src = e[n->src[0]];
    dst->h = window_count(src.h - a->pooled, a->kh, a->stride, a->pad, a->dilation);
    dst->w = window_count(src.w - a->pooled, a->kw, a->stride, a->pad, a->dilation);
    const int scale = a->addend_scale ? a->addend_scale : a->residual;
    if (scale && (e[n->src[1]].h * scale != dst->h || e[n->src[1]].w * scale != dst->w))
        return fail(E_SHAPE, "%s: a map of %dx%d is added to one of %dx%d", n->name, e[n->src[1]].h, e[n->src[1]].w,
                    dst->h, dst->w);
    return OK;
}

static int conv2d_params(struct node *n, int *place[MAX_NODE_PARAMS])
{
    place[0] = &n->u.conv.weight;
    place[1] = &n->u.conv.bias;
    return 2;
}

static bool conv2d_backward_reads(const struct node *n, int s)
{
    (void)n;
    return s == 0; /* not what is added, not dst */
}

static enum act conv2d_activation(const struct node *n)
{
    return n->u.conv.act;
}

static struct conv_quant *conv2d_quant(struct node *n)
{
    return &n->u.conv.quant;
}

/* Words of two channels: each group of the input begins one. */
static bool conv2d_takes_bf16(const struct graph *g, const struct node *n, int s)
{
    return s != 0 || g->values[n->src[0]].c / n->u.conv.groups % 2 == 0;
}

/* What has a Winograd transform that averages: 3x3 of stride 2 between maps that are wide enough. */
static bool conv2d_takes_pool(const struct graph *g, const struct node *n, int s)
{
    const struct conv_attr *a = &n->u.conv;
    return s == 0 && a->kh == 3 && a->kw == 3 && a->stride == 2 && a->pad == 1 && a->dilation == 1 && a->groups == 1 &&
           g->values[n->src[0]].c >= 24 && a->oc >= 24;
}

static void conv2d_take_pool(struct node *n)
{
    n->u.conv.pooled = true;
}

/* 2 x multiply-accumulates (SPEC 5). */
static double conv2d_flops(const struct graph *g, const struct node *n, struct extent dst)
{
    const struct conv_attr *a = &n->u.conv;
    return 2 * ((double)dst.h * dst.w * a->oc * (g->values[n->src[0]].c / a->groups) * a->kh * a->kw);
}

static void conv2d_describe(const struct graph *g, const struct node *n, char *text, size_t size)
{
    const struct conv_attr *a = &n->u.conv;
    char groups[16] = "";
    if (a->groups > 1)
        snprintf(groups, sizeof groups, " g%d", a->groups);
    snprintf(text, size, "%dx%d s%d%s %d>%d", a->kh, a->kw, a->stride, groups, g->values[n->src[0]].c, a->oc);
}

static const struct op_rule conv2d_rule = {
    .check = conv2d_check,
    .infer = conv2d_infer,
    .params = conv2d_params,
    .backward_reads = conv2d_backward_reads,
    .activation = conv2d_activation,
    .quant = conv2d_quant,
    .takes_bf16 = conv2d_takes_bf16,
    .takes_pool = conv2d_takes_pool,
    .take_pool = conv2d_take_pool,
    .flops = conv2d_flops,
    .describe = conv2d_describe,
};

/* --- bn_act --- */

static int bn_act_params(struct node *n, int *place[MAX_NODE_PARAMS])
{
    int count = 0;
    for (int i = 0; i < n->u.bn_act.n_bn; i++) {
        struct bn *bn = &n->u.bn_act.bn[i];
        place[count++] = &bn->gamma;
        place[count++] = &bn->beta;
        place[count++] = &bn->mean;
        place[count++] = &bn->var;
    }
    return count;
}

/* What was normalised; not what is added, not dst. */
static bool bn_act_is_normalised(const struct node *n, int s)
{
    return s >= 0 && s < n->u.bn_act.n_bn;
}

static bool bn_act_remade(const struct node *n)
{
    return !n->u.bn_act.residual;
}

static enum act bn_act_activation(const struct node *n)
{
    return n->u.bn_act.act;
}

static const struct op_rule bn_act_rule = {
    .params = bn_act_params,
    .backward_reads = bn_act_is_normalised,
    .in_place = bn_act_is_normalised,
    .remade = bn_act_remade,
    .activation = bn_act_activation,
    .folds = FOLDS_NORMALISED,
};

/* --- pools --- */

static enum status pool_infer(const struct graph *g, const struct node *n, const struct extent *e, struct extent *dst)
{
    (void)g;
    const struct pool_attr *a = &n->u.pool;
    dst->h = window_count(e[n->src[0]].h - a->pooled, a->k, a->stride, a->pad, 1);
    dst->w = window_count(e[n->src[0]].w - a->pooled, a->k, a->stride, a->pad, 1);
    return OK;
}

static bool maxpool_takes_pool(const struct graph *g, const struct node *n, int s)
{
    (void)g;
    (void)s;
    return n->u.pool.stride == 2;
}

static void maxpool_take_pool(struct node *n)
{
    n->u.pool.pooled = true;
}

static const struct op_rule maxpool_rule = {
    .infer = pool_infer,
    .backward_reads = reads_nothing, /* the forward pass saves where each maximum was */
    .moves = ELEMENT_BIT(ELEMENT_BYTE) | ELEMENT_BIT(ELEMENT_BF16),
    .takes_pool = maxpool_takes_pool,
    .take_pool = maxpool_take_pool,
};

static const struct op_rule avgpool_rule = {
    .infer = pool_infer,
    .backward_reads = reads_nothing,
    .moves = ELEMENT_BIT(ELEMENT_BYTE) | ELEMENT_BIT(ELEMENT_BF16),
};

/* --- moving values --- */

static enum status upsample_infer(const struct graph *g, const struct node *n, const struct extent *e,
                                  struct extent *dst)
{
    (void)g;
    *dst = (struct extent){e[n->src[0]].h * n->u.scale, e[n->src[0]].w * n->u.scale};
    return OK;
}

static const struct op_rule upsample_rule = {
    .infer = upsample_infer,
    .backward_reads = reads_nothing,
    .moves = ELEMENT_BIT(ELEMENT_BYTE) | ELEMENT_BIT(ELEMENT_BF16),
};

/* Any sizes are brought to that of the last source. */
static enum status fuse_infer(const struct graph *g, const struct node *n, const struct extent *e, struct extent *dst)
{
    (void)g;
    *dst = e[n->src[n->n_src - 1]];
    return OK;
}

static const struct op_rule fuse_rule = {
    .infer = fuse_infer,
    .backward_reads = reads_nothing,
    .moves = ELEMENT_BIT(ELEMENT_BF16),
};

/* Four pixels side by side become one: whole squares only. */
static enum status reorg_check(const struct graph *g, const struct node *n)
{
    if (g->values[n->dst].c != 4 * g->values[n->src[0]].c)
        return fail(E_SHAPE, "%s: %d channels become four times as many, not %d", n->name, g->values[n->src[0]].c,
                    g->values[n->dst].c);
    return OK;
}

static enum status reorg_infer(const struct graph *g, const struct node *n, const struct extent *e, struct extent *dst)
{
    (void)g;
    const struct extent src = e[n->src[0]];
    if (src.h % 2 || src.w % 2)
        return fail(E_SHAPE, "%s: a map of %dx%d has no whole 2x2 squares", n->name, src.h, src.w);
    *dst = (struct extent){src.h / 2, src.w / 2};
    return OK;
}

static const struct op_rule reorg_rule = {
    .check = reorg_check,
    .infer = reorg_infer,
    .backward_reads = reads_nothing,
    .moves = ELEMENT_BIT(ELEMENT_BF16),
};

static int implicit_params(struct node *n, int *place[MAX_NODE_PARAMS])
{
    place[0] = &n->u.implicit.vector;
    return 1;
}

static bool implicit_backward_reads(const struct node *n, int s)
{
    return s == 0 && n->u.implicit.multiplies;
}

static const struct op_rule implicit_rule = {
    .params = implicit_params,
    .backward_reads = implicit_backward_reads,
    .folds = FOLDS_IMPLICIT,
};

static const struct op_rule copy_rule = {
    .backward_reads = reads_nothing,
    .moves = ELEMENT_BIT(ELEMENT_BYTE) | ELEMENT_BIT(ELEMENT_BF16),
};

/* --- gelu --- */

/* The slope is made of the source; each element of the gradient needs only the same element of it. */
static bool is_source(const struct node *n, int s)
{
    (void)n;
    return s != OP_DST;
}

static const struct op_rule gelu_rule = {
    .backward_reads = is_source,
    .in_place = is_source,
};

/* --- act --- */

static enum act act_activation(const struct node *n)
{
    return n->u.act;
}

static const struct op_rule act_rule = {
    .backward_reads = is_source,
    .in_place = is_source,
    .activation = act_activation,
};

/* --- the table --- */

const struct op_rule *const op_rules[OP_COUNT] = {
#define OP(upper, lower) [OP_##upper] = &lower##_rule,
#include "graph/ops.def"
#undef OP
};

bool node_backward_reads(const struct node *n, int s)
{
    return !op_rules[n->op]->backward_reads || op_rules[n->op]->backward_reads(n, s);
}

int node_params(const struct node *n, int param[MAX_NODE_PARAMS])
{
    struct node copy = *n;
    int *place[MAX_NODE_PARAMS], count = op_rules[n->op]->params ? op_rules[n->op]->params(&copy, place) : 0;
    for (int i = 0; i < count; i++)
        param[i] = *place[i];
    return count;
}

const char *op_name(enum op op)
{
    static const char *const names[OP_COUNT] = {
#define OP(upper, lower) #lower,
#include "graph/ops.def"
#undef OP
    };
    return names[op];
}

bool node_is_trained(const struct graph *g, const struct node *n)
{
    int param[MAX_NODE_PARAMS], count = node_params(n, param);
    for (int i = 0; i < count; i++) {
        if (param[i] >= 0 && param_is_trained(&g->params[param[i]]))
            return true;
    }
    return false;
}

enum act node_activation(const struct node *n)
{
    return op_rules[n->op]->activation ? op_rules[n->op]->activation(n) : ACT_NONE;
}

const struct conv_quant *node_quant(const struct node *n)
{
    return op_rules[n->op]->quant ? op_rules[n->op]->quant((struct node *)n) : NULL; /* only looked at */
}

void node_describe(const struct graph *g, const struct node *n, char *text, size_t size)
{
    if (op_rules[n->op]->describe)
        op_rules[n->op]->describe(g, n, text, size);
    else
        snprintf(text, size, "%s %d", op_name(n->op), g->values[n->dst].c);
}
