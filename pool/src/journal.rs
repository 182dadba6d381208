//! What has to survive a crash: the owner's transactions, until others have them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use scape_aggregate::{Commitment, Hash, ValidTx};

use crate::orphans::{Arrival, Left, Past};
use crate::own::Stage;
use crate::pool::{Part, StemMeta};
use crate::store::{Entry, creates, kernel_hashes, spends};
use crate::{BlockSummary, Context, Effect, EntryId, Instant, Notice, Pool, Refusal, Source};

/// One of the owner's transactions, as the host keeps it over a crash.
///
/// It is made when the owner's transaction is accepted, replaced when it goes out on the stem and
/// when it becomes public, and erased when others have it too: from then on what is kept could only
/// tell whose it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The transaction as the owner pushed it.
    pub tx: ValidTx,
    /// Those of its inputs that were in the chain once, in order: if one is not there any more, a
    /// block has spent it.
    pub confirmed: Vec<Commitment>,
    /// How far it has come.
    pub stage: RecordStage,
}

/// How far one of the owner's transactions has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordStage {
    /// It has not left. The end of its embargo is there if it is in the stempool, and not if it
    /// waits for its parent, or to fit again.
    Waiting {
        /// The end of its embargo.
        embargo: Option<Instant>,
    },
    /// A relay has got it: it is not sent again, but fluffed when the embargo ends.
    Sent {
        /// The end of its embargo.
        embargo: Instant,
    },
    /// It was sealed to a sink: it is not sent again before the embargo ends, and then to a sink
    /// again.
    Sealed {
        /// The end of its embargo.
        embargo: Instant,
        /// How often it was sealed before in vain.
        attempts: u8,
    },
    /// It was fluffed here, and nobody has shown yet to have it.
    Public,
}

impl Record {
    /// What names the record: the hash of the hashes of the transaction's kernels.
    pub fn key(&self) -> Hash {
        let kernels = self.tx.kernels().iter().map(|kernel| kernel.hash().as_bytes().as_slice());
        Hash::of(&kernels.collect::<Vec<_>>())
    }
}

/// What the host was told to keep, and what may have changed since.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    kept: BTreeMap<EntryId, Record>,
    touched: BTreeSet<EntryId>,
    /// How many of the effects that the host has not taken yet come from calls before this one.
    earlier: usize,
}

impl Journal {
    pub(crate) fn touch(&mut self, id: EntryId) {
        self.touched.insert(id);
    }

    /// The host took an effect.
    pub(crate) fn on_effect_taken(&mut self) {
        self.earlier = self.earlier.saturating_sub(1);
    }
}

impl Pool {
    /// Goes on after a crash with what was kept: embargoes end when they would have ended, and what
    /// was sent is not sent once more before that. The embargo of what was not sent begins anew if it
    /// ended meanwhile. Call it before anything else; and later for what another zone has given up, see
    /// [`Pool::withdraw`].
    ///
    /// `recent` are the last blocks of the chain, the first one first: what they hold was mined
    /// meanwhile. What does not fit any more is reported as conflicted, and forgotten when that is
    /// final.
    pub fn restore(
        &mut self,
        records: impl IntoIterator<Item = Record>,
        recent: &[BlockSummary],
        ctx: &mut Context<'_>,
    ) {
        let records = parents_first(records.into_iter().collect());
        for Record { tx, confirmed, .. } in &records {
            self.own(tx.clone(), confirmed.clone(), ctx);
        }
        recent.iter().for_each(|block| self.owned.connect(block));
        for record in records {
            if self.owned.is_mined(&record.tx) {
                self.effects.push_back(Effect::Erase { key: record.key() });
                continue;
            }
            let Record { tx, stage, .. } = record;
            let source = Source::Own;
            let verdict = match stage {
                _ if !self.own_can_come_back(&tx, ctx) => Err(Refusal::MissingInput),
                RecordStage::Public => {
                    let past = Past::Public { parts: vec![own_part(&tx)] };
                    let arrival = Arrival::again(tx.clone(), source, past);
                    self.admit_public(arrival, ctx)
                }
                RecordStage::Waiting { embargo } => {
                    // Nobody has seen it: where the node was down meanwhile it begins anew.
                    let embargo = embargo.filter(|end| *end > ctx.now);
                    let embargo = embargo.unwrap_or_else(|| self.fresh_embargo(ctx));
                    let past = Past::Stem { embargo, left: Left::Not };
                    self.admit_stem(Arrival::again(tx.clone(), source, past), ctx)
                }
                RecordStage::Sent { embargo } => {
                    let past = Past::Stem { embargo, left: Left::Stem };
                    self.admit_stem(Arrival::again(tx.clone(), source, past), ctx)
                }
                RecordStage::Sealed { embargo, attempts } => {
                    let past = Past::Stem { embargo, left: Left::Sealed { attempts } };
                    self.admit_stem(Arrival::again(tx.clone(), source, past), ctx)
                }
            };
            if verdict.is_err() {
                self.notice(Notice::Conflicted { kernels: kernel_hashes(&tx), by: None });
            }
        }
        self.reconsider_own();
        self.settle(ctx);
    }

