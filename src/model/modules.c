#include "model/modules.h"

#include "model/activation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- emitting ---
 * One function a module. */

struct emission {
    struct builder *b;
    const char *name;
    const struct module_args *a;
    const struct port *in;
    int n_in;
    int x; /* the first map of the first input */
    struct port *out;
};

static int emit_conv(const struct emission *e)
{
    const struct module_args *a = e->a;
    const struct window w = {.k = a->k[0], .s = a->s, .p = a->p, .g = a->g, .d = a->d};
    return conv_bn_act(e->b, e->name, e->x, a->c2, w, a->act, NO_RESIDUAL);
}

static int emit_aconv(const struct emission *e)
{
    return aconv(e->b, e->name, e->x, e->a->c2);
}

static int emit_adown(const struct emission *e)
{
    return adown(e->b, e->name, e->x, e->a->c2);
}

static int emit_maxdown(const struct emission *e)
{
    return maxdown(e->b, e->name, e->x, e->a->c2);
}

static int emit_repconvn(const struct emission *e)
{
    const struct module_args *a = e->a;
    if (a->k[0] != 3 || (a->p != 1 && a->p != PAD_AUTO) || a->d != 1)
        return builder_fail(e->b, "RepConvN is 3x3 with padding 1 and no dilation");
    return repconvn(e->b, e->name, e->x, a->c2, a->s, a->g, a->act, NO_RESIDUAL);
}

static int emit_repnbottleneck(const struct emission *e)
{
    const struct module_args *a = e->a;
    return repnbottleneck(e->b, e->name, e->x, a->c2, a->shortcut, a->g, a->k, a->e);
}

static int emit_bottleneck(const struct emission *e)
{
    const struct module_args *a = e->a;
    return bottleneck(e->b, e->name, e->x, a->c2, a->shortcut, a->g, a->k, a->e);
}

static int emit_basicblock(const struct emission *e)
{
    return basic_block(e->b, e->name, e->x, e->a->c2);
}

static int emit_res(const struct emission *e)
{
    return res(e->b, e->name, e->x, e->a->c2, e->a->shortcut, e->a->g, e->a->e);
}

static int emit_repnres(const struct emission *e)
{
    return repnres(e->b, e->name, e->x, e->a->c2, e->a->shortcut, e->a->g, e->a->e);
}

static int emit_depthwise(const struct emission *e)
{
    return depthwise(e->b, e->name, e->x, e->a->c2);
}

static struct csp chain_of(const struct module_args *a)
{
    return (struct csp){.n = a->n, .shortcut = a->shortcut, .g = a->g, .e = a->e};
}

static int emit_repncsp(const struct emission *e)
{
    return repncsp(e->b, e->name, e->x, e->a->c2, chain_of(e->a));
}

static int emit_csp(const struct emission *e)
{
    return csp(e->b, e->name, e->x, e->a->c2, chain_of(e->a));
}

static int emit_cspbase(const struct emission *e)
{
    return cspbase(e->b, e->name, e->x, e->a->c2, chain_of(e->a));
}

static int emit_bottleneckcsp(const struct emission *e)
{
    return bottleneckcsp(e->b, e->name, e->x, e->a->c2, chain_of(e->a));
}

static int emit_c2f(const struct emission *e)
{
    return c2f(e->b, e->name, e->x, e->a->c2, chain_of(e->a));
}

static int emit_elan1(const struct emission *e)
{
    return elan1(e->b, e->name, e->x, e->a->c2, e->a->c3, e->a->c4);
}

static int emit_repncspelan4(const struct emission *e)
{
    const struct module_args *a = e->a;
    return repncspelan4(e->b, e->name, e->x, a->c2, a->c3, a->c4, a->n, a->block, a->elan);
}

static int emit_sppelan(const struct emission *e)
{
    return sppelan(e->b, e->name, e->x, e->a->c2, e->a->c3);
}

static int emit_sppf(const struct emission *e)
{
    return sppf(e->b, e->name, e->x, e->a->c2, e->a->k[0], e->a->cv1_act);
}

static int emit_sp(const struct emission *e)
{
    const struct module_args *a = e->a;
    return maxpool(e->b, e->name, e->x, a->k[0], a->s, a->p == PAD_AUTO ? a->k[0] / 2 : a->p);
}

