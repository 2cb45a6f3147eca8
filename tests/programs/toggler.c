/* Stops a process and has it go on, over and over, without waiting to see it: toggler PID ROUNDS FILE.
 * After each round, what was sent last must hold: it runs, and adds a byte or more to FILE for a SIGUSR1;
 * or it is stopped. One round is for the process, the next for its group. At last it is terminated. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static int pid;

static char state(void)
{
    char path[64], found = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%*d %*s %c", &found) != 1)
        exit(3);
    fclose(file);
    return found;
}

static long size(const char *path)
{
    struct stat status;
    return stat(path, &status) ? 0 : (long) status.st_size;
}

static void pause_for(long microseconds)
{
    struct timespec time = {.tv_nsec = microseconds * 1000};
    nanosleep(&time, NULL);
}

static void toggle(int target, int times)
{
    while (times--) {
        kill(target, SIGTSTP);
        if (rand() % 5 == 0)
            pause_for(rand() % 2000);
        kill(target, SIGCONT);
        if (rand() % 5 == 0)
            pause_for(rand() % 2000);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    pid = atoi(argv[1]);
    for (int round = 0; round < atoi(argv[2]); round++) {
        int target = round % 2 ? -pid : pid;
        toggle(target, 1 + rand() % 20);
        long before = size(argv[3]);
        kill(pid, SIGUSR1);
        while (state() == 'T' || size(argv[3]) == before)
            pause_for(500);
        toggle(target, rand() % 20);
        kill(target, SIGTSTP);
        while (state() != 'T')
            pause_for(500);
        kill(target, SIGCONT);
    }
    kill(pid, SIGTERM);
    printf("all held\n");
    return 0;
}
