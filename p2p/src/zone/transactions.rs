//! Transactions on their way in: from a message, through the verifier, to the pool.

use scape_aggregate::{Transaction, ValidTx, VerifyError};
use scape_pool::{Accepted, ChainUpdate, Context, PeerId, Refusal, Source};

use super::verifications::Pending;
use super::{Effect, PushError, Ticket, Unverified, Zone, ZoneContext};
use crate::addr::Host;
use crate::link::Offence;

impl Zone {
    /// Takes a transaction of the owner, to be stemmed or, if `fluff`, to be told to everyone at
    /// once. What becomes of it comes out as [`Effect::Pushed`].
    pub fn push(&mut self, tx: Transaction, fluff: bool) -> Ticket {
        let ticket = self.verifications.insert(Pending::new(&tx, None, !fluff));
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
        let Some(Pending { sender, stem, .. }) = self.verifications.remove(ticket) else { return };
        match (sender, verdict) {
            (None, verdict) => {
                let admitted = verdict
                    .map_err(PushError::from)
                    .and_then(|tx| Ok(self.admit_own(tx, stem, ctx)?));
                self.effects.push_back(Effect::Pushed { ticket, verdict: admitted });
            }
            (Some((peer, host)), Err(_)) => {
                self.offend_or_ban(peer, host, Offence::InvalidProof, ctx)
            }
            (Some((peer, _)), Ok(tx)) => {
                // What becomes of a stem transaction depends on the stempool, if only because a
                // part of it may be there already: it costs nothing, or the sender could tell.
                match self.admit(tx.clone(), Source::Peer(peer), stem, ctx) {
                    Ok(verdict) => self.pass_on(tx, verdict, ctx),
                    Err(refusal) if !stem && refusal.is_public() => {
                        self.offend(peer, Offence::Refused, ctx);
                    }
                    Err(_) => {}
                }
            }
        }
    }

    /// A transaction that [`Effect::Verify`] gave out was not verified.
    pub fn handle_unverified(&mut self, ticket: Ticket, why: Unverified, ctx: &ZoneContext<'_>) {
        let Some(Pending { sender, .. }) = self.verifications.remove(ticket) else { return };
        match (sender, why) {
            (None, why) => {
                self.effects.push_back(Effect::Pushed { ticket, verdict: Err(why.into()) });
            }
            // It may be we who are slow; who goes on like that runs out of points all the same.
            (Some((peer, host)), Unverified::Flood) => {
                self.offend_or_ban(peer, host, Offence::Refused, ctx);
            }
            // A stem transaction has its embargo elsewhere, a public one is asked for again.
            (Some(_), Unverified::Busy | Unverified::Cancelled | Unverified::Failed) => {}
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
        let host = record.host();
        if let Err(refusal) = self.precheck(&tx, ctx) {
            if refusal.is_public() {
                self.offend(peer, Offence::Refused, ctx);
            }
            return;
        }
        let busy = self.verifications.count_of(peer) >= self.config.verifications_per_peer
            || self.verifications.len() >= self.config.verifications;
        if busy {
            // It may be us who are slow. A stem transaction has its embargo elsewhere; a public one
            // is still wanted and asked for again.
            return;
        }
        let ticket = self.verifications.insert(Pending::new(&tx, Some((peer, host)), stem));
        self.effects.push_back(Effect::Verify { ticket, tx, sender: Some(peer) });
    }

    fn precheck(&mut self, tx: &Transaction, ctx: &ZoneContext<'_>) -> Result<(), Refusal> {
        let pool_ctx = Context { now: ctx.now, chain: ctx.chain, router: &mut self.router };
        self.pool.precheck(tx, &pool_ctx)
    }

    /// Gives up those of these transactions that what has become public makes pointless. It costs
    /// their senders nothing: they could not know.
    pub(super) fn recheck(&mut self, tickets: Vec<Ticket>, ctx: &ZoneContext<'_>) {
        for ticket in tickets {
            let Some(tx) = self.verifications.tx(ticket) else { continue };
            if self.precheck(&tx, ctx).is_err() {
                self.cancel(ticket);
            }
        }
    }

    /// Gives up what a step of the chain makes pointless.
    pub(super) fn recheck_after(&mut self, update: &ChainUpdate, ctx: &ZoneContext<'_>) {
        let spent = update.connected.iter().flat_map(|block| block.inputs.iter().copied());
        let gone = spent.filter(|commitment| ctx.chain.utxo(commitment).is_none());
        for ticket in self.verifications.spending(gone) {
            self.cancel(ticket);
        }
        self.recheck(self.verifications.of_all_peers(), ctx);
    }

    /// Gives up what a peer has sent.
    pub(super) fn cancel_of(&mut self, peer: PeerId) {
        for ticket in self.verifications.of_peer(peer) {
            self.cancel(ticket);
        }
    }

    /// The ticket stays taken until the host has said which came first, this or the verdict: who
    /// sends a wrong proof and hangs up is still to blame.
    fn cancel(&mut self, ticket: Ticket) {
        if self.verifications.give_up(ticket) {
            self.effects.push_back(Effect::Cancel { ticket });
        }
    }

    pub(super) fn admit(
        &mut self,
        tx: ValidTx,
        source: Source,
        stem: bool,
        ctx: &ZoneContext<'_>,
    ) -> Result<Accepted, Refusal> {
        if !stem {
            // What is refused here is no use from another peer either.
            tx.kernels().iter().for_each(|kernel| self.gossip.forget_wanted(kernel.hash()));
        }
        self.with_pool(ctx, |pool, ctx| match stem {
            true => pool.handle_stem(tx, source, ctx),
            false => pool.handle_fluff(tx, source, ctx),
        })
    }

    /// Whether the owner's transaction is taken is decided by what is public alone: a wallet, whose
    /// user may be somebody else, must not learn what is on the stem by pushing what it knows or
    /// what excludes it. What only the stempool speaks against is kept as a rival.
    fn admit_own(
        &mut self,
        tx: ValidTx,
        stem: bool,
        ctx: &ZoneContext<'_>,
    ) -> Result<Accepted, Refusal> {
        self.pool.check_own_room(&tx)?;
        if !self.lets_own_out() {
            let pool_ctx = Context { now: ctx.now, chain: ctx.chain, router: &mut self.router };
            self.pool.public_verdict(&tx, &pool_ctx)?;
            return Ok(self.with_pool(ctx, |pool, ctx| pool.handle_held(tx, ctx)));
        }
        if !stem {
            return self.admit(tx, Source::Own, stem, ctx);
        }
        let pool_ctx = Context { now: ctx.now, chain: ctx.chain, router: &mut self.router };
        self.pool.public_verdict(&tx, &pool_ctx)?;
        self.admit(tx.clone(), Source::Own, stem, ctx)
            .or_else(|_| Ok(self.with_pool(ctx, |pool, ctx| pool.handle_rival(tx, ctx))))
    }

    /// The offence counts even if the peer has hung up meanwhile.
    fn offend_or_ban(
        &mut self,
        peer: PeerId,
        host: Option<Host>,
        offence: Offence,
        ctx: &ZoneContext<'_>,
    ) {
        match self.peers.contains_key(&peer) {
            true => self.offend(peer, offence, ctx),
            false => self.charge(peer, host, offence, ctx),
        }
    }
}
