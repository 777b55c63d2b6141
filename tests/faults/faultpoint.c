/* faultpoint: makes the Nth storage call of a process tree fail, tear, stop or kill.
 *
 * One counter, in a shared file, for every thread and child process, so that "call 17" means the
 * same place in every run of the same command. Counts what changes a disk below FAULT_PREFIX:
 * open that may create, write, fsync, rename, link, unlink, mkdir, chmod, truncate and the copying
 * calls. Does not see the buffers inside stdio, nor programs that are linked statically.
 *
 *   cc -shared -fPIC -O2 -o faultpoint.so faultpoint.c -ldl
 *
 * FAULT_PREFIX  the folder that is watched, without a final slash
 * FAULT_STATE   the file that holds the counter (its first eight bytes)
 * FAULT_AT      the number of the call that is hit; without it calls are only counted
 * FAULT_ACT     kill            die before the call (with FAULT_GROUP=1 the whole process group)
 *               torn            write half of the bytes, then die; other calls: die
 *               stop            stop this process by SIGSTOP before the call
 *               <errno>         this call fails
 *               sticky:<errno>  this call and every later one that needs space fails
 * FAULT_LOG     a file that gets one line a call
 *
 * A process that is loaded already (the fork server) calls faultpoint_arm() after setting these.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum verdict { PASS, FAIL, TORN };

static long *counter;
static const char *prefix, *act, *log_path;
static size_t prefix_length;
static long at = -1;
static int whole_group;
static __thread int inside;

void faultpoint_arm(void) {
    const char *state = getenv("FAULT_STATE"), *number = getenv("FAULT_AT");
    counter = NULL;
    prefix = getenv("FAULT_PREFIX");
    act = getenv("FAULT_ACT");
    log_path = getenv("FAULT_LOG");
    whole_group = getenv("FAULT_GROUP") != NULL;
    at = number ? atol(number) : -1;
    if (!prefix || !state)
        return;
    prefix_length = strlen(prefix);
    int fd = syscall(SYS_openat, AT_FDCWD, state, O_RDWR | O_CREAT, 0666);
    if (fd < 0)
        return;
    if (syscall(SYS_ftruncate, fd, 4096) == 0) {
        void *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map != MAP_FAILED)
            counter = map;
    }
    syscall(SYS_close, fd);
}

__attribute__((constructor)) static void load(void) { faultpoint_arm(); }

static int is_below(const char *path) {
    return !strncmp(path, prefix, prefix_length) &&
           (path[prefix_length] == '/' || path[prefix_length] == 0);
}

static int watched(const char *path) {
    char here[PATH_MAX];
    if (!counter || !path)
        return 0;
    if (path[0] == '/')
        return is_below(path);
    return getcwd(here, sizeof here) && is_below(here);
}

static int watched_fd(int fd, char *path) {
    char link[64];
    if (!counter)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (n <= 0)
        return 0;
    path[n] = 0;
    return path[0] == '/' && is_below(path);
}

static void die(void) {
    if (whole_group)
        kill(0, SIGKILL);
    kill(getpid(), SIGKILL);
}

static void note(long number, const char *op, const char *path) {
    char line[PATH_MAX + 64];
    inside = 1;
    int fd = syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    int length = snprintf(line, sizeof line, "%ld %d %s %s\n", number, getpid(), op, path);
    if (syscall(SYS_write, fd, line, length) < 0) {}
    syscall(SYS_close, fd);
    inside = 0;
}

/* Whether a full disk would refuse: it does not refuse what takes no room. */
static int needs_room(const char *op, const char *path) {
    if (!strcmp(op, "open"))
        return access(path, F_OK) != 0;
    return strstr("write pwrite writev sendfile copy mkdir link symlink", op) != NULL;
}

static enum verdict hit(const char *op, const char *path) {
    if (inside)
        return PASS;
    long number = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
    if (log_path)
        note(number, op, path);
    if (at < 0 || number < at || !act)
        return PASS;
    int is_sticky = !strncmp(act, "sticky:", 7);
    if (number == at) {
        if (!strcmp(act, "kill"))
            die();
        if (!strcmp(act, "stop"))
            kill(getpid(), SIGSTOP);
        if (!strcmp(act, "torn"))
            return TORN;
        if (!is_sticky && atoi(act)) {
            errno = atoi(act);
            return FAIL;
        }
    }
    if (is_sticky && needs_room(op, path)) {
        errno = atoi(act + 7);
        return FAIL;
    }
    return PASS;
}

#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (!real)                                                                                     \
    real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A call on one path. */
#define ON_PATH(name, op, path, parameters, arguments)                                             \
    int name parameters {                                                                          \
        REAL(name);                                                                                \
        if (watched(path)) {                                                                       \
            enum verdict v = hit(op, path);                                                        \
            if (v == FAIL)                                                                         \
                return -1;                                                                         \
            if (v == TORN)                                                                         \
                die();                                                                             \
        }                                                                                          \
        return real arguments;                                                                     \
    }

