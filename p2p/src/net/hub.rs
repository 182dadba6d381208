//! What all connections share.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use scape_pool::Instant;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::addr::{Host, I2pAddr, PeerAddr};
use crate::book::host_of;
use crate::handshake::{Local, NOWHERE, Nonces};
use crate::peer::PeerId;
use crate::secure::{KnownKeys, PublicKey, StaticKey};
use crate::wire::Tip;

use super::clock::Clock;
use super::config::NetConfig;
use super::event::NetEvent;
use super::link::Link;
use super::transport::Credentials;
use super::way::Carrier;

/// How long a task waits for room for its last event while everything shuts down.
const LAST_EVENT: Duration = Duration::from_secs(2);

/// Shared by the handle and every task.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) config: NetConfig,
    pub(super) clock: Clock,
    pub(super) events: mpsc::Sender<NetEvent>,
    pub(super) shutdown: CancellationToken,
    pub(super) carrier: Carrier,
    listen: SocketAddr,
    next_id: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tip: Tip,
    nonces: Nonces,
    /// Nonces of ours that came back to us.
    returned: Nonces,
    rng: ChaCha20Rng,
    keys: KnownKeys,
    links: HashMap<PeerId, Arc<Link>>,
    /// Addresses that we dial or that an outbound link is up to.
    dialled: HashSet<PeerAddr>,
    /// By host, those that show none together.
    inbound: HashMap<Option<Host>, usize>,
    blocked: HashMap<IpAddr, Instant>,
}

impl Hub {
    pub(super) fn new(
        config: NetConfig,
        events: mpsc::Sender<NetEvent>,
        bound: Option<SocketAddr>,
    ) -> Self {
        // A port on loopback is nobody's business, and would be a mark.
        let told = config.advertise.or(bound).filter(|_| !config.network.is_anonymous());
        let state = State {
            tip: Tip::default(),
            nonces: Nonces::default(),
            returned: Nonces::default(),
            rng: ChaCha20Rng::from_seed(config.seed),
            keys: config.known_keys.clone(),
            links: HashMap::new(),
            dialled: HashSet::new(),
            inbound: HashMap::new(),
            blocked: HashMap::new(),
        };
        Self {
            carrier: Carrier::new(config.network, &config.way, config.timeouts.dial),
            listen: told.unwrap_or(NOWHERE),
            config,
            clock: Clock::start(),
            events,
            shutdown: CancellationToken::new(),
            next_id: AtomicU64::new(0),
            state: Mutex::new(state),
        }
    }

    /// A destination comes without a port; this is the one that all names of it have.
    pub(super) fn i2p_addr(&self, name: I2pAddr) -> PeerAddr {
        PeerAddr::I2p(name, self.config.consensus.chain.default_port())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tip(&self) -> Tip {
        self.state().tip
    }

    pub(super) fn set_tip(&self, tip: Tip) {
        self.state().tip = tip;
    }

    /// What we say about ourselves right now.
    pub(super) fn local(&self) -> Local {
        Local {
            genesis: self.config.genesis,
            capabilities: self.config.encryption.capabilities(self.config.capabilities),
            user_agent: self.config.user_agent.clone(),
            listen: self.listen,
            total_difficulty: self.tip().total_difficulty,
        }
    }

    /// Draws a nonce for a `Hand` and remembers it.
    pub(super) fn next_nonce(&self) -> u64 {
        let mut state = self.state();
        let nonce = state.rng.next_u64();
        state.nonces.remember(nonce);
        nonce
    }

    /// A generator for the secrets of one encrypted handshake.
    pub(super) fn next_rng(&self) -> ChaCha20Rng {
        let mut seed = [0; 32];
        self.state().rng.fill_bytes(&mut seed);
        ChaCha20Rng::from_seed(seed)
    }

    /// A fresh key for a dial, and a generator for the rest.
    pub(super) fn next_key(&self) -> (ChaCha20Rng, StaticKey) {
        let mut rng = self.next_rng();
        let key = StaticKey::generate(&mut rng);
        (rng, key)
    }

    /// The key that the peer at this address had when we dialled it last.
    pub(super) fn known_key(&self, addr: PeerAddr) -> Option<PublicKey> {
        self.state().keys.get(&addr)
    }

    pub(super) fn remember_key(&self, addr: PeerAddr, key: PublicKey) {
        self.state().keys.put(addr, key);
    }

    pub(super) fn known_keys(&self) -> KnownKeys {
        self.state().keys.clone()
    }

    /// Credentials for one dial.
    pub(super) fn draw_credentials(&self) -> Credentials {
        Credentials::draw(&mut self.state().rng)
    }

    pub(super) fn draw_seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.state().rng.fill_bytes(&mut seed);
        seed
    }

