use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use scape_aggregate::{Hash, Transaction};
use scape_p2p::dandelion::Params;
use scape_p2p::peer::Direction;
use scape_p2p::wire::Message;
use scape_pool::{ChainView, Instant, Notice, PeerId, WayOut};

use super::{Breach, Invariant, Law, honest};
use crate::flow::{Mint, kernels};
use crate::net::{Happening, Network, NodeId, Observation};

/// Relays stay for an epoch unless they are lost; stem transactions go to relays only, and these
/// are outbound and in sync; what is sealed goes to outbound peers only; what a lost relay did not
/// get goes another way at once. Where there is white noise all of it goes in frames, but for what is
/// handed to the sink that it is sealed to.
///
/// A child goes where its parent went, also when that is a relay of an earlier epoch; so does what
/// another zone has handed over together with what went there.
#[derive(Debug)]
pub struct Routed {
    mint: Mint,
    nodes: BTreeMap<NodeId, Routes>,
    /// What nodes should go by, where that is not what they were configured with.
    declared: BTreeMap<NodeId, Params>,
}

#[derive(Debug, Default)]
struct Routes {
    /// When the life of the node began, on its clock.
    began: Instant,
    relays: Vec<PeerId>,
    /// All relays there were, and the kernels each was given.
    given: HashMap<PeerId, HashSet<Hash>>,
    /// The kernels that a peer stemmed to it after it had given them to a relay: each waits for what
    /// becomes of a loop, whether or not the relay had it by then.
    back: HashSet<Hash>,
    /// What was handed over in one aggregate with others, and with which.
    mates: HashMap<Hash, HashSet<Hash>>,
}

/// A stem transaction on its way.
#[derive(Clone, Copy)]
struct Hop {
    link: PeerId,
    /// Whether the link was to a relay before what happened.
    was_relay: bool,
    /// The height of the sender's chain.
    height: u64,
}

/// What rounding may cost, in each epoch.
const SLACK: Duration = Duration::from_millis(5);

impl Routed {
    /// `mint` knows who spends whose outputs.
    pub fn new(mint: Mint) -> Self {
        Self { mint, nodes: BTreeMap::new(), declared: BTreeMap::new() }
    }

    /// A node should go by these parameters, whatever it was configured with.
    pub fn declare(&mut self, node: NodeId, params: Params) {
        self.declared.insert(node, params);
    }

    fn params(&self, net: &Network, node: NodeId) -> Params {
        self.declared.get(&node).copied().unwrap_or(net.node(node).config().params)
    }

    fn check_relays(&mut self, net: &Network, id: NodeId) -> Option<String> {
        let params = self.params(net, id);
        let node = net.node(id);
        let zone = node.zone()?;
        let routes = self.nodes.get_mut(&id)?;
        if zone.relays() == routes.relays {
            return None;
        }
        let before = std::mem::replace(&mut routes.relays, zone.relays().to_vec());
        for relay in &routes.relays {
            routes.given.entry(*relay).or_default();
        }
        let now = node.clock().shows(net.now());
        let since = now.saturating_since(routes.began);
        if is_epoch_end(since, params.epoch, params.epoch_spread) {
            return None;
        }
        let height = node.ledger().tip().height;
        let dropped = before.iter().find(|relay| {
            let fit = || can_relay(net, id, **relay, height, params.relay_max_lag);
            !routes.relays.contains(relay) && fit() == Ok(())
        })?;
        Some(format!("{id} changes relay {dropped} within an epoch"))
    }

    fn came_back(&mut self, node: NodeId, tx: &Transaction) {
        let Some(Routes { given, back, .. }) = self.nodes.get_mut(&node) else { return };
        let was_given = |kernel: &Hash| given.values().any(|given| given.contains(kernel));
        back.extend(kernels(tx).into_iter().filter(was_given));
    }

    fn handed_over(&mut self, node: NodeId, tx: &Transaction) {
        let Some(Routes { mates, .. }) = self.nodes.get_mut(&node) else { return };
        let together = kernels(tx);
        for kernel in together.iter().filter(|_| together.len() > 1) {
            mates.entry(*kernel).or_default().extend(&together);
        }
    }

    fn check_stem(
        &mut self,
        net: &Network,
        id: NodeId,
        Hop { link, was_relay, height }: Hop,
        tx: &Transaction,
    ) -> Option<String> {
        let lag = self.params(net, id).relay_max_lag;
        let routes = self.nodes.get_mut(&id)?;
        let kernels = kernels(tx);
        let current = was_relay || routes.relays.contains(&link);
        let related = || {
            let parents = self.mint.parents(tx);
            let mates = kernels.iter().filter_map(|kernel| routes.mates.get(kernel)).flatten();
            let mut all = kernels.iter().chain(&parents).chain(mates);
            routes.given.get(&link).is_some_and(|given| all.any(|kernel| given.contains(kernel)))
        };
        if !current && !related() {
            return Some(format!("{id} stems to {link}, which is no relay of it"));
        }
        routes.given.entry(link).or_default().extend(kernels);
        // A link that is gone by now was there when it was chosen.
        net.node(id).peer(link)?;
        let unfit =
            can_relay(net, id, link, height, lag).err().filter(|unfit| *unfit != Unfit::Silent)?;
        Some(format!("{id} stems to {link}, which is {unfit:?}"))
    }
}

