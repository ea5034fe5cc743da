/* The nearest byte, 0 for what is no number. */
static unsigned char byte_of(float x)
{
    if (!(x > 0.0f))
        return 0;
    return x < 255.0f ? (unsigned char)x : 255;
}
