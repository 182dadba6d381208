//! Looks at the sockets of a process again and again, as somebody would who shares its machine.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::sockets::{Socket, Transport, sockets};

/// Whatever goes to another machine takes longer than this to come to anything.
const PAUSE: Duration = Duration::from_millis(5);

/// Watches from when it is made.
pub(crate) struct Watch {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<BTreeSet<Socket>>>,
}

impl Watch {
    pub(crate) fn new(pid: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let until = is_over.clone();
        let thread = thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !until.load(Ordering::Relaxed) {
                seen.extend(sockets(pid));
                thread::sleep(PAUSE);
            }
            seen
        });
        Self { is_over, thread: Some(thread) }
    }

    /// Where it went by itself: the far ends of the connections that are not of its listeners.
    ///
    /// # Panics
    /// If it had a socket of another kind than TCP.
    pub(crate) fn dialled(mut self) -> BTreeSet<SocketAddr> {
        self.is_over.store(true, Ordering::Relaxed);
        let seen = self.thread.take().unwrap().join().unwrap();
        assert!(seen.iter().all(|socket| socket.transport == Transport::Tcp), "{seen:?}");
        let listens = |socket: &&Socket| socket.remote.port() == 0;
        let listeners: BTreeSet<_> =
            seen.iter().filter(listens).map(|socket| socket.local).collect();
        let dialled =
            |socket: &&Socket| socket.remote.port() != 0 && !listeners.contains(&socket.local);
        seen.iter().filter(dialled).map(|socket| socket.remote).collect()
    }
}
