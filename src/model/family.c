#include "model/family.h"

#include "core/status.h"

#include <string.h>

static const struct family families[] = {
    {.name = "official", .class_factor = 2, .class_most = 128, .assigner = "tal", .recipe = "yolov9"},
    {.name = "ultralytics",
     .keeps_class_count = true,
     .class_factor = 1,
     .class_most = 100,
     .assigner = "tal-inside",
     .recipe = "yolov8"},
};

const struct family *family_find(const char *name)
{
    for (int i = 0; i < COUNT(families); i++) {
        if (!name || !strcmp(families[i].name, name))
            return &families[i];
    }
    return NULL;
}

int family_kept_width(const struct family *f, int nc, int anchors)
{
    return f->keeps_class_count ? nc : anchors * (nc + 5);
}
