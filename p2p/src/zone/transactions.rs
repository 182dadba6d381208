//! Transactions on their way in: from a message, through the verifier, to the pool.

use scape_aggregate::{Transaction, ValidTx, VerifyError};
use scape_pool::{Accepted, ChainUpdate, Context, PeerId, Refusal, Source, WayOut};

use super::verifications::Pending;
use super::{Effect, PushError, Ticket, Unverified, Zone, ZoneContext};
use crate::addr::Host;
use crate::link::Offence;

/// How a transaction came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// It is public.
    Fluff,
    /// On the stem.
    Stem,
    /// Sealed to us: not even the peer who sent it could read it.
    Sealed,
}

impl Zone {
    /// Takes a transaction of the owner, to be stemmed or, if `fluff`, to be told to everyone at
    /// once. What becomes of it comes out as [`Effect::Pushed`].
    pub fn push(&mut self, tx: Transaction, fluff: bool) -> Ticket {
        let way = if fluff { Way::Fluff } else { Way::Stem };
        let ticket = self.verifications.insert(Pending::new(&tx, None, way));
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
        let Some(Pending { sender, way, .. }) = self.verifications.remove(ticket) else { return };
        match (sender, verdict) {
            (None, verdict) => {
                let admitted =
                    verdict.map_err(PushError::from).and_then(|tx| self.admit_own(tx, way, ctx));
                self.effects.push_back(Effect::Pushed { ticket, verdict: admitted });
            }
            // Who sent it could not know. It has used up what its link may carry.
            (Some(_), Err(_)) if way == Way::Sealed => {}
            (Some((peer, host)), Err(_)) => {
                self.offend_or_ban(peer, host, Offence::InvalidProof, ctx)
            }
            (Some((peer, _)), Ok(tx)) => {
                // What becomes of a stem transaction depends on the stempool, if only because a
                // part of it may be there already: it costs nothing, or the sender could tell.
                match self.admit(tx.clone(), Source::Peer(peer), way, ctx) {
                    Ok(verdict) => self.pass_on(tx, way, verdict, ctx),
                    Err(refusal) if way == Way::Fluff && refusal.is_public() => {
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
        self.verify(peer, tx, Way::Stem, ctx);
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
        self.verify(peer, tx, Way::Fluff, ctx);
    }

    /// Sends a transaction to the verifier, if its sender may and it is worth it.
    pub(super) fn verify(
        &mut self,
        peer: PeerId,
        tx: Transaction,
        way: Way,
        ctx: &ZoneContext<'_>,
    ) {
        let Some(record) = self.peers.get(&peer) else { return };
        let host = record.host();
        if let Err(refusal) = self.precheck(&tx, ctx) {
            if refusal.is_public() && way != Way::Sealed {
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
        let ticket = self.verifications.insert(Pending::new(&tx, Some((peer, host)), way));
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
        way: Way,
        ctx: &ZoneContext<'_>,
    ) -> Result<Accepted, Refusal> {
        if way == Way::Fluff {
            // What is refused here is no use from another peer either.
            tx.kernels().iter().for_each(|kernel| self.gossip.forget_wanted(kernel.hash()));
        }
        self.with_pool(ctx, |pool, ctx| match way {
            Way::Fluff => pool.handle_fluff(tx, source, ctx),
            Way::Stem => pool.handle_stem(tx, source, ctx),
            Way::Sealed => pool.handle_sealed(tx, source, ctx),
        })
    }

    /// Whether the owner's transaction is taken is decided by what is public alone: a wallet, whose
    /// user may be somebody else, must not learn what is on the stem by pushing what it knows or
    /// what excludes it. What only the stempool speaks against is kept as a rival.
    fn admit_own(
        &mut self,
        tx: ValidTx,
        way: Way,
        ctx: &ZoneContext<'_>,
    ) -> Result<Accepted, PushError> {
        self.pool.check_own_room(&tx)?;
        // Where it cannot leave, there is nobody to tell of it.
        let way = if self.way_out() == WayOut::Shut { Way::Stem } else { way };
        if way == Way::Fluff {
            return Ok(self.admit(tx, Source::Own, way, ctx)?);
        }
        self.check_length(&tx)?;
        let pool_ctx = Context { now: ctx.now, chain: ctx.chain, router: &mut self.router };
        self.pool.public_verdict(&tx, &pool_ctx)?;
        let admitted = self.admit(tx.clone(), Source::Own, way, ctx);
        Ok(admitted.unwrap_or_else(|_| self.with_pool(ctx, |pool, ctx| pool.handle_rival(tx, ctx))))
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
