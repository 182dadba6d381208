//! Scape beside Grin: the same transactions through both, in one process, in turns.
//!
//! ```text
//! cargo bench -p scape-tests --bench vs_grin -- [--quick] [--as-shipped] [NAME…]
//! ```
//!
//! Prints one line per measure and writes `vs_grin.json` into the target folder. `--quick` runs
//! everything with little of everything; `--as-shipped` adds Grin's figures as its users have them,
//! with the 32-bit library; names choose measures.

#![expect(clippy::unwrap_used, reason = "a bench may panic as tests may")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod admission;
mod codec;
mod corpus;
mod grin;
mod latency;
mod measure;
mod memory;
mod merging;
mod options;
mod ours;
mod report;
mod shipped;
mod verifying;

use measure::{Bench, Figures};
use options::{Mode, Options};
use report::Report;

fn main() {
    let options = Options::parse(std::env::args().skip(1));
    grin::follow();
    if let Mode::Memory { grin } = options.mode {
        println!("{}", memory::resident_per_transaction(grin, options.quick));
        return;
    }
    let shipped = options.as_shipped.then(|| shipped::run(&options));
    let bench = Bench::new(&options);
    let mut report = Report::new(shipped);
    for (name, measure) in MEASURES {
        if options.wants(name) {
            report.add(name, measure(&bench));
        }
    }
    report.write(&options.target.join("vs_grin.json"));
}

type Measure = fn(&Bench) -> Figures;

/// What is measured, in the order of the report. What needs two nodes comes with the engine.
const MEASURES: [(&str, Measure); 11] = [
    ("decode", codec::decode),
    ("encode_400", codec::encode_400),
    ("aggregate_1000", merging::aggregate_1000),
    ("patience_400", merging::patience_400),
    ("cached_400", merging::cached_400),
    ("pool_growth", latency::pool_growth),
    ("memory", memory::memory),
    ("verify_ceiling", verifying::verify_ceiling),
    ("admission_empty", admission::admission_empty),
    ("admission_400", admission::admission_400),
    ("lone_latency", latency::lone_latency),
];
