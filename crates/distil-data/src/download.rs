//! One file over HTTP: `.part` file, resume, checksum, rename.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use distil_files::{feed_file, hex, sha256_of_file};
use sha2::{Digest, Sha256};
use ureq::{Agent, Body, http::Response};

use crate::{
    datasets::RemoteFile,
    error::Error,
    progress::{Progress, Stage, report},
};

const PIECE: usize = 1 << 16;

/// How patient a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Download {
    /// Connections tried before giving up, at least 1. Each continues where the last one broke off.
    pub attempts: u32,
    /// How long a server may stay silent.
    pub patience: Duration,
}

/// Downloads `file` into `folder` and returns its path. It has its final name only once its SHA-256 is right; until
/// then it is called `NAME.part`, and a later call continues it. A file that is there already is verified.
///
/// # Errors
/// [`Error::Download`] when the server refuses or breaks off too often, [`Error::Checksum`] when the content is not
/// the published one (the download is removed), [`Error::Io`], [`Error::Stopped`].
pub fn download(
    file: &RemoteFile,
    folder: &Path,
    how: Download,
    progress: Progress<'_>,
) -> Result<PathBuf, Error> {
    let path = folder.join(&file.name);
    if path.exists() {
        let remedy = "move it away and fetch again";
        return check(file, &path, &sha256_of_file(&path).map_err(Error::io(&path, "read"))?, remedy)
            .map(|()| path);
    }
    let made = missing_folders(folder);
    distil_files::atomic::create_folder(folder)?;
    let result = Part::open(file, folder).and_then(|part| part.complete(path, how, progress));
    if result.is_err() {
        // A folder that nothing came into is not left behind; one that holds something cannot be removed.
        for folder in made {
            if std::fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
    result
}

/// The folders that must be made for `folder` to exist, the deepest first.
fn missing_folders(folder: &Path) -> Vec<PathBuf> {
    let named = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    folder.ancestors().take_while(named).map(Path::to_owned).collect()
}

/// Why a transfer ended early.
enum Broken {
    /// Trying again may help.
    Passing(String),
    /// It will not.
    Final(Error),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// The `.part` file, with the hash of what it holds.
struct Part<'a> {
    remote: &'a RemoteFile,
    path: PathBuf,
    file: File,
    hash: Sha256,
    have: u64,
    /// Whether what it holds was not downloaded in one go.
    resumed: bool,
}

impl<'a> Part<'a> {
    fn open(remote: &'a RemoteFile, folder: &Path) -> Result<Self, Error> {
        let path = folder.join(format!("{}.part", remote.name));
        let file = File::options().read(true).append(true).create(true).open(&path);
        let file = file.map_err(Error::io(&path, "open"))?;
        if file.try_lock().is_err() {
            let problem = format!("another process is downloading it to {}; wait for it", path.display());
            return Err(Error::Download { url: remote.url.clone(), problem });
        }
        let mut hash = Sha256::new();
        let have = feed_file(&mut hash, &path).map_err(Error::io(&path, "read"))?;
        let mut part = Self { remote, path, file, hash, have, resumed: have > 0 };
        part.start_over_if_wrong()?;
        Ok(part)
    }

    /// Brings the file to its full length and gives it its name.
    fn complete(mut self, path: PathBuf, how: Download, progress: Progress<'_>) -> Result<PathBuf, Error> {
        match self.transfer(&path, how, progress) {
            Ok(()) => self.rename(path),
            Err(error @ Error::Checksum { .. }) => self.discard(error),
            Err(error) if self.have == 0 => self.discard(error),
            Err(error) => Err(error),
        }
    }

    fn transfer(&mut self, path: &Path, how: Download, progress: Progress<'_>) -> Result<(), Error> {
        let agent = agent(how.patience);
        let mut last = None;
        for attempt in 0..how.attempts.max(1) {
            std::thread::sleep(Duration::from_millis(250) * attempt.min(8));
            match self.advance(&agent, progress) {
                Ok(()) => match self.verify(path) {
                    // The beginning may stem from another version of the file: once more from the start.
                    Err(error) if self.resumed => last = Some(error),
                    verified => return verified,
                },
                Err(Broken::Passing(problem)) => {
                    tracing::info!(url = self.remote.url, problem, "the download broke off");
                    last = Some(self.refuse(format!(
                        "{problem}; check the connection and run the command again to continue"
                    )));
                }
                Err(Broken::Final(error)) => return Err(error),
            }
            self.start_over_if_wrong()?;
        }
        Err(last.unwrap_or_else(|| self.refuse("no attempt was made".to_owned())))
    }

    fn refuse(&self, problem: String) -> Error {
        Error::Download { url: self.remote.url.clone(), problem }
    }

    fn start_over(&mut self) -> Result<(), Error> {
        self.file.set_len(0).map_err(Error::io(&self.path, "truncate"))?;
        self.file.seek(SeekFrom::Start(0)).map_err(Error::io(&self.path, "rewind"))?;
        (self.hash, self.have, self.resumed) = (Sha256::new(), 0, false);
        Ok(())
    }

    /// Forgets content that is too long, or complete and not the published one.
    fn start_over_if_wrong(&mut self) -> Result<(), Error> {
        let wrong = self.have > self.remote.bytes
            || (self.have == self.remote.bytes && self.sum() != self.remote.sha256);
        if wrong { self.start_over() } else { Ok(()) }
    }

    fn sum(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// One request that brings the file to its full length, if all goes well.
    fn advance(&mut self, agent: &Agent, progress: Progress<'_>) -> Result<(), Broken> {
        if self.have == self.remote.bytes {
            return Ok(());
        }
        self.resumed = self.have > 0;
        let mut request = agent.get(&self.remote.url);
        if self.have > 0 {
            request = request.header("Range", format!("bytes={}-", self.have));
        }
        let response = request.call().map_err(|error| self.judge(&error))?;
        self.accept(&response)?;
        let body = response.into_body().into_reader();
        let done = self.receive(body, progress);
        self.file.sync_data().map_err(Error::io(&self.path, "write"))?;
        done
    }

    /// Malformed addresses and the like stay wrong however often they are tried.
    fn judge(&self, error: &ureq::Error) -> Broken {
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::TooManyRedirects => {
                Broken::Final(self.refuse(format!("{error}; correct the address")))
            }
            _ => Broken::Passing(error.to_string()),
        }
    }

    /// Lines the file up with what the server is about to send.
    fn accept(&mut self, response: &Response<Body>) -> Result<(), Broken> {
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        match response.status().as_u16() {
            206 if header("content-range").and_then(range_start) == Some(self.have) => Ok(()),
            206 | 416 => {
                self.start_over()?;
                Err(Broken::Passing("the server cannot continue the file".to_owned()))
            }
            // The server ignores ranges and sends everything.
            200 => {
                self.start_over()?;
                self.check_length(header("content-length"))
            }
            status @ (408 | 425 | 429 | 500..) => {
                Err(Broken::Passing(format!("the server answers {status}")))
            }
            status => Err(Broken::Final(self.refuse(format!(
                "the server answers {status}; check the address, or put {} into the data folder by hand",
                self.remote.name
            )))),
        }
    }

    fn check_length(&self, length: Option<&str>) -> Result<(), Broken> {
        match length.and_then(|length| length.parse::<u64>().ok()) {
            Some(length) if length != self.remote.bytes => Err(Broken::Final(self.refuse(format!(
                "the server has {length} bytes, the published file {}; use another server",
                self.remote.bytes
            )))),
            _ => Ok(()),
        }
    }

    fn receive(&mut self, mut body: impl Read, progress: Progress<'_>) -> Result<(), Broken> {
        let mut piece = vec![0; PIECE];
        while self.have < self.remote.bytes {
            let [have, all] = [self.have as usize, self.remote.bytes as usize];
            report(progress, Stage::Download, &self.remote.name, have, all)?;
            let wanted = PIECE.min((self.remote.bytes - self.have) as usize);
            let read = body.read(&mut piece[..wanted]).map_err(|error| Broken::Passing(error.to_string()))?;
            if read == 0 {
                let (have, bytes) = (self.have, self.remote.bytes);
                return Err(Broken::Passing(format!("the server stopped after {have} of {bytes} bytes")));
            }
            self.file.write_all(&piece[..read]).map_err(Error::io(&self.path, "write"))?;
            self.hash.update(&piece[..read]);
            self.have += read as u64;
        }
        Ok(())
    }

    fn verify(&self, path: &Path) -> Result<(), Error> {
        check(self.remote, path, &self.sum(), "the download was removed: fetch again, or use another server")
    }

    fn rename(self, path: PathBuf) -> Result<PathBuf, Error> {
        distil_files::atomic::rename(&self.path, &path)?;
        Ok(path)
    }

    fn discard(self, error: Error) -> Result<PathBuf, Error> {
        std::fs::remove_file(&self.path).map_err(Error::io(&self.path, "remove"))?;
        Err(error)
    }
}

fn check(file: &RemoteFile, path: &Path, found: &str, remedy: &'static str) -> Result<(), Error> {
    if found == file.sha256 {
        return Ok(());
    }
    let (expected, found) = (file.sha256.clone(), found.to_owned());
    Err(Error::Checksum { path: path.to_owned(), expected, found, remedy })
}

/// First byte of `bytes FIRST-LAST/TOTAL`.
fn range_start(header: &str) -> Option<u64> {
    header.strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

/// Files are asked for as they are: a server that packs them once more would change their bytes.
fn agent(patience: Duration) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .accept_encoding("identity")
        .user_agent(concat!("distil/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .build()
        .into()
}
