#include "model/blocks.h"

#include <stdio.h>
#include <string.h>

enum { MAX_POOLS = 8 }; /* of a SPPCSPC */

/* --- parameters --- */

static int add_param(struct builder *b, const char *module, const char *leaf, enum param_role role, int rank,
                     const int *shape)
{
    char name[BUILDER_NAME];
    size_t mark = builder_enter(b, module);
    int p = b->failed ? 0 : graph_param(b->graph, builder_join(b, leaf, name), role, rank, shape);
    builder_leave(b, mark);
    return p;
}

static struct bn add_bn(struct builder *b, const char *module, int c)
{
    struct bn bn;
    bn.gamma = add_param(b, module, "weight", PARAM_GAMMA, 1, &c);
    bn.beta = add_param(b, module, "bias", PARAM_BETA, 1, &c);
    bn.mean = add_param(b, module, "running_mean", PARAM_MEAN, 1, &c);
    bn.var = add_param(b, module, "running_var", PARAM_VAR, 1, &c);
    return bn;
}

static int window_pad(struct window w)
{
    return w.p == PAD_AUTO ? (w.d * (w.k - 1) + 1) / 2 : w.p;
}

static bool conv_fits(struct builder *b, int c1, int c2, struct window w)
{
    if (b->failed)
        return false;
    if (c2 < 1 || c2 > MAX_CHANNELS)
        builder_fail(b, "a convolution to %d channels; 1 to %d are possible", c2, MAX_CHANNELS);
    else if (c1 % w.g || c2 % w.g)
        builder_fail(b, "%d groups do not divide a convolution of %d to %d channels", w.g, c1, c2);
    return !b->failed;
}

/* --- convolutions --- */

/* A Conv whose parameters exist and whose nodes do not yet: the official order of parameters is the order of
 * construction, which is not always that of execution. */
struct conv {
    const char *name;
    int c2, weight;
    struct window w;
    struct bn bn;
};

static struct conv conv_declare(struct builder *b, const char *name, int c1, int c2, struct window w)
{
    struct conv conv = {.name = name, .c2 = c2, .w = w};
    if (!conv_fits(b, c1, c2, w))
        return conv;
    size_t mark = builder_enter(b, name);
    conv.weight = add_param(b, "conv", "weight", PARAM_WEIGHT, 4, (const int[]){c2, c1 / w.g, w.k, w.k});
    conv.bn = add_bn(b, "bn", c2);
    builder_leave(b, mark);
    return conv;
}

static int conv_node(struct builder *b, const char *name, int x, int c2, struct window w, int weight, int bias)
{
    char text[BUILDER_NAME];
    if (b->failed)
        return x;
    struct node n = {.op = OP_CONV2D, .n_src = 1, .src = {x}, .name = builder_join(b, name, text)};
    n.u.conv = (struct conv_attr){.oc = c2,
                                  .kh = w.k,
                                  .kw = w.k,
                                  .stride = w.s,
                                  .pad = window_pad(w),
                                  .dilation = w.d,
                                  .groups = w.g,
                                  .weight = weight,
                                  .bias = bias,
                                  .act = ACT_NONE};
    return graph_node(b->graph, &n, c2);
}

/* The convolution half of a declared Conv. */
static int conv_product(struct builder *b, const struct conv *conv, int x)
{
    size_t mark = builder_enter(b, conv->name);
    int y = conv_node(b, "conv", x, conv->c2, conv->w, conv->weight, -1);
    builder_leave(b, mark);
    return y;
}

