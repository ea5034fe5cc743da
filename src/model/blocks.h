/* The blocks of SPEC 2, one function a block. Each reads map `x`, writes its nodes and parameters into the
 * builder's graph under `name` (the official state_dict names) and returns its output map. Faulty arguments are
 * reported through builder_fail. Parameters are made in the order of the official state_dict.
 *
 * Convention of arguments: c2 output channels, c3 and c4 inner widths, n repeats, g groups, e share of c2 that
 * is the hidden width, residual: a value that is added after the activation, or -1. */
#ifndef Y9_MODEL_BLOCKS_H
#define Y9_MODEL_BLOCKS_H

#include "model/builder.h"

enum { PAD_AUTO = -1, NO_RESIDUAL = -1 };

struct window {
    int k, s, p, g, d; /* size, stride, padding (PAD_AUTO: half of the dilated size), groups, dilation */
};

/* --- convolutions --- */

/* Conv: convolution without bias, BN, activation. */
int conv_bn_act(struct builder *b, const char *name, int x, int c2, struct window w, enum act act, int residual);
/* The usual one: k x k, stride s, the model's activation. */
int conv_block(struct builder *b, const char *name, int x, int c2, int k, int s);
/* Bare convolution; `bias` says whether it has one. */
int conv_plain(struct builder *b, const char *name, int x, int c2, struct window w, bool bias);
/* RepConvN: act(BN(3x3) + BN(1x1)), one bn_act node with two inputs. */
int repconvn(struct builder *b, const char *name, int x, int c2, int s, int g, enum act act, int residual);

/* RepConv: act(BN(3x3) + BN(1x1) + BN(x)), the last term only where it fits: as many channels out as in, stride 1. */
int repconv(struct builder *b, const char *name, int x, int c2, int s, int g, enum act act);

/* x + v or x * v, v one learned value a channel, called `name`.implicit. */
int implicit(struct builder *b, const char *name, int x, bool multiplies);

/* --- maps without parameters --- */

int maxpool(struct builder *b, const char *name, int x, int k, int s, int p);
int avgpool(struct builder *b, const char *name, int x, int k, int s);
int upsample(struct builder *b, const char *name, int x, int scale);
int gelu(struct builder *b, const char *name, int x);
/* An activation alone. */
int bare_activation(struct builder *b, const char *name, int x, enum act act);
int concat(struct builder *b, const char *name, const int *maps, int n);
/* CBFuse: the maps resized to the target's rows and columns, summed, target last. */
int cbfuse(struct builder *b, const char *name, const int *maps, int n, int target);
/* Silence: the map itself (so that row 0 can name the image). */
int silence(struct builder *b, const char *name, int x);

/* ReOrg: the four pixels of each 2x2 square as one pixel of four times the channels. */
int reorg(struct builder *b, const char *name, int x);

/* --- down-sampling --- */

/* DownC: a Conv 3x3 of stride k behind a 1x1, and a 1x1 behind a max pool, side by side. */
int downc(struct builder *b, const char *name, int x, int c2, int k);

int aconv(struct builder *b, const char *name, int x, int c2);
int adown(struct builder *b, const char *name, int x, int c2);
/* Our own, for studies: max-pool 2x2 stride 2, then Conv 1x1 `cv1`. */
int maxdown(struct builder *b, const char *name, int x, int c2);

/* --- computational blocks --- */

int repnbottleneck(struct builder *b, const char *name, int x, int c2, bool shortcut, int g, const int k[2], double e);
int bottleneck(struct builder *b, const char *name, int x, int c2, bool shortcut, int g, const int k[2], double e);
/* ResNet's: act(BN(conv(act(BN(conv x)))) + x), 3x3, as many channels out as in: the sum stands before the activation,
 * in the blocks above it stands behind. Its Convs are conv1 and conv2, so that weights tell it from a bottleneck. */
int basic_block(struct builder *b, const char *name, int x, int c2);
int res(struct builder *b, const char *name, int x, int c2, bool shortcut, int g, double e);
int repnres(struct builder *b, const char *name, int x, int c2, bool shortcut, int g, double e);
/* Dw, this project's extension (SPEC 2.1): depth-wise 3x3, then 1x1. */
int depthwise(struct builder *b, const char *name, int x, int c2);

/* Coupling, this project's extension for studies: additive coupling of the two halves of x, as in reversible networks:
 * y1 = x1 + F(x2), y2 = x2 + G(y1), F `cv1` and G `cv2` k x k Convs. As many channels out as in, an even number. */
int coupling(struct builder *b, const char *name, int x, int k);
/* Its inverse, from y to x: x2 = y2 - G(y1), x1 = y1 - F(x2). The parameters of the Convs have the names of the
 * coupling's; `minus`.implicit is a vector that must be -1. */
int coupling_inverse(struct builder *b, const char *name, int y, int k);

struct csp {
    int n; /* chained blocks */
    bool shortcut;
    int g;
    double e;
};
int repncsp(struct builder *b, const char *name, int x, int c2, struct csp a);       /* chain of RepNBottleneck */
int csp(struct builder *b, const char *name, int x, int c2, struct csp a);           /* Bottleneck 3x3, 3x3 */
int cspbase(struct builder *b, const char *name, int x, int c2, struct csp a);       /* Bottleneck 1x1, 3x3 */
int c2f(struct builder *b, const char *name, int x, int c2, struct csp a);           /* YOLOv8's: every link is kept */
int bottleneckcsp(struct builder *b, const char *name, int x, int c2, struct csp a); /* the first CSP form */

/* --- aggregation --- */

/* What stands in RepNCSP's place in a GELAN block (the paper's table 2). */
enum cb { CB_CSP, CB_CONV, CB_RES, CB_DARK, CB_DW, CB_COUNT };
const char *cb_name(enum cb block); /* "csp", "conv", "res", "dark", "dw" */

int elan1(struct builder *b, const char *name, int x, int c2, int c3, int c4);
/* `elan` links in ELAN's chain, each a block and a 3x3 Conv; the official one has two. */
enum { ELAN_MAX_DEPTH = 6 };
int repncspelan4(struct builder *b, const char *name, int x, int c2, int c3, int c4, int n, enum cb block, int elan);
int sppelan(struct builder *b, const char *name, int x, int c2, int c3);
/* Three max pools k x k one after the other, all kept; `act` is cv1's: newer releases of its library have none there.
 */
int sppf(struct builder *b, const char *name, int x, int c2, int k, enum act act);
/* SPPCSPC: max pools of the sizes k side by side on one path of a CSP block. */
int sppcspc(struct builder *b, const char *name, int x, int c2, double e, const int *k, int n_k);
/* One biased convolution to sum(widths) channels, handed out as n maps. */
void cblinear(struct builder *b, const char *name, int x, const int *widths, int n, struct window w, int *maps);

#endif
