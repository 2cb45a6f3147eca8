/* mounter FILE PROGRAM: starts PROGRAM where FILE is mounted in its place, for itself alone. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char *words[] = {argc > 2 ? argv[2] : NULL, NULL};
    if (argc < 3 || unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0
        || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
        || mount(argv[1], argv[2], NULL, MS_BIND, NULL) != 0) {
        perror("mounter");
        return 2;
    }
    execv(argv[2], words);
    perror("mounter");
    return 2;
}