/* dst = act(sum of BN_i(src_i)) [+ residual], the value that carries the block's own name. */
static int bn_act_node(struct builder *b, const char *name, const int *src, const struct bn *bn, int n_bn, enum act act,
                       int residual)
{
    char text[BUILDER_NAME];
    if (b->failed)
        return src[0];
    struct node n = {.op = OP_BN_ACT, .n_src = n_bn, .name = builder_join(b, name, text)};
    n.u.bn_act = (struct bn_act_attr){.n_bn = n_bn, .act = act, .residual = residual != NO_RESIDUAL};
    for (int i = 0; i < n_bn; i++) {
        n.src[i] = src[i];
        n.u.bn_act.bn[i] = bn[i];
    }
    if (residual != NO_RESIDUAL)
        n.src[n.n_src++] = residual;
    return graph_node(b->graph, &n, builder_channels(b, src[0]));
}

static int conv_apply(struct builder *b, const struct conv *conv, int x, enum act act, int residual)
{
    int y = conv_product(b, conv, x);
    return bn_act_node(b, conv->name, &y, &conv->bn, 1, act, residual);
}

int conv_bn_act(struct builder *b, const char *name, int x, int c2, struct window w, enum act act, int residual)
{
    struct conv conv = conv_declare(b, name, builder_channels(b, x), c2, w);
    return conv_apply(b, &conv, x, act, residual);
}

static struct window square(int k, int s)
{
    return (struct window){.k = k, .s = s, .p = PAD_AUTO, .g = 1, .d = 1};
}

static struct window grouped(int k, int g)
{
    return (struct window){.k = k, .s = 1, .p = PAD_AUTO, .g = g, .d = 1};
}

int conv_block(struct builder *b, const char *name, int x, int c2, int k, int s)
{
    return conv_bn_act(b, name, x, c2, square(k, s), b->act, NO_RESIDUAL);
}

int conv_plain(struct builder *b, const char *name, int x, int c2, struct window w, bool bias)
{
    int c1 = builder_channels(b, x);
    if (!conv_fits(b, c1, c2, w))
        return x;
    int weight = add_param(b, name, "weight", PARAM_WEIGHT, 4, (const int[]){c2, c1 / w.g, w.k, w.k});
    int beta = bias ? add_param(b, name, "bias", PARAM_BIAS, 1, &c2) : -1;
    return conv_node(b, name, x, c2, w, weight, beta);
}

int repconvn(struct builder *b, const char *name, int x, int c2, int s, int g, enum act act, int residual)
{
    int c1 = builder_channels(b, x);
    size_t mark = builder_enter(b, name);
    struct conv conv1 = conv_declare(b, "conv1", c1, c2, (struct window){.k = 3, .s = s, .p = 1, .g = g, .d = 1});
    struct conv conv2 = conv_declare(b, "conv2", c1, c2, (struct window){.k = 1, .s = s, .p = 0, .g = g, .d = 1});
    int y[2] = {conv_product(b, &conv1, x), conv_product(b, &conv2, x)};
    y[0] = bn_act_node(b, "", y, (const struct bn[]){conv1.bn, conv2.bn}, 2, act, residual);
    builder_leave(b, mark);
    return y[0];
}

int repconv(struct builder *b, const char *name, int x, int c2, int s, int g, enum act act)
{
    const struct window w3 = {.k = 3, .s = s, .p = 1, .g = g, .d = 1}, w1 = {.k = 1, .s = s, .p = 0, .g = g, .d = 1};
    int c1 = builder_channels(b, x), n = 2, y[MAX_BN] = {x, x, x};
    struct bn bn[MAX_BN] = {{0}};
    if (!conv_fits(b, c1, c2, w3))
        return x;
    size_t mark = builder_enter(b, name);
    if (c1 == c2 && s == 1)
        bn[n++] = add_bn(b, "rbr_identity", c2);
    int dense = add_param(b, "rbr_dense.0", "weight", PARAM_WEIGHT, 4, (const int[]){c2, c1 / g, 3, 3});
    bn[0] = add_bn(b, "rbr_dense.1", c2);
    int point = add_param(b, "rbr_1x1.0", "weight", PARAM_WEIGHT, 4, (const int[]){c2, c1 / g, 1, 1});
    bn[1] = add_bn(b, "rbr_1x1.1", c2);
    y[0] = conv_node(b, "rbr_dense.0", x, c2, w3, dense, -1);
    y[1] = conv_node(b, "rbr_1x1.0", x, c2, w1, point, -1);
    int out = bn_act_node(b, "", y, bn, n, act, NO_RESIDUAL);
    builder_leave(b, mark);
    return out;
}

