//! The socket on Windows: a named pipe for the service's own account, the system and administrators, never for another
//! PC. Windows gives pipes one name space for all users, so the first of its name is the service or nothing.

use std::io::{self, Read, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kentongan_windows::pipe::{self, Instance};
use kentongan_windows::security::Descriptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};
use tokio::runtime::{self, Runtime};

/// Everything for the system (`SY`), administrators (`BA`) and the account that opened the pipe (its owner), and for
/// nobody else.
const ALLOWED: &str = "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;S-1-3-4)";

/// `ERROR_PIPE_BUSY`: the service has taken a command and not yet opened the end for the next one.
const PIPE_BUSY: i32 = 231;
/// How long that may last, and how often a command tries again.
const BUSY_MAX: Duration = Duration::from_secs(5);
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// A command's connection. Only asynchronous pipes can stop waiting, so it has a runtime to itself.
#[derive(Debug)]
pub(super) struct Connection {
    /// Dropped before the runtime that it belongs to.
    pipe: NamedPipeClient,
    runtime: Runtime,
    patience: Option<Duration>,
}

impl Connection {
    /// Connects to the service that listens at `path`; `None` when none does.
    pub(super) fn open(path: &Path) -> io::Result<Option<Connection>> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let until = Instant::now() + BUSY_MAX;
        let pipe = loop {
            let inside = runtime.enter();
            let opened = ClientOptions::new().open(path);
            drop(inside);
            match opened {
                Err(error) if error.raw_os_error() == Some(PIPE_BUSY) && Instant::now() < until => {
                    std::thread::sleep(BUSY_PAUSE);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => break opened?,
            }
        };
        Ok(Some(Connection { pipe, runtime, patience: None }))
    }

    /// Bounds how long one reading waits.
    pub(super) fn set_patience(&mut self, patience: Option<Duration>) -> io::Result<()> {
        self.patience = patience;
        Ok(())
    }
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Connection { pipe, runtime, patience } = self;
        let read = runtime.block_on(async {
            match patience {
                Some(patience) => tokio::time::timeout(*patience, pipe.read(into)).await?,
                None => pipe.read(into).await,
            }
        });
        match read {
            // The other end has closed, as a socket would say by "no more bytes".
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
            read => read,
        }
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.runtime.block_on(self.pipe.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.runtime.block_on(self.pipe.flush())
    }
}

/// The service's end.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// The end that the next command will find.
    waiting: NamedPipeServer,
    path: PathBuf,
    allowed: Descriptor,
}

impl Endpoint {
    /// Opens the pipe `path`, of which there may be none yet.
    pub(super) fn bind(path: &Path) -> io::Result<Endpoint> {
        let allowed = Descriptor::from_sddl(ALLOWED)?;
        let waiting = pipe::open(path, &allowed, Instance::First)?;
        Ok(Endpoint { waiting, path: path.to_owned(), allowed })
    }

    /// The next command.
    pub(super) async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        self.waiting.connect().await?;
        let next = pipe::open(&self.path, &self.allowed, Instance::Further)?;
        Ok(mem::replace(&mut self.waiting, next))
    }
}
