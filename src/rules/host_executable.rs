//! `host_executable(...)`: from arguments to the paths that a bare name may mean.

use starlark::values::Value;

use super::arguments::{ArgumentProblem, Arguments, Signature};
use super::codes;
use super::lexical;
use super::model::{HostExecutable, Span};

pub(super) static SIGNATURE: Signature = Signature {
    name: "host_executable",
    parameters: &["name", "paths"],
    required: 2,
};

/// The call's entry; `None` when it has problems, which then are in `arguments`.
pub(super) fn parse(arguments: &mut Arguments<'_>, span: Span) -> Option<HostExecutable> {
    let name = arguments.string("name");
    let name = name.and_then(|text| arguments.keep(bare(text)));
    let items = arguments.list("paths").unwrap_or_default();
    let mut paths = Vec::new();
    for item in items {
        let path = item_text(*item).and_then(|text| normal(text, name));
        if let Some(path) = arguments.keep(path)
            && !paths.contains(&path)
        {
            paths.push(path);
        }
    }
    if !arguments.problems.is_empty() {
        return None;
    }
    Some(HostExecutable {
        name: name?.to_owned(),
        paths,
        span,
    })
}

fn wrong(what: impl std::fmt::Display) -> ArgumentProblem {
    ArgumentProblem::new(codes::HOST_EXECUTABLE, format!("host_executable {what}"))
}

fn bare(name: &str) -> Result<&str, ArgumentProblem> {
    match name {
        "" => Err(wrong("name cannot be empty")),
        "." | ".." => Err(wrong(format!(
            "name must be a bare executable name (got {name})"
        ))),
        _ if name.contains('/') => Err(wrong(format!(
            "name must be a bare executable name (got {name})"
        ))),
        _ => Ok(name),
    }
}

fn item_text(item: Value<'_>) -> Result<&str, ArgumentProblem> {
    item.unpack_str()
        .ok_or_else(|| wrong(format!("paths must be strings (got {})", item.get_type())))
}

/// The path without detours; its last component must be `name`, where that is known.
fn normal(path: &str, name: Option<&str>) -> Result<String, ArgumentProblem> {
    let Some(normalised) = lexical::normalise(path) else {
        return Err(wrong(format!("paths must be absolute (got {path})")));
    };
    match name {
        Some(name) if lexical::base_name(&normalised) != Some(name) => {
            Err(wrong(format!("path `{path}` must have basename `{name}`")))
        }
        _ => Ok(normalised),
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::from_own_text;

    fn load(arguments: &str) -> Result<Vec<String>, Vec<String>> {
        let rules = from_own_text("t.rules", &format!("host_executable({arguments})\n"));
        if rules.is_broken() {
            return Err(rules
                .diagnostics
                .into_iter()
                .map(|found| found.code)
                .collect());
        }
        Ok(rules
            .host_executables
            .into_iter()
            .flat_map(|host| host.paths)
            .collect())
    }

    #[test]
    fn paths_are_normalised_and_counted_once() {
        let paths = r#""git", ["/usr/bin/git", "/usr//bin/../bin/./git/", "/opt/git"]"#;
        assert_eq!(
            load(paths),
            Ok(vec!["/usr/bin/git".into(), "/opt/git".into()])
        );
        assert_eq!(load("name = \"a b\u{fc}\", paths = []"), Ok(vec![]));
    }

    #[test]
    fn wrong_names_and_paths() {
        for name in ["", ".", "..", "bin/git", "/usr/bin/git", "git/"] {
            assert_eq!(
                load(&format!("\"{name}\", []")),
                Err(vec!["E0206".into()]),
                "{name}"
            );
        }
        for path in [
            "git",
            "bin/git",
            "./git",
            "~/bin/git",
            "$HOME/git",
            "/usr/bin/hg",
            "/",
            "/git/..",
        ] {
            let found = load(&format!("\"git\", [\"{path}\"]"));
            assert_eq!(found, Err(vec!["E0206".into()]), "{path}");
        }
        assert_eq!(load("\"git\", [1]"), Err(vec!["E0206".into()]));
        for arguments in [
            "\"git\"",
            "\"git\", None",
            "None, []",
            "\"git\", (), 1",
            "[\"git\"], []",
        ] {
            assert!(
                load(arguments).is_err_and(|codes| codes.contains(&"E0201".into())),
                "{arguments}"
            );
        }
    }
}
