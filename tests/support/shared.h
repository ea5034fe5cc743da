/* Files beside the project: the developers' folder ../shared with all recorded cases of the official code, real weights
 * and photos. Most people do not have it: what a test needs of recorded cases is in tests/golden as well, and what
 * needs photos or weights has a stand-in that is drawn here in a moment. `Y9_SHARED=off` in the environment hides the
 * folder, so that a developer sees what others see. */
#ifndef Y9_TESTS_SHARED_H
#define Y9_TESTS_SHARED_H

#include <stdbool.h>

/* The path of a file or folder of ../shared ("weights/gelan-t-coco.pt"); NULL where it is absent. Kept until the
 * eighth call after this one. */
const char *shared_file(const char *name);

/* The path of a recorded case ("post/ciou.safetensors"): of all cases, else of tests/golden. Fails the test when it
 * is in neither. Kept likewise. */
const char *golden_file(const char *name);
/* The folder of recorded cases: Y9_GOLDEN of the environment, else all of ../shared/golden, else tests/golden. */
const char *golden_folder(void);
/* Is the case among those that are here? tests/golden has a choice. */
bool golden_is_here(const char *name);

/* Weights as COCO's of gelan-t: 80 classes, a dense box tower, a class tower of 80 channels; parameters of the golden
 * generator, a class bias that leaves a part of the scores above 0.25. A safetensors file in training form. */
void draw_weights(const char *path);

/* A drawn data set with its data.yaml (`yolo9 synth`): pictures of 160x128, three classes. */
void draw_dataset(const char *folder, int pictures);

#endif
