//! What a pool lives through, beside a naive model of it.

use arbitrary::Unstructured;
use scape_tests::model::{Op, Setup, Trial};

/// The longest story: the model takes its time.
const STEPS: usize = 128;

/// `[setup] ([operation])*`, four bytes each: pool and model say and do the same, also when all
/// is left alone in the end.
pub fn live(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let Ok(setup) = u.arbitrary() else { return };
    let mut trial = Trial::new(Setup::from_byte(setup));
    for step in 0..STEPS {
        let Ok(bytes) = u.bytes(4) else { break };
        let op = Op::from_bytes(bytes.try_into().expect("four"));
        trial.step(op).unwrap_or_else(|wrong| panic!("step {step}, {op:?}, {wrong}"));
    }
    trial.end().unwrap_or_else(|wrong| panic!("in the end, {wrong}"));
}
