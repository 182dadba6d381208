//! Merging and subtracting, by structure.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests may")]

use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{AssumedTx, assumed_chain, seeded};
use scape_aggregate::{
    AggregateError, BlindingFactor, ChainType, Commitment, Consensus, DeaggregateError,
    NrdRelativeHeight, ProtocolVersion, Transaction, ValidTx, aggregate, deaggregate,
};

const CHAIN: Consensus = Consensus::of(ChainType::Mainnet).with_nrd();

fn build(tx: AssumedTx, rng: &mut ChaCha12Rng) -> ValidTx {
    tx.build(rng, &CHAIN).unwrap()
}

fn created(tx: &ValidTx, index: usize) -> Commitment {
    tx.outputs()[index].commitment()
}

/// That it is canonical: read back, every rule is checked.
fn assert_canonical(tx: &ValidTx) {
    let bytes = tx.encode(ProtocolVersion::LOCAL).unwrap();
    let read = Transaction::decode(&bytes, ProtocolVersion::LOCAL, &CHAIN).unwrap();
    assert_eq!(&read, tx.as_transaction());
}

#[test]
fn a_sum_has_all_parts_but_what_was_cut_through() {
    let mut rng = seeded(1, 0);
    for length in 0..12 {
        let mut txs = assumed_chain(length, &mut rng, &CHAIN).unwrap();
        txs.extend((0..3).map(|_| build(AssumedTx::new(), &mut rng)));
        let sum = aggregate(&txs).unwrap();
        let pairs = length.saturating_sub(1);
        let all = |count: fn(&ValidTx) -> usize| txs.iter().map(count).sum::<usize>();
        assert_eq!(sum.inputs().len(), all(|tx| tx.inputs().len()) - pairs);
        assert_eq!(sum.outputs().len(), all(|tx| tx.outputs().len()) - pairs);
        assert_eq!(sum.kernels().len(), txs.len());
        assert_eq!(sum.fee(), txs.iter().map(|tx| tx.fee()).sum::<u64>());
        assert_canonical(&sum);
    }
}

#[test]
fn the_order_of_parts_does_not_show() {
    let mut rng = seeded(2, 0);
    let mut txs = assumed_chain(5, &mut rng, &CHAIN).unwrap();
    txs.push(build(AssumedTx::new(), &mut rng));
    let sum = aggregate(&txs).unwrap();
    txs.reverse();
    assert_eq!(aggregate(&txs).unwrap(), sum);
    let halves = [aggregate(&txs[..2]).unwrap(), aggregate(&txs[2..]).unwrap()];
    assert_eq!(aggregate(&halves).unwrap(), sum);
    assert_eq!(aggregate(&txs[..1]).unwrap(), txs[0]);
    let nothing = aggregate(&[]).unwrap();
    assert_eq!((nothing.weight().0, nothing.offset()), (0, &BlindingFactor::ZERO));
}

#[test]
fn what_excludes_each_other_is_not_merged() {
    let mut rng = seeded(3, 0);
    let coin = Commitment([9; 33]);
    let spends = [0, 1].map(|_| build(AssumedTx::new().spend(coin), &mut rng));
    assert_eq!(aggregate(&spends), Err(AggregateError::DuplicateInput));
    let creates = [0, 1].map(|_| build(AssumedTx::new().create(coin), &mut rng));
    assert_eq!(aggregate(&creates), Err(AggregateError::DuplicateOutput));
    let kernel = creates[0].kernels().to_vec();
    let other = &spends[0];
    let (inputs, outputs) = (other.inputs_as_held().clone(), other.outputs().to_vec());
    let twin = Transaction::new(*other.offset(), inputs, outputs, kernel, &CHAIN).unwrap();
    let twins = [creates[0].clone(), ValidTx::assumed(twin)];
    assert_eq!(aggregate(&twins), Err(AggregateError::DuplicateKernel));
    let blocks = NrdRelativeHeight::new(5).unwrap();
    let nrd = [0, 1].map(|_| build(AssumedTx::new().nrd(blocks, Some(coin)), &mut rng));
    assert_eq!(aggregate(&nrd), Err(AggregateError::DuplicateNrd));
}

#[test]
fn a_difference_is_what_is_left() {
    let mut rng = seeded(4, 0);
    let txs: Vec<_> = (0..6).map(|_| build(AssumedTx::new(), &mut rng)).collect();
    let sum = aggregate(&txs).unwrap();
    for cut in 1..6 {
        let rest = deaggregate(&sum, &txs[..cut]).unwrap();
        assert_eq!(rest, ValidTx::assumed(commit_only(&aggregate(&txs[cut..]).unwrap())));
        assert_canonical(&rest);
    }
    let stranger = build(AssumedTx::new(), &mut rng);
    let both = [txs[0].clone(), stranger];
    assert_eq!(deaggregate(&sum, &both[1..]), Err(DeaggregateError::NotAPart));
    assert_eq!(deaggregate(&sum, &both), Err(DeaggregateError::NotAPart));
    let twice = [txs[0].clone(), txs[0].clone()];
    let parts = DeaggregateError::Parts(AggregateError::DuplicateInput);
    assert_eq!(deaggregate(&sum, &twice), Err(parts));
}

/// As aggregates have them.
fn commit_only(tx: &ValidTx) -> Transaction {
    let inputs = tx.inputs().iter().map(|input| input.commitment());
    let inputs = scape_aggregate::Inputs::from_commitments(inputs);
    let (outputs, kernels) = (tx.outputs().to_vec(), tx.kernels().to_vec());
    Transaction::new(*tx.offset(), inputs, outputs, kernels, &CHAIN).unwrap()
}

#[test]
fn a_child_gets_back_the_input_that_was_cut_through_and_a_parent_is_lost() {
    let mut rng = seeded(5, 0);
    let parent = build(AssumedTx::new(), &mut rng);
    let child = build(AssumedTx::new().spend(created(&parent, 0)), &mut rng);
    let both = aggregate(&[parent.clone(), child.clone()]).unwrap();
    assert_eq!(deaggregate(&both, std::slice::from_ref(&parent)).unwrap(), child);
    assert_eq!(deaggregate(&both, &[child]), Err(DeaggregateError::OutputLost));
}

/// An aggregate that has the kernels of a part without its outputs was not made of it.
#[test]
fn a_remainder_that_cannot_be_is_refused() {
    let mut rng = seeded(6, 0);
    let (part, rest) = (build(AssumedTx::new(), &mut rng), build(AssumedTx::new(), &mut rng));
    let output = created(&part, 0);
    // It spends and creates what the part creates.
    let liar = build(AssumedTx::new().spend(output), &mut rng);
    let inputs = part.inputs().iter().chain(liar.inputs()).map(|input| input.commitment());
    let inputs = scape_aggregate::Inputs::from_commitments(inputs);
    let mut kernels = [part.kernels(), rest.kernels()].concat();
    kernels.sort_by_key(|kernel| *kernel.hash());
    let outputs = rest.outputs().to_vec();
    let whole = Transaction::new(*part.offset(), inputs, outputs, kernels, &CHAIN).unwrap();
    let verdict = deaggregate(&ValidTx::assumed(whole), &[part]);
    assert_eq!(verdict, Err(DeaggregateError::Inconsistent));
}
