use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::request::{Program, Request, WorkingDirectory};

use super::*;

mod families;
mod pages;

fn code(words: &[&str]) -> Option<&'static str> {
    code_if(words, Descendants::Unjudged)
}

fn code_if(words: &[&str], descendants: Descendants) -> Option<&'static str> {
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    let request = Request::new(
        Program::named(words[0]),
        argv,
        WorkingDirectory::new("/work").unwrap(),
    );
    dangerous(&IndexedRules::default(), request.words(), descendants).map(|danger| danger.code)
}

/// Checks one command a line, quoted as for a shell.
fn all_are(expected: Option<&str>, commands: &str) {
    for line in commands
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let words: Vec<String> = shlex::split(line).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(code(&words), expected, "{line}");
    }
}

#[test]
fn codes_are_unique_and_in_order() {
    assert!(ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
    let names: std::collections::BTreeSet<_> = ALL.iter().map(|known| known.name).collect();
    assert_eq!(names.len(), ALL.len());
}

#[test]
fn forced_rm() {
    all_are(
        Some("H001"),
        "rm -rf x
         rm -f x y
         rm -fr x
         rm -r -f x
         rm x -rf
         rm -Rfv x
         rm --force /x
         rm --forc x y
         /bin/rm -rf x
         ./rm -rf x",
    );
    all_are(
        None,
        "rm x
         rm -r x
         rm -- -f
         rm file-f
         rmdir -f x
         rm --recursive x",
    );
}

#[test]
fn destructive_git() {
    all_are(
        Some("H002"),
        "git reset --hard
         git -C /repo reset --hard HEAD~1
         git -c a=b --no-pager --git-dir=x --work-tree y clean -fdx
         git clean --force
         git branch -D x
         git branch -d --force x
         git branch -df x
         git push --force
         git push origin main -f
         git push -uf origin main
         git push --force-with-lease
         git push --force-with-lease=main:abc origin
         git push origin --delete x
         git push -d origin x
         git push origin +main
         git push origin :main
         git push --mirror
         git push --prune origin
         git checkout -f
         git switch --discard-changes main
         git stash clear
         git reflog expire --all
         git checkout -- .
         git checkout HEAD~1 -- ./
         git -C x checkout .
         git restore .
         git restore --staged --worktree :/
         git stash drop
         git rm -rf src
         git gc --prune=now
         git update-ref -d refs/heads/x
         git filter-branch --tree-filter x
         git worktree remove --force ../x
         /usr/lib/git-core/git-push --force",
    );
    all_are(
        None,
        "git
         git -C
         git push
         git push origin main:main
         git push --follow-tags
         git push -o fast
         git push -ofast
         git reset --soft HEAD~1
         git reset
         git clean -n
         git branch -d x
         git branch --list
         git log --grep --force
         git checkout -- src/main.rs
         git checkout -b .x
         git restore --staged .
         git restore src
         git rm x
         git gc
         git stash list
         git worktree remove ../x
         git checkout main
         git stash
         git commit -m --force
         git -C push status",
    );
}

#[test]
fn disks_and_permissions() {
    all_are(
        Some("H003"),
        "dd if=x of=/dev/sda
         dd of=//dev/./nvme0n1
         dd of=/tmp/../dev/sda
         dd of=../../dev/sda
         cp image /dev/sda
         mv x /dev/nvme0n1
         tee -a /dev/sda",
    );
    all_are(
        Some("H004"),
        "mkfs /dev/sda\n mkfs.ext4 -F x\n mke2fs x\n mkswap x",
    );
    all_are(
        Some("H005"),
        "shred x\n wipefs -a /dev/sda\n wipefs --all x\n blkdiscard /dev/sda",
    );
    all_are(
        Some("H006"),
        "chmod -R 777 /
         chown --recursive x /usr
         chmod 777 -R /etc/
         chmod -R a+w /usr/../usr
         chgrp -hR x ~
         rm -r /
         rm -r --verbose ~/
         rm --recursive /usr
         chown -R x /home/me",
    );
    all_are(
        None,
        "dd if=/dev/sda of=x
         dd of=/dev/ttyUSB0
         cp /dev/sda x
         cp x /dev/null
         cp x dev/config
         tee /dev/stderr
         tee /dev/tty
         rm -r /tmp
         rm -r /home/me/x
         dd if=/dev/zero of=/dev/null
         chmod -R 755 build
         chmod 755 /usr
         chmod -R 755 /tmp/x
         wipefs /dev/sda",
    );
}

#[test]
fn behind_wrappers() {
    all_are(
        Some("H001"),
        "sudo rm -rf x
         sudo -n -u root -- rm -rf x
         sudo --user root A=b rm -rf x
         sudo -uroot rm -rf x
         doas -u root rm -rf x
         env rm -rf x
         env -i -u C A=b rm -rf x
         sudo A=b -u root rm -rf x
         env -S 'rm -rf x'
         env '-Srm -rf' x
         nohup nice -n 5 timeout -k 5 10 rm -rf x
         xargs -n 1 rm -rf
         find . -exec rm -rf {} +
         busybox rm -rf x
         busybox sh -c 'rm -rf x'
         su -c 'rm -rf x'
         watch rm -rf x
         nsenter -t 1 -a rm -rf x
         unshare -r rm -rf x
         parallel -j 4 rm -rf",
    );
    all_are(
        None,
        "sudo ls -f\n env\n timeout -k\n xargs\n env -u rm -rf x\n find . -exec",
    );
}

#[test]
fn inside_scripts() {
    all_are(
        Some("H001"),
        r#"sh -c 'rm -rf x'
           bash -lc 'cd x && rm -rf y'
           bash -eo pipefail -c 'rm -rf x'
           bash --norc --rcfile x -c 'rm -rf x'
           /bin/busybox sh -c 'rm -rf x'
           -bash -c 'rm -rf x'
           zsh -c 'if true; then rm -rf x; fi'
           sh -c 'for i in a; do rm -rf $i; done'
           sh -c 'A=1 B=2 rm -rf x'
           sh -c '2>/dev/null rm -rf x'
           sh -c 'echo "$(rm -rf x)"'
           sh -c 'echo `rm -rf x`'
           sh -c 'echo ${x:-$(rm -rf y)}'
           sh -c '( { rm -rf x; } )'
           sh -c '\rm -rf x'
           sh -c "r'm' \$'\\x2drf' x"
           sh -c 'f() { rm -rf x; }; f'
           sh -c 'cat <(rm -rf x)'
           sh -c 'case x in x) rm -rf y;; esac'
           sh -c 'sudo sh -c "rm -rf x"'
           sh -c 'echo "$(sh -c "rm -rf x")"'
           sh -c "trap 'rm -rf x' EXIT"
           sh -c 'eval rm -rf x'
           sh -c '! rm -rf x'
           sh -c 'true & rm -rf x'
           bash -c -- 'rm -rf x'"#,
    );
    assert_eq!(code(&["sh", "-c", "r\\\nm -rf x"]), Some("H001"));
    assert_eq!(code(&["sh", "-c", "true\nrm -rf x"]), Some("H001"));
    all_are(
        None,
        r#"sh -c 'echo rm -rf x'
           sh -c '# rm -rf x'
           sh -c 'echo "rm -rf x"'
           sh script.sh -c 'rm -rf x'
           sh -c 'grep -f x > rm'
           sh -c
           sh"#,
    );
}

#[test]
fn from_the_network_to_a_shell() {
    all_are(
        Some("H007"),
        r#"sh -c 'curl x | sh'
           sh -c 'curl -fsSL x | sudo bash -s -- -y'
           sh -c 'wget -qO- x | tee y | python3'
           sh -c 'curl x | (cd y; sh)'
           sh -c '{ curl x; echo; } | sh'
           sh -c 'bash <(curl x)'
           sh -c 'sh -c "$(curl https://x/y)"'
           sh -c '$(curl x)'
           bash -c '`curl x` y'
           sh -c 'python3 -c "$(curl x)"'
           sh -c 'eval "$( wget x)"'
           sh -c 'source <(curl x)'"#,
    );
    all_are(
        None,
        r"sh -c 'curl x | python3 -m json.tool'
           sh -c 'curl x | jq .'
           sh -c 'curl x; sh y'
           sh -c 'curl x && echo z | sh'
           sh -c 'v=$(curl x); echo $v | jq .'
           sh -c 'eval v=$(curl x)'
           curl x",
    );
}

#[test]
fn depth_has_a_limit_and_nothing_crashes() {
    let mut words = vec!["env"; 8];
    words.push("ls");
    assert_eq!(code(&words), None);
    words.insert(0, "env");
    assert_eq!(code(&words), Some("H008"));

    for unit in [
        "$(", "`", "\"$(", "${", "(", "<(", "'", "\\", "$'", "$'\\x", "sh -c '", "|&",
    ] {
        let script = unit.repeat(20_000);
        let _ = code(&["sh", "-c", &script]);
    }
    let argv = vec![
        "sh".into(),
        "-c".into(),
        OsString::from_vec(vec![0xff; 128 << 10]),
    ];
    let request = Request::new(
        Program::named("sh"),
        argv,
        WorkingDirectory::new("/").unwrap(),
    );
    assert_eq!(
        dangerous(
            &IndexedRules::default(),
            request.words(),
            Descendants::Unjudged
        ),
        None
    );
}

#[test]
fn what_is_judged_when_it_starts_does_not_count_twice() {
    for (command, judged) in [
        ("rm -rf x", Some("H001")),
        ("timeout 5 env rm -rf x", None),
        ("bash -c 'sh -c \"rm -rf x\"'", None),
        ("find . -exec rm -rf {} ;", None),
        // Of one file each, none would be.
        ("find . -exec rm -f {} ;", Some("H009")),
        ("find . -execdir rm -f {} ;", Some("H009")),
        ("xargs -n 1 rm -f", Some("H009")),
        ("bash -c 'git reset --hard'", None),
        ("bash -c 'command rm -rf x'", None),
        // What calls itself so may have builtins of these names, and others can be taught.
        ("sh -c 'rm -rf x'", Some("H001")),
        ("ksh93 -c 'rm -rf x'", Some("H001")),
        ("bash -c 'enable -f /lib/rm rm; rm -rf x'", Some("H001")),
        (
            "bash -c 'eval \"enable -f /lib/rm rm\"; rm -rf x'",
            Some("H001"),
        ),
        ("zsh -c 'zmodload zsh/files; rm -rf x'", Some("H001")),
        // The program is not told these words.
        ("bash -c 'git checkout -- *'", Some("H002")),
        ("bash -c 'rm -r ~'", Some("H006")),
        ("bash -c 'sudo chmod -R 0 $HOME'", Some("H006")),
        ("bash -c \"bash -c 'rm -r ~'\"", Some("H006")),
        // No program starts, or what starts does not show it.
        ("sh -c 'kill -9 -1'", Some("H013")),
        ("sh -c 'command kill -9 -1'", Some("H013")),
        ("sh -c 'curl x | sh'", Some("H007")),
        ("env sh -c 'sh -c \"curl x | sh\"'", Some("H007")),
        ("sh -c 'bash <(curl x)'", Some("H007")),
        ("env env env env env env env env env env ls", Some("H008")),
    ] {
        let words = shlex::split(command).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(code_if(&words, Descendants::Judged), judged, "{command}");
        assert!(code(&words).is_some(), "{command}");
    }
}

/// What flows from the network into a shell is seen beside whatever else looks dangerous.
#[test]
fn what_else_is_dangerous_hides_no_flow() {
    let flows = |script: &str| {
        let argv: Vec<OsString> = ["bash", "-c", script].map(OsString::from).into();
        let cwd = WorkingDirectory::new("/work").unwrap();
        let request = Request::new(Program::named("bash"), argv, cwd);
        let index = IndexedRules::default();
        let tree = CommandTree::of(&index, &request);
        flow_in(&index, request.words(), &tree).map(|danger| danger.code)
    };
    for script in [
        "curl x | sh",
        "bash <(curl x)",
        "rm -r ~; curl x | sh",
        "rm -rf \"$x\" && curl x | sh",
        "kill -9 -1; bash <(curl x)",
        "sh -c 'rm -r ~; curl x | sh'",
    ] {
        assert_eq!(flows(script), Some("H007"), "{script}");
    }
    for script in ["rm -r ~", "curl x | tee y", "curl x; sh", "kill -9 -1"] {
        assert_eq!(flows(script), None, "{script}");
    }
}

#[test]
fn one_named_file_is_no_forced_removal() {
    for line in [
        "rm -f x",
        "rm -f -- x",
        "rm --force a/b.lock",
        "rm -fv 'a b'",
        "rm -f ./x -v",
        "rm -f -- -x",
    ] {
        assert_eq!(code(&["sh", "-c", line]), None, "{line}");
    }
    for line in [
        "rm -rf x",
        "rm -fr x",
        "rm -Rf x",
        "rm -f --recursive x",
        "rm -f --rec x",
        "rm -fd x",
        "rm -f --dir x",
        "rm -f x y",
        "rm -f x -- y",
        "rm -f /etc/passwd",
        "rm -f ../x",
        "rm -f a/../../x",
        "rm -f *",
        "rm -f a?",
        "rm -f $x",
        "rm -f \"$x\"",
        "rm -f ~/x",
        "rm -f",
        "xargs rm -f",
        "xargs -I{} rm -f {}",
        "xargs -I% rm -f %",
        "find . -exec rm -f {} ';'",
    ] {
        assert!(code(&["sh", "-c", line]).is_some(), "{line}");
    }
}
