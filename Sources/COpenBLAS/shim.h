#include <cblas.h>
#include <stddef.h>

// LAPACK's eigenvectors of a symmetric matrix: OpenBLAS has it, but its header comes with another package. The last three
// arguments are the lengths of the three texts, which Fortran appends.
void dsyevr_(const char *job, const char *range, const char *half, const blasint *n, double *a, const blasint *lda,
             const double *lowest, const double *highest, const blasint *first, const blasint *last,
             const double *tolerance, blasint *found, double *values, double *vectors, const blasint *ldz,
             blasint *support, double *work, const blasint *work_count, blasint *integer_work,
             const blasint *integer_work_count, blasint *info, size_t, size_t, size_t);

// Whether processor and system have the instructions of OpenBLAS's kernels named SkylakeX.
static inline int has_skylakex_instructions(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}