static int emit_repconv(const struct emission *e)
{
    const struct module_args *a = e->a;
    if (a->k[0] != 3 || (a->p != 1 && a->p != PAD_AUTO))
        return builder_fail(e->b, "RepConv is 3x3 with padding 1");
    return repconv(e->b, e->name, e->x, a->c2, a->s, a->g, a->act);
}

static int emit_downc(const struct emission *e)
{
    return downc(e->b, e->name, e->x, e->a->c2, e->a->k[0]);
}

static int emit_sppcspc(const struct emission *e)
{
    const struct module_args *a = e->a;
    if (a->g != 1)
        return builder_fail(e->b, "SPPCSPC in %d groups; only 1 is known", a->g);
    return sppcspc(e->b, e->name, e->x, a->c2, a->e, a->k, COUNT(a->k));
}

static int emit_mp(const struct emission *e)
{
    return maxpool(e->b, e->name, e->x, e->a->k[0], e->a->k[0], 0);
}

static int emit_reorg(const struct emission *e)
{
    return reorg(e->b, e->name, e->x);
}

static int emit_coupling(const struct emission *e)
{
    return coupling(e->b, e->name, e->x, e->a->k[0]);
}

/* The sum of two maps of one size. */
static int emit_shortcut(const struct emission *e)
{
    if (e->n_in != 2)
        return builder_fail(e->b, "%d inputs; it takes two", e->n_in);
    const int first = e->in[0].map[0];
    return cbfuse(e->b, e->name, &first, 1, e->in[1].map[0]);
}

static int emit_upsample(const struct emission *e)
{
    return upsample(e->b, e->name, e->x, e->a->scale);
}

static int emit_gelu(const struct emission *e)
{
    return gelu(e->b, e->name, e->x);
}

static int emit_relu(const struct emission *e)
{
    return bare_activation(e->b, e->name, e->x, ACT_RELU);
}

static int emit_silu(const struct emission *e)
{
    return bare_activation(e->b, e->name, e->x, ACT_SILU);
}

static int emit_silence(const struct emission *e)
{
    return silence(e->b, e->name, e->x);
}

static int emit_concat(const struct emission *e)
{
    int maps[TABLE_MAX_FROM];
    for (int i = 0; i < e->n_in; i++)
        maps[i] = e->in[i].map[0];
    return concat(e->b, e->name, maps, e->n_in);
}

static int emit_cblinear(const struct emission *e)
{
    const struct module_args *a = e->a;
    const struct window w = {.k = a->k[0], .s = a->s, .p = a->p, .g = a->g, .d = 1};
    cblinear(e->b, e->name, e->x, a->list, a->n_list, w, e->out->map);
    e->out->n = a->n_list;
    return e->out->map[0];
}

static int emit_cbfuse(const struct emission *e)
{
    const struct module_args *a = e->a;
    const struct port *in = e->in;
    const int last = e->n_in - 1;
    int maps[MAX_SRC];
    if (e->n_in < 2 || e->n_in > MAX_SRC || a->n_list != last)
        return builder_fail(e->b, "%d indices for %d inputs; one for each but the last is needed, %d inputs at most",
                            a->n_list, e->n_in, MAX_SRC);
    if (in[last].n != 1)
        return builder_fail(e->b, "the last input, the target, is a CBLinear");
    for (int i = 0; i < a->n_list; i++) {
        if (a->list[i] >= in[i].n)
            return builder_fail(e->b, "index %d of input %d, which has %d maps", a->list[i], i, in[i].n);
        maps[i] = in[i].map[a->list[i]];
    }
    return cbfuse(e->b, e->name, maps, a->n_list, in[last].map[0]);
}

/* --- the table ---
 * A row: the name in tables, what writes the module into the graph, its kind and its signature. A signature names a
 * module's arguments in their order (SPEC 2); one without default must be given; every name is an argument of fields[]
 * below. */
