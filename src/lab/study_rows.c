/* What the studies compare. */
#include "lab/study.h"

#include <string.h>

static const struct study_row blocks[] = {
    {"conv", "gelan-s-conv", "a 3x3 convolution in GELAN's branches", {{0}}},
    {"res", "gelan-s-res", "a residual block", {{0}}},
    {"dark", "gelan-s-dark", "a Darknet block", {{0}}},
    {"csp", "gelan-s-csp", "RepNCSP, the official block", {{0}}},
    {"dw", "gelan-s-dw", "a depth-wise separable block", {{0}}},
};

static const struct study_row depth[] = {
    {"csp1", "gelan-s-csp", "ELAN depth 2, CSP depth 1", {{0}}},
    {"csp2", "gelan-s-csp2", "ELAN depth 2, CSP depth 2", {{0}}},
    {"csp3", "gelan-s-csp3", "ELAN depth 2, CSP depth 3: gelan-s", {{0}}},
    {"elan1", "gelan-s-elan1", "ELAN depth 1, CSP depth 1", {{0}}},
    {"elan3", "gelan-s-elan3", "ELAN depth 3, CSP depth 1", {{0}}},
};

static const struct study_row down[] = {
    {"maxpool", "gelan-s-maxpool", "2x2 max-pooling and a 1x1 convolution", {{0}}},
    {"strided", "gelan-s-strided", "a strided 3x3 convolution", {{0}}},
    {"aconv", "gelan-s", "AConv: average pooling, then a strided convolution", {{0}}},
    {"adown", "gelan-s-adown", "ADown: one half each way", {{0}}},
};

static const struct study_row pgi[] = {
    {"none", "gelan-t", "no auxiliary branch", {{0}}},
    {"deep", "gelan-t-deep", "deep supervision: auxiliary heads on the backbone's levels", {{0}}},
    {"branch", "gelan-t-branch", "a reversible branch, each level for itself", {{0}}},
    {"branch-multi", "gelan-t-pgi", "the same branch with multi-level information", {{0}}},
    {"pgi", "yolov9-t", "PGI as YOLOv9-T has it: a second top-down path, auxiliary 0.25, main 1", {{0}}},
    {"pgi-1-1", "yolov9-t", "the same, auxiliary 1, main 1", {{"aux_weight", "1"}, {"main_weight", "1"}}},
    {"pgi-aux1-main0.25",
     "yolov9-t",
     "the same, auxiliary 1, main 0.25",
     {{"aux_weight", "1"}, {"main_weight", "0.25"}}},
};

static const struct study_row assign[] = {
    {"independent", "yolov9-t", "each branch from its own predictions, the official way", {{0}}},
    {"lead", "yolov9-t", "the main branch's targets for both", {{"assign", "lead"}}},
    {"coarse-to-fine",
     "yolov9-t",
     "the main branch's predictions, twice as many targets for the auxiliary one",
     {{"assign", "coarse-to-fine"}}},
};

static const struct study_row cls[] = {
    {"bce", "gelan-t", "binary cross-entropy, the official loss", {{0}}},
    {"vfl", "gelan-t", "varifocal loss", {{"cls_loss", "vfl"}}},
};

const struct study_kind study_kinds[] = {
    {"blocks", "computational blocks in GELAN-S", blocks, COUNT(blocks), false},
    {"depth", "depth of GELAN-S's blocks", depth, COUNT(depth), false},
    {"down", "down-sampling in GELAN-S", down, COUNT(down), true},
    {"pgi", "what the parts of PGI give GELAN-T", pgi, COUNT(pgi), false},
    {"assign", "which branch finds the targets of YOLOv9-T", assign, COUNT(assign), false},
    {"cls", "class loss of GELAN-T", cls, COUNT(cls), false},
    {0},
};

const struct study_kind *study_find(const char *name)
{
    for (const struct study_kind *k = study_kinds; k->name; k++) {
        if (!strcmp(k->name, name))
            return k;
    }
    return NULL;
}
