/* starter HOW PROGRAM [ARGUMENT...]: starts a program in an unusual way, without the C library's
 * own exec where that matters. Prints what happened when nothing was started. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

extern char **environ;

static char **words;

static void *exec_in_thread(void *unused)
{
    (void) unused;
    syscall(SYS_execve, words[0], words, environ);
    printf("execve: %s\n", strerror(errno));
    exit(9);
}

static int wait_for(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The strings lie at the very end of a page; what follows can't be read. */
static char *at_page_end(const char *text)
{
    size_t page = sysconf(_SC_PAGESIZE), length = strlen(text) + 1;
    char *area = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(area + page, page);
    return memcpy(area + page - length, text, length);
}

static void *spawn_again_and_again(void *unused)
{
    (void) unused;
    for (int i = 0; i < 20; i++) {
        pid_t pid;
        if (posix_spawn(&pid, words[0], NULL, NULL, words, environ) || wait_for(pid) != 1)
            exit(9);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *how = argv[1];
    char *empty[] = {NULL};
    pid_t pid;
    words = argv + 2;
    (void) argc;
    if (!strcmp(how, "execve"))
        syscall(SYS_execve, words[0], words, environ);
    /* The kernel reads the lower half of the register. */
    if (!strcmp(how, "upper-half"))
        syscall(SYS_execve | (sizeof(long) == 8 ? 1L << 16 << 16 : 0), words[0], words, environ);
    if (!strcmp(how, "execveat"))
        syscall(SYS_execveat, AT_FDCWD, words[0], words, environ, 0);
    if (!strcmp(how, "execveat-directory")) {
        char *slash = strrchr(words[0], '/');
        *slash = 0;
        int fd = open(words[0], O_PATH);
        syscall(SYS_execveat, fd, slash + 1, words, environ, 0);
    }
    if (!strcmp(how, "execveat-descriptor")) {
        int fd = open(words[0], O_PATH);
        syscall(SYS_execveat, fd, "", words, environ, AT_EMPTY_PATH);
    }
    if (!strcmp(how, "fexecve"))
        fexecve(open(words[0], O_RDONLY), words, environ);
    if (!strcmp(how, "no-argv"))
        syscall(SYS_execve, words[0], NULL, environ);
    if (!strcmp(how, "empty-argv"))
        syscall(SYS_execve, words[0], empty, environ);
    if (!strcmp(how, "no-environment"))
        syscall(SYS_execve, words[0], words, NULL);
    if (!strcmp(how, "page-end")) {
        for (char **word = words; *word; word++)
            *word = at_page_end(*word);
        syscall(SYS_execve, words[0], words, environ);
    }
    if (!strcmp(how, "bad-pointer"))
        syscall(SYS_execve, words[0], (char **) 8, environ);
    if (!strcmp(how, "thread")) {
        pthread_t thread;
        pthread_create(&thread, NULL, exec_in_thread, NULL);
        pthread_join(thread, NULL);
    }
    if (!strcmp(how, "vfork")) {
        if ((pid = vfork()) == 0) {
            execve(words[0], words, environ);
            _exit(8);
        }
        return wait_for(pid);
    }
    if (!strcmp(how, "posix_spawn")) {
        if ((errno = posix_spawn(&pid, words[0], NULL, NULL, words, environ)) == 0)
            return wait_for(pid);
    }
    if (!strcmp(how, "many-threads")) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, spawn_again_and_again, NULL);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        return 1;
    }
    if (!strcmp(how, "blocked")) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigaddset(&set, SIGRTMIN + 3);
        sigprocmask(SIG_BLOCK, &set, NULL);
        execve(words[0], words, environ);
    }
    if (!strcmp(how, "descriptors")) {
        dup2(1, 700);
        fcntl(dup2(1, 701), F_SETFD, FD_CLOEXEC);
        execve(words[0], words, environ);
    }
    printf("%s: %s\n", how, strerror(errno));
    return 9;
}
