/* sharer PROGRAM COUNT: starts PROGRAM again and again with the argument "pull", by a process that
 * shares this one's memory while this one makes it "push" and back. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char **words;

static int start(void *program)
{
    execv(program, words);
    _exit(127);
}

int main(int argc, char **argv)
{
    char *stack = malloc(1 << 16);
    char *argument = strdup("pull");
    words = calloc(3, sizeof *words);
    words[0] = argv[1];
    words[1] = argument;
    for (int i = argc > 2 ? atoi(argv[2]) : 0; i > 0; i--) {
        memcpy(argument, "pull", 4);
        pid_t pid = clone(start, stack + (1 << 16), CLONE_VM | SIGCHLD, argv[1]);
        for (int turn = 0; waitpid(pid, NULL, WNOHANG) == 0; turn++)
            memcpy(argument, turn % 2 ? "pull" : "push", 4);
    }
    return 0;
}
