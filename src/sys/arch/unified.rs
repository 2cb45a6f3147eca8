//! Calls since Linux 5.1, which have one number everywhere.

#![expect(
    non_upper_case_globals,
    reason = "system calls are called as the kernel calls them"
)]

calls! {
    io_uring_setup = 425, 425;
    io_uring_enter = 426, 426;
    io_uring_register = 427, 427;
    open_tree = 428, 428;
    move_mount = 429, 429;
    fsopen = 430, 430;
    fsconfig = 431, 431;
    fsmount = 432, 432;
    fspick = 433, 433;
    clone3 = 435, 435;
    pidfd_getfd = 438, 438;
    process_madvise = 440, 440;
    mount_setattr = 442, 442;
    quotactl_fd = 443, 443;
    process_mrelease = 448, 448;
    fchmodat2 = 452, 452;
    setxattrat = 463, 463;
    removexattrat = 466, 466;
    open_tree_attr = 467, 467;
    file_setattr = 469, 469;
}