impl Invariant for Routed {
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach> {
        let breach =
            |fault: String, kernels: &[Hash]| Err(Breach::new(Law::Routed, net, fault, kernels));
        for happening in what {
            if let Happening::Began(node) = happening {
                let began = net.node(*node).clock().shows(net.now());
                let routes = Routes { began, ..Routes::default() };
                self.nodes.insert(*node, routes);
            }
        }
        let called = what.iter().filter_map(|happening| match happening {
            Happening::Called(node) if honest(net, *node) => Some(*node),
            _ => None,
        });
        let mut before = BTreeMap::new();
        for node in called.collect::<BTreeSet<_>>() {
            let relays = self.nodes.get(&node).map(|routes| routes.relays.clone());
            before.insert(node, relays.unwrap_or_default());
            if let Some(fault) = self.check_relays(net, node) {
                return breach(fault, &[]);
            }
        }
        for happening in what {
            match happening {
                Happening::Sent { to, message: Message::StemTransaction(tx), .. } => {
                    self.came_back(*to, tx);
                }
                Happening::HandedOver { to, tx } => self.handed_over(*to, tx),
                _ => {}
            }
            match happening {
                Happening::Sent { from, to, link, height, hidden, message }
                    if honest(net, *from) =>
                {
                    if !hidden && is_bare(net, *from, *to, message) {
                        let fault = format!("{from} sends to {to} outside of its frames");
                        return breach(fault, &[]);
                    }
                    let Message::StemTransaction(tx) = message else {
                        if is_misdelivered(net, *from, *link, message) {
                            return breach(format!("{from} hands what is sealed to {link}"), &[]);
                        }
                        continue;
                    };
                    // It may have been lost in the same moment.
                    let was_relay = before.get(from).is_some_and(|relays| relays.contains(link));
                    let hop = Hop { link: *link, was_relay, height: *height };
                    if let Some(fault) = self.check_stem(net, *from, hop, tx) {
                        return breach(fault, &kernels(tx));
                    }
                }
                Happening::Unsent { from, messages } if honest(net, *from) => {
                    let back = self.nodes.get(from).map(|routes| &routes.back);
                    let is_loop = |kernel: &Hash| back.is_some_and(|back| back.contains(kernel));
                    if let Some(kernel) = idle(net, *from, messages, what, is_loop) {
                        return breach(format!("{from} lost a relay and waits"), &[kernel]);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether something sealed goes to a peer that the node has not dialled, and who may be anybody.
fn is_misdelivered(net: &Network, id: NodeId, link: PeerId, message: &Message) -> bool {
    let Message::SealedStem { .. } = message else { return false };
    let mut peers = net.node(id).zone().into_iter().flat_map(|zone| zone.peers());
    peers.any(|peer| peer.id == link && peer.direction != Direction::Outbound)
}

/// Whether a message that shows should have been hidden.
fn is_bare(net: &Network, id: NodeId, to: NodeId, message: &Message) -> bool {
    net.node(id).config().noise.is_some()
        && match message {
            Message::StemTransaction(_) => true,
            Message::SealedStem { sink, .. } => net.node(to).sink_key() != *sink,
            _ => false,
        }
}

/// A kernel that was not sent and did not go another way at once, though it is still held and is no
/// loop. The owner's may wait while nobody is there that the node has dialled.
fn idle(
    net: &Network,
    id: NodeId,
    unsent: &[Message],
    what: &[Happening],
    is_loop: impl Fn(&Hash) -> bool,
) -> Option<Hash> {
    let zone = net.node(id).zone()?;
    let mut gone = HashSet::new();
    for happening in what {
        let Happening::Observed(node, Observation::Notice(notice)) = happening else { continue };
        let kernels = match notice {
            Notice::Relayed { kernels, .. } | Notice::Fluffed { kernels, .. } => kernels,
            Notice::Held { kernels } if zone.way_out() != WayOut::Open => kernels,
            _ => continue,
        };
        if *node == id {
            gone.extend(kernels.iter().copied());
        }
    }
    let pool = zone.pool();
    let stems = unsent.iter().filter_map(|message| match message {
        Message::StemTransaction(tx) => Some(kernels(tx)),
        _ => None,
    });
    let left = stems.flatten().filter(|kernel| !gone.contains(kernel));
    let held: HashSet<Hash> = pool.stem().flat_map(|(tx, ..)| kernels(tx)).collect();
    left.into_iter().find(|kernel| held.contains(kernel) && !is_loop(kernel))
}

/// Whether some epoch may end after this time. Each is up to `spread` longer than `epoch`.
fn is_epoch_end(since: Duration, epoch: Duration, spread: Duration) -> bool {
    let Some(most) = since.as_micros().checked_div(epoch.as_micros().max(1)) else { return true };
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    most > 0 && since <= (epoch + spread + SLACK) * most
}

/// Why a peer cannot be a relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unfit {
    Gone,
    Inbound,
    Behind,
    /// Its height is not known; what it said in the handshake is not shown.
    Silent,
}

/// Whether a peer is outbound and in sync, when the node is at height `ours`.
fn can_relay(net: &Network, id: NodeId, link: PeerId, ours: u64, lag: u64) -> Result<(), Unfit> {
    let node = net.node(id);
    let peer = node.zone().and_then(|zone| zone.peers().find(|peer| peer.id == link));
    let (Some(peer), Some(_)) = (peer, node.peer(link)) else { return Err(Unfit::Gone) };
    if peer.direction != Direction::Outbound {
        return Err(Unfit::Inbound);
    }
    match peer.height {
        Some(height) if height + lag < ours => Err(Unfit::Behind),
        None => Err(Unfit::Silent),
        Some(_) => Ok(()),
    }
}
