#include <cblas.h>
#include <stddef.h>

// LAPACK's eigenvectors of a symmetric matrix: OpenBLAS has it, but its header comes with another package. The last three
// arguments are the lengths of the three texts, which Fortran appends.
void dsyevr_(const char *job, const char *range, const char *half, const blasint *n, double *a, const blasint *lda,
             const double *lowest, const double *highest, const blasint *first, const blasint *last,
             const double *tolerance, blasint *found, double *values, double *vectors, const blasint *ldz,
             blasint *support, double *work, const blasint *work_count, blasint *integer_work,
             const blasint *integer_work_count, blasint *info, size_t, size_t, size_t);
