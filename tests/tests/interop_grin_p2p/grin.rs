//! Grin's side: a server of `grin_p2p`, and an adapter that writes down what arrives.

use std::collections::HashMap;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};
use grin_chain::txhashset::BitmapChunk;
use grin_chain::{Error, Options};
use grin_core::core::hash::{Hash, Hashed};
use grin_core::core::{
    Block, BlockHeader, CompactBlock, OutputIdentifier, Segment, SegmentIdentifier, Transaction,
    TxKernel,
};
use grin_core::global::{self, ChainTypes};
use grin_core::pow::Difficulty;
use grin_core::ser::{self, DeserializationMode, ProtocolVersion};
use grin_p2p::{
    Capabilities, ChainAdapter, P2PConfig, Peer, PeerAddr, PeerInfo, Peers, Server, TxHashSetRead,
};
use grin_util::StopState;
use grin_util::secp::pedersen::RangeProof;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{PATIENCE, eventually};

/// What Grin says of its chain.
pub(crate) const DIFFICULTY: u64 = 40;
pub(crate) const HEIGHT: u64 = 7;

/// What a Grin server was told.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Seen {
    Stem(Transaction),
    Transaction(Transaction),
    Kernel(Hash),
    Asked(Hash),
}

/// Tells all threads of Grin which chain this is.
pub(crate) fn follow() {
    global::init_global_chain_type(ChainTypes::AutomatedTesting);
    global::init_global_nrd_enabled(false);
}

pub(crate) fn genesis() -> Block {
    follow();
    grin_core::genesis::genesis_dev()
}

/// Bytes as both sides write them on a link of today.
pub(crate) fn write(tx: &Transaction) -> Vec<u8> {
    ser::ser_vec(tx, ProtocolVersion::local()).unwrap()
}

/// A transaction of ours as Grin reads it.
pub(crate) fn read(tx: &scape_aggregate::Transaction) -> Transaction {
    read_at(tx, ProtocolVersion::local())
}

/// A transaction of ours as Grin reads it at another version of the protocol.
pub(crate) fn read_at(tx: &scape_aggregate::Transaction, version: ProtocolVersion) -> Transaction {
    follow();
    let bytes = tx.encode(scape_aggregate::ProtocolVersion(version.0)).unwrap();
    ser::deserialize(&mut &bytes[..], version, DeserializationMode::default()).unwrap()
}

/// A running server.
pub(crate) struct Grin {
    pub(crate) server: Arc<Server>,
    pub(crate) addr: SocketAddr,
    adapter: Arc<Adapter>,
    seen: mpsc::UnboundedReceiver<Seen>,
    listening: Option<JoinHandle<()>>,
    _dir: TempDir,
}

impl Grin {
    pub(crate) fn start() -> Self {
        Self::start_with(Capabilities::default())
    }

    /// The server takes no port zero: it gets one that was free a moment ago.
    pub(crate) fn start_with(capabilities: Capabilities) -> Self {
        let mut ports = std::iter::repeat_with(free_port);
        ports.find_map(|port| Self::try_start(port, capabilities)).unwrap()
    }

    /// `None` if the port is taken.
    pub(crate) fn try_start(port: u16, capabilities: Capabilities) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let (adapter, seen) = Adapter::new();
        let host = Ipv4Addr::LOCALHOST.into();
        let config = P2PConfig { host, port, ..P2PConfig::default() };
        let path = dir.path().to_str().unwrap();
        let (genesis, stop) = (genesis().hash(), Arc::new(StopState::new()));
        let server = Server::new(path, capabilities, config, adapter.clone(), genesis, stop);
        let server = Arc::new(server.unwrap());
        adapter.peers.set(Arc::downgrade(&server.peers)).unwrap();
        let inner = server.clone();
        let listening = std::thread::spawn(move || {
            // It fails if the port is taken; that shows below.
            let _ = inner.listen();
        });
        let addr = SocketAddr::new(host, port);
        while !is_served(addr) {
            if listening.is_finished() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let alive = !listening.is_finished();
        alive.then_some(Self { server, addr, adapter, seen, listening: Some(listening), _dir: dir })
    }

