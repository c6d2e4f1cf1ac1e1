/* Preloaded into a program and all that it starts: counts what changes files below one folder, starts of programs and
   what `ssh` writes; lets the chosen one fail, or signals the process that makes it. shim.py reads and writes `state`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITING, REMOVING, LOCKING, STARTING, TALKING };

#define OPS 16384
struct state {
    int armed, at, for_good, kill, code, fired, class;
    atomic_int count;
    long long clock_s;
    char root[512], text[512];
    unsigned char classes[OPS];
};

static struct state *shared;
static int talks;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_STATE");
    if (!path) return;
    int opened = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (opened < 0) return;
    void *found = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
    syscall(SYS_close, opened);
    if (found != MAP_FAILED) shared = found;
    talks = shared && !strcmp(program_invocation_short_name, "ssh");
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int below(const char *path) {
    size_t length = strlen(shared->root);
    return length && !strncmp(path, shared->root, length) && (path[length] == '/' || !path[length]);
}

static int watched(int folder, const char *path) {
    char base[PATH_MAX], link[64];
    if (!shared || !shared->armed || !path) return 0;
    if (path[0] == '/') return below(path);
    if (folder == AT_FDCWD) {
        if (syscall(SYS_getcwd, base, sizeof base) < 0) return 0;
        return below(base);
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, base, sizeof base - 1);
    if (length < 0) return 0;
    base[length] = 0;
    return below(base);
}

static int watched_file(int file) {
    struct stat seen;
    if (!shared || !shared->armed || fstat(file, &seen) || !S_ISREG(seen.st_mode)) return 0;
    return watched(file, "");
}

/* Counts one operation, on a path or an open file; true when it is to fail. */
static int hit(int class, const char *what, const char *path, int file) {
    int number = atomic_fetch_add(&shared->count, 1) + 1;
    if (number <= OPS) shared->classes[number - 1] = class;
    int first = number == shared->at;
    if (!first && !(shared->for_good && shared->at && number > shared->at && class == shared->class)) return 0;
    if (first) {
        shared->class = class;
        char link[64], target[384] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        if (!path && readlink(link, target, sizeof target - 1) > 0) path = target;
        snprintf(shared->text, sizeof shared->text, "%s: %s %s", program_invocation_short_name, what, path ? path : "");
    }
    shared->fired++;
    if (shared->kill) {
        syscall(SYS_kill, syscall(SYS_getpid), shared->kill);
        while (shared->kill == SIGKILL) syscall(SYS_pause);
        return 0;
    }
    errno = class == LOCKING ? EIO : class == STARTING ? EAGAIN : class == TALKING ? EPIPE : shared->code;
    return 1;
}

#define CHANGES(flags) ((flags) & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC))
#define OPEN(name)                                                                                                   \
    int name(const char *path, int flags, ...) {                                                                     \
        REAL(name);                                                                                                  \
        va_list more;                                                                                                \
        va_start(more, flags);                                                                                       \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                                      \
        va_end(more);                                                                                                \
        if (CHANGES(flags) && watched(AT_FDCWD, path) && hit(WRITING, "open", path, -1)) return -1;                      \
        return real(path, flags, mode);                                                                              \
    }
#define OPENAT(name)                                                                                                 \
    int name(int folder, const char *path, int flags, ...) {                                                         \
        REAL(name);                                                                                                  \
        va_list more;                                                                                                \
        va_start(more, flags);                                                                                       \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;                                      \
        va_end(more);                                                                                                \
        if (CHANGES(flags) && watched(folder, path) && hit(WRITING, "open", path, -1)) return -1;                        \
        return real(folder, path, flags, mode);                                                                      \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                                                                  \
    FILE *name(const char *path, const char *mode) {                                                                 \
        REAL(name);                                                                                                  \
        if (strpbrk(mode, "wa+") && watched(AT_FDCWD, path) && hit(WRITING, "open", path, -1)) return NULL;              \
        return real(path, mode);                                                                                     \
    }
FOPEN(fopen)
FOPEN(fopen64)

#define ON_FILE(type, name, declared, passed, file)                                                                  \
    type name declared {                                                                                             \
        REAL(name);                                                                                                  \
        if (watched_file(file) && hit(WRITING, #name, NULL, file)) return -1;                                                \
        return real passed;                                                                                          \
    }
ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    if (talks && shared->armed && hit(TALKING, "write", "to its peer", -1)) return -1;
    if (watched_file(file) && hit(WRITING, "write", NULL, file)) return -1;
    return real(file, data, size);
}
ON_FILE(ssize_t, writev, (int file, const struct iovec *parts, int count), (file, parts, count), file)
ON_FILE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at), file)
ON_FILE(int, fsync, (int file), (file), file)
ON_FILE(int, fdatasync, (int file), (file), file)
ON_FILE(int, ftruncate64, (int file, off64_t size), (file, size), file)
extern ssize_t sendfile64(int to, int from, off64_t *at, size_t size);
ON_FILE(ssize_t, sendfile64, (int to, int from, off64_t *at, size_t size), (to, from, at, size), to)
ON_FILE(ssize_t, copy_file_range, (int from, off64_t *a, int to, off64_t *b, size_t size, unsigned flags),
        (from, a, to, b, size, flags), to)

#define ON_PATH(class, name, declared, passed, folder, path)                                                         \
    int name declared {                                                                                              \
        REAL(name);                                                                                                  \
        if (watched(folder, path) && hit(class, #name, path, -1)) return -1;                                             \
        return real passed;                                                                                          \
    }
ON_PATH(WRITING, rename, (const char *from, const char *to), (from, to), AT_FDCWD, to)
ON_PATH(WRITING, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), b, to)
ON_PATH(WRITING, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
        (a, from, b, to, flags), b, to)
ON_PATH(WRITING, mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
ON_PATH(WRITING, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode), folder, path)
ON_PATH(WRITING, link, (const char *from, const char *to), (from, to), AT_FDCWD, to)
ON_PATH(WRITING, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), b, to)
ON_PATH(WRITING, symlink, (const char *from, const char *to), (from, to), AT_FDCWD, to)
ON_PATH(WRITING, chmod, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
ON_PATH(REMOVING, unlink, (const char *path), (path), AT_FDCWD, path)
ON_PATH(REMOVING, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), folder, path)
ON_PATH(REMOVING, rmdir, (const char *path), (path), AT_FDCWD, path)

int flock(int file, int operation) {
    static int (*real)(int, int);
    if (!real) real = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
    if (shared && shared->armed && watched(file, "") && hit(LOCKING, "flock", NULL, file)) return -1;
    return real(file, operation);
}

/* A program that is looked for along PATH is found at the last try: the first that is there counts. */
#define STARTS(path) (shared && shared->armed && !access(path, X_OK) && hit(STARTING, "execve", path, -1))
int execve(const char *path, char *const arguments[], char *const environment[]) {
    REAL(execve);
    return STARTS(path) ? -1 : real(path, arguments, environment);
}
int execv(const char *path, char *const arguments[]) {
    REAL(execv);
    return STARTS(path) ? -1 : real(path, arguments);
}
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files, const posix_spawnattr_t *how,
                char *const arguments[], char *const environment[]) {
    REAL(posix_spawn);
    return STARTS(path) ? errno : real(pid, path, files, how, arguments, environment);
}

/* Another day. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, now);
    if (shared && !code && clock == CLOCK_REALTIME) now->tv_sec += shared->clock_s;
    return code;
}
