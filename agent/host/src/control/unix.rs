//! The socket on Unix: a file in the runtime folder, for its owner alone.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

/// The kernel takes 107 bytes for the name of a socket; longer paths go through the folder's descriptor.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// A command's connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: net::UnixStream,
}

impl Connection {
    /// Connects to the service that listens at `path`; `None` when none does, also when it left its socket behind.
    pub(super) fn open(path: &Path) -> io::Result<Option<Connection>> {
        match with_short_path(path, |path| net::UnixStream::connect(path)) {
            Ok(stream) => Ok(Some(Connection { stream })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Bounds how long one reading waits.
    pub(super) fn set_patience(&mut self, patience: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(patience)
    }
}

impl Read for Connection {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.read(into)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The service's end; dropping it removes the socket from its folder.
#[derive(Debug)]
pub(super) struct Endpoint {
    socket: UnixListener,
    path: PathBuf,
}

impl Endpoint {
    /// Binds `path`. A socket that is found there is a leftover and is replaced.
    pub(super) fn bind(path: &Path) -> io::Result<Endpoint> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let socket = with_short_path(path, |path| net::UnixListener::bind(path))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        socket.set_nonblocking(true)?;
        Ok(Endpoint { socket: UnixListener::from_std(socket)?, path: path.to_owned() })
    }

    /// The next command.
    pub(super) async fn accept(&mut self) -> io::Result<UnixStream> {
        self.socket.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // A leftover is replaced at the next start: failing to remove it does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

/// Runs `use_path` with a path to the socket that is short enough for the kernel.
fn with_short_path<T>(socket: &Path, use_path: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if socket.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
        return use_path(socket);
    }
    let invalid = || io::Error::from(io::ErrorKind::InvalidFilename);
    let folder = File::open(socket.parent().ok_or_else(invalid)?)?;
    let name = socket.file_name().ok_or_else(invalid)?;
    use_path(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
}