static const struct module modules[] = {
    {"Conv", emit_conv, MODULE_BLOCK, "c2 k=1 s=1 p=auto g=1 d=1 act=model"},
    {"AConv", emit_aconv, MODULE_BLOCK, "c2"},
    {"ADown", emit_adown, MODULE_BLOCK, "c2"},
    {"MaxDown", emit_maxdown, MODULE_BLOCK, "c2"},
    {"RepConvN", emit_repconvn, MODULE_BLOCK, "c2 k=3 s=1 p=1 g=1 d=1 act=model"},
    {"RepConv", emit_repconv, MODULE_BLOCK, "c2 k=3 s=1 p=auto g=1 act=model"},
    {"RepNBottleneck", emit_repnbottleneck, MODULE_BLOCK, "c2 shortcut=1 g=1 k=3,3 e=0.5"},
    {"Bottleneck", emit_bottleneck, MODULE_BLOCK, "c2 shortcut=1 g=1 k=3,3 e=0.5"},
    {"RBottleneck", emit_bottleneck, MODULE_BLOCK, "c2 shortcut=1 g=1 k=3,1 e=0.5"},
    {"BasicBlock", emit_basicblock, MODULE_BLOCK, "c2"},
    {"Res", emit_res, MODULE_BLOCK, "c2 shortcut=1 g=1 e=0.5"},
    {"RepNRes", emit_repnres, MODULE_BLOCK, "c2 shortcut=1 g=1 e=0.5"},
    {"Dw", emit_depthwise, MODULE_BLOCK, "c2"},
    {"RepNCSP", emit_repncsp, MODULE_BLOCK, "c2 n=1 shortcut=1 g=1 e=0.5"},
    {"CSP", emit_csp, MODULE_BLOCK, "c2 n=1 shortcut=1 g=1 e=0.5"},
    {"CSPBase", emit_cspbase, MODULE_BLOCK, "c2 n=1 shortcut=1 g=1 e=0.5"},
    {"BottleneckCSP", emit_bottleneckcsp, MODULE_BLOCK, "c2 n=1 shortcut=1 g=1 e=0.5", "c2 shortcut=1 g=1 e=0.5"},
    {"C2f", emit_c2f, MODULE_BLOCK, "c2 n=1 shortcut=0 g=1 e=0.5", "c2 shortcut=0 g=1 e=0.5"},
    {"ELAN1", emit_elan1, MODULE_BLOCK, "c2 c3 c4"},
    {"RepNCSPELAN4", emit_repncspelan4, MODULE_BLOCK, "c2 c3 c4 c5=1 block=csp elan=2"},
    {"SPPELAN", emit_sppelan, MODULE_BLOCK, "c2 c3"},
    {"SPPF", emit_sppf, MODULE_BLOCK, "c2 k=5 pools=3 add=False cv1_act=model"},
    {"DownC", emit_downc, MODULE_BLOCK, "c2 n=1 k=2", "c2 k=2"},
    {"SPPCSPC", emit_sppcspc, MODULE_BLOCK, "c2 n=1 shortcut=0 g=1 e=0.5 k=5,9,13", "c2 shortcut=0 g=1 e=0.5 k=5,9,13"},
    {"MP", emit_mp, MODULE_MAP, "k=2"},
    {"ReOrg", emit_reorg, MODULE_MAP, ""},
    {"Coupling", emit_coupling, MODULE_MAP, "k=3"},
    {"SP", emit_sp, MODULE_MAP, "k=3 s=1 p=auto"},
    {"nn.Upsample", emit_upsample, MODULE_MAP, "size=None scale=2 mode=nearest"},
    {"Upsample", emit_upsample, MODULE_MAP, "size=None scale=2 mode=nearest"},
    {"nn.GELU", emit_gelu, MODULE_MAP, "approximate=none"},
    {"nn.ReLU", emit_relu, MODULE_MAP, "inplace=False"},
    {"nn.SiLU", emit_silu, MODULE_MAP, "inplace=False"},
    {"Silence", emit_silence, MODULE_MAP, ""},
    {"nn.Identity", emit_silence, MODULE_MAP, ""},
    {"Concat", emit_concat, MODULE_MERGE, "dim=1"},
    {"Shortcut", emit_shortcut, MODULE_MERGE, "unused=0"},
    {"CBLinear", emit_cblinear, MODULE_SPLIT, "c2s k=1 s=1 p=auto g=1"},
    {"CBFuse", emit_cbfuse, MODULE_FUSE, "idx"},
};

/* Heads are written by model/head.c. */
static const struct module head_module = {"Detect", NULL, MODULE_HEAD, "nc=model anchors=None"};

