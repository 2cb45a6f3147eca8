/* weaver HOW COUNT PROGRAM OTHER [ARGUMENT…]: executes PROGRAM COUNT times, while something that does not
 * show in the process that executes writes OTHER over the path. Both are as long, but for `behind`. What
 * HOW can be:
 *
 * behind   a thread turns the NUL behind PROGRAM, which is refused, into OTHER's first byte
 * closed   a thread puts another file in place of whatever descriptor the process gets
 * orphan   B is a vfork child, C is one of B's; C kills B, and executes while the first goes on
 * sibling  the same, but the first executes and C writes
 * disk     a read of a file, direct and asynchronous, ends in the path
 * late     the exec waits for a busy processor, with the least of priorities; its memory is written then
 * chain    A, B and C as above; somebody else kills B while C executes
 * heir     B has threads, one with a vfork child C; B executes, C and A stay in one memory
 * first    a second thread executes, after execs of the first one that failed
 * threads  many threads execute PROGRAM at once, and nothing is written
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACK (1 << 17)
#define BUSY 2

static char *none[] = {NULL};

static struct shared {
    char path[4096], other[4096];
    char **words;
    volatile pid_t b;
    volatile int ready, go;
    /* The number of B, where processes with other memory see it. */
    volatile pid_t *told;
} *all;

static void *memory(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void execute(void)
{
    syscall(SYS_execve, all->path, all->words, none);
}

/* Writes the one and the other into the path, until `until` or for good. */
static void weave(long until)
{
    static char one[4096];
    memcpy(one, all->path, sizeof one);
    size_t at = 0, size = strlen(one);
    while (at < size && one[at] == all->other[at])
        at++;
    volatile char *path = all->path;
    while (!until || now() < until)
        for (int i = 0; i < 400; i++) {
            for (size_t k = at; k < size; k++)
                path[k] = all->other[k];
            for (size_t k = at; k < size; k++)
                path[k] = one[k];
        }
}

__attribute__((noreturn)) static void *behind(void *unused)
{
    (void) unused;
    volatile char *end = all->path + strlen(all->path);
    strcpy((char *) end + 1, all->other + 1);
    for (;;) {
        for (int i = 0; i < 200; i++)
            *end = all->other[0];
        for (int i = 0; i < 200; i++)
            *end = 0;
    }
}

__attribute__((noreturn)) static void *closed(void *unused)
{
    (void) unused;
    int file = open(all->other, O_RDONLY | O_CLOEXEC), next = dup(file);
    close(next);
    fcntl(file, F_SETFD, 0);
    for (;;)
        if (fcntl(next, F_GETFD) >= 0)
            dup2(file, next);
}

/* Executes, once it may. */
static void *another(void *unused)
{
    (void) unused;
    while (!all->go)
        ;
    for (int i = 0; i < 20; i++)
        execute();
    _exit(9);
}

__attribute__((noreturn)) static void first(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, another, NULL);
    close(open("text", O_WRONLY | O_CREAT, 0755));
    execve("./text", all->words, none);
    execve("./missing", all->words, none);
    all->go = 1;
    weave(now() + 30000);
    _exit(0);
}

__attribute__((noreturn)) static void threads(void)
{
    pthread_t thread;
    for (int i = 0; i < 6; i++)
        pthread_create(&thread, NULL, another, NULL);
    all->go = 1;
    for (;;)
        pause();
}

static int third(void *how)
{
    switch (*(char *) how) {
    case 'o':
        kill(all->b, SIGKILL);
        while (!all->go)
            ;
        for (int i = 0; i < 200; i++)
            execute();
        break;
    case 's':
        kill(all->b, SIGKILL);
        while (!all->go)
            ;
        weave(now() + 30000);
        break;
    case 'c':
        all->ready = 1;
        for (int i = 0; i < 200; i++)
            execute();
        break;
    default:
        while (!all->go)
            ;
        for (int i = 0; i < 200; i++)
            execute();
    }
    _exit(9);
}

static pid_t start(int (*what)(void *), void *how)
{
    char *stack = memory(STACK);
    return clone(what, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, how);
}

static void *started(void *how)
{
    all->ready = 1;
    start(third, how);
    return NULL;
}

static int second(void *how)
{
    all->b = syscall(SYS_getpid);
    if (all->told)
        *all->told = all->b;
    if (*(char *) how == 'h') {
        pthread_t thread;
        char *words[] = {"true", NULL};
        pthread_create(&thread, NULL, started, how);
        while (!all->ready)
            ;
        usleep(2000);
        execve("/usr/bin/true", words, none);
        _exit(8);
    }
    start(third, how);
    _exit(0);
}

