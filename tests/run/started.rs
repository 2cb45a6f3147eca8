//! What a program outside starts: it stays there, unless the sandbox would command it.

use crate::support::needs::lacks;
use crate::support::terminal::Terminal;
use crate::support::{World, everyone, everyone_with};

const RULES: &str = "\
prefix_rule(pattern = [\"starter\"])
";

/// A program that is let out and starts what it is told to; an editor, and a pager that has a mode in which
/// it takes no commands.
fn prepared(world: World) -> World {
    world
        .rules(RULES)
        .script("bin/starter", "#!/bin/sh\n\"$@\"\n")
        .script("bin/vi", "#!/bin/sh\n. /dev/stdin\n")
        .script(
            "bin/less",
            "#!/bin/sh\n[ \"$LESSSECURE$LESSSECURE_ALLOW\" = 1 ] || . /dev/stdin\ncat >/dev/null; echo paged >>WORLD/out/paged\n",
        )
        .file("ws/orders", "echo x >>WORLD/out/pwned\n")
        .file("out/own", "echo x >>WORLD/out/own-ran\n")
        .env("PATH", "WORLD/bin:/usr/local/bin:/usr/bin:/bin")
        .env("LESSSECURE_ALLOW", "shell")
}

/// Each of these starts something outside that takes commands from the sandbox.
const COMMANDED: [&str; 62] = [
    "starter vi file <orders",
    "cat orders | starter vi",
    "cat orders | starter sh",
    "starter sh <orders",
    "starter sh -s <orders",
    "cat orders | starter bash -i",
    "cat orders | starter env -u X sh",
    "cat orders | starter nice sh",
    "cat orders | starter sh -c 'exec 5<&0; : | sh <&5'",
    "starter sh -c 'sh <WORLD/ws/orders'",
    "mkfifo f; cat orders >f & starter sh -c 'sh <WORLD/ws/f'",
    "cat orders | starter env -u LESSSECURE less",
    "cat orders | starter env LESSSECURE=0 less",
    "cat orders | starter sh /dev/stdin",
    "starter bash /proc/self/fd/0 <orders",
    "echo 'system q(sh orders)' | starter perl -",
    "printf 'x:\n\tsh orders\n' | starter make -f -",
    "printf '1e sh orders\n' >s; cat s | starter sed -f - orders",
    "cat orders | starter xargs -I{} sh -c {}",
    "cat orders | starter sh -c \"xargs -d '\\n' sh -c\"",
    "echo WORLD/ws/orders | starter xargs -n 1 sh",
    "echo sh WORLD/ws/orders | starter xargs env",
    "echo sh WORLD/ws/orders | starter nice xargs -L 1 timeout 9",
    "printf '%s\n' -c 'sh orders' | starter xargs -d '\n' bash",
    "echo 'BEGIN { system(\"sh orders\") }' | starter xargs -0 awk",
    "printf '%s\n' --checkpoint=1 '--checkpoint-action=exec=sh orders' | starter xargs -d '\n' tar cf x orders",
    "cat orders | starter sh -c '(sleep 0.1; exec sh) 3<&0 <&3 &'; sleep 1",
    "starter sh orders",
    "starter nice bash -x ./orders",
    "ln -s WORLD/ws/orders l; starter sh l",
    "starter sh -c 'exec sh $PWD/../ws/orders'",
    "starter sh -c '. WORLD/ws/orders'",
    "starter bash -c 'source /dev/stdin' <orders",
    "starter env sh -c 'cd WORLD/ws; true && { . ./orders; }'",
    "starter bash --rcfile orders -i </dev/null",
    "starter bash /dev/fd/7 7<orders",
    "starter bash /proc/self/fd/7 7<orders",
    "cat orders | starter bash -c 'exec bash /dev/fd/7 7<&0'",
    "starter xargs -a orders -d '\n' sh -c",
    "echo WORLD/ws/orders >l; starter xargs -al -n 1 sh",
    "echo WORLD/ws/orders | starter xargs --arg-file=/dev/fd/0 -n 1 sh",
    "printf '#!/bin/sh\n. WORLD/ws/orders\n' >x; chmod +x x; starter ./x",
    "cp /bin/sh x; starter ./x -c '. WORLD/ws/orders'",
    "printf 'x:\n\tsh orders\n' >Makefile; starter make",
    "mkdir d; printf 'x:\n\tsh orders\n' >d/Makefile; cd d; starter make; cd ..; starter make -C d",
    "printf 'x:\n\tsh orders\n' >f; starter make -f f",
    // A loader starts what it is given, and loads what it is told to.
    "cp /usr/bin/touch t; printf x >>t; starter $(ls /lib*/ld-linux*64*.so.* | head -1) ./t WORLD/out/pwned",
    "cp /usr/bin/touch t; printf x >>t; starter env $(ls /lib*/ld-linux*64*.so.* | head -1) --argv0 touch ./t WORLD/out/pwned",
    "starter $(ls /lib*/ld-linux*64*.so.* | head -1) --library-path . /usr/bin/touch WORLD/out/pwned",
    // What outside is set to another value counts as what is named.
    "starter env BASH_ENV=WORLD/ws/orders bash -c :",
    "starter sh -c 'BASH_ENV=./orders bash -c :'",
    "echo 'open(F, q(>WORLD/out/pwned));1' >E.pm; starter env PERL5LIB=. perl -ME -e 1",
    // So do those that say where settings are, what is acted on, and whose settings name programs.
    "starter env HOME=WORLD/ws touch WORLD/out/pwned",
    "starter env HOME=. touch WORLD/out/pwned",
    "starter env KUBECONFIG=WORLD/ws/config touch WORLD/out/pwned",
    "starter env COMPOSE_FILE=other.yaml touch WORLD/out/pwned",
    "starter env DOCKER_HOST=unix://WORLD/ws/docker touch WORLD/out/pwned",
    "starter env GIT_TEMPLATE_DIR=WORLD/ws touch WORLD/out/pwned",
    "starter env GIT_SSH_COMMAND=./orders touch WORLD/out/pwned",
    "starter env PERF_EXEC_PATH=WORLD/ws touch WORLD/out/pwned",
    "starter choom -n 0 -- sh orders",
    "starter systemd-cat sh orders",
];

