use std::ffi::OsString;

use crate::evaluate::{IndexedRules, judge};
use crate::request::{Program, Request, WorkingDirectory};
use crate::rules::{Decision, from_own_text};

/// Whether a rule with `pattern` that forbids forbids `command`. Alternatives are written `a|b`.
fn is_forbidden(pattern: &str, command: &str) -> bool {
    let place = |place: &str| format!("{:?}", place.split('|').collect::<Vec<_>>());
    let places: Vec<String> = pattern.split(' ').map(place).collect();
    let rule = format!("prefix_rule([{}], \"forbidden\")\n", places.join(", "));
    let rules = from_own_text("t.rules", &rule);
    assert_eq!(rules.diagnostics, [], "{pattern}");
    let words = shlex::split(command).unwrap();
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    let cwd = WorkingDirectory::new("/work").unwrap();
    let request = Request::new(Program::named(&argv[0]), argv, cwd);
    judge(&IndexedRules::new(rules), &request).verdict.decision == Decision::Forbidden
}

/// Each pattern with commands that mean it and commands that don't.
fn check(table: &[(&str, &[&str], &[&str])]) {
    for (pattern, forbidden, others) in table {
        for (commands, expected) in [(forbidden, true), (others, false)] {
            for command in *commands {
                assert_eq!(
                    is_forbidden(pattern, command),
                    expected,
                    "{pattern}: {command}"
                );
            }
        }
    }
}

#[test]
fn an_option_has_its_value_in_any_spelling() {
    check(&[
        (
            "sort -o b",
            &[
                "sort -o b",
                "sort -n -o b a",
                "sort -nob",
                "sort --output=b",
                "sort a --output b",
                "sort --out=b",
            ],
            &["sort -o c", "sort b -o c", "sort -b o", "sort -- -o b"],
        ),
        (
            "curl -X POST|PUT",
            &[
                "curl -XPOST u",
                "curl u --request PUT",
                "curl -sSX POST u",
                "env curl --request=POST u",
                "xargs curl -X",
            ],
            &["curl -X GET u", "curl POST", "curl -o POST u"],
        ),
        (
            "docker run --network host",
            &[
                "docker run --rm --net=host x",
                "docker -D run -it --network host x",
                "docker container run --net host x",
            ],
            &[
                "docker run x --network host",
                "docker run --network bridge x",
                "docker create --network host x",
            ],
        ),
        (
            "kubectl delete -n prod",
            &[
                "kubectl -n prod delete pod x",
                "kubectl delete pod x --namespace=prod",
                "kubectl delete pod x -nprod",
            ],
            &[
                "kubectl delete pod x -n dev",
                "kubectl get pods -n prod",
                "kubectl delete prod -n dev",
            ],
        ),
        (
            "kubectl -n prod delete",
            &[
                "kubectl delete -n prod pod x",
                "kubectl --namespace prod delete pod x",
            ],
            &["kubectl -n dev delete prod"],
        ),
    ]);
}

#[test]
fn so_has_one_of_several() {
    check(&[
        (
            "git clone --depth 1",
            &["git clone --depth=1 u", "git -C d clone u --depth 1"],
            &["git clone --depth 2 u", "git clone u 1"],
        ),
        (
            "git -c x=y push",
            &["git -C d -c x=y push", "git --no-pager -c x=y push origin"],
            &["git -c x=z push", "git -c x=y pull", "git push x=y"],
        ),
        (
            "git push --force|-f|--delete|-d origin|upstream main|master",
            &[
                "git push -f origin main",
                "git push upstream master --delete",
                "git push --forc origin main",
            ],
            &["git push -f origin topic", "git push origin main"],
        ),
        (
            "dd of=/dev/sda",
            &["dd if=x of=/dev/sda bs=1"],
            &["dd if=/dev/sda of=x"],
        ),
        (
            "tar xf a",
            &["tar -x -f a", "tar -xfa", "tar x -f a"],
            &["tar cf a", "tar xf b"],
        ),
        ("head -20", &["head -q -20 f"], &["head -21 f"]),
    ]);
}

#[test]
fn behind_dashes_there_is_no_option() {
    check(&[
        (
            "kill -9 -1",
            &["kill -9 -1", "kill -9 -- -1"],
            &["kill -9 1"],
        ),
        (
            "rm -rf",
            &[
                "rm -fr x",
                "rm x -r -f",
                "rm -r --force x",
                "rm -rf -- x",
                "rm -vrf -- -x",
            ],
            &["rm -- -rf", "rm -r x", "rm x -- -rf"],
        ),
        (
            "git checkout -- .",
            &["git -C d checkout -- ."],
            &["git checkout .", "git checkout -- x"],
        ),
        // Whatever stands before it, find's own words begin with a dash.
        (
            "find -delete",
            &["find . -delete", "find -- -delete"],
            &["find . -print"],
        ),
    ]);
}

