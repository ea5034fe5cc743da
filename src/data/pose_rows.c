/* Rows of a pose dataset whose YAML says nothing of key points: they are read as polygons, which is hardly meant. */
#include "data/loading.h"

/* Would these points rather be a box, cx cy and w h, with key points in it? Then they lie in that box, and w h, read as
 * a point, lies farther from them than they spread: the corners of a polygon are neighbours. Triangles tell nothing. */
static bool looks_like_pose(const float (*points)[2], int n)
{
    float away = 0, spread = 0;
    for (int axis = 0; axis < 2; axis++) {
        const float centre = points[0][axis], side = points[1][axis], slack = 1e-3F;
        float low = centre, high = centre;
        for (int i = 2; i < n; i++) {
            const float x = points[i][axis];
            if (x < centre - side / 2 - slack || x > centre + side / 2 + slack)
                return false;
            low = MIN(low, x);
            high = MAX(high, x);
        }
        away = MAX(away, MAX(low - side, side - high));
        spread = MAX(spread, high - low);
    }
    return n > 3 && away > spread;
}

enum status pose_rows_say(struct loading *l)
{
    const struct dataset *d = l->d;
    const char *example = NULL;
    int n_points = 0;
    long rows = 0, alike = 0;
    for (int i = 0; i < d->n_images; i++)
        for (int k = 0; k < d->images[i].n_objects; k++) {
            const struct dataset_object *o = &d->objects[d->images[i].first_object + (size_t)k];
            if (!o->n_points)
                continue;
            if (rows++ && o->n_points != n_points)
                return OK;
            n_points = o->n_points;
            if (!looks_like_pose((const float(*)[2])d->points + o->first_point, n_points))
                continue;
            alike++;
            example = example ? example : d->images[i].label_path;
        }
    /* drawn at random, a third to a half of pose rows are so, and at most 3 % of four-cornered polygons */
    if (!alike || 5 * alike < rows)
        return OK;
    return loading_note(l,
                        "rows of %d words look like a box with key points, but are read as polygons: a pose dataset "
                        "says kpt_shape in its YAML (%s)",
                        1 + 2 * n_points, example ? example : "?");
}
