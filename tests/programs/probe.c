/* Tells what it was started with. Words after it choose what to do besides:
 *   exit N | die SIGNAL | write FILE | cat | yes | sleep FILE | orphan FILE | signals FILE */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

extern char **environ;

static void touch(const char *path)
{
    close(open(path, O_CREAT | O_WRONLY, 0666));
}

static void tell_signals(void)
{
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    printf("ignored");
    for (int n = 1; n <= 64; n++) {
        struct sigaction action;
        if (!sigaction(n, NULL, &action) && action.sa_handler == SIG_IGN)
            printf(" %d", n);
    }
    printf("\nblocked");
    for (int n = 1; n <= 64; n++)
        if (sigismember(&blocked, n) == 1)
            printf(" %d", n);
    printf("\n");
}

static void tell_descriptors(void)
{
    printf("descriptors");
    for (int n = 0; n < 1024; n++)
        if (fcntl(n, F_GETFD) >= 0)
            printf(" %d", n);
    printf("\n");
}

static void tell(int argc, char **argv)
{
    char directory[4096];
    struct rlimit files, core;
    mode_t mask = umask(0);
    printf("directory %s\n", getcwd(directory, sizeof directory) ? directory : "?");
    for (int i = 0; i < argc; i++)
        printf("argv[%d] %s\n", i, argv[i]);
    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    printf("umask %03o\nfiles %ld %ld\ncore %ld\n", (unsigned) mask, (long) files.rlim_cur,
           (long) files.rlim_max, (long) core.rlim_cur);
    printf("nice %d\n", getpriority(PRIO_PROCESS, 0));
    printf("policy %d\n", sched_getscheduler(0));
    tell_signals();
    tell_descriptors();
    for (char **entry = environ; *entry; entry++)
        printf("env %s\n", *entry);
}

static const char *told;

static void on_signal(int number)
{
    char text[32];
    int fd = open(told, O_CREAT | O_WRONLY | O_APPEND, 0666);
    int length = snprintf(text, sizeof text, "got %d\n", number);
    if (write(fd, text, length) != length)
        _exit(3);
    close(fd);
    if (number == SIGTERM)
        _exit(7);
}

/* Leaves a process behind that has left the session and the parent. */
static void orphan(const char *path)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            for (int n = 0; n < 3; n++)
                close(n);
            touch(path);
            for (;;)
                pause();
        }
        _exit(0);
    }
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    const char *object = argc > 2 ? argv[2] : "";
    if (!strcmp(verb, "exit"))
        return atoi(object);
    if (!strcmp(verb, "die")) {
        kill(getpid(), atoi(object));
        sleep(5);
        return 3;
    }
    if (!strcmp(verb, "write")) {
        FILE *file = fopen(object, "w");
        if (!file)
            return perror(object), 1;
        fprintf(file, "written\n");
        return fclose(file) ? 1 : 0;
    }
    if (!strcmp(verb, "cat")) {
        int c;
        while ((c = getchar()) != EOF)
            putchar(c);
        return fflush(stdout) ? 1 : 0;
    }
    if (!strcmp(verb, "yes"))
        for (;;)
            if (write(1, "y\n", 2) != 2)
                return errno == EPIPE ? 4 : 5;
    if (!strcmp(verb, "signals")) {
        struct sigaction action = {.sa_handler = on_signal};
        told = object;
        for (int n = 1; n < 32; n++)
            if (n != SIGKILL && n != SIGSTOP && n != SIGTSTP && n != SIGCONT)
                sigaction(n, &action, NULL);
        touch(object);
        for (;;)
            pause();
    }
    if (!strcmp(verb, "orphan"))
        orphan(object);
    if (!strcmp(verb, "orphan") || !strcmp(verb, "sleep")) {
        if (strcmp(verb, "orphan"))
            touch(object);
        for (;;)
            pause();
    }
    tell(argc, argv);
    return 0;
}
