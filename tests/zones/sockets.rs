//! Which sockets a process has, as Linux shows them: looked at all the time, so that a dial of a
//! name server or of a peer is seen however short it is, unless it is over within a look.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LISTENING: &str = "0A";

/// Watches a process until it is dropped.
pub(crate) struct Watch {
    state: Arc<State>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    is_over: AtomicBool,
    seen: Mutex<Seen>,
}

/// What was seen up to now.
#[derive(Clone, Default, Debug)]
pub(crate) struct Seen {
    /// Where it listened.
    pub(crate) listened: BTreeSet<SocketAddr>,
    /// Whom it dialled.
    pub(crate) dialled: BTreeSet<SocketAddr>,
    /// Sockets that are neither of TCP nor nameless pairs within the process.
    pub(crate) others: BTreeSet<String>,
}

impl Watch {
    pub(crate) fn start(process: u32) -> Self {
        let state: Arc<State> = Arc::default();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            while !shared.is_over.load(Ordering::Relaxed) {
                shared.seen.lock().expect("no panic").look(process);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self { state, thread: Some(thread) }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.state.seen.lock().expect("no panic").clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it has panicked there is nothing to see, and whoever asks finds that out.
            let _ = thread.join();
        }
    }
}

impl Seen {
    fn look(&mut self, process: u32) {
        let before = sockets(process);
        let tables: BTreeMap<_, _> =
            ["tcp", "tcp6", "unix", "udp", "udp6", "raw", "raw6", "netlink"]
                .map(|table| (table, rows(process, table)))
                .into_iter()
                .collect();
        // What was there all the while is in one of the tables.
        let after = sockets(process);
        for socket in before.intersection(&after) {
            self.note(socket, &tables);
        }
    }

    fn note(&mut self, socket: &str, tables: &BTreeMap<&str, Vec<Vec<String>>>) {
        for (table, rows) in tables {
            let place = match *table {
                "unix" => 6,
                _ => 9,
            };
            let Some(row) = rows.iter().find(|row| row.get(place).is_some_and(|i| i == socket))
            else {
                continue;
            };
            match *table {
                "tcp" | "tcp6" => {
                    let (local, remote) = (addr(&row[1]), addr(&row[2]));
                    if row[3] == LISTENING {
                        self.listened.insert(local);
                    } else if !self.listened.contains(&local) {
                        self.dialled.insert(remote);
                    }
                }
                // A pair that the process talks to itself with has no name.
                "unix" if row.len() == 7 => {}
                _ => {
                    self.others.insert(format!("{table}: {row:?}"));
                }
            }
            return;
        }
        self.others.insert(format!("socket {socket}, of another kind"));
    }
}

/// The numbers of a process's sockets.
fn sockets(process: u32) -> BTreeSet<String> {
    let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else {
        return BTreeSet::new();
    };
    let links = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let number = |link: std::path::PathBuf| {
        let link = link.to_str()?;
        Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    };
    links.filter_map(number).collect()
}

/// What one of the tables of the network says, in words.
fn rows(process: u32, table: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    text.lines().skip(1).map(words).collect()
}

/// As `0100007F:0050`: each word of the address in the order of the machine.
fn addr(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').expect("an address with a port");
    let words: Vec<u8> = (0..ip.len() / 8)
        .flat_map(|at| {
            let word = u32::from_str_radix(&ip[at * 8..][..8], 16).expect("a word");
            word.to_ne_bytes()
        })
        .collect();
    let ip: IpAddr = match <[u8; 4]>::try_from(&words[..]) {
        Ok(bytes) => Ipv4Addr::from(bytes).into(),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(&words[..]).expect("IPv6")).into(),
    };
    SocketAddr::new(ip.to_canonical(), u16::from_str_radix(port, 16).expect("a port"))
}

#[test]
fn a_dial_and_a_question_to_a_name_server_are_seen() {
    let there = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let to = there.local_addr().expect("bound");
    let watch = Watch::start(std::process::id());
    let stream = std::net::TcpStream::connect(to).expect("it listens");
    let question = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    question.connect("127.0.0.1:53").expect("of UDP all succeed");
    let port = format!(":{:04X}", question.local_addr().expect("bound").port());
    let is_seen = || {
        let seen = watch.seen();
        let is_question = |other: &String| other.starts_with("udp:") && other.contains(&port);
        seen.dialled.contains(&to) && seen.others.iter().any(is_question)
    };
    for _ in 0..10_000 {
        if is_seen() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(is_seen(), "{:?}", watch.seen());
    assert!(watch.seen().listened.contains(&to));
    drop((stream, question));
}
