/* A map of the network: rows x columns pixels, each with its channels side by side. `step` is the distance from a pixel
 * to the next one, `first` the place of the first pixel in the arena; both count numbers, in a map of bytes bytes. */
struct map {
    int rows, columns, channels, step;
    unsigned long first;
};