static void line(char *how)
{
    if (*how == 'c') {
        all->told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        int delay = rand() % 300;
        if (fork() == 0) {
            for (long until = now() + 50000; now() < until && !*all->told;)
                ;
            for (long until = now() + delay; now() < until;)
                ;
            /* It is A's to collect, which it does not: the number is nobody else's. */
            if (*all->told)
                kill(*all->told, SIGKILL);
            _exit(0);
        }
    }
    start(second, how);
    all->go = 1;
    if (*how == 's')
        for (int i = 0; i < 200; i++)
            execute();
    weave(now() + 30000);
    _exit(0);
}

static void disk(int round)
{
    int file = open("block", O_RDONLY | O_DIRECT);
    char *rest = memory(1 << 20);
    memset(rest, 1, 1 << 20);
    aio_context_t context = 0;
    struct iocb blocks[64], *list[64];
    int count = round % 40;
    if (syscall(SYS_io_setup, 64, &context))
        _exit(7);
    memset(blocks, 0, sizeof blocks);
    for (int i = 0; i <= count; i++) {
        blocks[i].aio_lio_opcode = IOCB_CMD_PREAD;
        blocks[i].aio_fildes = file;
        blocks[i].aio_buf = (unsigned long) (i < count ? rest : all->path);
        blocks[i].aio_nbytes = i < count ? 1 << 17 : 4096;
        blocks[i].aio_offset = i < count ? 4096 : 0;
        list[i] = &blocks[i];
    }
    syscall(SYS_io_submit, context, count + 1, list);
    execute();
}

static void block(void)
{
    static char data[1 << 18] __attribute__((aligned(4096)));
    strcpy(data, all->other);
    int file = open("block", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (write(file, data, sizeof data) < 0)
        exit(3);
    fsync(file);
    close(file);
}

static void on(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* Starts a process that executes on a busy processor, with the least of priorities. */
static pid_t idle(void)
{
    struct sched_param least = {0};
    pid_t pid = fork();
    if (pid == 0) {
        on(0);
        sched_setscheduler(0, SCHED_IDLE, &least);
        execute();
        _exit(9);
    }
    return pid;
}

/* Waits until an exec was seen to be asked about, and not to be any more. */
static void await_answer(pid_t pid)
{
    char name[64], text[64];
    snprintf(name, sizeof name, "/proc/%d/syscall", pid);
    for (int asked = 0;;) {
        int file = open(name, O_RDONLY), size = read(file, text, sizeof text);
        close(file);
        int executes = size > 3 && strncmp(text, "59 ", 3) == 0;
        if (size <= 0 || (asked && !executes))
            break;
        asked |= executes;
        siginfo_t end = {0};
        if (waitid(P_PID, pid, &end, WEXITED | WNOHANG | WNOWAIT) || end.si_pid)
            break;
    }
}

/* All of them wait for their processor before the first is written: from then on they are watched. */
static void late(int count)
{
    pid_t *pids = calloc(count, sizeof *pids);
    struct iovec from = {all->other, strlen(all->other)}, to = {all->path, strlen(all->other)};
    on(1);
    pid_t busy[BUSY];
    for (int i = 0; i < BUSY; i++)
        if ((busy[i] = fork()) == 0) {
            on(0);
            /* Who executes goes on at last, on a machine with more to do, too. */
            alarm(2);
            for (;;)
                ;
        }
    for (int i = 0; i < count; i++)
        pids[i] = idle();
    for (int i = 0; i < count; i++)
        await_answer(pids[i]);
    for (int i = 0; i < count; i++)
        process_vm_writev(pids[i], &from, 1, &to, 1, 0);
    for (int i = 0; i < BUSY; i++) {
        kill(busy[i], SIGKILL);
        waitpid(busy[i], NULL, 0);
    }
    for (int i = 0; i < count; i++)
        waitpid(pids[i], NULL, 0);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    char *how = argv[1];
    all = memory(sizeof *all);
    strcpy(all->path, argv[3]);
    strcpy(all->other, argv[4]);
    all->words = argv + 4;
    all->words[0] = argv[3];
    if (*how == 'd')
        block();
    if (*how == 'l') {
        late(atoi(argv[2]));
        return 0;
    }
    for (int round = 0; round < atoi(argv[2]); round++) {
        int seed = rand();
        pid_t pid = fork();
        if (pid == 0) {
            srand(seed);
            pthread_t thread;
            if (strcmp(how, "behind") == 0 || strcmp(how, "closed") == 0) {
                pthread_create(&thread, NULL, *how == 'b' ? behind : closed, NULL);
                for (int i = 0; i < 20; i++)
                    execute();
            } else if (*how == 'f') {
                first();
            } else if (*how == 't') {
                threads();
            } else if (*how == 'd') {
                disk(round);
            } else {
                line(how);
            }
            _exit(9);
        }
        waitpid(pid, NULL, 0);
    }
    return 0;
}