    /// A peer has shown that it has a public transaction with this kernel: if it is the owner's, it
    /// need not be kept any more.
    pub fn handle_known_elsewhere(&mut self, kernel: &Hash) {
        if self.txpool.with_kernel(kernel).is_some() {
            self.owned.heard(kernel);
            self.write_journal();
        }
    }

    /// Tells the host what to keep now. What has to be kept comes before all that has come of it, so
    /// that nothing leaves before it is written down; what can be erased comes last.
    pub(crate) fn write_journal(&mut self) {
        let touched = std::mem::take(&mut self.owned.journal.touched);
        let mut keep = Vec::new();
        for id in touched {
            let Some(record) = self.record(id) else {
                let erased = self.owned.journal.kept.remove(&id);
                self.effects.extend(erased.map(|record| Effect::Erase { key: record.key() }));
                continue;
            };
            if self.owned.journal.kept.get(&id) != Some(&record) {
                self.owned.journal.kept.insert(id, record.clone());
                keep.push(Effect::Keep(record));
            }
        }
        if !keep.is_empty() {
            let of_this_call = self.effects.split_off(self.owned.journal.earlier);
            self.effects.extend(keep.into_iter().chain(of_this_call));
        }
        self.owned.journal.earlier = self.effects.len();
    }

    /// What is to be kept of one of the owner's transactions; `None` if nothing.
    pub(crate) fn record(&self, id: EntryId) -> Option<Record> {
        let (tx, confirmed, stage) = self.owned.stage(id)?;
        let kernels = || tx.kernels().iter().map(|kernel| kernel.hash());
        let on_stem = kernels().filter_map(|kernel| self.stem.get(self.stem.with_kernel(kernel)?));
        let (sent, waiting): (Vec<_>, Vec<_>) = on_stem.partition(|entry| entry.meta.sent);
        let last = |entries: &[&Entry<StemMeta>]| entries.iter().map(|e| e.meta.embargo).max();
        let stage = match (last(&waiting), last(&sent), stage) {
            (Some(embargo), ..) => RecordStage::Waiting { embargo: Some(embargo) },
            (None, Some(embargo), _) => sent_stage(embargo, left(&sent)),
            (None, None, Stage::Settled) => return None,
            (None, None, Stage::Pending { heard }) => {
                let sent = kernels().find_map(|kernel| self.stem_orphans.sent_under(kernel));
                match kernels().all(|kernel| self.txpool.with_kernel(kernel).is_some()) {
                    // It was sent in another life, and waits in this one.
                    false if let Some((embargo, left)) = sent => sent_stage(embargo, left),
                    false => RecordStage::Waiting { embargo: None },
                    true if heard => return None,
                    true => RecordStage::Public,
                }
            }
        };
        Some(Record { tx, confirmed, stage })
    }

    /// Something happened to an entry with these kernels.
    pub(crate) fn touch_own(&mut self, tx: &ValidTx) {
        if !self.owned.is_empty() {
            self.owned.touch(tx.kernels().iter().map(|kernel| kernel.hash()));
        }
    }
}

impl Pool {
    /// Something happened to a stem entry.
    pub(crate) fn touch_own_entry(&mut self, id: EntryId) {
        if self.owned.is_empty() {
            return;
        }
        if let Some(entry) = self.stem.get(id) {
            self.owned.touch(entry.tx.kernels().iter().map(|kernel| kernel.hash()));
        }
    }
}

fn sent_stage(embargo: Instant, left: Left) -> RecordStage {
    match left {
        Left::Sealed { attempts } => RecordStage::Sealed { embargo, attempts },
        Left::Not | Left::Stem => RecordStage::Sent { embargo },
    }
}

/// How these entries, which were sent, left last. What is to leave anew, or may have left in the
/// clear, counts as if it had left along the stem.
fn left(sent: &[&Entry<StemMeta>]) -> Left {
    let sealed = |entry: &&Entry<StemMeta>| entry.meta.state.is_sealed();
    let attempts = sent.iter().map(|entry| entry.meta.attempts).max();
    match attempts.filter(|_| sent.iter().all(sealed)) {
        Some(attempts) => Left::Sealed { attempts },
        None => Left::Stem,
    }
}

fn own_part(tx: &ValidTx) -> Part {
    Part { tx: tx.clone(), own: true }
}

/// The records in an order in which none comes before one that it depends on.
fn parents_first(mut records: Vec<Record>) -> Vec<Record> {
    let mut ordered = Vec::with_capacity(records.len());
    while !records.is_empty() {
        let coming: HashSet<_> = records.iter().flat_map(|record| creates(&record.tx)).collect();
        let waits = |record: &Record| spends(&record.tx).any(|input| coming.contains(&input));
        let (waiting, ready): (Vec<_>, Vec<_>) = records.into_iter().partition(waits);
        if ready.is_empty() {
            // They depend on each other: nothing that was ever valid does.
            ordered.extend(waiting);
            break;
        }
        ordered.extend(ready);
        records = waiting;
    }
    ordered
}