int implicit(struct builder *b, const char *name, int x, bool multiplies)
{
    char text[BUILDER_NAME];
    if (b->failed)
        return x;
    int vector = add_param(b, name, "implicit", PARAM_IMPLICIT, 4, (const int[]){1, builder_channels(b, x), 1, 1});
    struct node n = {.op = OP_IMPLICIT, .n_src = 1, .src = {x}, .name = builder_join(b, name, text)};
    n.u.implicit = (struct implicit_attr){.vector = vector, .multiplies = multiplies};
    return graph_node(b->graph, &n, builder_channels(b, x));
}

/* --- maps without parameters --- */

static int pool(struct builder *b, enum op op, const char *name, int x, struct pool_attr attr)
{
    char text[BUILDER_NAME];
    if (b->failed)
        return x;
    struct node n = {.op = op, .n_src = 1, .src = {x}, .name = builder_join(b, name, text), .u.pool = attr};
    return graph_node(b->graph, &n, builder_channels(b, x));
}

int maxpool(struct builder *b, const char *name, int x, int k, int s, int p)
{
    if (p * 2 > k)
        return builder_fail(b, "a %dx%d window cannot be padded by %d", k, k, p);
    return pool(b, OP_MAXPOOL, name, x, (struct pool_attr){k, s, p});
}

int avgpool(struct builder *b, const char *name, int x, int k, int s)
{
    return pool(b, OP_AVGPOOL, name, x, (struct pool_attr){k, s, 0});
}

int upsample(struct builder *b, const char *name, int x, int scale)
{
    char text[BUILDER_NAME];
    if (b->failed)
        return x;
    struct node n = {.op = OP_UPSAMPLE, .n_src = 1, .src = {x}, .name = builder_join(b, name, text), .u.scale = scale};
    return graph_node(b->graph, &n, builder_channels(b, x));
}

int gelu(struct builder *b, const char *name, int x)
{
    char text[BUILDER_NAME];
    if (b->failed)
        return x;
    struct node n = {.op = OP_GELU, .n_src = 1, .src = {x}, .name = builder_join(b, name, text)};
    return graph_node(b->graph, &n, builder_channels(b, x));
}

int bare_activation(struct builder *b, const char *name, int x, enum act act)
{
    char text[BUILDER_NAME];
    if (b->failed)
        return x;
    struct node n = {.op = OP_ACT, .n_src = 1, .src = {x}, .name = builder_join(b, name, text), .u.act = act};
    return graph_node(b->graph, &n, builder_channels(b, x));
}

int concat(struct builder *b, const char *name, const int *maps, int n)
{
    char text[BUILDER_NAME];
    int c = 0;
    for (int i = 0; i < n; i++)
        c += builder_channels(b, maps[i]);
    if (c > MAX_CHANNELS)
        return builder_fail(b, "the maps together have %d channels; %d are possible", c, MAX_CHANNELS);
    return b->failed ? maps[0] : graph_concat(b->graph, maps, n, builder_join(b, name, text));
}

int cbfuse(struct builder *b, const char *name, const int *maps, int n, int target)
{
    char text[BUILDER_NAME];
    int c = builder_channels(b, target);
    if (n + 1 > MAX_SRC)
        return builder_fail(b, "%d inputs; %d are possible", n + 1, MAX_SRC);
    struct node node = {.op = OP_FUSE, .name = builder_join(b, name, text)};
    for (int i = 0; i < n; i++) {
        if (builder_channels(b, maps[i]) != c)
            return builder_fail(b, "input %d gives a map of %d channels, the target has %d", i,
                                builder_channels(b, maps[i]), c);
        node.src[node.n_src++] = maps[i];
    }
    node.src[node.n_src++] = target;
    return b->failed ? target : graph_node(b->graph, &node, c);
}

