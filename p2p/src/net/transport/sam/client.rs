//! One connection to a bridge.

use std::io;
use std::time::Duration;

use data_encoding::BASE64;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::addr::I2pAddr;

use super::super::DialTimeouts;
use super::super::fault::{Step, within};
use super::error::SamError;
use super::reply::{MAX_LINE, SamReply};

/// Bytes of a destination before the body of its certificate: keys 384, type 1, length 2.
const DESTINATION_LEN: usize = 387;

/// A connection to a bridge on which one thing is asked after another. Once a stream is connected
/// or accepted, the connection is that stream.
#[derive(Debug)]
pub struct SamClient<S> {
    stream: S,
    timeouts: DialTimeouts,
}

impl<S: AsyncRead + AsyncWrite + Unpin> SamClient<S> {
    /// Greets the bridge at the other end of `stream`.
    ///
    /// # Errors
    ///
    /// [`SamError`].
    pub async fn hello(stream: S, timeouts: DialTimeouts) -> Result<Self, SamError> {
        let mut client = Self { stream, timeouts };
        let hello = "HELLO VERSION MIN=3.1 MAX=3.3\n";
        let reply = client.ask(Step::Greet, timeouts.answer, hello, "HELLO REPLY").await?;
        match reply.need("VERSION")? {
            "3.1" | "3.2" | "3.3" => Ok(client),
            _ => Err(SamError::Version),
        }
    }

    /// Makes a session for streams, which lasts as long as this connection. `key` is that of an
    /// earlier session or `TRANSIENT`. Gives the key of the session.
    ///
    /// # Errors
    ///
    /// [`SamError`].
    pub async fn create_session(&mut self, id: &str, key: &str) -> Result<String, SamError> {
        // Ed25519 keys, and both kinds of encryption that routers have.
        let create = format!(
            "SESSION CREATE STYLE=STREAM ID={id} DESTINATION={key} SIGNATURE_TYPE=7 \
             i2cp.leaseSetEncType=4,0\n"
        );
        let limit = self.timeouts.session;
        let reply = self.ask(Step::Session, limit, &create, "SESSION STATUS").await?;
        Ok(reply.need("DESTINATION")?.to_owned())
    }

    /// Asks for the destination of a name, in base64, and checks that it is the one.
    ///
    /// # Errors
    ///
    /// [`SamError`].
    pub async fn lookup(&mut self, addr: &I2pAddr) -> Result<String, SamError> {
        let lookup = format!("NAMING LOOKUP NAME={addr}\n");
        let limit = self.timeouts.reach;
        let reply = self.ask(Step::Lookup, limit, &lookup, "NAMING REPLY").await?;
        let destination = reply.need("VALUE")?;
        let found = name_of(destination)?;
        if found != *addr {
            return Err(SamError::WrongDestination { asked: *addr, found });
        }
        Ok(destination.to_owned())
    }

    /// Turns the connection into a stream to a destination, as seen from a session.
    ///
    /// # Errors
    ///
    /// [`SamError`].
    pub async fn connect(mut self, id: &str, destination: &str) -> Result<S, SamError> {
        let connect = format!("STREAM CONNECT ID={id} DESTINATION={destination} SILENT=false\n");
        let limit = self.timeouts.reach;
        self.ask(Step::Reach, limit, &connect, "STREAM STATUS").await?;
        Ok(self.stream)
    }

    /// Turns the connection into the stream of the next peer that connects to a session, however
    /// long that takes. Gives the peer's name as well.
    ///
    /// # Errors
    ///
    /// [`SamError`].
    pub async fn accept(mut self, id: &str) -> Result<(S, I2pAddr), SamError> {
        let accept = format!("STREAM ACCEPT ID={id} SILENT=false\n");
        let limit = self.timeouts.answer;
        self.ask(Step::Accept, limit, &accept, "STREAM STATUS").await?;
        let line = within(Step::Accept, Duration::MAX, read_line(&mut self.stream)).await??;
        // The session ended meanwhile.
        if line.starts_with(b"STREAM STATUS") {
            SamReply::parse(&line)?.expect("STREAM STATUS")?;
            return Err(SamError::WrongReply("STREAM ACCEPT"));
        }
        let line = std::str::from_utf8(&line).map_err(|_| SamError::NotUtf8)?;
        let destination = line.split([' ', '\r']).next().unwrap_or(line);
        Ok((self.stream, name_of(destination)?))
    }

    /// Waits until the bridge gives up the session of this connection, and answers its pings.
    pub(super) async fn wait_for_end(&mut self) -> SamError {
        loop {
            let line = within(Step::Session, Duration::MAX, read_line(&mut self.stream)).await;
            let ping = match line {
                Ok(Ok(line)) => line,
                Ok(Err(error)) => return error,
                Err(fault) => return fault.into(),
            };
            let Some(token) = ping.strip_prefix(b"PING") else { continue };
            let pong = [b"PONG", token, b"\n"].concat();
            let write = write(&mut self.stream, &pong);
            if let Err(fault) = within(Step::Session, self.timeouts.answer, write).await {
                return fault.into();
            }
        }
    }

    async fn ask(
        &mut self,
        step: Step,
        limit: Duration,
        question: &str,
        topic: &'static str,
    ) -> Result<SamReply, SamError> {
        let stream = &mut self.stream;
        let asked = async {
            write(stream, question.as_bytes()).await?;
            read_line(stream).await
        };
        let line = within(step, limit, asked).await??;
        SamReply::parse(&line)?.expect(topic)
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Reads a line byte by byte: what follows it may be the peer's.
async fn read_line<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Result<Vec<u8>, SamError>> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await? {
            b'\n' => return Ok(Ok(line)),
            _ if line.len() == MAX_LINE => return Ok(Err(SamError::LineTooLong)),
            byte => line.push(byte),
        }
    }
}

/// The name of a destination in base64; what follows it, as the secret keys in a session's key,
/// does not count.
pub(super) fn name_of(base64: &str) -> Result<I2pAddr, SamError> {
    let bytes = decode(base64).ok_or(SamError::BadDestination)?;
    let certificate = match bytes.get(DESTINATION_LEN - 2..DESTINATION_LEN) {
        Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
        _ => return Err(SamError::BadDestination),
    };
    let destination = bytes.get(..DESTINATION_LEN + certificate);
    destination.map(I2pAddr::of_destination).ok_or(SamError::BadDestination)
}

/// Base64 as I2P has it, with `-` and `~` for `+` and `/`.
fn decode(base64: &str) -> Option<Vec<u8>> {
    if base64.contains(['+', '/']) {
        return None;
    }
    let usual = base64.replace('-', "+").replace('~', "/");
    BASE64.decode(usual.as_bytes()).ok()
}
