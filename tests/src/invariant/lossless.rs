use std::collections::{BTreeMap, HashMap, HashSet};

use scape_aggregate::{Commitment, Hash};
use scape_p2p::zone::Ticket;
use scape_pool::{ChainView, Instant, Notice, Source};

use super::{Breach, Invariant, Law, honest, is_out};
use crate::flow::{Mint, kernels};
use crate::net::{Happening, Network, NodeId, Observation};

/// Every transaction that a node accepted is mined, or cannot be mined any more.
///
/// A node that accepts a transaction of its owner answers for it until it is mined or impossible; a
/// node that accepts a stem transaction of a peer or of another zone, until it has seen it in
/// public, or something public that excludes it. A node that crashes answers for what it finds on its disk when it
/// begins anew, and for nothing else: so a transaction may be lost with the last honest node that
/// answered for it, and in no other way.
#[derive(Debug)]
pub struct Lossless {
    mint: Mint,
    pushed: HashMap<(NodeId, Ticket), Vec<Hash>>,
    duties: BTreeMap<NodeId, Vec<Duty>>,
    /// How many duties ended with the node.
    crashed: usize,
    /// When something was given up for a reason last, and all that was then.
    fallen: (Instant, HashSet<(NodeId, Hash)>),
}

/// What a node answers for: it is mined as a whole, or impossible as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Duty {
    kernels: Vec<Hash>,
    own: bool,
}

/// What became of what nodes answered for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fates {
    /// Mined.
    pub mined: usize,
    /// Conflicted with what was mined.
    pub conflicted: usize,
    /// Lost with the node.
    pub crashed: usize,
}

impl Lossless {
    /// `mint` knows what transactions need.
    pub fn new(mint: Mint) -> Self {
        Self {
            mint,
            pushed: HashMap::new(),
            duties: BTreeMap::new(),
            crashed: 0,
            fallen: (Instant::ZERO, HashSet::new()),
        }
    }

    /// Whether everything that anybody answers for is mined or impossible, on the chain on which
    /// all honest nodes agree.
    ///
    /// # Errors
    /// What is not.
    pub fn settled(&self, net: &Network) -> Result<Fates, Breach> {
        let mut fates = Fates { crashed: self.crashed, ..Fates::default() };
        for (node, duties) in &self.duties {
            if net.node(*node).zone().is_none() {
                // It has not come back.
                fates.crashed += duties.len();
                continue;
            }
            for duty in duties {
                let is_mined = self.is_mined(net, *node, duty).ok_or_else(|| {
                    let what = format!("{node} lost {}", list(&duty.kernels));
                    Breach::new(Law::Lossless, net, what, &duty.kernels)
                })?;
                match is_mined {
                    true => fates.mined += 1,
                    false => fates.conflicted += 1,
                }
            }
        }
        in_sync(net)?;
        Ok(fates)
    }

    /// `None` if it is neither mined nor impossible.
    fn is_mined(&self, net: &Network, node: NodeId, duty: &Duty) -> Option<bool> {
        let ledger = net.node(node).ledger();
        let mined = duty.kernels.iter().filter(|kernel| ledger.kernel_height(kernel).is_some());
        let mined = mined.count();
        if mined == duty.kernels.len() {
            return Some(true);
        }
        // Somebody else's aggregate of which a part was mined without the rest cannot be mined
        // any more, nor can its receiver take it apart.
        let broken = mined > 0 && !duty.own;
        // What is missing was spent, or its maker is not mined: then that one is judged.
        let needs = self.mint.needs(&duty.kernels);
        let impossible = broken || needs.iter().any(|needed| ledger.utxo(needed).is_none());
        impossible.then_some(false)
    }

    fn observe(&mut self, net: &Network, node: NodeId, seen: &Observation) -> Result<(), Breach> {
        match seen {
            Observation::Pushed(ticket, verdict) => {
                let kernels = self.pushed.remove(&(node, *ticket));
                if let (Some(kernels), Ok(_)) = (kernels, verdict) {
                    self.accept(node, Duty { kernels, own: true });
                }
            }
            Observation::Notice(Notice::Stemmed {
                kernels,
                source: Source::Peer(_) | Source::Zone,
            }) => {
                self.accept(node, Duty { kernels: kernels.clone(), own: false });
            }
            // What peers sent is everybody's now, or had to go for want of room.
            Observation::Notice(
                Notice::Seen { kernels }
                | Notice::Fluffed { kernels, .. }
                | Notice::OrphanDropped { kernels, .. },
            ) => {
                let duties = self.duties.entry(node).or_default();
                duties.retain(|duty| duty.own || !duty.kernels.iter().any(|k| kernels.contains(k)));
            }
            Observation::Notice(Notice::Conflicted { kernels, .. }) => {
                self.give_up(net, node, kernels)?;
            }
            Observation::Crashed => {
                let kept: Vec<_> =
                    net.node(node).journal().map(|record| kernels(&record.tx)).collect();
                let duties = self.duties.entry(node).or_default();
                let all = duties.len();
                duties.retain(|duty| duty.own && kept.contains(&duty.kernels));
                self.crashed += all - duties.len();
                self.pushed.retain(|(pusher, _), _| *pusher != node);
            }
            Observation::DiskLost => {
                self.crashed += self.duties.remove(&node).map_or(0, |duties| duties.len());
            }
            _ => {}
        }
        Ok(())
    }