#[test]
fn an_option_that_nobody_knows_may_have_a_value() {
    check(&[
        (
            "git push --odd x",
            &[
                "git push --odd x",
                "git push --odd=x",
                "git push -q --odd x",
                "git push y --odd x",
            ],
            &["git push --odd y", "git push y x"],
        ),
        (
            "git push x",
            &["git --odd y push x", "git push --odd y x"],
            &["git push y x"],
        ),
    ]);
}

#[test]
fn what_an_option_starts_is_of_the_pattern_too() {
    check(&[
        (
            "find . -exec rm",
            &["find . -name x -exec rm {} +", "find . -exec rm -f {} ;"],
            &[
                "find . -exec ls {} +",
                "find rm -exec ls {} +",
                "find . -delete",
            ],
        ),
        (
            "tmux ls ; kill-server",
            &["tmux ls ';' kill-server"],
            &["tmux ls", "tmux ls ';' new"],
        ),
    ]);
}

#[test]
fn a_subcommand_goes_by_all_its_names() {
    check(&[
        (
            "npm install x",
            &["npm i x", "npm --silent add x", "sudo npm i x"],
            &["npm i y", "npm view install x"],
        ),
        (
            "npm publish",
            &["npm pub", "npm publ --tag x"],
            &["npm p", "npm run pub"],
        ),
        (
            "npm run test",
            &["npm test", "npm t", "npm run-script test"],
            &["npm start"],
        ),
        ("npm test", &["npm run test", "npm tst"], &["npm run build"]),
        (
            "helm uninstall",
            &["helm delete x"],
            &["helm list uninstall"],
        ),
        (
            "git remote rm|add",
            &["git remote remove x"],
            &["git remote show rm"],
        ),
        (
            "docker push x",
            &["docker image push x", "docker -D image push -q x"],
            &[
                "docker image pull x",
                "docker image x push",
                "docker plugin push x",
            ],
        ),
        (
            "docker image push",
            &["docker push x"],
            &["docker images push"],
        ),
        (
            "docker rmi",
            &["docker image rm x", "docker image remove x"],
            &["docker rm x", "docker container rm x"],
        ),
        (
            "docker rm",
            &["docker container rm x"],
            &["docker image rm x"],
        ),
        (
            "docker container ls",
            &["docker ps", "docker container list"],
            &["docker image ls"],
        ),
        (
            "docker image",
            &["docker image ls"],
            &["docker container ls"],
        ),
        (
            "pip install",
            &[
                "pip3 install x",
                "pip3.12 install x",
                "/usr/bin/pip3 install x",
            ],
            &["pip3 list"],
        ),
        (
            "python -m pip",
            &["python3 -m pip", "python3.11 -mpip"],
            &["python3 x -m pip"],
        ),
    ]);
}

#[test]
fn one_of_several_tasks_is_that_task() {
    check(&[
        (
            "make a b",
            &["make a b", "make b a", "make b -j 4 c a X=1"],
            &["make a", "make b", "make a c"],
        ),
        (
            "yarn run deploy",
            &["yarn run deploy", "yarn deploy", "yarn --silent deploy x"],
            &["yarn add deploy", "yarn run x deploy", "yarn build"],
        ),
        (
            "yarn deploy",
            &["yarn deploy", "yarn run deploy", "yarn run-script deploy"],
            &["yarn add deploy", "yarn run build"],
        ),
        ("bun run rm", &["bun run rm"], &["bun rm", "bun remove"]),
        (
            "make deploy",
            &[
                "make -j 4 deploy",
                "make X=1 deploy",
                "make VERBOSE=1 -C d deploy",
                "make clean deploy",
                "make -- deploy",
            ],
            &["make", "make -C deploy", "make X=deploy"],
        ),
        (
            "make X=1 deploy",
            &["make -k X=1 deploy"],
            &["make X=2 deploy", "make deploy"],
        ),
    ]);
}

#[test]
fn a_pattern_with_more_choices_than_are_tried_counts_for_whom_has_them() {
    let options: Vec<String> = (0..300).map(|n| format!("--{n}th")).collect();
    let place = options.join("|");
    let pattern = format!("git push {place} {place} {place} x");
    assert!(is_forbidden(
        &pattern,
        &format!("git push {}", options.join(" "))
    ));
    assert!(!is_forbidden(&pattern, "git push --1th y"));
}
