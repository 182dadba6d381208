//! What all programs have in common: a process that ends with the test, ports, and patience.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use scape::rpc::{RpcClient, RpcLimits, Secret};
use tokio::time::{sleep, timeout};

const LIMITS: RpcLimits = RpcLimits { timeout: Duration::from_secs(30), answer: 32 << 20 };

/// A process that is killed when this is dropped. If a test failed, its last words are shown.
pub(crate) struct Running {
    pub(crate) child: Child,
    output: PathBuf,
}

impl Running {
    /// Starts it; what it writes goes to a file.
    pub(crate) fn start(command: &mut Command, output: &Path) -> Self {
        let file = File::options().create(true).append(true).open(output).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Self { child: command.spawn().unwrap(), output: output.to_owned() }
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

/// The program `scape`: `SCAPE_BIN`, or what was built beside this test.
pub(crate) fn scape() -> PathBuf {
    let built = || {
        let test = std::env::current_exe().unwrap();
        let folder = test.ancestors().nth(2).map(Path::to_owned).unwrap();
        folder.join(format!("scape{}", std::env::consts::EXE_SUFFIX))
    };
    let program = std::env::var_os("SCAPE_BIN").map_or_else(built, PathBuf::from);
    assert!(program.exists(), "{} is made by cargo build --bin scape", program.display());
    program
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
