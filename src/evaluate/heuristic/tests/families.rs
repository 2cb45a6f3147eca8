//! What each of the smaller families catches, and what it leaves alone.

use super::all_are;

#[test]
fn removal_of_what_is_found() {
    all_are(
        Some("H009"),
        "find . -name x -delete
         find . -exec rm {} +
         find . -exec /bin/rm -r {} ;
         fd x -X rm
         xargs rm
         xargs -0 -n 1 unlink
         sudo find / -delete
         sh -c 'ls | xargs rm'",
    );
    all_are(
        None,
        "find . -name x -print
         find . -exec grep x {} +
         xargs ls
         grep -delete x",
    );
}

#[test]
fn lasting_privileges() {
    all_are(
        Some("H010"),
        "chmod u+s x
         chmod +s x
         chmod -v a=rws x
         chmod g-w,ug+xs x
         chmod 4755 x
         chmod 06755 x
         install -m 4755 x y
         install -m4755 x y
         install --mode=u+s x y
         setcap cap_net_raw+ep x",
    );
    all_are(
        None,
        "chmod u-s x
         chmod g+s x
         chmod 755 x
         chmod 2775 x
         chmod o+x s
         chmod --reference=s x
         install -m 755 x y
         setcap -r x",
    );
}

#[test]
fn truncation_and_crontabs() {
    all_are(
        Some("H011"),
        "truncate -s 0 x
         truncate -cs0 x
         truncate --size=0 x
         truncate --size -10 x
         truncate -s '<5' x",
    );
    all_are(
        None,
        "truncate -s 10M x\n truncate -s +5 x\n truncate -r y x\n truncate",
    );
    all_are(Some("H012"), "crontab -r\n crontab -u x -r\n crontab -ir");
    all_are(None, "crontab -l\n crontab -e\n crontab file");
}

#[test]
fn the_whole_machine() {
    all_are(
        Some("H013"),
        "kill -9 -1
         kill -- -1
         kill -s KILL -1
         kill -1 -1
         kill -TERM 12 -1
         killall5",
    );
    all_are(None, "kill -1 12\n kill -1\n kill 1\n kill -9 -12\n kill");
    all_are(
        Some("H014"),
        "iptables -F
         ip6tables -t nat --flush
         iptables-nft -F INPUT
         nft flush ruleset
         ufw --force reset
         systemctl stop firewalld.service",
    );
    all_are(
        None,
        "iptables -S\n nft list ruleset\n ufw status\n systemctl stop nginx\n stop firewalld",
    );
    all_are(
        Some("H016"),
        "shutdown -h now\n reboot\n systemctl --now reboot\n init 0\n /sbin/poweroff",
    );
    all_are(
        None,
        "shutdown -c\n systemctl restart x\n systemctl status reboot\n init\n git init 0",
    );
}

#[test]
fn essential_packages() {
    all_are(
        Some("H015"),
        "apt-get purge -y libc6:amd64
         apt remove bash
         apt-get --allow-remove-essential autoremove
         dpkg -P coreutils
         dpkg --force-all -i x.deb
         rpm -e --nodeps x
         dnf remove systemd
         pacman -Rdd x
         pacman -Rs glibc
         apk del busybox
         sudo zypper rm bash",
    );
    all_are(
        None,
        "apt-get install bash
         apt remove ripgrep
         dpkg -i bash.deb
         rpm -qa bash
         dnf install systemd
         pacman -S --needed glibc
         apk add busybox",
    );
}
