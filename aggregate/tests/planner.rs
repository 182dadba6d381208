//! What candidates say about each other must not depend on their order.

use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{ChainType, Commitment, Consensus, PlanLimits, Transaction, ValidTx, plan};

const CHAIN: Consensus = Consensus::of(ChainType::AutomatedTesting);

fn parts_of_every_order(txs: &[ValidTx; 3]) -> Vec<Vec<(u8, Vec<usize>)>> {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let planned = orders.map(|order| {
        let candidates = order.map(|index| (index, 0, txs[index].clone()));
        let plan = plan(&candidates, &PlanLimits::of(CHAIN.chain));
        plan.into_iter().map(|made| (made.lane, made.parts)).collect()
    });
    planned.to_vec()
}

fn assert_all_equal(plans: &[Vec<(u8, Vec<usize>)>]) {
    for plan in plans {
        assert_eq!(plan, &plans[0]);
    }
}

#[test]
fn all_who_create_an_output_are_parents_of_who_spends_it() {
    let mut rng = seeded(1, 0);
    let output = Commitment([8; 33]);
    let creators = [0, 1].map(|_| AssumedTx::new().create(output).build(&mut rng, &CHAIN).unwrap());
    let child = AssumedTx::new().spend(output).build(&mut rng, &CHAIN).unwrap();
    let [a, b] = creators;
    assert_all_equal(&parts_of_every_order(&[a.clone(), b.clone(), child.clone()]));

    let candidates = [(0, 'a', a), (1, 'b', b), (2, 'c', child)];
    let plan = plan(&candidates, &PlanLimits::of(CHAIN.chain));
    assert!(plan.iter().all(|made| made.lane == 'a'), "they are one family");
}

#[test]
fn transactions_of_one_kernel_are_ordered_by_their_other_parts() {
    let mut rng = seeded(2, 0);
    let first = AssumedTx::new().build(&mut rng, &CHAIN).unwrap();
    let txs = [0, 1, 2].map(|_| {
        let other = AssumedTx::new().build(&mut rng, &CHAIN).unwrap();
        let kernels = first.kernels().to_vec();
        let (inputs, outputs) = (other.inputs_as_held().clone(), other.outputs().to_vec());
        let tx = Transaction::new(*other.offset(), inputs, outputs, kernels, &CHAIN);
        ValidTx::assumed(tx.unwrap())
    });
    assert_all_equal(&parts_of_every_order(&txs));
}
