/* racer PROGRAM COUNT: starts PROGRAM again and again with the argument "pull", while another
 * thread makes it "push" and back. racer PROGRAM COUNT KIND: the same with a variable KIND. */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static char *word;
static volatile int done;

static void *swap(void *unused)
{
    (void) unused;
    while (!done) {
        memcpy(word, "push", 4);
        __asm__ volatile("" ::: "memory");
        memcpy(word, "pull", 4);
        __asm__ volatile("" ::: "memory");
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    /* In memory of its own: a view of a file can be changed by whoever writes the file. */
    char *argument = strdup("pull"), *variable = strdup("KIND=pull");
    char *words[] = {argv[1], argc > 3 ? NULL : argument, NULL};
    char *variables[] = {variable, NULL};
    word = argc > 3 ? strchr(variable, '=') + 1 : argument;
    pthread_create(&thread, NULL, swap, NULL);
    for (int i = atoi(argv[2]); i > 0; i--) {
        pid_t pid;
        if (posix_spawn(&pid, argv[1], NULL, NULL, words, argc > 3 ? variables : environ) == 0)
            waitpid(pid, NULL, 0);
    }
    done = 1;
    pthread_join(thread, NULL);
    return 0;
}
