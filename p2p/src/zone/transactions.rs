//! Transactions on their way in: from a message, through the verifier, to the pool.

use std::collections::BTreeMap;
use std::net::IpAddr;

use scape_aggregate::{Transaction, ValidTx, VerifyError};
use scape_pool::{Context, PeerId, Source};

use super::{Effect, PushError, Ticket, Zone, ZoneContext};
use crate::link::Offence;

/// Transactions that are being verified by the host.
#[derive(Debug, Default)]
pub(super) struct Verifications {
    pending: BTreeMap<Ticket, Pending>,
    per_peer: BTreeMap<PeerId, usize>,
    last: u64,
}

#[derive(Debug)]
struct Pending {
    sender: Option<(PeerId, IpAddr)>,
    stem: bool,
}

impl Verifications {
    fn insert(&mut self, pending: Pending) -> Ticket {
        self.last += 1;
        if let Some((peer, _)) = pending.sender {
            *self.per_peer.entry(peer).or_default() += 1;
        }
        self.pending.insert(Ticket(self.last), pending);
        Ticket(self.last)
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Pending> {
        let pending = self.pending.remove(&ticket)?;
        if let Some((peer, _)) = pending.sender
            && let Some(count) = self.per_peer.get_mut(&peer)
        {
            *count -= 1;
            if *count == 0 {
                self.per_peer.remove(&peer);
            }
        }
        Some(pending)
    }

    fn of_peer(&self, peer: PeerId) -> usize {
        self.per_peer.get(&peer).copied().unwrap_or_default()
    }
}

impl Zone {
    /// Takes a transaction of the owner, to be stemmed or, if `fluff`, to be told to everyone at
    /// once. What becomes of it comes out as [`Effect::Pushed`].
    pub fn push(&mut self, tx: Transaction, fluff: bool) -> Ticket {
        let ticket = self.verifications.insert(Pending { sender: None, stem: !fluff });
        self.effects.push_back(Effect::Verify { ticket, tx, sender: None });
        ticket
    }

    /// Takes the verdict on a transaction that [`Effect::Verify`] gave out.
    pub fn handle_verified(
        &mut self,
        ticket: Ticket,
        verdict: Result<ValidTx, VerifyError>,
        ctx: &ZoneContext<'_>,
    ) {
        let Some(Pending { sender, stem }) = self.verifications.remove(ticket) else { return };
        match (sender, verdict) {
            (None, verdict) => {
                let admitted = verdict
                    .map_err(PushError::from)
                    .and_then(|tx| Ok(self.admit(tx, Source::Own, stem, ctx)?));
                self.effects.push_back(Effect::Pushed { ticket, verdict: admitted });
            }
            (Some((peer, ip)), Err(_)) => self.offend_or_ban(peer, ip, Offence::InvalidProof, ctx),
            (Some((peer, _)), Ok(tx)) => {
                // What becomes of a stem transaction depends on the stempool, if only because a
                // part of it may be there already: it costs nothing, or the sender could tell.
                if let Err(refusal) = self.admit(tx, Source::Peer(peer), stem, ctx)
                    && !stem
                    && refusal.is_public()
                {
                    self.offend(peer, Offence::Refused, ctx);
                }
            }
        }
    }

    /// A transaction came that does not decode or breaks a cheap rule.
    pub fn handle_bad_transaction(&mut self, peer: PeerId, ctx: &ZoneContext<'_>) {
        self.offend(peer, Offence::BadTransaction, ctx);
    }

    pub(super) fn handle_stem_transaction(
        &mut self,
        peer: PeerId,
        tx: Transaction,
        ctx: &ZoneContext<'_>,
    ) {
        self.verify(peer, tx, true, ctx);
    }

    pub(super) fn handle_transaction(
        &mut self,
        peer: PeerId,
        tx: Transaction,
        ctx: &ZoneContext<'_>,
    ) {
        if let (Some(record), Some(first)) = (self.peers.get_mut(&peer), tx.kernels().first()) {
            record.learn(*first.hash());
        }
        self.verify(peer, tx, false, ctx);
    }

    /// Sends a transaction to the verifier, if its sender may and it is worth it.
    fn verify(&mut self, peer: PeerId, tx: Transaction, stem: bool, ctx: &ZoneContext<'_>) {
        let Some(record) = self.peers.get(&peer) else { return };
        let ip = record.addr.ip();
        let pool_ctx = Context { now: ctx.now, chain: ctx.chain, router: &mut self.router };
        if let Err(refusal) = self.pool.precheck(&tx, &pool_ctx) {
            if refusal.is_public() {
                self.offend(peer, Offence::Refused, ctx);
            }
            return;
        }
        let busy = self.verifications.of_peer(peer) >= self.config.verifications_per_peer
            || self.verifications.pending.len() >= self.config.verifications;
        if busy {
            // It may be us who are slow. A stem transaction has its embargo elsewhere; a public one
            // is still wanted and asked for again.
            return;
        }
        let ticket = self.verifications.insert(Pending { sender: Some((peer, ip)), stem });
        self.effects.push_back(Effect::Verify { ticket, tx, sender: Some(peer) });
    }

    fn admit(
        &mut self,
        tx: ValidTx,
        source: Source,
        stem: bool,
        ctx: &ZoneContext<'_>,
    ) -> Result<scape_pool::Accepted, scape_pool::Refusal> {
        if !stem {
            // What is refused here is no use from another peer either.
            tx.kernels().iter().for_each(|kernel| self.gossip.forget_wanted(kernel.hash()));
        }
        self.with_pool(ctx, |pool, ctx| match stem {
            true => pool.handle_stem(tx, source, ctx),
            false => pool.handle_fluff(tx, source, ctx),
        })
    }

    /// The offence counts even if the peer has hung up meanwhile.
    fn offend_or_ban(&mut self, peer: PeerId, ip: IpAddr, offence: Offence, ctx: &ZoneContext<'_>) {
        match self.peers.contains_key(&peer) {
            true => self.offend(peer, offence, ctx),
            false => self.charge(peer, ip, offence, ctx),
        }
    }
}
