/* rewriter FIRST OTHER COUNT WORD: starts a file again and again with WORD, while another process makes it,
 * in place, a copy of FIRST and of OTHER in turn. Both are made as long as OTHER, which is the longer one. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char first[1 << 21], other[1 << 21];

static long take(const char *path, char *into) {
    int file = open(path, O_RDONLY);
    long size = read(file, into, sizeof first);
    close(file);
    return size;
}

static void put(const char *from, long size) {
    int file = open("rewritten", O_WRONLY | O_CREAT, 0755);
    if (file < 0)
        return;
    if (pwrite(file, from, size, 0) != size)
        perror("pwrite");
    close(file);
}

int main(int argc, char **argv) {
    if (argc < 5 || take(argv[1], first) <= 0)
        return 2;
    long size = take(argv[2], other);
    int count = atoi(argv[3]);
    put(first, size);
    for (int nth = 0; nth < count; nth++) {
        put(first, size);
        pid_t writer = fork();
        if (writer == 0) {
            for (volatile int wait = 0; wait < nth % 50 * 50000; wait++)
                ;
            put(other, size);
            _exit(0);
        }
        pid_t reader = fork();
        if (reader == 0) {
            execl("rewritten", "rewritten", argv[4], (char *)0);
            _exit(1);
        }
        waitpid(writer, 0, 0);
        waitpid(reader, 0, 0);
    }
    return 0;
}
