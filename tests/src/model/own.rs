//! The owner's transactions: none is lost as long as it can still be mined.

use std::collections::BTreeSet;

use scape_aggregate::{Commitment, ValidTx};
use scape_pool::{BlockSummary, ChainView, Notice, Source};

use super::entries::{Arrival, Past, Pushed, creates, is_inside, kernels, overlaps, spends};
use super::rules::Fit;
use super::{Model, Rule, World};

impl Model {
    /// Remembers what the owner pushed, but for what of it was public or remembered before.
    pub(super) fn push(&mut self, tx: ValidTx, world: &World) {
        // If all of it is public now, it came in to be so.
        let tx = self.without_public(&tx, true).unwrap_or(tx);
        let guarded: Vec<_> = self.pushed.iter().flat_map(|own| kernels(&own.tx)).collect();
        if is_inside(&tx, &guarded) {
            return;
        }
        let rest = self.separated(&tx, self.pushed.iter().map(|own| &own.tx));
        let tx = rest.filter(|_| overlaps(&tx, &guarded)).unwrap_or(tx);
        let confirmed = spends(&tx).filter(|input| world.chain.utxo(input).is_some()).collect();
        let (mined, untold, stranded, retry) = (None, BTreeSet::new(), None, false);
        self.pushed.push(Pushed { tx, confirmed, mined, untold, stranded, retry });
    }

    pub(super) fn connect_pushed(&mut self, block: &BlockSummary) {
        for own in &mut self.pushed {
            own.confirmed.extend(spends(&own.tx).filter(|c| block.outputs.contains(c)));
            if overlaps(&own.tx, &block.kernels) {
                own.mined = Some((block.hash, block.height));
                let all = kernels(&own.tx).into_iter();
                own.untold.extend(all.filter(|kernel| block.kernels.contains(kernel)));
            }
        }
    }

    pub(super) fn forget_pushed(&mut self, oldest: u64) {
        self.pushed.retain(|own| {
            own.mined.is_none_or(|(_, height)| height >= oldest)
                && own.stranded.is_none_or(|since| since >= oldest)
        });
    }

    /// Says what a block took without a pool having held it as such.
    pub(super) fn reconsider_pushed(&mut self) {
        for own in &mut self.pushed {
            own.retry = true;
        }
        while let Some(own) = self.pushed.iter_mut().find(|own| !own.untold.is_empty()) {
            let kernels = std::mem::take(&mut own.untold).into_iter().collect();
            if let Some((_, height)) = own.mined {
                self.notice(Notice::Mined { kernels, height });
            }
        }
    }

    /// Sends again what nobody holds any more. What does not fit is tried again with each block.
    /// Returns whether there was any.
    pub(super) fn rescue(&mut self, world: &World) -> bool {
        let mut rescued = false;
        for index in 0..self.pushed.len() {
            let own = self.pushed[index].clone();
            if !std::mem::take(&mut self.pushed[index].retry) && own.stranded.is_some() {
                continue;
            }
            if own.mined.is_some() || self.holds(&own.tx) {
                self.pushed[index].stranded = None;
                continue;
            }
            let fits = self.can_come_back(&own, world) && self.send_again(&own.tx, world);
            let since = own.stranded.unwrap_or(world.chain.tip().height);
            self.pushed[index].stranded = (!fits).then_some(since);
            rescued |= fits;
        }
        rescued
    }

    /// What comes back with the owner's transactions in one that is given up.
    pub(super) fn promised(&self, tx: &ValidTx, world: &World) -> Vec<Commitment> {
        if !self.keeps(Rule::Rescue) {
            return Vec::new();
        }
        let all = kernels(tx);
        let pending =
            self.pushed.iter().filter(|own| own.mined.is_none() && overlaps(&own.tx, &all));
        let back = pending.filter(|own| self.can_come_back(own, world));
        back.flat_map(|own| creates(&own.tx).collect::<Vec<_>>()).collect()
    }

    /// Whether nothing that was in the chain is missing.
    fn can_come_back(&self, own: &Pushed, world: &World) -> bool {
        match self.fit_again(&own.tx, true, world) {
            Fit::Refused(_) => false,
            Fit::Fits | Fit::Awaits(_) | Fit::AwaitsHeight(_) => {
                own.confirmed.iter().all(|input| world.chain.utxo(input).is_some())
            }
        }
    }

    fn send_again(&mut self, tx: &ValidTx, world: &World) -> bool {
        if !self.keeps(Rule::Rescue) {
            return false;
        }
        let past = Past::Stem(self.embargo_from(world.now));
        let arrival = Arrival::again(tx.clone(), Source::Own, past);
        self.admit_stem(arrival, world).is_ok()
    }
}