    /// Makes Grin connect.
    pub(crate) async fn connect(&self, addr: SocketAddr) -> Result<Arc<Peer>, grin_p2p::Error> {
        let server = self.server.clone();
        tokio::task::spawn_blocking(move || server.connect(PeerAddr(addr))).await.unwrap()
    }

    /// The only peer, as soon as it is there.
    pub(crate) async fn peer(&self) -> Arc<Peer> {
        eventually("Grin has a peer", async || self.peers().len() == 1).await;
        self.peers().remove(0)
    }

    pub(crate) fn peers(&self) -> Vec<Arc<Peer>> {
        self.server.peers.iter().connected().into_iter().collect()
    }

    /// The next thing that Grin is told.
    pub(crate) async fn next(&mut self) -> Seen {
        let next = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
        next.unwrap_or_else(|_| panic!("Grin was told nothing")).unwrap()
    }

    /// What Grin was told and nobody has looked at yet.
    pub(crate) fn rest(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }

    /// Puts a transaction into what stands in for Grin's pool, so that it is served.
    pub(crate) fn hold(&self, tx: &Transaction) {
        self.adapter.hold(tx);
    }

    /// From now on Grin asks for nothing that is announced.
    pub(crate) fn stop_asking(&self) {
        self.adapter.silent.set(()).unwrap();
    }

    /// Ends all connections and the server.
    pub(crate) async fn stop(mut self) {
        let (server, listening) = (self.server.clone(), self.listening.take().unwrap());
        let stop = move || {
            server.stop();
            listening.join().unwrap();
        };
        tokio::task::spawn_blocking(stop).await.unwrap();
    }
}

impl Drop for Grin {
    fn drop(&mut self) {
        if self.listening.is_some() {
            self.server.stop();
        }
    }
}

/// Whether somebody takes connections there. A socket that was given this very port connects to
/// itself, and keeps the server from it.
fn is_served(addr: SocketAddr) -> bool {
    TcpStream::connect(addr).is_ok_and(|stream| stream.local_addr().is_ok_and(|own| own != addr))
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Does with transactions what `grin_servers::common::adapters` does, with a map for a pool.
struct Adapter {
    seen: mpsc::UnboundedSender<Seen>,
    pool: Mutex<HashMap<Hash, Transaction>>,
    peers: OnceLock<Weak<Peers>>,
    silent: OnceLock<()>,
}

impl Adapter {
    fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Seen>) {
        let (seen, receiver) = mpsc::unbounded_channel();
        let (pool, peers, silent) = (Mutex::default(), OnceLock::new(), OnceLock::new());
        (Arc::new(Self { seen, pool, peers, silent }), receiver)
    }

    fn hold(&self, tx: &Transaction) {
        let kernels = tx.kernels().iter().map(|kernel| (kernel.hash(), tx.clone()));
        self.pool.lock().unwrap().extend(kernels);
    }

    fn see(&self, seen: Seen) {
        // Nobody looks any more when a test is over.
        let _ = self.seen.send(seen);
    }
}

fn not_served<T>() -> Result<T, Error> {
    Err(Error::Other("not served".to_owned()))
}

impl ChainAdapter for Adapter {
    fn total_difficulty(&self) -> Result<Difficulty, Error> {
        Ok(Difficulty::from_num(DIFFICULTY))
    }

    fn total_height(&self) -> Result<u64, Error> {
        Ok(HEIGHT)
    }

    fn transaction_received(&self, tx: Transaction, stem: bool) -> Result<bool, Error> {
        if !stem {
            self.hold(&tx);
        }
        self.see(if stem { Seen::Stem(tx) } else { Seen::Transaction(tx) });
        Ok(true)
    }

