#ifndef Y9_CORE_CLOCK_H
#define Y9_CORE_CLOCK_H

double clock_seconds(void);     /* monotonic wall clock */
double clock_cpu_seconds(void); /* processor time of the whole process */

#endif
