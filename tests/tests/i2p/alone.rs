//! A test that runs in a network of its own, which has nothing but a loopback interface: whatever
//! its programs dial, nobody hears of it.

use std::net::Ipv4Addr;
use std::process::Command;

use tokio::runtime;

/// Says to a test that it is in its own network.
const ALONE: &str = "SCAPE_TEST_ALONE";

/// Gives the interface the addresses up to `--`, and goes on as the program after it.
const SET_UP: &str = "\
ip link set lo up || exit
while [ \"$1\" != -- ]; do
    ip address add \"$1/32\" dev lo || exit
    shift
done
shift
exec \"$@\"";

/// Runs `body`, which is that of the test of this name, where these addresses are on loopback.
pub(crate) fn run(test: &str, addrs: &[Ipv4Addr], body: impl AsyncFnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.unwrap().block_on(body());
    }
    // A process that has threads cannot get there, so another one runs the test.
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sh", "-c", SET_UP, "sh"])
        .args(addrs.iter().map(Ipv4Addr::to_string))
        .arg("--")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(ALONE, "1")
        .status();
    assert!(status.expect("util-linux").success(), "see above");
}