#[test]
fn what_the_sandbox_would_command_does_not_run_outside() {
    everyone_with(&COMMANDED, |world, script| {
        prepared(world).sh(*script).no_file("out/pwned");
    });
}

#[test]
fn it_says_why() {
    everyone(|world| {
        prepared(world)
            .sh("cat orders | starter vi; echo \"status $?\"")
            .stdout("status 1")
            .stderr_has("codex-shell: denied: vi (no rule: declined by")
            .stderr_has(
                "takes commands from the terminal or its input, which the sandbox controls",
            );
    });
}

/// These take none, or not from the sandbox.
#[test]
fn what_takes_no_commands_runs_on() {
    let free = [
        ("echo data | starter cat", "data\n"),
        ("echo data | starter wc -l", "1\n"),
        ("starter sh -c 'echo a'", "a\n"),
        ("starter sh -c 'echo echo b | sh'", "b\n"),
        ("starter sh -c 'sh <<E\necho c\nE'", "c\n"),
        ("starter sh </dev/null", ""),
        ("starter sh -c 'echo echo b | sh -'", "b\n"),
        ("starter sh -c 'echo echo b | bash /dev/stdin'", "b\n"),
        ("echo data | starter cat -", "data\n"),
        ("echo data | starter xargs", "data\n"),
        ("echo data | starter xargs -n 1 echo a", "a data\n"),
        ("echo file >l; starter xargs rm <l; ls l", "l\n"),
        (
            "echo b | starter sh -c 'echo echo | xargs -I{} sh -c {}'",
            "\n",
        ),
        ("starter sh <&-", ""),
        ("cat orders | starter sh -c 'sh </dev/null; echo d'", "d\n"),
        (
            "starter sh -c 'sh <WORLD/out/own; cat WORLD/out/own-ran'",
            "x\n",
        ),
        ("cat orders | starter less; cat WORLD/out/paged", "paged\n"),
        (
            "cat orders | LESSSECURE=0 starter less; cat WORLD/out/paged",
            "paged\n",
        ),
        ("starter env | grep ^LESSSECURE", "LESSSECURE=1\n"),
        (
            "starter sh -c '. WORLD/out/own'; cat WORLD/out/own-ran",
            "x\n",
        ),
        ("starter sh WORLD/out/own; cat WORLD/out/own-ran", "x\n"),
        (
            "starter bash -c 'bash /dev/fd/7 7<WORLD/out/own'; cat WORLD/out/own-ran",
            "x\n",
        ),
        ("echo file >l; starter xargs -a l rm; ls l", "l\n"),
        ("echo e >f; starter cat f", "e\n"),
        ("starter env LD_LIBRARY_PATH=/usr/lib echo e", "e\n"),
        ("starter env A=WORLD/ws/orders echo f", "f\n"),
        ("starter env PATH=WORLD/ws:/usr/bin:/bin echo g", "g\n"),
        // What a git hands on, and where a build writes.
        (
            "starter env GIT_INDEX_FILE=.git/index GIT_EDITOR=: CARGO_TARGET_DIR=x HOME=/ TMPDIR=. echo i",
            "i\n",
        ),
        (
            "starter $(ls /lib*/ld-linux*64*.so.* | head -1) /bin/echo h",
            "h\n",
        ),
    ];
    everyone_with(&free, |world, (script, expected)| {
        prepared(world)
            .sh(*script)
            .stdout(expected)
            .no_file("out/pwned");
    });
}

