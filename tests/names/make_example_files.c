/* make_example_files FOLDER: weights, a picture and two NV12 frames, for the programs of examples/. */
#include "core/file.h"
#include "image/encode.h"
#include "support/shared.h"

#include <stdio.h>
#include <sys/stat.h>

enum { H = 90, W = 121, FRAME = H * W + (H / 2) * ((W + 1) / 2) * 2 };

int main(int argc, char **argv)
{
    char path[512];
    static unsigned char frames[2 * FRAME];
    struct image img = {0};
    if (argc != 2 || (mkdir(argv[1], 0755) != 0) || image_init(&img, H, W) != OK)
        return 1;
    for (int i = 0; i < H * W * 3; i++)
        img.data[i] = (uint8_t)((unsigned)i * 2654435761u >> 24);
    snprintf(path, sizeof path, "%s/a.png", argv[1]);
    if (image_write(path, &img) != OK)
        return 1;
    image_free(&img);
    for (int i = 0; i < 2 * FRAME; i++)
        frames[i] = (unsigned char)((unsigned)i * 2654435761u >> 24);
    snprintf(path, sizeof path, "%s/frames.nv12", argv[1]);
    if (file_write(path, frames, sizeof frames) != OK)
        return 1;
    snprintf(path, sizeof path, "%s/w.safetensors", argv[1]);
    draw_weights(path);
    return 0;
}