    /// What peers sent may be given up, for a reason, and with it what depends on it, though a part of
    /// that may come back alone in the same moment. It is not if only something merged with it is.
    fn give_up(&mut self, net: &Network, id: NodeId, kernels: &[Hash]) -> Result<(), Breach> {
        let Some(duties) = self.duties.get_mut(&id) else { return Ok(()) };
        let concerned = |duty: &mut Duty| {
            !duty.own
                && duty.kernels.iter().any(|k| kernels.contains(k))
                && !is_on_stem(net, id, &duty.kernels)
        };
        let (at, fallen) = &mut self.fallen;
        if *at != net.now() {
            (*at, *fallen) = (net.now(), HashSet::new());
        }
        for duty in duties.extract_if(.., concerned) {
            let needs = self.mint.needs(&duty.kernels);
            let mut parents = needs.iter().filter_map(|output| self.mint.creator(output));
            let falls_with = parents.any(|parent| fallen.contains(&(id, parent)));
            if falls_with || is_excluded(&self.mint, net, id, &duty.kernels) {
                fallen.extend(duty.kernels.iter().map(|kernel| (id, *kernel)));
            } else {
                let what = format!("{id} gives up {} for no reason", list(&duty.kernels));
                return Err(Breach::new(Law::Lossless, net, what, &duty.kernels));
            }
        }
        Ok(())
    }

    fn accept(&mut self, node: NodeId, duty: Duty) {
        let duties = self.duties.entry(node).or_default();
        if !duties.contains(&duty) {
            duties.push(duty);
        }
    }
}

impl Invariant for Lossless {
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach> {
        for happening in what {
            match happening {
                Happening::Pushed { node, ticket, tx } if honest(net, *node) => {
                    self.pushed.insert((*node, *ticket), kernels(tx));
                }
                Happening::Observed(node, seen) if honest(net, *node) => {
                    self.observe(net, *node, seen)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether something public at a node, or the lack of it, excludes what has these kernels.
fn is_excluded(mint: &Mint, net: &Network, id: NodeId, kernels: &[Hash]) -> bool {
    let node = net.node(id);
    let Some(zone) = node.zone() else { return true };
    let public: Vec<_> = zone.pool().latest_public().collect();
    let spent: HashSet<Commitment> =
        public.iter().flat_map(|tx| tx.inputs()).map(|input| input.commitment()).collect();
    let stem = zone.pool().stem().map(|(tx, ..)| tx);
    let pending = public.iter().copied().chain(stem).flat_map(|tx| tx.outputs());
    let pending: HashSet<Commitment> = pending.map(|output| output.commitment()).collect();
    let lacks = |needed: &Commitment| {
        spent.contains(needed) || node.ledger().utxo(needed).is_none() && !pending.contains(needed)
    };
    kernels.iter().any(|kernel| is_out(net, id, kernel)) || mint.needs(kernels).iter().any(lacks)
}

/// Whether a node still has all of these kernels to pass on.
fn is_on_stem(net: &Network, id: NodeId, kernels: &[Hash]) -> bool {
    let Some(zone) = net.node(id).zone() else { return false };
    let held: HashSet<Hash> = zone.pool().stem().flat_map(|(tx, ..)| self::kernels(tx)).collect();
    kernels.iter().all(|kernel| held.contains(kernel))
}

fn in_sync(net: &Network) -> Result<(), Breach> {
    let up = net.nodes().filter(|(_, node)| node.is_honest() && node.zone().is_some());
    let mut tips = up.map(|(id, node)| (id, node.ledger().tip().hash));
    let Some((first, tip)) = tips.next() else { return Ok(()) };
    match tips.find(|(_, other)| *other != tip) {
        Some((other, _)) => {
            let what = format!("{first} and {other} are on different chains");
            Err(Breach::new(Law::Lossless, net, what, &[]))
        }
        None => Ok(()),
    }
}

fn list(kernels: &[Hash]) -> String {
    let names: Vec<String> = kernels.iter().map(ToString::to_string).collect();
    names.join(", ")
}
