/*
 * Preloaded into a process, this writes a journal of everything that it does to the files of one
 * folder, in order, and makes every sync return at once: the test decides what survives.
 *
 *   POWER_CUT_FOLDER   the folder, without a slash at its end
 *   POWER_CUT_JOURNAL  the journal's path, outside of the folder
 *
 * Each entry is a line "<kind> <offset or size> <length of data> <path>", followed by the data:
 * C created, W written, T truncated, S synced (a file or the folder), U unlinked, R renamed (its
 * data is the new path).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int journal = -1;

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_watched(const char *path) {
  const char *folder = getenv("POWER_CUT_FOLDER");
  size_t length = folder ? strlen(folder) : 0;
  if (length == 0 || strncmp(path, folder, length) != 0) return 0;
  if (path[length] != '\0' && path[length] != '/') return 0;
  size_t end = strlen(path);
  /* Shared memory: it is made anew after a power cut. */
  return end < 4 || strcmp(path + end - 4, "-shm") != 0;
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = '\0';
  return is_watched(path);
}

static void put(const void *data, size_t length) {
  while (length > 0) {
    long written = syscall(SYS_write, journal, data, length);
    if (written <= 0) abort();
    data = (const char *)data + written;
    length -= written;
  }
}

static void note(char kind, long long number, const char *path, const void *data, size_t length) {
  char line[PATH_MAX + 64];
  pthread_mutex_lock(&lock);
  if (journal < 0) {
    journal = syscall(SYS_openat, AT_FDCWD, getenv("POWER_CUT_JOURNAL"),
                      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  put(line, snprintf(line, sizeof line, "%c %lld %zu %s\n", kind, number, length, path));
  put(data, length);
  pthread_mutex_unlock(&lock);
}

static int open_noted(const char *path, int flags, mode_t mode) {
  int is_new = (flags & O_CREAT) && is_watched(path) && access(path, F_OK) != 0;
  int fd = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  if (fd >= 0 && is_new) note('C', 0, path, "", 0);
  return fd;
}

#define OPEN(name)                                   \
  int name(const char *path, int flags, ...) {       \
    va_list arguments;                               \
    va_start(arguments, flags);                      \
    mode_t mode = va_arg(arguments, int);            \
    va_end(arguments);                               \
    return open_noted(path, flags, mode);            \
  }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *data, size_t length) {
  char path[PATH_MAX];
  off_t offset = lseek(fd, 0, SEEK_CUR);
  ssize_t written = syscall(SYS_write, fd, data, length);
  if (offset >= 0 && written > 0 && path_of(fd, path)) note('W', offset, path, data, written);
  return written;
}

static ssize_t pwrite_noted(int fd, const void *data, size_t length, off_t offset) {
  char path[PATH_MAX];
  ssize_t written = syscall(SYS_pwrite64, fd, data, length, offset);
  if (written > 0 && path_of(fd, path)) note('W', offset, path, data, written);
  return written;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  return pwrite_noted(fd, data, length, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
  return pwrite_noted(fd, data, length, offset);
}

static int truncate_noted(int fd, off_t size) {
  char path[PATH_MAX];
  int result = syscall(SYS_ftruncate, fd, size);
  if (result == 0 && path_of(fd, path)) note('T', size, path, "", 0);
  return result;
}
int ftruncate(int fd, off_t size) { return truncate_noted(fd, size); }
int ftruncate64(int fd, off_t size) { return truncate_noted(fd, size); }

static int sync_noted(int fd, const char *name) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return ((int (*)(int))next(name))(fd);
  note('S', 0, path, "", 0);
  return 0;
}
int fsync(int fd) { return sync_noted(fd, "fsync"); }
int fdatasync(int fd) { return sync_noted(fd, "fdatasync"); }

int unlink(const char *path) {
  int result = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (result == 0 && is_watched(path)) note('U', 0, path, "", 0);
  return result;
}

int rename(const char *from, const char *to) {
  int result = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && is_watched(from)) note('R', 0, from, to, strlen(to));
  return result;
}
