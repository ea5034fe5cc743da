/* Convolutions compute a pixel's output channels in panels of PANEL (the last one may be narrower); their weights lie
 * in that order: panel by panel, tap by tap of the window, input channel by input channel, and the panel's outputs side
 * by side. */
enum { PANEL = 16 };

/* The window of a convolution. */
struct window {
    int rows, columns, stride, pad, dilation;
};
