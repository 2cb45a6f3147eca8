//! A client for tests: enough of the protocol to say anything, right or wrong.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Long enough for any answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with directories of its own.
pub(super) struct Client {
    pub(super) process: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// What came and was not waited for.
    pub(super) kept: Vec<Value>,
    last: u64,
    pub(super) folder: tempfile::TempDir,
}

/// How a server is started.
pub(super) struct Start<'a> {
    pub(super) rules: &'a str,
    /// The user's `codex-shell.toml`.
    pub(super) settings: &'a str,
    /// More files, by their names from the folder that holds `home` and `work`.
    pub(super) files: &'a [(&'a str, &'a str)],
    pub(super) arguments: &'a [&'a str],
    pub(super) capabilities: Value,
    pub(super) version: &'a str,
    /// What the client calls itself.
    pub(super) name: &'a str,
    /// Variables of the server, besides the usual ones.
    pub(super) environment: &'a [(&'a str, &'a str)],
    /// A program that starts the server, with its arguments; empty for none.
    pub(super) starter: &'a [&'a str],
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self {
            rules: "",
            settings: "",
            files: &[],
            arguments: &["--sandbox", "read-only"],
            capabilities: json!({ "elicitation": {} }),
            version: "2025-06-18",
            name: "test",
            environment: &[],
            starter: &[],
        }
    }
}

impl Start<'_> {
    /// Starts the server and shakes hands.
    pub(super) fn client(self) -> Client {
        let mut client = self.unmet();
        let params = json!({
            "protocolVersion": self.version,
            "capabilities": self.capabilities,
            "clientInfo": { "name": self.name, "version": "1" },
        });
        let answer = client.request("initialize", &params);
        assert!(answer["result"]["serverInfo"].is_object(), "{answer}");
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    /// Starts the server only.
    pub(super) fn unmet(&self) -> Client {
        // Not in /tmp, which workspace-write may write to.
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        let rules = folder.path().join("home/rules");
        std::fs::create_dir_all(&rules).unwrap();
        std::fs::create_dir(folder.path().join("work")).unwrap();
        std::fs::write(rules.join("default.rules"), self.rules).unwrap();
        std::fs::write(folder.path().join("home/codex-shell.toml"), self.settings).unwrap();
        for (name, text) in self.files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let binary = env!("CARGO_BIN_EXE_codex-shell");
        let words: Vec<&str> = self.starter.iter().copied().chain([binary]).collect();
        let mut process = Command::new(words[0])
            .args(&words[1..])
            .arg("serve")
            .args(self.arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", folder.path().join("home"))
            .env("CODEX_HOME", folder.path().join("home"))
            .env("LANG", "C.UTF-8")
            .env("GREETING", "hello")
            .envs(self.environment.iter().copied())
            .current_dir(folder.path().join("work"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, messages) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let message = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Client {
            input: process.stdin.take(),
            process,
            messages,
            kept: Vec::new(),
            last: 0,
            folder,
        }
    }
}

impl Client {
    pub(super) fn work(&self) -> std::path::PathBuf {
        self.folder.path().join("work")
    }

    pub(super) fn rules_file(&self) -> std::path::PathBuf {
        self.folder.path().join("home/rules/default.rules")
    }

    pub(super) fn raw(&mut self, line: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line).unwrap();
        input.write_all(b"\n").unwrap();
    }

    pub(super) fn send(&mut self, message: &Value) {
        self.raw(message.to_string().as_bytes());
    }

    /// Sends a request, and returns its number.
    pub(super) fn start(&mut self, method: &str, params: &Value) -> u64 {
        self.last += 1;
        let id = self.last;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The first message that `wanted` holds for.
    pub(super) fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait(PATIENCE, wanted)
            .expect("the server did not answer")
    }

    /// The same, if it comes in time.
    pub(super) fn wait(
        &mut self,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        if let Some(at) = self.kept.iter().position(&wanted) {
            return Some(self.kept.remove(at));
        }
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(message) if wanted(&message) => return Some(message),
                Ok(message) => self.kept.push(message),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// The answer to a request.
    pub(super) fn finish(&mut self, id: u64) -> Value {
        self.wait_for(|m| m["id"] == id && m.get("method").is_none())
    }

    pub(super) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.start(method, params);
        self.finish(id)
    }

    /// The parameters of a call of `shell`.
    pub(super) fn call(&self, command: &str, more: &Value) -> Value {
        let mut arguments = json!({
            "command": command,
            "workdir": self.work(),
            "login": false,
            "timeout_ms": 20_000,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            arguments[name] = value.clone();
        }
        json!({ "name": "shell", "arguments": arguments })
    }

    pub(super) fn start_shell(&mut self, command: &str, more: &Value) -> u64 {
        let params = self.call(command, more);
        self.start("tools/call", &params)
    }

    /// Runs a command and returns the structured result.
    pub(super) fn shell(&mut self, command: &str) -> Value {
        self.shell_with(command, &json!({}))
    }

    pub(super) fn shell_with(&mut self, command: &str, more: &Value) -> Value {
        let id = self.start_shell(command, more);
        structured(&self.finish(id))
    }

    /// The next question to the person.
    pub(super) fn question(&mut self) -> Value {
        self.wait_for(|m| m["method"] == "elicitation/create")
    }

    pub(super) fn reply(&mut self, question: &Value, result: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }));
    }

    /// Hangs up, and returns the server's status.
    pub(super) fn hang_up(&mut self) -> std::process::ExitStatus {
        self.input = None;
        self.process.wait().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.wait();
    }
}

/// The structured form of a call's result.
pub(super) fn structured(answer: &Value) -> Value {
    let result = &answer["result"]["structuredContent"];
    assert!(result.is_object(), "{answer}");
    result.clone()
}

/// The text of an answer.
pub(super) fn text(answer: &Value) -> String {
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// What is in a file; nothing when it is gone.
pub(super) fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = std::fs::File::open(path) {
        // A process may end while it is looked at.
        let _ = std::io::Read::read_to_end(&mut file, &mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How many processes have `mark` in their command line.
pub(super) fn running(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let is_marked = |path: &Path| read(&path.join("cmdline")).contains(mark);
    processes.filter(|entry| is_marked(&entry.path())).count()
}

/// Whether that comes to none.
pub(super) fn all_gone(mark: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while running(mark) > 0 {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// A time to sleep that nobody else sleeps: a mark for its processes.
pub(super) fn mark() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("731.{}{number:03}", std::process::id())
}