/// An interpreter finds modules in the directory of the sandbox, unless it is told not to look there.
#[test]
fn what_would_load_modules_of_the_sandbox_does_not_run_outside() {
    let python = "echo 'open(\"WORLD/out/pwned\", \"w\")' >json.py; starter python3";
    let node = "mkdir -p node_modules/m; echo 'require(\"fs\").writeFileSync(\"WORLD/out/pwned\", \"\")' \
                >node_modules/m/index.js; starter node";
    let refused = [
        format!("{python} -m json.tool </dev/null"),
        format!("{python} -c 'import json'"),
        format!("echo 'import json' >WORLD/ws/x; {python} x"),
        format!("{node} -e 'require(\"m\")'"),
        format!("{node} -r m -e 1"),
    ];
    everyone_with(&refused, |world, script| {
        prepared(world).sh(script).no_file("out/pwned");
    });
    let mut free = Vec::new();
    if !lacks("python3") {
        free.push(format!("{python} -I -c 'import json; print(1)'"));
        free.push(format!("{python} WORLD/out/x"));
    }
    everyone_with(&free, |world, script| {
        prepared(world)
            .file("out/x", "print(1)\n")
            .sh(script)
            .stdout("1\n")
            .no_file("out/pwned");
    });
}

/// Programs of these names say that they ran.
fn fakes(world: World) -> World {
    let names = "gdb sqlite3 duckdb node perf tshark tmux screen systemd-run doas frob delta nm ldconfig logrotate nginx dnsmasq docker awk sed perl ruby php python3 printf cc1 as ld";
    names.split(' ').fold(prepared(world), |world, name| {
        let file = format!("bin/{name}");
        world.script(&file, "#!/bin/sh\n: >>WORLD/out/pwned; echo ran\n")
    })
}

