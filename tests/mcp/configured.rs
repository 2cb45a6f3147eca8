//! The configurations that the README shows start a server that works.

use serde_json::{Value, json};

use super::client::{Start, read};

fn readme() -> String {
    read(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md").as_ref())
}

/// What the README has between fences that begin with `opening`.
fn blocks(opening: &str) -> Vec<String> {
    let readme = readme();
    let parts = readme.split("```");
    let found = parts.filter_map(|part| part.strip_prefix(opening));
    found.map(str::to_owned).collect()
}

/// Starts the server as a client would that read `entry`, and uses its tools.
fn works(entry: &Value) {
    assert_eq!(entry["command"], "codex-shell", "{entry}");
    let words = entry["args"].as_array().unwrap().iter();
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words[0], "serve", "{entry}");
    let mut client = Start {
        arguments: &words[1..],
        ..Start::default()
    }
    .client();
    let tools = client.request("tools/list", &json!({}));
    assert_eq!(tools["result"]["tools"][0]["name"], "shell", "{tools}");
    assert_eq!(client.shell("echo works")["stdout"], "works\n", "{entry}");
}

#[test]
fn for_codex() {
    let blocks = blocks("toml\n[features]");
    let [text] = blocks.as_slice() else {
        panic!("{blocks:?}");
    };
    let text = format!("[features]{text}");
    let table: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(table["features"]["shell_tool"].as_bool(), Some(false));
    let servers = serde_json::to_value(&table["mcp_servers"]).unwrap();
    let entry = &servers["codex-shell"];
    let known = [
        "command",
        "args",
        "env_vars",
        "default_tools_approval_mode",
        "tool_timeout_sec",
    ];
    let keys = entry.as_object().unwrap().keys();
    assert!(keys.clone().all(|key| known.contains(&key.as_str())));
    works(entry);
}

#[test]
fn for_clients_that_read_json() {
    let blocks: Vec<Value> = blocks("json")
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    for place in ["mcpServers", "servers"] {
        let entry = blocks.iter().find_map(|block| block.get(place));
        let entry = &entry.unwrap_or_else(|| panic!("no {place}"))["codex-shell"];
        assert_eq!(entry["type"], "stdio");
        works(entry);
    }
}