const struct module *module_find(const char *name)
{
    for (int i = 0; i < COUNT(modules); i++) {
        if (!strcmp(modules[i].name, name))
            return &modules[i];
    }
    return head_find(name) ? &head_module : NULL;
}

/* --- arguments --- */

enum field_kind {
    FIELD_INT,
    FIELD_REAL,
    FIELD_FLAG,
    FIELD_SIZES, /* a number for all, or a list of as many as the module has sizes, two at least */
    FIELD_PAD,   /* a number, or None: automatic */
    FIELD_LIST,
    FIELD_ACT,
    FIELD_DILATION, /* a number, or what act may be: YOLOv7's Conv has act in this place and no dilation */
    FIELD_BLOCK,
    FIELD_ANY,   /* what is written there has no effect, or is found elsewhere (a head's anchors: the key) */
    FIELD_FIXED, /* only its default is possible: what we do not build otherwise */
};

#define AT(member) offsetof(struct module_args, member)
static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    double low, high;
} fields[] = {
    {"c2", FIELD_INT, AT(c2), 1, MAX_CHANNELS},
    {"c3", FIELD_INT, AT(c3), 1, MAX_CHANNELS},
    {"c4", FIELD_INT, AT(c4), 1, MAX_CHANNELS},
    {"c5", FIELD_INT, AT(n), 1, MAX_DEPTH},
    {"n", FIELD_INT, AT(n), 1, MAX_DEPTH},
    {"elan", FIELD_INT, AT(elan), 1, ELAN_MAX_DEPTH},
    {"k", FIELD_SIZES, AT(k), 1, 31},
    {"s", FIELD_INT, AT(s), 1, 16},
    {"p", FIELD_PAD, AT(p), 0, 256},
    {"g", FIELD_INT, AT(g), 1, MAX_CHANNELS},
    {"d", FIELD_DILATION, AT(d), 1, 16},
    {"e", FIELD_REAL, AT(e), 0, 4},
    {"shortcut", FIELD_FLAG, AT(shortcut), 0, 1},
    {"act", FIELD_ACT, AT(act), 0, 0},
    {"cv1_act", FIELD_ACT, AT(cv1_act), 0, 0},
    {"block", FIELD_BLOCK, AT(block), 0, 0},
    {"scale", FIELD_INT, AT(scale), 1, 16},
    {"c2s", FIELD_LIST, AT(list), 1, MAX_CHANNELS},
    {"idx", FIELD_LIST, AT(list), 0, MAX_MAPS - 1},
    {"nc", FIELD_INT, AT(nc), 1, MAX_CLASSES},
    {"pools", FIELD_FIXED, 0, 0, 0},
    {"add", FIELD_FIXED, 0, 0, 0},
    {"inplace", FIELD_ANY, 0, 0, 0},
    {"unused", FIELD_ANY, 0, 0, 0},
    {"anchors", FIELD_ANY, 0, 0, 0},
    {"dim", FIELD_FIXED, 0, 0, 0},
    {"size", FIELD_FIXED, 0, 0, 0},
    {"mode", FIELD_FIXED, 0, 0, 0},
    {"approximate", FIELD_FIXED, 0, 0, 0},
};
#undef AT

static const struct field *field_find(const char *name)
{
    for (int i = 0; i < COUNT(fields); i++) {
        if (!strcmp(fields[i].name, name))
            return &fields[i];
    }
    return NULL;
}

/* The next "name" or "name=default" of a signature; false at its end. */
struct parameter {
    char name[16], initial[16]; /* initial is empty where an argument must be given */
};

static bool next_parameter(const char **at, struct parameter *out)
{
    int used = 0;
    *out = (struct parameter){0};
    if (sscanf(*at, " %15[a-z0-9_]%n", out->name, &used) != 1)
        return false;
    *at += used;
    if (**at == '=') {
        sscanf(*at, "=%15[^ ]%n", out->initial, &used);
        *at += used;
    }
    return true;
}

/* Names and arithmetic become values; text that is none of them stays text (SPEC 4 rule 2). */
static struct arg evaluate(const struct arg *a, const struct expression_names *names)
{
    struct arg out = *a;
    if (a->kind != ARG_TEXT)
        return out;
    if (!strcmp(a->text, "None"))
        out.kind = ARG_NONE;
    else if (!strcmp(a->text, "True") || !strcmp(a->text, "False"))
        out = (struct arg){.kind = ARG_BOOL, .number = a->text[0] == 'T'};
    else if (expression_evaluate(a->text, names, &out.number))
        out.kind = ARG_NUMBER;
    return out;
}

