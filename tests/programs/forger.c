/* forger PID: takes every socket that the process has, and sends a byte by it, as it would to say that
 * the command has ended. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int process = syscall(SYS_pidfd_open, argc > 1 ? atoi(argv[1]) : 0, 0);
    int sent = 0;
    for (int number = 0; number < 64; number++) {
        int taken = syscall(SYS_pidfd_getfd, process, number, 0);
        sent += taken >= 0 && send(taken, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
    }
    printf("%d\n", sent);
    return 0;
}