int silence(struct builder *b, const char *name, int x)
{
    (void)b, (void)name;
    return x;
}

int reorg(struct builder *b, const char *name, int x)
{
    char text[BUILDER_NAME];
    int c = 4 * builder_channels(b, x);
    if (c > MAX_CHANNELS)
        return builder_fail(b, "four times the channels are %d; %d are possible", c, MAX_CHANNELS);
    if (b->failed)
        return x;
    struct node n = {.op = OP_REORG, .n_src = 1, .src = {x}, .name = builder_join(b, name, text)};
    return graph_node(b->graph, &n, c);
}

static int slice(struct builder *b, const char *name, int x, int first, int c)
{
    char text[BUILDER_NAME];
    return b->failed ? x : graph_slice(b->graph, x, first, c, builder_join(b, name, text));
}

/* --- down-sampling --- */

int aconv(struct builder *b, const char *name, int x, int c2)
{
    size_t mark = builder_enter(b, name);
    int t = avgpool(b, "pool", x, 2, 1);
    int y = conv_block(b, "cv1", t, c2, 3, 2);
    builder_leave(b, mark);
    return y;
}

int downc(struct builder *b, const char *name, int x, int c2, int k)
{
    int c1 = builder_channels(b, x), y[2];
    if (!b->failed && c2 % 2)
        return builder_fail(b, "%d channels; it needs an even number", c2);
    size_t mark = builder_enter(b, name);
    y[0] = conv_block(b, "cv1", x, c1, 1, 1);
    y[0] = conv_block(b, "cv2", y[0], c2 / 2, 3, k);
    y[1] = conv_block(b, "cv3", maxpool(b, "mp", x, k, k, 0), c2 / 2, 1, 1);
    int out = concat(b, "", y, 2);
    builder_leave(b, mark);
    return out;
}

int adown(struct builder *b, const char *name, int x, int c2)
{
    int c1 = builder_channels(b, x);
    if (!b->failed && (c1 % 2 || c2 % 2))
        return builder_fail(b, "%d to %d channels; it needs even numbers", c1, c2);
    size_t mark = builder_enter(b, name);
    int t = avgpool(b, "pool", x, 2, 1);
    int a = slice(b, "a", t, 0, c1 / 2);
    int m = slice(b, "b", t, c1 / 2, c1 / 2);
    int y[2];
    y[0] = conv_block(b, "cv1", a, c2 / 2, 3, 2);
    y[1] = conv_block(b, "cv2", maxpool(b, "maxpool", m, 3, 2, 1), c2 / 2, 1, 1);
    int out = concat(b, "", y, 2);
    builder_leave(b, mark);
    return out;
}

int maxdown(struct builder *b, const char *name, int x, int c2)
{
    size_t mark = builder_enter(b, name);
    int y = conv_block(b, "cv1", maxpool(b, "pool", x, 2, 2, 0), c2, 1, 1);
    builder_leave(b, mark);
    return y;
}

/* --- computational blocks --- */

static int hidden_width(int c2, double e)
{
    return (int)(c2 * e);
}

/* x where a block of c1 to c2 channels adds its input, NO_RESIDUAL otherwise. */
static int shortcut_of(const struct builder *b, int x, int c2, bool shortcut)
{
    return shortcut && builder_channels(b, x) == c2 ? x : NO_RESIDUAL;
}