    fn get_transaction(&self, kernel_hash: Hash) -> Option<Transaction> {
        self.see(Seen::Asked(kernel_hash));
        self.pool.lock().unwrap().get(&kernel_hash).cloned()
    }

    fn tx_kernel_received(&self, kernel_hash: Hash, peer: &PeerInfo) -> Result<bool, Error> {
        self.see(Seen::Kernel(kernel_hash));
        let known = self.pool.lock().unwrap().contains_key(&kernel_hash);
        let peers = self.peers.get().and_then(Weak::upgrade);
        let peer = peers.and_then(|peers| peers.get_connected_peer(peer.addr));
        if let (false, None, Some(peer)) = (known, self.silent.get(), peer) {
            peer.send_tx_request(kernel_hash).unwrap();
        }
        Ok(true)
    }

    fn block_received(&self, _: Block, _: &PeerInfo, _: Options) -> Result<bool, Error> {
        Ok(true)
    }

    fn compact_block_received(&self, _: CompactBlock, _: &PeerInfo) -> Result<bool, Error> {
        Ok(true)
    }

    fn header_received(&self, _: BlockHeader, _: &PeerInfo) -> Result<bool, Error> {
        Ok(true)
    }

    fn headers_received(&self, _: &[BlockHeader], _: &PeerInfo) -> Result<bool, Error> {
        Ok(true)
    }

    fn locate_headers(&self, _: &[Hash]) -> Result<Vec<BlockHeader>, Error> {
        Ok(Vec::new())
    }

    fn get_block(&self, _: Hash, _: &PeerInfo) -> Option<Block> {
        None
    }

    fn txhashset_read(&self, _: Hash) -> Option<TxHashSetRead> {
        None
    }

    fn txhashset_archive_header(&self) -> Result<BlockHeader, Error> {
        not_served()
    }

    fn txhashset_receive_ready(&self) -> bool {
        false
    }

    fn txhashset_download_update(&self, _: DateTime<Utc>, _: u64, _: u64) -> bool {
        false
    }

    fn txhashset_write(&self, _: Hash, _: File, _: &PeerInfo) -> Result<bool, Error> {
        not_served()
    }

    fn get_tmp_dir(&self) -> PathBuf {
        std::env::temp_dir()
    }

    fn get_tmpfile_pathname(&self, name: String) -> PathBuf {
        self.get_tmp_dir().join(name)
    }

    fn get_kernel_segment(
        &self,
        _: Hash,
        _: SegmentIdentifier,
    ) -> Result<Segment<TxKernel>, Error> {
        not_served()
    }

    fn get_bitmap_segment(
        &self,
        _: Hash,
        _: SegmentIdentifier,
    ) -> Result<(Segment<BitmapChunk>, Hash), Error> {
        not_served()
    }

    fn get_output_segment(
        &self,
        _: Hash,
        _: SegmentIdentifier,
    ) -> Result<(Segment<OutputIdentifier>, Hash), Error> {
        not_served()
    }

    fn get_rangeproof_segment(
        &self,
        _: Hash,
        _: SegmentIdentifier,
    ) -> Result<Segment<RangeProof>, Error> {
        not_served()
    }

    fn receive_bitmap_segment(
        &self,
        _: Hash,
        _: Hash,
        _: Segment<BitmapChunk>,
    ) -> Result<bool, Error> {
        not_served()
    }

    fn receive_output_segment(
        &self,
        _: Hash,
        _: Hash,
        _: Segment<OutputIdentifier>,
    ) -> Result<bool, Error> {
        not_served()
    }

    fn receive_rangeproof_segment(&self, _: Hash, _: Segment<RangeProof>) -> Result<bool, Error> {
        not_served()
    }

    fn receive_kernel_segment(&self, _: Hash, _: Segment<TxKernel>) -> Result<bool, Error> {
        not_served()
    }
}
