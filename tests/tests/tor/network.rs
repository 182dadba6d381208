//! A private Tor network on loopback: three directory authorities, three relays, and as many clients
//! as a test asks for, each with an onion service. A network of less has no path of three for a
//! client that is itself looked for.

use std::fs;
use std::iter;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::hidden::journey::Gate;
use crate::hidden::program::{Running, free_addr, until};

/// The port of every onion service.
pub(crate) const ONION_PORT: u16 = 3414;

/// Of all: a network whose authorities take anybody's word, at once.
const COMMON: &str = "\
TestingTorNetwork 1
AssumeReachable 1
PathsNeededToBuildCircuits 0.25
ShutdownWaitLength 0
";

/// Of authorities: votes every ten seconds, and flags for who has just come.
const AUTHORITY: &str = "\
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody@localhost
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 2
";

pub(crate) struct TorNetwork {
    // Before the folder that they write to.
    _members: Vec<Running>,
    dir: TempDir,
    common: String,
}

/// A Tor client with an onion service.
pub(crate) struct TorClient {
    process: Option<Running>,
    dir: PathBuf,
    socks: SocketAddr,
}

/// What is said of an authority before it runs.
struct Authority {
    dir: PathBuf,
    /// What only its own file says.
    own: String,
    /// The line by which all others know it.
    line: String,
}

impl TorNetwork {
    /// Starts it. It takes ten seconds or so until clients find their way.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |kind: &str, index: u8| dir.path().join(format!("{kind}{index}"));
        let authorities = [1, 2, 3].map(|index| Authority::prepare(&path("authority", index)));
        let lines = authorities.iter().map(|authority| authority.line.as_str());
        let common: String = iter::once(COMMON).chain(lines).collect();
        let authorities = authorities.iter().map(|authority| authority.start(&common));
        let relays = (1..=3).map(|index| relay(&path("relay", index), &common));
        let _members = authorities.chain(relays).collect();
        Self { _members, dir, common }
    }

    /// A client whose onion service leads to `target`, once it knows the network.
    pub(crate) async fn client(&self, name: &str, target: SocketAddr) -> TorClient {
        let dir = private_dir(&self.dir.path().join(name));
        let socks = free_addr();
        let service = private_dir(&dir.join("service"));
        let text = format!(
            "{}SocksPort {socks}\nHiddenServiceDir {}\nHiddenServicePort {ONION_PORT} {target}\n",
            self.common,
            service.display(),
        );
        write_torrc(&dir, &text);
        let mut client = TorClient { process: None, dir, socks };
        client.start().await;
        client
    }
}

impl TorClient {
    /// The onion address, with its port.
    pub(crate) fn onion(&self) -> String {
        let host = fs::read_to_string(self.dir.join("service/hostname")).unwrap();
        format!("{}:{ONION_PORT}", host.trim())
    }
}

impl Gate for TorClient {
    fn addr(&self) -> SocketAddr {
        self.socks
    }

    fn stop(&mut self) {
        self.process = None;
    }

    async fn start(&mut self) {
        let log = self.dir.join("log");
        let _ = fs::remove_file(&log);
        self.process = Some(start_tor(&self.dir));
        until("a way into the Tor network", 120, async || {
            fs::read_to_string(&log).unwrap().contains("Bootstrapped 100%").then_some(())
        })
        .await;
    }
}

impl Authority {
    /// Makes its keys, so that the others can be told of it.
    fn prepare(dir: &Path) -> Self {
        let dir = private_dir(dir);
        let keys = private_dir(&dir.join("keys"));
        let [or, directory] = [free_addr(), free_addr()];
        let certificate = keys.join("authority_certificate");
        make_certificate(&keys, &certificate, directory);
        let identity = word_after(&fs::read_to_string(&certificate).unwrap(), "fingerprint");
        let nickname = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let own = format!(
            "Nickname {nickname}\nAddress {}\nORPort {or}\nDirPort {directory}\nSocksPort 0\n\
             ExitRelay 1\nExitPolicy accept *:*\n",
            or.ip(),
        );
        write_torrc(&dir, &own);
        let fingerprint = fingerprint(&dir);
        let line = format!(
            "DirAuthority {nickname} orport={} no-v2 v3ident={identity} {directory} {fingerprint}\n",
            or.port(),
        );
        Self { dir, own, line }
    }

    fn start(&self, common: &str) -> Running {
        write_torrc(&self.dir, &format!("{}{common}{AUTHORITY}", self.own));
        start_tor(&self.dir)
    }
}

fn relay(dir: &Path, common: &str) -> Running {
    let dir = private_dir(dir);
    let or = free_addr();
    let nickname = dir.file_name().unwrap().to_str().unwrap();
    let text = format!(
        "{common}Nickname {nickname}\nAddress {}\nORPort {or}\nSocksPort 0\n\
         ExitRelay 1\nExitPolicy accept *:*\n",
        or.ip(),
    );
    write_torrc(&dir, &text);
    start_tor(&dir)
}

/// A folder that nobody else may read, as tor demands.
fn private_dir(dir: &Path) -> PathBuf {
    fs::DirBuilder::new().mode(0o700).create(dir).unwrap();
    dir.to_owned()
}

fn write_torrc(dir: &Path, text: &str) {
    fs::write(dir.join("torrc"), format!("DataDirectory {}\n{text}", dir.display())).unwrap();
}

fn tor(dir: &Path) -> Command {
    let mut command = Command::new("tor");
    command.arg("-f").arg(dir.join("torrc"));
    command
}

fn start_tor(dir: &Path) -> Running {
    Running::start(&mut tor(dir), &dir.join("log"))
}

/// The keys by which an authority signs what it votes for, valid for a year.
fn make_certificate(keys: &Path, certificate: &Path, directory: SocketAddr) {
    let passphrase = keys.join("passphrase");
    fs::write(&passphrase, "test\n").unwrap();
    let status = Command::new("tor-gencert")
        .arg("--create-identity-key")
        .arg("-i")
        .arg(keys.join("authority_identity_key"))
        .arg("-s")
        .arg(keys.join("authority_signing_key"))
        .arg("-c")
        .arg(certificate)
        .args(["-m", "12", "--passphrase-fd", "0", "-a", &directory.to_string()])
        .stdin(fs::File::open(passphrase).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("Debian's package tor").success());
}

/// Of the identity as a relay, which tor makes when it is asked for it. It will not before it knows
/// of an authority, whichever.
fn fingerprint(dir: &Path) -> String {
    let nobody = format!("nobody 127.0.0.1:1 {}", "F".repeat(40));
    let output = tor(dir)
        .args([
            "--list-fingerprint",
            "--quiet",
            "--TestingTorNetwork",
            "1",
            "--DirAuthority",
            &nobody,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // The nickname, and four digits a word.
    text.lines().last().unwrap().split_whitespace().skip(1).collect()
}

/// The word that follows the first one of a line.
fn word_after(text: &str, first: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(first)?.split_whitespace().next());
    line.unwrap().to_owned()
}