static enum status set_int(const struct field *f, const struct arg *a, int *out)
{
    if (a->kind != ARG_NUMBER || a->number != floor(a->number))
        return fail(E_FORMAT, "argument %s must be a whole number", f->name);
    if (a->number < f->low || a->number > f->high)
        return fail(E_FORMAT, "argument %s is %.0f; %.0f to %.0f are possible", f->name, a->number, f->low, f->high);
    *out = (int)a->number;
    return OK;
}

static enum status set_list(const struct field *f, const struct arg *a, const struct expression_names *names,
                            int *values, int max, int *n)
{
    if (a->kind != ARG_LIST || a->n < 1 || a->n > max)
        return fail(E_FORMAT, "argument %s must be a list of 1 to %d numbers", f->name, max);
    for (int i = 0; i < a->n; i++) {
        struct arg item = evaluate(&a->items[i], names);
        TRY(set_int(f, &item, &values[i]));
    }
    *n = a->n;
    return OK;
}

/* The sizes after the first n are the last of them. */
static void spread_sizes(int *k, int n)
{
    for (; n < MAX_SIZES; n++)
        k[n] = k[n - 1];
}

static enum status set_sizes(const struct field *f, const struct arg *a, const struct expression_names *names, int *k)
{
    int n = 1;
    if (a->kind == ARG_LIST)
        TRY(set_list(f, a, names, k, MAX_SIZES, &n));
    else
        TRY(set_int(f, a, &k[0]));
    spread_sizes(k, n);
    return OK;
}

static enum status set_act(const struct arg *a, enum act *out)
{
    if (a->kind == ARG_NONE || (a->kind == ARG_BOOL && a->number == 0))
        *out = ACT_NONE;
    else if (a->kind == ARG_TEXT && !activation_find(a->text, out))
        return fail(E_FORMAT, "activation %.40s is not known; these are: %s", a->text, activation_list);
    else if (a->kind != ARG_TEXT && a->kind != ARG_BOOL) /* True: the model's */
        return fail(E_FORMAT, "argument act must be True, False or an activation's name");
    return OK;
}

static enum status set_block(const struct arg *a, enum cb *out)
{
    for (int i = 0; a->kind == ARG_TEXT && i < CB_COUNT; i++) {
        if (!strcmp(a->text, cb_name((enum cb)i))) {
            *out = (enum cb)i;
            return OK;
        }
    }
    return fail(E_FORMAT, "argument block must be csp, conv, res, dark or dw");
}

static enum status set_fixed(const struct field *f, const char *initial, const struct arg *a)
{
    bool same = (a->kind == ARG_NONE && !strcmp(initial, "None")) ||
                (a->kind == ARG_BOOL && !strcmp(a->number != 0 ? "True" : "False", initial)) ||
                (a->kind == ARG_NUMBER && a->number == strtod(initial, NULL)) ||
                (a->kind == ARG_TEXT && !strcmp(a->text, initial));
    return same ? OK : fail(E_UNSUPPORTED, "argument %s can only be %s", f->name, initial);
}

static enum status set_field(const struct parameter *p, const struct arg *written, const struct expression_names *names,
                             struct module_args *out)
{
    const struct field *f = field_find(p->name);
    void *at = (char *)out + f->offset;
    struct arg a = evaluate(written, names);
    switch (f->kind) {
    case FIELD_INT:
        return set_int(f, &a, at);
    case FIELD_REAL:
        if (a.kind != ARG_NUMBER || a.number <= f->low || a.number > f->high)
            return fail(E_FORMAT, "argument %s must be a number in (%g, %g]", f->name, f->low, f->high);
        *(double *)at = a.number;
        return OK;
    case FIELD_FLAG:
        if ((a.kind != ARG_NUMBER && a.kind != ARG_BOOL) || (a.number != 0 && a.number != 1))
            return fail(E_FORMAT, "argument %s must be True or False", f->name);
        *(bool *)at = a.number != 0;
        return OK;
    case FIELD_SIZES:
        return set_sizes(f, &a, names, at);
    case FIELD_PAD:
        if (a.kind != ARG_NONE)
            return set_int(f, &a, at);
        *(int *)at = PAD_AUTO;
        return OK;
    case FIELD_LIST:
        return set_list(f, &a, names, at, MAX_MAPS, &out->n_list);
    case FIELD_ACT:
        return set_act(&a, at);
    case FIELD_DILATION:
        return a.kind == ARG_NUMBER ? set_int(f, &a, at) : set_act(&a, &out->act);
    case FIELD_BLOCK:
        return set_block(&a, at);
    case FIELD_ANY:
        return OK;
    case FIELD_FIXED:
        return set_fixed(f, p->initial, &a);
    }
    return OK;
}