/// Programs that read commands or load code, by their options or by statements of their own.
#[test]
fn what_its_words_have_it_load_from_the_sandbox_does_not_run_outside() {
    let refused = [
        "gdb -batch -iex 'source orders'",
        "gdb -batch -ex 'p 1' -ex 'sou WORLD/ws/orders'",
        "gdb -batch -ix orders",
        "gdb -batch -eix later",
        "gdb -batch -x WORLD/ws/orders",
        "gdb -batch --init-command=orders",
        "sqlite3 :memory: '.load ./orders'",
        "sqlite3 :memory: \"select load_extension('./orders')\"",
        "sqlite3 -cmd '.load WORLD/ws/orders' :memory: .tables",
        "sqlite3 -cmd '.read orders' :memory: .tables",
        "sqlite3 -init later :memory: .tables",
        "duckdb -init orders",
        "perf script -s orders",
        "tshark -X lua_script:orders",
        "tmux new -d ./orders",
        "tmux -L x split-window WORLD/ws/orders",
        "screen -dm ./orders",
        "systemd-run --user ./orders",
        "doas ./orders",
        "node -r ./orders -e 1",
        "node --require=WORLD/ws/module -e 1",
        "bash -c 'enable -f ./orders x; : >WORLD/out/pwned'",
        "bash -c 'builtin enable -f WORLD/ws/orders x; : >WORLD/out/pwned'",
        "sh -c 'true && bash -c \"enable -n echo; enable -f orders x; : >WORLD/out/pwned\"'",
    ];
    everyone_with(&refused, |world, words| {
        let script = format!("starter {words} </dev/null");
        let world = fakes(world).file("ws/module.js", "");
        world.sh(script).no_file("out/pwned");
    });
    let free = [
        "gdb -batch -ex 'p 1' -x WORLD/out/own",
        "tmux new -d /bin/true",
        "systemd-run --user WORLD/out/own",
        "doas true",
        "sqlite3 :memory: 'select 1'",
        "sqlite3 -cmd '.load /usr/lib/x' d .tables",
        "node -r /usr/lib/x -e 1",
        "bash -c 'enable -f /usr/lib/x x; enable -n test; echo ran' 2>WORLD/ws/errors",
    ];
    everyone_with(&free, |world, words| {
        let script = format!("cd WORLD/out; starter {words} </dev/null");
        fakes(world).sh(script).stdout("ran\n");
    });
}

/// Some programs look for their parts beside what they are called.
#[test]
fn what_is_called_by_a_path_of_the_sandbox_does_not_run_outside() {
    for (called, runs) in [
        ("v/bin/probe", false),
        ("WORLD/ws/v/bin/probe", false),
        ("/usr/../WORLD/ws/probe", false),
        ("probe", true),
        ("/usr/lib/probe", true),
        ("WORLD/bin/../bin/probe", true),
    ] {
        everyone(|world| {
            let script = format!(
                "starter bash -c 'exec -a {called} WORLD/bin/probe write WORLD/out/written'"
            );
            let ran = prepared(world).program("probe").sh(script);
            if runs {
                ran.file("out/written", "written\n");
            } else {
                ran.no_file("out/written");
            }
        });
    }
}

