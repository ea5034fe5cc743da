/* COCO's category ids of its 80 classes. */
#ifndef Y9_EVAL_COCO_IDS_H
#define Y9_EVAL_COCO_IDS_H

enum { COCO_CLASSES = 80 };

extern const int coco_ids[COCO_CLASSES];

#endif
