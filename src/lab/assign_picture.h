/* The pictures of figure assign: the points of every view on the photo, and the four steps of the task-aligned
 * assigner. */
#ifndef Y9_LAB_ASSIGN_PICTURE_H
#define Y9_LAB_ASSIGN_PICTURE_H

#include "lab/assign.h"

struct assign_sheet {
    const struct assign_figure *figure;
    const struct labelled_photo *photo;
    const char *photo_name, *network;
    const char *const *names; /* (nc) of classes */
    int nc;
};

/* Is the view drawn? The main branch's is once, where all assigners give it the same. */
bool assign_view_drawn(const struct assign_figure *f, int view);

/* Each writes a PNG. The steps are there for HEAD_DFL only. */
enum status assign_draw(const struct assign_sheet *s, const char *path);
enum status assign_draw_steps(const struct assign_sheet *s, int steps, const char *path); /* of figure->steps */

#endif
