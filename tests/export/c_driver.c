/* Runs an exported C file, whose names begin with net_: c_driver picture.rgb results. The file of results has the cells
 * of all levels as floats, then as many boxes as there are, six floats each. */
#include "net.h"

#include <stdio.h>

static float arena[NET_ARENA_FLOATS];

int main(int argc, char **argv)
{
    static unsigned char picture[NET_HEIGHT * NET_WIDTH * 3];
    static const int rows[NET_LEVELS] = NET_ROWS, columns[NET_LEVELS] = NET_COLUMNS;
    struct net_box boxes[100];
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL, *out = argc == 3 ? fopen(argv[2], "wb") : NULL;
    int n;
    if (!in || !out || fread(picture, 1, sizeof picture, in) != sizeof picture)
        return 1;
    net_load(arena, picture);
    net_run(arena);
    for (int level = 0; level < NET_LEVELS; level++)
        for (int y = 0; y < rows[level]; y++)
            for (int x = 0; x < columns[level]; x++)
                fwrite(net_output(arena, level, y, x), sizeof(float), NET_CHANNELS, out);
    n = net_boxes(arena, 0.25f, 0.45f, boxes, 100);
    for (int i = 0; i < n; i++) {
        const float row[] = {boxes[i].x0, boxes[i].y0, boxes[i].x1, boxes[i].y1, boxes[i].score, (float)boxes[i].label};
        fwrite(row, sizeof row, 1, out);
    }
    fclose(in);
    return fclose(out) != 0;
}
