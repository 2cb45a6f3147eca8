/* checker PROGRAM [ARGUMENT…]: asks whether /usr/bin/PROGRAM could be executed, or does what else
 * execveat does with the flags FLAGS, and prints the error number. Where the kernel does not know how to
 * check, what it would say is made up by access. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    char path[4096], *flags = getenv("FLAGS");
    snprintf(path, sizeof path, "/usr/bin/%s", argc > 1 ? argv[1] : "");
    long value = flags ? strtol(flags, NULL, 0) : 0x10000;
    long failed = syscall(SYS_execveat, AT_FDCWD, path, argv + 1, environ, value);
    int error = failed ? errno : 0;
    if (error == EINVAL && !flags)
        error = access(path, X_OK) ? errno : 0;
    printf("%d\n", error);
    return 0;
}
