/* What the C library has and Swift's own overlay does not show. */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

int pthread_setname_np(pthread_t thread, const char *name);
int pipe2(int ends[2], int flags);

/* What the programs were built from; written while the package is built (Sources/BuildStamp). */
const char * _Nonnull purkinje_build(void);

/* Round to nearest, subnormal numbers read and written as zero. On other processors the default mode stays. */
static inline void purkinje_set_floating_point_mode(void) {
#if defined(__x86_64__)
    _mm_setcsr(0x9fc0);
#endif
}

/* Whether the processor multiplies without carries, which purkinje_crc32_fold needs. */
static inline int purkinje_has_carryless_multiply(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#else
    return 0;
#endif
}

/* The inner state of CRC-32 after more bytes: at least 64, a multiple of 16. "Inner" is the checksum inverted.
   Folds four times 128 bits at once with carry-less products.
   Source: Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ, Intel, 2009. */
#if defined(__x86_64__)
__attribute__((target("pclmul,sse4.1")))
#endif
static inline uint32_t purkinje_crc32_fold(uint32_t inner, const void *bytes, size_t count) {
#if defined(__x86_64__)
    const __m128i *next = (const __m128i *)bytes;
    const __m128i by4 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
    const __m128i by1 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    const __m128i by_half = _mm_set_epi64x(0, 0x0163cd6124);
    const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
    const __m128i low_words = _mm_setr_epi32(~0, 0, ~0, 0);
    __m128i fold[4];
    for (int i = 0; i < 4; i++) fold[i] = _mm_loadu_si128(next++);
    fold[0] = _mm_xor_si128(fold[0], _mm_cvtsi32_si128((int)inner));
    count -= 64;
    while (count >= 64) {
        for (int i = 0; i < 4; i++) {
            __m128i low = _mm_clmulepi64_si128(fold[i], by4, 0x00);
            __m128i high = _mm_clmulepi64_si128(fold[i], by4, 0x11);
            fold[i] = _mm_xor_si128(_mm_xor_si128(low, high), _mm_loadu_si128(next++));
        }
        count -= 64;
    }
    __m128i sum = fold[0];
    for (int i = 1; i < 4; i++) {
        __m128i low = _mm_clmulepi64_si128(sum, by1, 0x00);
        __m128i high = _mm_clmulepi64_si128(sum, by1, 0x11);
        sum = _mm_xor_si128(_mm_xor_si128(low, high), fold[i]);
    }
    while (count >= 16) {
        __m128i low = _mm_clmulepi64_si128(sum, by1, 0x00);
        __m128i high = _mm_clmulepi64_si128(sum, by1, 0x11);
        sum = _mm_xor_si128(_mm_xor_si128(low, high), _mm_loadu_si128(next++));
        count -= 16;
    }
    sum = _mm_xor_si128(_mm_srli_si128(sum, 8), _mm_clmulepi64_si128(sum, by1, 0x10));
    __m128i upper = _mm_srli_si128(sum, 4);
    sum = _mm_xor_si128(upper, _mm_clmulepi64_si128(_mm_and_si128(sum, low_words), by_half, 0x00));
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(sum, low_words), barrett, 0x10);
    quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low_words), barrett, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(sum, quotient), 1);
#else
    (void)bytes, (void)count;
    return inner;
#endif
}

/* A signal as it arrived. Small enough for a pipe to take it whole. */
struct purkinje_signal {
    int32_t number;
    int64_t nanoseconds; /* of the monotonic clock */
};

static int purkinje_signal_descriptor = -1;

static void purkinje_write_signal(int number) {
    int saved = errno;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct purkinje_signal signal = {number, now.tv_sec * INT64_C(1000000000) + now.tv_nsec};
    if (write(purkinje_signal_descriptor, &signal, sizeof signal) < 0) { /* The pipe is full: enough signals wait there. */ }
    errno = saved;
}

/* From now on a signal writes its number and time to the descriptor, on whichever thread it arrives. */
static inline int purkinje_forward_signal(int number, int descriptor) {
    struct sigaction action = {0};
    purkinje_signal_descriptor = descriptor;
    action.sa_handler = purkinje_write_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL);
}

/* Whether a signal was set to be ignored, as nohup does. */
static inline int purkinje_ignores_signal(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* A mapped file, and what the process says where a page of it cannot be read. */
struct purkinje_mapping {
    uintptr_t start; /* 0 where the place is free. */
    uintptr_t end;
    const char *message;
    size_t message_bytes;
    int exit_code;
};

#define PURKINJE_MAPPINGS 1024
/* Weak, so that the program has one of each however many objects this header is compiled into; with a value, because
   Swift's compiler passes over definitions that have none. */
__attribute__((weak)) struct purkinje_mapping purkinje_mappings[PURKINJE_MAPPINGS] = {{0}};
__attribute__((weak)) struct sigaction purkinje_former_bus_action = {0};

/* Nothing here takes a lock or memory: it may run on any thread, at any moment. */
static void purkinje_handle_bus_error(int number, siginfo_t *info, void *context) {
    (void)context;
    /* Above 0 the kernel itself tells of an access, and the address is that of the access. */
    uintptr_t address = info->si_code > 0 ? (uintptr_t)info->si_addr : 0;
    for (int i = 0; address != 0 && i < PURKINJE_MAPPINGS; i++) {
        uintptr_t start = __atomic_load_n(&purkinje_mappings[i].start, __ATOMIC_ACQUIRE);
        if (start == 0 || address < start || address >= purkinje_mappings[i].end) continue;
        /* A pipe that is ready takes as much at once; one that nobody reads must not keep the process. */
        struct pollfd descriptor = {.fd = 2, .events = POLLOUT};
        if (poll(&descriptor, 1, 200) == 1 && (descriptor.revents & POLLOUT)) {
            size_t count = purkinje_mappings[i].message_bytes;
            if (write(2, purkinje_mappings[i].message, count < PIPE_BUF ? count : PIPE_BUF) < 0) { /* Nobody reads. */ }
        }
        _exit(purkinje_mappings[i].exit_code);
    }
    /* Not ours: whoever had the signal before gets it when the access is tried again. */
    int saved = errno;
    sigaction(number, &purkinje_former_bus_action, NULL);
    if (info->si_code <= 0) raise(number);
    errno = saved;
}

/* From now on an access to a mapping whose file has become shorter or unreadable ends the process with the mapping's code. */
static inline int purkinje_catch_bus_errors(void) {
    struct sigaction action = {0};
    action.sa_sigaction = purkinje_handle_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &purkinje_former_bus_action);
}

/* Notes a mapping; its message lives until it is forgotten. Callers take turns. -1 where the table is full. */
static inline int purkinje_note_mapping(const void *start, size_t bytes, const char *message, size_t message_bytes,
                                        int exit_code) {
    for (int i = 0; i < PURKINJE_MAPPINGS; i++) {
        if (purkinje_mappings[i].start != 0) continue;
        purkinje_mappings[i].end = (uintptr_t)start + bytes;
        purkinje_mappings[i].message = message;
        purkinje_mappings[i].message_bytes = message_bytes;
        purkinje_mappings[i].exit_code = exit_code;
        __atomic_store_n(&purkinje_mappings[i].start, (uintptr_t)start, __ATOMIC_RELEASE);
        return i;
    }
    return -1;
}

/* Forgets a mapping that nobody reads any more. */
static inline void purkinje_forget_mapping(int index) {
    __atomic_store_n(&purkinje_mappings[index].start, 0, __ATOMIC_RELEASE);
}
