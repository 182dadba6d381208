//! A private I2P network: five routers that carry what others send and know where everybody is, and
//! two that only use it, each with a SAM bridge.
//!
//! i2pd 2.45 takes nobody in who comes from a reserved address, loopback included, and only one at a
//! time from any. So each router has an address of its own, which looks public.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::hidden::journey::Gate;
use crate::hidden::program::{Running, free_addr, until};

/// The numbers of the routers. A floodfill should not be a client here: i2pd 2.45 misreads the lease
/// sets that it holds itself.
const FLOODFILLS: [u8; 5] = [1, 2, 3, 4, 5];
const CLIENTS: [u8; 2] = [6, 7];

/// Of all: no first contact with the network of the world, whose number is 2.
const COMMON: &str = "\
log = stdout
loglevel = info
netid = 77
nat = false
reservedrange = false
bandwidth = X
[ntcp2]
published = true
[ssu2]
enabled = false
[http]
enabled = false
[httpproxy]
enabled = false
[socksproxy]
enabled = false
[reseed]
urls =
yggurls =
";

pub(crate) struct I2pNetwork {
    // Before the folder that they write to.
    _floodfills: [I2pRouter; FLOODFILLS.len()],
    /// The routers with a bridge for somebody.
    pub(crate) clients: [I2pRouter; CLIENTS.len()],
    _dir: TempDir,
}

pub(crate) struct I2pRouter {
    process: Option<Running>,
    dir: PathBuf,
    sam: SocketAddr,
}

/// The addresses of the routers.
pub(crate) fn addrs() -> Vec<Ipv4Addr> {
    FLOODFILLS.into_iter().chain(CLIENTS).map(addr).collect()
}

fn addr(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(11, 0, number, 1)
}

impl I2pNetwork {
    /// Starts it. It takes half a minute or so until it has tunnels.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut floodfills = FLOODFILLS.map(|number| I2pRouter::prepare(dir.path(), number, true));
        let mut clients = CLIENTS.map(|number| I2pRouter::prepare(dir.path(), number, false));
        for router in floodfills.iter_mut().chain(&mut clients) {
            router.meet(dir.path()).await;
        }
        for router in floodfills.iter_mut().chain(&mut clients) {
            router.start().await;
        }
        Self { _floodfills: floodfills, clients, _dir: dir }
    }
}

impl I2pRouter {
    fn prepare(parent: &Path, number: u8, is_floodfill: bool) -> Self {
        let dir = parent.join(number.to_string());
        fs::create_dir_all(dir.join("netDb")).unwrap();
        let (addr, sam) = (addr(number), free_addr());
        let config = format!(
            "host = {addr}\naddress4 = {addr}\nport = 9111\nfloodfill = {is_floodfill}\n{COMMON}\
             [sam]\naddress = {}\nport = {}\n",
            sam.ip(),
            sam.port(),
        );
        fs::write(dir.join("i2pd.conf"), config).unwrap();
        Self { process: None, dir, sam }
    }

    /// Makes its keys, and has all routers know it as if they had met before.
    async fn meet(&mut self, parent: &Path) {
        self.start().await;
        self.stop();
        for other in fs::read_dir(parent).unwrap() {
            let known = other.unwrap().path().join("netDb").join(self.dir.file_name().unwrap());
            fs::copy(self.dir.join("router.info"), known).unwrap();
        }
    }
}

impl Gate for I2pRouter {
    fn addr(&self) -> SocketAddr {
        self.sam
    }

    fn stop(&mut self) {
        self.process = None;
    }

    async fn start(&mut self) {
        let mut i2pd = Command::new("i2pd");
        i2pd.arg("--datadir").arg(&self.dir);
        self.process = Some(Running::start(&mut i2pd, &self.dir.join("log")));
        until("a bridge", 30, async || TcpStream::connect(self.sam).ok()).await;
    }
}