/* "3", "3,1", "auto", "csp": what a signature's default means. */
static void set_initial(const struct parameter *p, struct module_args *out)
{
    const struct field *f = field_find(p->name);
    void *at = (char *)out + f->offset;
    switch (f->kind) {
    case FIELD_REAL:
        *(double *)at = strtod(p->initial, NULL);
        break;
    case FIELD_FLAG:
        *(bool *)at = p->initial[0] == '1';
        break;
    case FIELD_SIZES:
        spread_sizes(at, sscanf(p->initial, "%d,%d,%d", (int *)at, (int *)at + 1, (int *)at + 2));
        break;
    case FIELD_PAD:
        *(int *)at = strcmp(p->initial, "auto") ? atoi(p->initial) : PAD_AUTO;
        break;
    case FIELD_DILATION:
    case FIELD_INT:
        if (strcmp(p->initial, "model"))
            *(int *)at = atoi(p->initial);
        break;
    default: /* "model": the caller's business; block: csp is 0 */
        break;
    }
}

void module_defaults(const struct module *m, enum act act, int nc, struct module_args *out)
{
    struct parameter p;
    *out = (struct module_args){.k = {1, 1, 1}, .s = 1, .p = PAD_AUTO, .g = 1, .d = 1, .e = 0.5, .n = 1};
    out->act = out->cv1_act = act;
    out->nc = nc;
    for (const char *at = m->signature; next_parameter(&at, &p);) {
        if (p.initial[0])
            set_initial(&p, out);
    }
}

enum status module_set(const struct module *m, const char *name, const struct arg *value,
                       const struct expression_names *names, struct module_args *out)
{
    struct parameter p;
    for (const char *at = m->signature; next_parameter(&at, &p);) {
        if (!strcmp(p.name, name))
            return set_field(&p, value, names, out);
    }
    return fail(E_FORMAT, "%s has no argument %s", m->name, name);
}

enum status module_set_row(const struct module *m, const struct table_row *row, const struct expression_names *names,
                           struct module_args *out)
{
    struct parameter p;
    int i = 0;
    const char *signature = m->row_signature ? m->row_signature : m->signature;
    for (const char *at = signature; next_parameter(&at, &p); i++) {
        if (i < row->n_args)
            TRY(set_field(&p, &row->args[i], names, out));
        else if (!p.initial[0])
            return fail(E_FORMAT, "argument %d (%s) is missing", i + 1, p.name);
    }
    if (row->n_args > i)
        return fail(E_FORMAT, "%d arguments; at most %d are possible", row->n_args, i);
    return OK;
}

/* How many window sizes a module has: as many as its signature has defaults, "k=3,1". */
static int module_sizes(const struct module *m)
{
    const char *at = strstr(m->signature, " k=");
    int n = 1;
    for (at = at ? at + 1 : ""; *at && *at != ' '; at++)
        n += *at == ',';
    return n;
}

void module_emit(struct builder *b, const char *name, const struct module *m, const struct port *in, int n_in,
                 const struct module_args *a, struct port *out)
{
    const struct emission e = {.b = b, .name = name, .a = a, .in = in, .n_in = n_in, .x = in[0].map[0], .out = out};
    const int sizes = module_sizes(m);
    *out = (struct port){.n = 1};
    if (sizes < 2 && a->k[0] != a->k[1])
        builder_fail(b, "windows of %dx%d; only square ones are possible", a->k[0], a->k[1]);
    else if (sizes < 3 && a->k[1] != a->k[2])
        builder_fail(b, "window sizes %d, %d and %d; %s can be chosen", a->k[0], a->k[1], a->k[2],
                     sizes < 2 ? "one" : "two");
    out->map[0] = m->emit(&e);
}