/* A call on one descriptor; TEAR is what it has done by the time it dies. */
#define ON_FD(type, name, op, fd, parameters, arguments, tear)                                     \
    type name parameters {                                                                         \
        REAL(name);                                                                                \
        char path[PATH_MAX];                                                                       \
        if (watched_fd(fd, path)) {                                                                \
            enum verdict v = hit(op, path);                                                        \
            if (v == FAIL)                                                                         \
                return -1;                                                                         \
            if (v == TORN) {                                                                       \
                tear;                                                                              \
                die();                                                                             \
            }                                                                                      \
        }                                                                                          \
        return real arguments;                                                                     \
    }

#define NOTHING (void)0

ON_FD(ssize_t, write, "write", fd, (int fd, const void *b, size_t n), (fd, b, n),
      if (syscall(SYS_write, fd, b, n / 2) < 0) {})
ON_FD(ssize_t, pwrite, "pwrite", fd, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o),
      if (syscall(SYS_pwrite64, fd, b, n / 2, o) < 0) {})
ON_FD(ssize_t, pwrite64, "pwrite", fd, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o),
      if (syscall(SYS_pwrite64, fd, b, n / 2, o) < 0) {})
ON_FD(ssize_t, writev, "writev", fd, (int fd, const struct iovec *v, int n), (fd, v, n), NOTHING)
ON_FD(ssize_t, sendfile, "sendfile", to, (int to, int from, off_t *o, size_t n), (to, from, o, n),
      if (syscall(SYS_sendfile, to, from, o, n / 2) < 0) {})
ON_FD(ssize_t, sendfile64, "sendfile", to, (int to, int from, off64_t *o, size_t n),
      (to, from, o, n), if (syscall(SYS_sendfile, to, from, o, n / 2) < 0) {})
ON_FD(ssize_t, copy_file_range, "copy", to,
      (int from, off64_t *p, int to, off64_t *q, size_t n, unsigned f), (from, p, to, q, n, f),
      NOTHING)
ON_FD(int, fsync, "fsync", fd, (int fd), (fd), NOTHING)
ON_FD(int, fdatasync, "fsync", fd, (int fd), (fd), NOTHING)
ON_FD(int, ftruncate, "truncate", fd, (int fd, off_t n), (fd, n), NOTHING)
ON_FD(int, ftruncate64, "truncate", fd, (int fd, off64_t n), (fd, n), NOTHING)
ON_FD(int, fchmod, "chmod", fd, (int fd, mode_t m), (fd, m), NOTHING)

ON_PATH(rename, "rename", b, (const char *a, const char *b), (a, b))
ON_PATH(renameat, "rename", b, (int d, const char *a, int e, const char *b), (d, a, e, b))
ON_PATH(renameat2, "rename", b, (int d, const char *a, int e, const char *b, unsigned f),
        (d, a, e, b, f))
ON_PATH(link, "link", b, (const char *a, const char *b), (a, b))
ON_PATH(linkat, "link", b, (int d, const char *a, int e, const char *b, int f), (d, a, e, b, f))
ON_PATH(symlink, "symlink", b, (const char *a, const char *b), (a, b))
ON_PATH(unlink, "remove", a, (const char *a), (a))
ON_PATH(unlinkat, "remove", a, (int d, const char *a, int f), (d, a, f))
ON_PATH(remove, "remove", a, (const char *a), (a))
ON_PATH(rmdir, "remove", a, (const char *a), (a))
ON_PATH(mkdir, "mkdir", a, (const char *a, mode_t m), (a, m))
ON_PATH(mkdirat, "mkdir", a, (int d, const char *a, mode_t m), (d, a, m))
ON_PATH(chmod, "chmod", a, (const char *a, mode_t m), (a, m))
ON_PATH(fchmodat, "chmod", a, (int d, const char *a, mode_t m, int f), (d, a, m, f))

#define OPENING(name, parameters, call)                                                            \
    int name parameters {                                                                          \
        REAL(name);                                                                                \
        mode_t mode = 0;                                                                           \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                       \
            va_list rest;                                                                          \
            va_start(rest, flags);                                                                 \
            mode = va_arg(rest, int);                                                              \
            va_end(rest);                                                                          \
        }                                                                                          \
        if ((flags & (O_CREAT | O_TRUNC)) && watched(path)) {                                      \
            enum verdict v = hit("open", path);                                                    \
            if (v == FAIL)                                                                         \
                return -1;                                                                         \
            if (v == TORN) {                                                                       \
                call;                                                                              \
                die();                                                                             \
            }                                                                                      \
        }                                                                                          \
        return call;                                                                               \
    }

OPENING(open, (const char *path, int flags, ...), real(path, flags, mode))
OPENING(open64, (const char *path, int flags, ...), real(path, flags, mode))
OPENING(openat, (int folder, const char *path, int flags, ...), real(folder, path, flags, mode))
OPENING(openat64, (int folder, const char *path, int flags, ...), real(folder, path, flags, mode))