int repnbottleneck(struct builder *b, const char *name, int x, int c2, bool shortcut, int g, const int k[2], double e)
{
    if (k[0] != 3)
        return builder_fail(b, "RepConvN is 3x3, not %dx%d", k[0], k[0]);
    size_t mark = builder_enter(b, name);
    int y = repconvn(b, "cv1", x, hidden_width(c2, e), 1, 1, b->act, NO_RESIDUAL);
    y = conv_bn_act(b, "cv2", y, c2, grouped(k[1], g), b->act, shortcut_of(b, x, c2, shortcut));
    builder_leave(b, mark);
    return y;
}

int bottleneck(struct builder *b, const char *name, int x, int c2, bool shortcut, int g, const int k[2], double e)
{
    size_t mark = builder_enter(b, name);
    int y = conv_block(b, "cv1", x, hidden_width(c2, e), k[0], 1);
    y = conv_bn_act(b, "cv2", y, c2, grouped(k[1], g), b->act, shortcut_of(b, x, c2, shortcut));
    builder_leave(b, mark);
    return y;
}

int basic_block(struct builder *b, const char *name, int x, int c2)
{
    if (!b->failed && builder_channels(b, x) != c2)
        return builder_fail(b, "%d channels in and %d out; they must be as many", builder_channels(b, x), c2);
    size_t mark = builder_enter(b, name);
    int y = conv_block(b, "conv1", x, c2, 3, 1);
    y = conv_bn_act(b, "conv2", y, c2, square(3, 1), ACT_NONE, NO_RESIDUAL);
    y = bare_activation(b, "act", cbfuse(b, "sum", &y, 1, x), b->act);
    builder_leave(b, mark);
    return y;
}

int res(struct builder *b, const char *name, int x, int c2, bool shortcut, int g, double e)
{
    int h = hidden_width(c2, e);
    size_t mark = builder_enter(b, name);
    int y = conv_block(b, "cv1", x, h, 1, 1);
    y = conv_bn_act(b, "cv2", y, h, grouped(3, g), b->act, NO_RESIDUAL);
    y = conv_bn_act(b, "cv3", y, c2, square(1, 1), b->act, shortcut_of(b, x, c2, shortcut));
    builder_leave(b, mark);
    return y;
}

int repnres(struct builder *b, const char *name, int x, int c2, bool shortcut, int g, double e)
{
    int h = hidden_width(c2, e);
    size_t mark = builder_enter(b, name);
    int y = conv_block(b, "cv1", x, h, 1, 1);
    y = repconvn(b, "cv2", y, h, 1, g, b->act, NO_RESIDUAL);
    y = conv_bn_act(b, "cv3", y, c2, square(1, 1), b->act, shortcut_of(b, x, c2, shortcut));
    builder_leave(b, mark);
    return y;
}

int depthwise(struct builder *b, const char *name, int x, int c2)
{
    int c1 = builder_channels(b, x);
    size_t mark = builder_enter(b, name);
    int y = conv_bn_act(b, "cv1", x, c1, grouped(3, c1), b->act, NO_RESIDUAL);
    y = conv_bn_act(b, "cv2", y, c2, square(1, 1), b->act, shortcut_of(b, x, c2, true));
    builder_leave(b, mark);
    return y;
}

int coupling(struct builder *b, const char *name, int x, int k)
{
    const int c = builder_channels(b, x), half = c / 2;
    if (!b->failed && c % 2)
        return builder_fail(b, "%d channels; it needs an even number", c);
    size_t mark = builder_enter(b, name);
    int x1 = slice(b, "x1", x, 0, half), x2 = slice(b, "x2", x, half, half), y[2];
    y[0] = conv_bn_act(b, "cv1", x2, half, square(k, 1), b->act, x1);
    y[1] = conv_bn_act(b, "cv2", y[0], half, square(k, 1), b->act, x2);
    int out = concat(b, "", y, 2);
    builder_leave(b, mark);
    return out;
}

/* `from` - Conv `conv` of x */
static int uncouple(struct builder *b, const char *conv, const char *minus, int x, int from, int k)
{
    const int v = implicit(b, minus, conv_block(b, conv, x, builder_channels(b, x), k, 1), true);
    return cbfuse(b, minus, &v, 1, from);
}

