//! A server that answers as a Grin node does, from a chain that the test writes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use scape_aggregate::{
    ChainType, Commitment, Hash, KernelFeatures, Output, OutputFeatures, Signature, Transaction,
    TxKernel,
};
use scape_pool::Tip;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::world::commitment;

/// How the server behaves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Mood {
    Good,
    Slow(Duration),
    /// Answers everything with this.
    Says(u16, &'static str),
    /// Wants a password that nobody has.
    Locked,
}

/// What happens to a chain meanwhile.
type Happening = Box<dyn FnOnce(&mut FakeChain) + Send>;

/// A chain as a Grin node has it.
pub(super) struct FakeChain {
    pub(super) blocks: Vec<FakeBlock>,
    pub(super) mood: Mood,
    /// The first height whose block is still there.
    pub(super) tail: usize,
    /// The most outputs that are listed at once.
    pub(super) page: usize,
    /// What happens after each listing of outputs.
    pub(super) meanwhile: VecDeque<Happening>,
    pub(super) calls: HashMap<String, usize>,
    made: u64,
}

pub(super) struct FakeBlock {
    pub(super) tip: Tip,
    previous: Hash,
    inputs: Vec<Commitment>,
    pub(super) outputs: Vec<(Commitment, OutputFeatures)>,
    kernels: Vec<TxKernel>,
    /// As `get_blocks` shows it.
    json: String,
}

impl FakeChain {
    /// A chain whose genesis creates these outputs.
    pub(super) fn new(outputs: impl IntoIterator<Item = (Commitment, OutputFeatures)>) -> Self {
        let mut chain = Self {
            blocks: Vec::new(),
            mood: Mood::Good,
            tail: 0,
            page: 10_000,
            meanwhile: VecDeque::new(),
            calls: HashMap::new(),
            made: 0,
        };
        chain.push(Vec::new(), outputs.into_iter().collect(), Vec::new());
        chain
    }

    pub(super) fn tip(&self) -> Tip {
        self.blocks.last().map(|block| block.tip).unwrap_or_default()
    }

    /// Mines a transaction.
    pub(super) fn mine(&mut self, tx: &Transaction) {
        let inputs = tx.inputs().iter().map(|input| input.commitment()).collect();
        let outputs = tx.outputs().iter().map(|o: &Output| (o.commitment(), o.features()));
        self.push(inputs, outputs.collect(), tx.kernels().to_vec());
    }

    /// Mines blocks that spend the first unspent outputs and create others.
    pub(super) fn grow(&mut self, blocks: usize, inputs: usize, outputs: usize) {
        for _ in 0..blocks {
            let old = self.blocks.len().saturating_sub(50);
            let spendable = self.blocks[old].outputs.iter().map(|(c, _)| *c);
            let unspent: Vec<_> = match old {
                0 => Vec::new(),
                _ => spendable.take(inputs).collect(),
            };
            let outputs = (0..outputs).map(|_| (self.fresh(), OutputFeatures::Plain)).collect();
            self.push(unspent, outputs, vec![kernel(self.made)]);
        }
    }

    /// Mines a block that spends what does not exist.
    pub(super) fn break_inputs(&mut self) {
        let nothing = self.fresh();
        self.push(vec![nothing], Vec::new(), Vec::new());
    }

    /// Takes off the last blocks.
    pub(super) fn fork(&mut self, depth: usize) {
        self.blocks.truncate(self.blocks.len() - depth);
    }

    pub(super) fn unspent(&self) -> HashSet<Commitment> {
        self.positions().into_iter().map(|(_, _, commitment, _)| commitment).collect()
    }

    fn fresh(&mut self) -> Commitment {
        self.made += 1;
        commitment(1 << 32 | self.made)
    }

    fn push(
        &mut self,
        inputs: Vec<Commitment>,
        mut outputs: Vec<(Commitment, OutputFeatures)>,
        mut kernels: Vec<TxKernel>,
    ) {
        self.made += 1;
        let (before, height) = (self.tip(), self.blocks.len() as u64);
        let mut hash = ChainType::AutomatedTesting.genesis();
        if height > 0 {
            hash = Hash::of(&[&self.made.to_be_bytes()]);
            outputs.push((self.fresh(), OutputFeatures::Coinbase));
            kernels.push(kernel(self.made));
        }
        let tip = Tip { height, hash, total_difficulty: before.total_difficulty + 5 };
        let mut block =
            FakeBlock { tip, previous: before.hash, inputs, outputs, kernels, json: String::new() };
        block.json = block.show().to_string();
        self.blocks.push(block);
    }

