/* What the C library has and Swift's own overlay does not show. */
#include <pthread.h>
#include <sys/statfs.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

int pthread_setname_np(pthread_t thread, const char *name);
int pipe2(int ends[2], int flags);

/* Round to nearest, subnormal numbers read and written as zero. On other processors the default mode stays. */
static inline void purkinje_set_floating_point_mode(void) {
#if defined(__x86_64__)
    _mm_setcsr(0x9fc0);
#endif
}