int coupling_inverse(struct builder *b, const char *name, int y, int k)
{
    const int c = builder_channels(b, y), half = c / 2;
    if (!b->failed && c % 2)
        return builder_fail(b, "%d channels; it needs an even number", c);
    size_t mark = builder_enter(b, name);
    int y1 = slice(b, "y1", y, 0, half), y2 = slice(b, "y2", y, half, half), x[2];
    x[1] = uncouple(b, "cv2", "minus2", y1, y2, k);
    x[0] = uncouple(b, "cv1", "minus1", x[1], y1, k);
    int out = concat(b, "", x, 2);
    builder_leave(b, mark);
    return out;
}

enum link { LINK_REPN, LINK_33, LINK_13 };

/* m.0, m.1 ...: n blocks of h to h channels, one after the other. */
static int chain(struct builder *b, enum link link, int x, struct csp a)
{
    static const int k33[2] = {3, 3}, k13[2] = {1, 3};
    int h = builder_channels(b, x);
    size_t mark = builder_enter(b, "m");
    for (int i = 0; i < a.n && !b->failed; i++) {
        size_t inner = builder_enter_number(b, i);
        if (link == LINK_REPN)
            x = repnbottleneck(b, "", x, h, a.shortcut, a.g, k33, 1.0);
        else
            x = bottleneck(b, "", x, h, a.shortcut, a.g, link == LINK_33 ? k33 : k13, 1.0);
        builder_leave(b, inner);
    }
    builder_leave(b, mark);
    return x;
}

/* cv3(concat[m(cv1(x)), cv2(x)]) */
static int csp_of(struct builder *b, const char *name, int x, int c2, struct csp a, enum link link)
{
    int h = hidden_width(c2, a.e), y[2];
    size_t mark = builder_enter(b, name);
    y[0] = conv_block(b, "cv1", x, h, 1, 1);
    y[1] = conv_block(b, "cv2", x, h, 1, 1);
    struct conv cv3 = conv_declare(b, "cv3", 2 * h, c2, square(1, 1));
    y[0] = chain(b, link, y[0], a);
    int out = conv_apply(b, &cv3, concat(b, "cat", y, 2), b->act, NO_RESIDUAL);
    builder_leave(b, mark);
    return out;
}

int repncsp(struct builder *b, const char *name, int x, int c2, struct csp a)
{
    return csp_of(b, name, x, c2, a, LINK_REPN);
}

int csp(struct builder *b, const char *name, int x, int c2, struct csp a)
{
    return csp_of(b, name, x, c2, a, LINK_33);
}

int cspbase(struct builder *b, const char *name, int x, int c2, struct csp a)
{
    return csp_of(b, name, x, c2, a, LINK_13);
}

/* cv2(concat[both halves of cv1(x), m.0 of the second half, m.1 of that ...]) */
int c2f(struct builder *b, const char *name, int x, int c2, struct csp a)
{
    static const int k33[2] = {3, 3};
    int h = hidden_width(c2, a.e), y[MAX_DEPTH + 1];
    if (a.n > MAX_DEPTH)
        return builder_fail(b, "a chain of %d blocks; %d are possible", a.n, MAX_DEPTH);
    size_t mark = builder_enter(b, name);
    y[0] = conv_block(b, "cv1", x, 2 * h, 1, 1);
    struct conv cv2 = conv_declare(b, "cv2", (2 + a.n) * h, c2, square(1, 1));
    int t = slice(b, "half", y[0], h, h);
    size_t inner = builder_enter(b, "m");
    for (int i = 0; i < a.n && !b->failed; i++) {
        size_t link = builder_enter_number(b, i);
        y[i + 1] = t = bottleneck(b, "", t, h, a.shortcut, a.g, k33, 1.0);
        builder_leave(b, link);
    }
    builder_leave(b, inner);
    int out = b->failed ? x : conv_apply(b, &cv2, concat(b, "cat", y, a.n + 1), b->act, NO_RESIDUAL);
    builder_leave(b, mark);
    return out;
}