    pub(super) fn nonces(&self) -> Nonces {
        self.state().nonces.clone()
    }

    /// A `Hand` of ours came in: whoever dialled with this nonce reached ourselves.
    pub(super) fn nonce_returned(&self, nonce: u64) {
        self.state().returned.remember(nonce);
    }

    pub(super) fn has_returned(&self, nonce: u64) -> bool {
        self.state().returned.contains(nonce)
    }

    pub(super) fn next_id(&self) -> PeerId {
        PeerId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn insert(&self, link: Arc<Link>) {
        self.state().links.insert(link.id, link);
    }

    pub(super) fn remove(&self, id: PeerId) {
        self.state().links.remove(&id);
    }

    pub(super) fn link(&self, id: PeerId) -> Option<Arc<Link>> {
        self.state().links.get(&id).cloned()
    }

    pub(super) fn block(&self, ip: IpAddr, until: Instant) {
        let now = self.clock.now();
        let mut state = self.state();
        state.blocked.retain(|_, until| now < *until);
        state.blocked.insert(host_of(ip), until);
    }

    pub(super) fn unblock(&self, ip: IpAddr) {
        self.state().blocked.remove(&host_of(ip));
    }

    pub(super) fn is_blocked(&self, ip: IpAddr) -> bool {
        let now = self.clock.now();
        self.state().blocked.get(&host_of(ip)).is_some_and(|until| now < *until)
    }

    /// Takes one of the places for inbound peers, or `None` if there is none for this host. Those
    /// that show no host have all places together.
    pub(super) fn take_place(self: &Arc<Self>, host: Option<Host>) -> Option<Place> {
        let host = host.map(Host::whole);
        let share = match host {
            Some(_) => self.config.max_inbound_per_host,
            None => usize::MAX,
        };
        let mut state = self.state();
        let all: usize = state.inbound.values().sum();
        let ours = state.inbound.entry(host).or_default();
        let free = all < self.config.max_inbound && *ours < share;
        if free {
            *ours += 1;
        } else if *ours == 0 {
            state.inbound.remove(&host);
        }
        free.then(|| Place { hub: Arc::clone(self), taken: Taken::Inbound(host) })
    }

    /// Reserves an address for dialling, or `None` if that is going on.
    pub(super) fn take_address(self: &Arc<Self>, addr: PeerAddr) -> Option<Place> {
        let new = self.state().dialled.insert(addr);
        new.then(|| Place { hub: Arc::clone(self), taken: Taken::Outbound(addr) })
    }

    /// Reports an event, waiting for room. While everything shuts down it waits only a little, for
    /// nobody may be listening any more.
    pub(super) async fn emit(&self, event: NetEvent) {
        tokio::select! {
            // The other end is gone with the node; there is nobody to tell.
            _ = self.events.send(event) => {}
            () = async {
                self.shutdown.cancelled().await;
                tokio::time::sleep(LAST_EVENT).await;
            } => {}
        }
    }
}

/// A place among the connections, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    hub: Arc<Hub>,
    taken: Taken,
}

#[derive(Debug)]
enum Taken {
    Inbound(Option<Host>),
    Outbound(PeerAddr),
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        match self.taken {
            Taken::Outbound(addr) => {
                state.dialled.remove(&addr);
            }
            Taken::Inbound(host) => {
                let left = state.inbound.get_mut(&host).map(|count| {
                    *count -= 1;
                    *count
                });
                if left == Some(0) {
                    state.inbound.remove(&host);
                }
            }
        }
    }
}