/// Of a word that names what the sandbox can write it must be known that it is data.
#[test]
fn what_nobody_knows_to_be_data_is_code() {
    let refused = [
        "frob orders",
        "frob --plugin ./orders",
        "frob -x./orders",
        "frob -abx./orders",
        "frob -$(printf a%.0s $(seq 300))./orders",
        "frob $(seq 5000) ./orders",
        "delta --pager ./orders",
        "frob --plugin=./d",
        "frob .",
        "frob key=WORLD/ws/orders,a",
        "nm --plugin ./orders /bin/true",
        "nm --frob ./orders /bin/true",
        "ldconfig -f orders",
        "logrotate -s /dev/null orders",
        "nginx -c orders",
        "nginx -g 'load_module WORLD/ws/orders;'",
        "dnsmasq --dhcp-script=./orders",
        "git frob orders",
        "docker frob orders",
        "gdb -batch -ex 'with width 3 -- source orders'",
        "gdb -batch -ex 'alias s = source' -ex 's orders'",
        "gdb -batch -ex 'interpreter-exec console \"source orders\"'",
        "awk 'BEGIN { while ((getline x < \"orders\") > 0) system(x) }'",
        "perl -mlib=. -e 1",
        "perl -Mlib=d -e 1",
        "perl -e 'do(q(./orders))'",
        "perl -d -e 1",
        "python3 -I -m cProfile orders",
        "python3 -I -m trace -t orders",
        "python3 -I -m doctest orders",
        "python3 -I -m pickle orders",
        "python3 -I -m timeit 'exec(open(\"orders\").read())'",
        "python3 -I -m unittest orders",
        "python3 -I -m runpy orders",
        "python3 -I -m pdb orders",
        "python3 -I -m frob orders",
        // A program among the words does what it likes with the others.
        "awk '{ system($0) }' orders",
        "awk -v f=./orders 'BEGIN { system(f) }'",
        "awk 'BEGIN { system(f) }' f=./orders",
        "perl -e 'do shift' ./orders",
        "perl -ne 'system $_' orders",
        "sed e orders",
        "sed -n -e 1e orders",
        "sed 's/^/sh /e' orders",
        "ruby -e 'load ARGV[0]' orders",
        "php -n -r 'include $argv[1];' orders",
        "python3 -I -c 'import sys; exec(open(sys.argv[1]).read())' orders",
        "sh -c '. \"$1\"' x ./orders",
    ];
    everyone_with(&refused, |world, words| {
        let script = format!("starter {words} </dev/null");
        let world = fakes(world).file("ws/d/x", "");
        world.sh(script).no_file("out/pwned");
    });
    let data = [
        "env printf %s orders",
        "delta orders",
        "frob other --frob=other WORLD/out/own",
        "nm --dynamic orders",
        "awk '{ print $1 }' orders",
        "awk -F: '/x/ || NR > 1 { n++; print $2 > \"/dev/null\" }' orders",
        "sed -n -e 's/a/e/gp;1q' orders",
        "perl -pe 's/e(.)/$1/g' orders",
        "perl -e 'print 1'",
        "python3 -I -m json.tool orders",
        "cc1 -quiet orders -dumpbase orders -o x.s",
        "as -o x.o orders",
        "ld -plugin /usr/lib/x.so -plugin-opt=/usr/lib/x -plugin-opt=-fresolution=orders -dynamic-linker /lib/ld.so --push-state --as-needed -o x orders",
    ];
    everyone_with(&data, |world, words| {
        let script = format!("starter {words} </dev/null");
        fakes(world).sh(script).stdout("ran\n");
    });
}

/// A rule lets it out that does what files of the sandbox say: so does what it starts.
#[test]
fn files_tell_what_a_rule_lets_them_tell() {
    if lacks("make") {
        return;
    }
    everyone(|world| {
        prepared(world)
            .rules("prefix_rule(pattern = [\"make\"])\n")
            .file("ws/Makefile", "x:\n\tsh orders\n\t$(MAKE) y\ny:\n\t./orders\n")
            .sh("printf '#!/bin/sh\n' >x; cat orders >>x; mv x orders; chmod +x orders; make -s; cat WORLD/out/pwned")
            .stdout("x\nx\n");
    });
    everyone(|world| {
        prepared(world)
            .rules("prefix_rule(pattern = [\"make\"])\n")
            .file("out/Makefile", "x:\n\tsh WORLD/ws/orders\n")
            .sh("cd WORLD/out; make -s")
            .no_file("out/pwned");
    });
}

#[test]
fn a_person_is_asked() {
    for (answer, status, made) in [("no", 1, false), ("yes", 0, true)] {
        everyone(|world| {
            let world = prepared(world).ask("terminal");
            let terminal = Terminal::start(world, ["-c", "starter vi <orders; echo \"status $?\""]);
            let terminal = terminal.wait_for("or no: ").keys(&format!("{answer}\r"));
            let terminal = terminal.wait_for(&format!("status {status}"));
            let terminal = if made {
                terminal.wait_for_file("out/pwned")
            } else {
                terminal.no_file("out/pwned")
            };
            let shown = terminal.end(0);
            let shown: String = shown.split_whitespace().collect();
            assert!(
                shown.contains("takescommandsfromtheterminaloritsinput"),
                "{shown}"
            );
        });
    }
}