/* cv4(SiLU(BN(concat[cv3(m(cv1(x))), cv2(x)]))); cv2 and cv3 are bare, the SiLU is fixed. */
int bottleneckcsp(struct builder *b, const char *name, int x, int c2, struct csp a)
{
    int h = hidden_width(c2, a.e), y[2];
    size_t mark = builder_enter(b, name);
    int y1 = conv_block(b, "cv1", x, h, 1, 1);
    y[1] = conv_plain(b, "cv2", x, h, square(1, 1), false);
    int cv3 = add_param(b, "cv3", "weight", PARAM_WEIGHT, 4, (const int[]){h, h, 1, 1});
    struct conv cv4 = conv_declare(b, "cv4", 2 * h, c2, square(1, 1));
    struct bn bn = add_bn(b, "bn", 2 * h);
    y1 = chain(b, LINK_33, y1, a);
    y[0] = conv_node(b, "cv3", y1, h, square(1, 1), cv3, -1);
    int cat = concat(b, "cat", y, 2);
    int act = bn_act_node(b, "bn", &cat, &bn, 1, ACT_SILU, NO_RESIDUAL);
    int out = conv_apply(b, &cv4, act, b->act, NO_RESIDUAL);
    builder_leave(b, mark);
    return out;
}

/* --- aggregation --- */

const char *cb_name(enum cb block)
{
    static const char *const names[CB_COUNT] = {"csp", "conv", "res", "dark", "dw"};
    return names[block];
}

int elan1(struct builder *b, const char *name, int x, int c2, int c3, int c4)
{
    if (c3 % 2)
        return builder_fail(b, "%d inner channels cannot be halved", c3);
    size_t mark = builder_enter(b, name);
    int y[3];
    y[0] = conv_block(b, "cv1", x, c3, 1, 1);
    y[1] = conv_block(b, "cv2", slice(b, "half", y[0], c3 / 2, c3 / 2), c4, 3, 1);
    y[2] = conv_block(b, "cv3", y[1], c4, 3, 1);
    int out = conv_block(b, "cv4", concat(b, "cat", y, 3), c2, 1, 1);
    builder_leave(b, mark);
    return out;
}

static int computational_block(struct builder *b, const char *name, int x, int c2, int n, enum cb block)
{
    static const int k13[2] = {1, 3};
    switch (block) {
    case CB_CONV:
        return conv_block(b, name, x, c2, 3, 1);
    case CB_RES:
        return res(b, name, x, c2, true, 1, 0.5);
    case CB_DARK:
        return bottleneck(b, name, x, c2, true, 1, k13, 0.5);
    case CB_DW:
        return depthwise(b, name, x, c2);
    default:
        return repncsp(b, name, x, c2, (struct csp){.n = n, .shortcut = true, .g = 1, .e = 0.5});
    }
}

/* ELAN's wiring around any block: each link of the chain (cv2 and cv3 of the official two) is the block followed by a
 * 3x3 Conv, and the Conv behind the concat has the next number. The concat takes the whole of cv1's map, which is its
 * two halves side by side. */
