/*
 * A disk whose flushes take longer: preloaded (LD_PRELOAD) into a process, it waits after each of them.
 *
 *   AEP_FLUSH_DELAY_US   microseconds more per flush
 *   AEP_FLUSH_META       also after writes to files opened with O_DSYNC, which is how LMDB writes its meta page
 *   AEP_FLUSH_COUNTS     file of two u32: flushes so far, and how many of them ran on the main thread
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static useconds_t delay_us;
static int delays_meta;
static uint32_t nowhere[2];
static uint32_t *counts = nowhere;

static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);

__attribute__((constructor)) static void begin(void) {
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  const char *delay = getenv("AEP_FLUSH_DELAY_US");
  delay_us = delay == NULL ? 0 : (useconds_t)atoi(delay);
  delays_meta = getenv("AEP_FLUSH_META") != NULL;
  const char *path = getenv("AEP_FLUSH_COUNTS");
  int file = path == NULL ? -1 : open(path, O_RDWR);
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof nowhere, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) counts = mapped;
  close(file);
}

static void flushed(void) {
  int error = errno;
  __atomic_add_fetch(&counts[0], 1, __ATOMIC_RELAXED);
  if (syscall(SYS_gettid) == getpid()) __atomic_add_fetch(&counts[1], 1, __ATOMIC_RELAXED);
  usleep(delay_us);
  errno = error;
}

int fdatasync(int file) {
  int result = real_fdatasync(file);
  flushed();
  return result;
}

int fsync(int file) {
  int result = real_fsync(file);
  flushed();
  return result;
}

static ssize_t write_at(int file, const void *bytes, size_t count, off_t offset) {
  ssize_t result = real_pwrite(file, bytes, count, offset);
  if (delays_meta && (fcntl(file, F_GETFL) & O_DSYNC) != 0) flushed();
  return result;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) { return write_at(file, bytes, count, offset); }

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset) { return write_at(file, bytes, count, offset); }
