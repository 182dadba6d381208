//! Where the pool does not do what is expected. The stories of `pool_model.rs` go around these.

use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{Commitment, Hash, NrdRelativeHeight, OutputFeatures, ValidTx, aggregate};
use scape_pool::{Context, Effect, Instant, PeerId, Pool, Source};
use scape_tests::model::{CONSENSUS, Ledger, Routes, Setup};

const PEER: Source = Source::Peer(PeerId(1));

struct World {
    pool: Pool,
    chain: Ledger,
    routes: Routes,
    now: Instant,
    rng: ChaCha12Rng,
}

impl World {
    fn new() -> Self {
        let relays = [Some(PeerId(10)); 2];
        Self {
            pool: Pool::new(Setup::default().config(), [7; 32]),
            chain: Ledger::default(),
            routes: Routes { fluff: 0xff, relays, down: None, sticky: false },
            now: Instant::ZERO,
            rng: seeded(1, 0),
        }
    }

    fn build(&mut self, tx: AssumedTx) -> ValidTx {
        tx.build(&mut self.rng, &CONSENSUS).expect("possible")
    }

    fn coin(&mut self) -> Commitment {
        self.chain.coin(OutputFeatures::Plain)
    }

    fn tx(&mut self) -> ValidTx {
        let coin = self.coin();
        self.build(AssumedTx::new().spend(coin))
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut Pool, &mut Context<'_>) -> T) -> T {
        let Self { pool, chain, routes, now, .. } = self;
        call(pool, &mut Context { now: *now, chain, router: routes })
    }

    fn stem(&mut self, tx: &ValidTx, source: Source) {
        self.call(|pool, ctx| pool.handle_stem(tx.clone(), source, ctx)).expect("taken");
    }

    fn mine(&mut self, txs: &[&ValidTx]) {
        let mut block = Vec::new();
        for tx in txs {
            assert!(self.chain.allows(tx, &block));
            block.push((*tx).clone());
        }
        let update = self.chain.update(0, &[block]);
        self.call(|pool, ctx| pool.handle_chain(&update, ctx));
    }

    fn wait_until(&mut self, secs: u64) {
        self.now = Instant::from_secs(secs);
        self.call(|pool, ctx| pool.handle_timeout(ctx));
    }

    fn fluffed(&mut self) -> Vec<ValidTx> {
        let effects = std::iter::from_fn(|| self.pool.poll_effect());
        let fluffed = effects.filter_map(|effect| match effect {
            Effect::Fluff { tx, .. } => Some(tx),
            Effect::Stem { .. } | Effect::Keep(_) | Effect::Erase { .. } | Effect::Notice(_) => {
                None
            }
        });
        fluffed.collect()
    }
}

fn kernel(tx: &ValidTx) -> Hash {
    *tx.kernels()[0].hash()
}

fn output(tx: &ValidTx) -> Commitment {
    tx.outputs()[0].commitment()
}

/// One story: two aggregates; a block takes a part of the child's and a rival of a part of the
/// parent's. What is left of both is announced, the child first.
#[test]
#[ignore = "what is left of aggregates is announced as it is found, not parents first"]
fn what_is_left_of_a_parent_is_announced_before_what_is_left_of_its_child() {
    let mut world = World::new();
    let (parent, companion) = (world.tx(), world.tx());
    world.stem(&parent, PEER);
    world.stem(&companion, PEER);
    world.wait_until(5);
    assert_eq!(world.fluffed().len(), 1);
    let child = world.build(AssumedTx::new().spend(output(&parent)));
    let other = world.tx();
    world.stem(&child, PEER);
    world.stem(&other, PEER);
    world.wait_until(15);
    assert_eq!(world.fluffed().len(), 1);
    let coin = companion.inputs()[0].commitment();
    let rival = world.build(AssumedTx::new().spend(coin));
    world.mine(&[&rival, &other]);
    let announced: Vec<_> = world.fluffed().iter().map(kernel).collect();
    assert_eq!(announced, [kernel(&parent), kernel(&child)]);
}

/// A block takes an NRD kernel of the excess of one that is pending. The pending one cannot be
/// mined for a while, and no Grin node would take it from us.
#[test]
#[ignore = "a block does not say its excesses, and the pool does not ask the chain again"]
fn a_pending_nrd_kernel_waits_when_a_block_takes_its_rival() {
    let mut world = World::new();
    let mut nrd = || {
        let coin = world.coin();
        let distance = NrdRelativeHeight::new(5).expect("in range");
        world.build(AssumedTx::new().spend(coin).nrd(distance, Some(Commitment([9; 33]))))
    };
    let (pending, rival) = (nrd(), nrd());
    world.stem(&pending, PEER);
    world.mine(&[&rival]);
    world.wait_until(5);
    assert_eq!(world.fluffed(), [], "not allowed before five more blocks");
}

/// The owner spends one output in two ways (to raise a fee, say). One is mined; the other can
/// never be.
#[test]
#[ignore = "of two pushed transactions with a common input only the last is told that it exists"]
fn what_the_owner_has_replaced_does_not_wait_for_ever() {
    let mut world = World::new();
    let parent = world.tx();
    let first = world.build(AssumedTx::new().spend(output(&parent)));
    let second = world.build(AssumedTx::new().spend(output(&parent)));
    world.stem(&first, Source::Own);
    world.stem(&second, Source::Own);
    world.mine(&[&parent]);
    world.mine(&[&second]);
    assert_eq!(world.pool.counts().stem, 0);
    assert_eq!(world.pool.counts().orphans, 0, "its input is spent in the chain");
}

/// The owner pushes twice what has to wait; then all of it is seen in public.
#[test]
#[ignore = "orphans that are kept may share kernels, but only one is found by a kernel"]
fn an_orphan_that_was_pushed_twice_leaves_when_it_is_seen() {
    let mut world = World::new();
    let parent = world.tx();
    let child = world.build(AssumedTx::new().spend(output(&parent)));
    world.stem(&child, Source::Own);
    world.stem(&child, Source::Own);
    let both = aggregate(&[parent, child]).expect("a family");
    world.call(|pool, ctx| pool.handle_fluff(both, PEER, ctx)).expect("taken");
    assert_eq!(world.pool.counts().orphans, 0, "it is public");
}