int repncspelan4(struct builder *b, const char *name, int x, int c2, int c3, int c4, int n, enum cb block, int elan)
{
    if (c3 % 2)
        return builder_fail(b, "%d inner channels cannot be halved", c3);
    size_t mark = builder_enter(b, name);
    static const char *const links[] = {"cv2", "cv3", "cv4", "cv5", "cv6", "cv7", "cv8"};
    _Static_assert(COUNT(links) == ELAN_MAX_DEPTH + 1, "a name for each link, and for the Conv behind them");
    int y[ELAN_MAX_DEPTH + 1];
    y[0] = conv_block(b, "cv1", x, c3, 1, 1);
    int t = slice(b, "half", y[0], c3 / 2, c3 / 2);
    for (int i = 0; i < elan; i++) {
        size_t branch = builder_enter(b, links[i]);
        t = computational_block(b, "0", t, c4, n, block);
        y[i + 1] = t = conv_block(b, "1", t, c4, 3, 1);
        builder_leave(b, branch);
    }
    int out = conv_block(b, links[elan], concat(b, "cat", y, elan + 1), c2, 1, 1);
    builder_leave(b, mark);
    return out;
}

int sppelan(struct builder *b, const char *name, int x, int c2, int c3)
{
    size_t mark = builder_enter(b, name);
    int y[4];
    y[0] = conv_block(b, "cv1", x, c3, 1, 1);
    y[1] = maxpool(b, "cv2", y[0], 5, 1, 2);
    y[2] = maxpool(b, "cv3", y[1], 5, 1, 2);
    y[3] = maxpool(b, "cv4", y[2], 5, 1, 2);
    int out = conv_block(b, "cv5", concat(b, "cat", y, 4), c2, 1, 1);
    builder_leave(b, mark);
    return out;
}

int sppf(struct builder *b, const char *name, int x, int c2, int k, enum act act)
{
    size_t mark = builder_enter(b, name);
    int y[4];
    y[0] = conv_bn_act(b, "cv1", x, builder_channels(b, x) / 2, square(1, 1), act, NO_RESIDUAL);
    y[1] = maxpool(b, "m1", y[0], k, 1, k / 2);
    y[2] = maxpool(b, "m2", y[1], k, 1, k / 2);
    y[3] = maxpool(b, "m3", y[2], k, 1, k / 2);
    int out = conv_block(b, "cv2", concat(b, "cat", y, 4), c2, 1, 1);
    builder_leave(b, mark);
    return out;
}

/* cv7(concat[cv6(cv5(concat[x1, pools of x1])), cv2(x)]), x1 = cv4(cv3(cv1(x))) */
int sppcspc(struct builder *b, const char *name, int x, int c2, double e, const int *k, int n_k)
{
    int h = hidden_width(2 * c2, e), x1[MAX_POOLS + 1], y[2];
    if (n_k < 1 || n_k > MAX_POOLS)
        return builder_fail(b, "%d pool sizes; 1 to %d are possible", n_k, MAX_POOLS);
    size_t mark = builder_enter(b, name);
    x1[0] = conv_block(b, "cv1", x, h, 1, 1);
    y[1] = conv_block(b, "cv2", x, h, 1, 1);
    x1[0] = conv_block(b, "cv3", x1[0], h, 3, 1);
    x1[0] = conv_block(b, "cv4", x1[0], h, 1, 1);
    for (int i = 0; i < n_k; i++) {
        char pool[16];
        snprintf(pool, sizeof pool, "m.%d", i);
        x1[i + 1] = maxpool(b, pool, x1[0], k[i], 1, k[i] / 2);
    }
    y[0] = conv_block(b, "cv5", concat(b, "pools", x1, n_k + 1), h, 1, 1);
    y[0] = conv_block(b, "cv6", y[0], h, 3, 1);
    int out = conv_block(b, "cv7", concat(b, "cat", y, 2), c2, 1, 1);
    builder_leave(b, mark);
    return out;
}

void cblinear(struct builder *b, const char *name, int x, const int *widths, int n, struct window w, int *maps)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += widths[i];
    size_t mark = builder_enter(b, name);
    int y = conv_plain(b, "conv", x, sum, w, true);
    for (int i = 0, first = 0; i < n; first += widths[i++]) {
        size_t inner = builder_enter_number(b, i);
        maps[i] = slice(b, "", y, first, widths[i]);
        builder_leave(b, inner);
    }
    builder_leave(b, mark);
}
