use std::collections::{BTreeMap, BTreeSet, HashMap};

use scape_aggregate::{Commitment, Input, Transaction};
use scape_pool::PeerId;

use crate::addr::Host;

use super::Ticket;
use super::transactions::Way;

/// Transactions that are being verified by the host.
#[derive(Debug, Default)]
pub(super) struct Verifications {
    pending: BTreeMap<Ticket, Pending>,
    per_peer: BTreeMap<PeerId, BTreeSet<Ticket>>,
    /// Who spends what, but for the owner's.
    spenders: HashMap<Commitment, Vec<Ticket>>,
    last: u64,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Pending {
    tx: Transaction,
    pub(super) sender: Option<(PeerId, Option<Host>)>,
    pub(super) way: Way,
    given_up: bool,
}

impl Pending {
    pub(super) fn new(tx: &Transaction, sender: Option<(PeerId, Option<Host>)>, way: Way) -> Self {
        Self { tx: tx.clone(), sender, way, given_up: false }
    }
}

impl Verifications {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn insert(&mut self, pending: Pending) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        if let Some((peer, _)) = pending.sender {
            self.per_peer.entry(peer).or_default().insert(ticket);
            for spent in pending.tx.inputs().iter().map(Input::commitment) {
                self.spenders.entry(spent).or_default().push(ticket);
            }
        }
        self.pending.insert(ticket, pending);
        ticket
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Pending> {
        let pending = self.pending.remove(&ticket)?;
        if let Some((peer, _)) = pending.sender {
            if let Some(tickets) = self.per_peer.get_mut(&peer) {
                tickets.remove(&ticket);
                if tickets.is_empty() {
                    self.per_peer.remove(&peer);
                }
            }
            self.forget_spender(ticket, &pending.tx);
        }
        Some(pending)
    }

    fn forget_spender(&mut self, ticket: Ticket, tx: &Transaction) {
        for spent in tx.inputs().iter().map(Input::commitment) {
            let Some(tickets) = self.spenders.get_mut(&spent) else { continue };
            tickets.retain(|other| *other != ticket);
            if tickets.is_empty() {
                self.spenders.remove(&spent);
            }
        }
    }

    /// Marks a ticket as given up. Returns whether that is new.
    pub(super) fn give_up(&mut self, ticket: Ticket) -> bool {
        let pending = self.pending.get_mut(&ticket);
        pending.is_some_and(|pending| !std::mem::replace(&mut pending.given_up, true))
    }

    /// The transaction of a ticket that is not given up yet.
    pub(super) fn tx(&self, ticket: Ticket) -> Option<Transaction> {
        let pending = self.pending.get(&ticket).filter(|pending| !pending.given_up)?;
        Some(pending.tx.clone())
    }

    /// How many transactions of a peer wait, those that are given up included.
    pub(super) fn count_of(&self, peer: PeerId) -> usize {
        self.per_peer.get(&peer).map_or(0, BTreeSet::len)
    }

    pub(super) fn of_peer(&self, peer: PeerId) -> Vec<Ticket> {
        self.per_peer.get(&peer).into_iter().flatten().copied().collect()
    }

    pub(super) fn of_all_peers(&self) -> Vec<Ticket> {
        self.per_peer.values().flatten().copied().collect()
    }

    /// The tickets of peers' transactions that spend what `tx` spends: conflicts and copies.
    pub(super) fn touched_by(&self, tx: &Transaction) -> Vec<Ticket> {
        self.spending(tx.inputs().iter().map(Input::commitment))
    }

    /// The tickets of peers' transactions that spend any of these.
    pub(super) fn spending(&self, spent: impl IntoIterator<Item = Commitment>) -> Vec<Ticket> {
        let tickets = spent.into_iter().filter_map(|spent| self.spenders.get(&spent));
        tickets.flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
    }
}
