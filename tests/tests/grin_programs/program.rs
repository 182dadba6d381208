//! What all programs have in common: a process that ends with the test, ports, and patience.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use scape::rpc::{RpcClient, RpcLimits, Secret};
use tokio::time::{sleep, timeout};

const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_secs(30), answer: 32 << 20 };

/// A process that is killed when this is dropped. If a test failed, its last words are shown.
pub(crate) struct Running {
    child: Child,
    output: PathBuf,
}

impl Running {
    /// Starts it; what it writes goes to a file.
    pub(crate) fn start(command: &mut Command, output: &Path) -> Self {
        let file = File::options().create(true).append(true).open(output).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Self { child: command.spawn().unwrap(), output: output.to_owned() }
    }

    /// How it ended, if it has by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is what the test is about to find out.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let text = fs::read_to_string(&self.output).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(40)..];
            eprintln!("{}:\n{}\n", self.output.display(), last.join("\n"));
        }
    }
}

/// The path of a program, from the environment.
pub(crate) fn named_by(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    assert!(path.is_some(), "{variable} names the program");
    path.unwrap().into()
}

/// An address that was free a moment ago: the programs have to be told one.
pub(crate) fn free_addr() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A client of a JSON-RPC API.
pub(crate) fn client(addr: SocketAddr, path: &'static str, secret: &Path) -> RpcClient {
    let url = format!("http://{addr}").parse().unwrap();
    RpcClient::new(&url, path, Secret::load(secret).ok().as_ref(), LIMITS)
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, secs: u64, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let search = async {
        loop {
            match ask().await {
                Some(found) => return found,
                None => sleep(Duration::from_millis(200)).await,
            }
        }
    };
    let found = timeout(Duration::from_secs(secs), search).await;
    assert!(found.is_ok(), "not {what} within {secs} s");
    found.unwrap()
}

/// Sets a key of a file in TOML that has it once, perhaps as a comment.
pub(crate) fn set_key(path: &Path, key: &str, value: &str) {
    let text = fs::read_to_string(path).unwrap();
    let name = |line: &str| line.split('=').next().unwrap_or("").trim_matches(['#', ' ']) == key;
    assert_eq!(text.lines().filter(|line| name(line)).count(), 1, "{key} in {text}");
    let set = format!("{key} = {value}");
    let lines = text.lines().map(|line| if name(line) { &*set } else { line });
    fs::write(path, lines.collect::<Vec<_>>().join("\n")).unwrap();
}