    /// What is unspent: position, height, commitment and features.
    fn positions(&self) -> Vec<(u64, u64, Commitment, OutputFeatures)> {
        let spent: HashSet<_> = self.blocks.iter().flat_map(|block| &block.inputs).collect();
        let created = self.blocks.iter().flat_map(|block| {
            block
                .outputs
                .iter()
                .map(|(commitment, features)| (block.tip.height, commitment, features))
        });
        let created =
            (1..).zip(created).filter(|(_, (_, commitment, _))| !spent.contains(commitment));
        created.map(|(place, (height, c, features))| (place, height, *c, *features)).collect()
    }

    fn answer(&mut self, method: &str, params: &Value) -> String {
        *self.calls.entry(method.to_owned()).or_default() += 1;
        let not_found = || r#"{"Err":"NotFound"}"#.to_owned();
        let number = |index: usize| params[index].as_u64();
        let block_at =
            |height: Option<u64>| self.blocks.get(usize::try_from(height?).expect("small"));
        match method {
            "get_tip" => {
                let Tip { height, hash, total_difficulty } = self.tip();
                let previous = hex::encode([0; 32]);
                ok(&json!({
                    "height": height,
                    "last_block_pushed": hash.to_string(),
                    "prev_block_to_last": previous,
                    "total_difficulty": total_difficulty,
                }))
            }
            "get_header" => match block_at(number(0)) {
                Some(block) => ok(&block.header()),
                None => not_found(),
            },
            "get_block" => match block_at(number(0)) {
                Some(block) => format!(r#"{{"Ok":{}}}"#, block.json),
                None => not_found(),
            },
            // As Grin does before it has processed a block.
            "get_blocks" if self.blocks.len() == 1 => not_found(),
            "get_blocks" => {
                let (first, last) = (number(0).expect("a height"), number(1).expect("a height"));
                let most = number(2).expect("a number").min(1_000);
                let blocks = self
                    .blocks
                    .iter()
                    .skip(self.tail)
                    .filter(|block| (first..=last).contains(&block.tip.height));
                let blocks: Vec<_> =
                    blocks.take(usize::try_from(most).expect("small")).map(|b| &*b.json).collect();
                let blocks = blocks.join(",");
                format!(r#"{{"Ok":{{"last_retrieved_height":{last},"blocks":[{blocks}]}}}}"#)
            }
            "get_unspent_outputs" => {
                let answer =
                    self.list(number(0).expect("a position"), number(2).expect("a number"));
                if let Some(happening) = self.meanwhile.pop_front() {
                    happening(self);
                }
                answer
            }
            _ => panic!("nobody should ask for {method}"),
        }
    }

    fn list(&self, first: u64, most: u64) -> String {
        let positions = self.positions();
        let highest: usize = self.blocks.iter().map(|block| block.outputs.len()).sum();
        let most = usize::try_from(most).expect("small").min(self.page);
        let page = positions.iter().skip_while(|(place, ..)| *place < first).take(most);
        let page: Vec<_> = page.collect();
        let last = match page.len() == most {
            true => page.last().map_or(0, |(place, ..)| *place),
            false => highest as u64,
        };
        let page = page.iter().map(|(place, height, commitment, features)| {
            show_output(commitment, *features, *height, *place)
        });
        ok(&json!({
            "highest_index": highest,
            "last_retrieved_index": last,
            "outputs": page.collect::<Vec<_>>(),
        }))
    }
}

fn ok(value: &Value) -> String {
    format!(r#"{{"Ok":{value}}}"#)
}

fn kernel(number: u64) -> TxKernel {
    let mut signature = [7; 64];
    signature[..8].copy_from_slice(&number.to_be_bytes());
    TxKernel::new(KernelFeatures::Coinbase, commitment(1 << 48 | number), Signature(signature))
}

fn show_output(
    commitment: &Commitment,
    features: OutputFeatures,
    height: u64,
    place: u64,
) -> Value {
    let output_type = if features == OutputFeatures::Coinbase { "Coinbase" } else { "Transaction" };
    json!({
        "output_type": output_type,
        "commit": commitment.to_string(),
        "spent": false,
        "proof": null,
        "proof_hash": hex::encode([5; 32]),
        "block_height": height,
        "merkle_proof": null,
        "mmr_index": place,
    })
}

impl FakeBlock {
    fn header(&self) -> Value {
        json!({
            "hash": self.tip.hash.to_string(),
            "version": 5,
            "height": self.tip.height,
            "previous": self.previous.to_string(),
            "prev_root": hex::encode([1; 32]),
            "timestamp": "2026-01-01T00:00:00+00:00",
            "output_root": hex::encode([2; 32]),
            "output_mmr_size": 1,
            "range_proof_root": hex::encode([3; 32]),
            "kernel_root": hex::encode([4; 32]),
            "kernel_mmr_size": 1,
            "nonce": 1,
            "edge_bits": 32,
            "cuckoo_solution": (1_000_000..1_000_032).collect::<Vec<u64>>(),
            "total_difficulty": self.tip.total_difficulty,
            "secondary_scaling": 0,
            "total_kernel_offset": hex::encode([6; 32]),
        })
    }

    fn show(&self) -> Value {
        let kernels = self.kernels.iter().map(|kernel| {
            let (features, fee, lock_height) = match *kernel.features() {
                KernelFeatures::Plain { fee } => ("Plain", Some(fee), 0),
                KernelFeatures::Coinbase => ("Coinbase", None, 0),
                KernelFeatures::HeightLocked { fee, lock_height } => {
                    ("HeightLocked", Some(fee), lock_height)
                }
                KernelFeatures::NoRecentDuplicate { fee, relative_height } => {
                    ("NoRecentDuplicate", Some(fee), relative_height.blocks())
                }
            };
            json!({
                "features": features,
                "fee_shift": fee.map_or(0, |fee| fee.fee_shift()),
                "fee": fee.map_or(0, |fee| fee.fee()),
                "lock_height": lock_height,
                "excess": kernel.excess().to_string(),
                "excess_sig": hex::encode(kernel.signature().0),
            })
        });
        let outputs = self.outputs.iter();
        let outputs = outputs.map(|(c, features)| show_output(c, *features, self.tip.height, 1));
        json!({
            "header": self.header(),
            "inputs": self.inputs.iter().map(Commitment::to_string).collect::<Vec<_>>(),
            "outputs": outputs.collect::<Vec<_>>(),
            "kernels": kernels.collect::<Vec<_>>(),
        })
    }
}

/// The server. It runs in a thread of its own, so that it goes away whole, with its connections.
pub(super) struct FakeGrin {
    chain: Arc<Mutex<FakeChain>>,
    addr: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl FakeGrin {
    pub(super) fn start(chain: FakeChain) -> Self {
        let chain = Arc::new(Mutex::new(chain));
        let mut server = Self { chain, addr: ([127, 0, 0, 1], 0).into(), running: None };
        server.come_back();
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(super) fn chain(&self) -> MutexGuard<'_, FakeChain> {
        self.chain.lock().expect("no panic")
    }

    pub(super) fn go_away(&mut self) {
        let Some((stop, thread)) = self.running.take() else { return };
        drop(stop);
        thread.join().expect("no panic");
    }

    /// On the same port as before.
    pub(super) fn come_back(&mut self) {
        let (chain, addr) = (self.chain.clone(), self.addr);
        let (stop, stopped) = oneshot::channel::<()>();
        let (sender, bound) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let socket = TcpSocket::new_v4().expect("a socket");
                socket.set_reuseaddr(true).expect("set");
                socket.bind(addr).expect("a port");
                let listener = socket.listen(64).expect("listening");
                sender.send(listener.local_addr().expect("bound")).expect("waited for");
                let router = Router::new().route("/v2/foreign", post(serve)).with_state(chain);
                tokio::select! {
                    served = axum::serve(listener, router) => served.expect("serving"),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        self.addr = bound.recv().expect("bound");
        self.running = Some((stop, thread));
    }
}

impl Drop for FakeGrin {
    fn drop(&mut self) {
        self.go_away();
    }
}

async fn serve(
    State(chain): State<Arc<Mutex<FakeChain>>>,
    headers: HeaderMap,
    call: String,
) -> (StatusCode, String) {
    let mood = chain.lock().expect("no panic").mood;
    match mood {
        Mood::Good => {}
        Mood::Slow(delay) => sleep(delay).await,
        Mood::Says(status, text) => {
            return (StatusCode::from_u16(status).expect("a status"), text.to_owned());
        }
        Mood::Locked => {
            assert!(!headers.contains_key("authorization"));
            return (StatusCode::UNAUTHORIZED, String::new());
        }
    }
    let call: Value = serde_json::from_str(&call).expect("JSON");
    let method = call["method"].as_str().expect("a method");
    let result = chain.lock().expect("no panic").answer(method, &call["params"]);
    (StatusCode::OK, format!(r#"{{"id":1,"jsonrpc":"2.0","result":{result}}}"#))
}
