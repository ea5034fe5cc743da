/* yolo9 from outside, in the folder that a test works in. */
#ifndef Y9_TESTS_VERB_RUNS_H
#define Y9_TESTS_VERB_RUNS_H

/* Runs `yolo9 arguments`; both streams go to log.txt. Returns the exit code. */
int verb_run(const char *arguments);
/* The last run said that; else the test fails. */
void assert_log(const char *says);

#endif
