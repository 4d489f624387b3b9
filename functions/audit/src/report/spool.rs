//! A part of a report on its way to a file. Small parts stay in memory, large ones do not.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use serde_json::Value;
use tempfile::{NamedTempFile, SpooledTempFile};

/// A part larger than this goes to the disk.
const IN_MEMORY_BYTES_MAX: usize = 64 * 1024;

/// Text that is written piece by piece and read once, at the end.
pub(crate) struct Spool {
    content: SpooledTempFile,
    pieces: u64,
}

impl Spool {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { content: SpooledTempFile::new(IN_MEMORY_BYTES_MAX), pieces: 0 })
    }

    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.pieces += 1;
        self.content.write_all(text.as_bytes())
    }

    /// A value as a line of JSON.
    pub(crate) fn line(&mut self, value: &Value) -> io::Result<()> {
        self.text(&format!("{value}\n"))
    }

    /// How many pieces were written.
    pub(crate) fn pieces(&self) -> u64 {
        self.pieces
    }

    pub(crate) fn append(&mut self, other: Self) -> io::Result<()> {
        self.pieces += other.pieces;
        other.copy_to(&mut self.content)
    }

    pub(crate) fn copy_to(mut self, to: &mut dyn Write) -> io::Result<()> {
        self.content.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.content.read(&mut buffer)? {
                0 => return Ok(()),
                count => to.write_all(buffer.get(..count).unwrap_or_default())?,
            }
        }
    }

    /// As a file of its own.
    pub(crate) fn finish(self) -> io::Result<NamedTempFile> {
        file(|to| self.copy_to(to))
    }
}

/// A file filled by `write`.
pub(crate) fn file(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    let mut buffered = BufWriter::new(file.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    Ok(file)
}
