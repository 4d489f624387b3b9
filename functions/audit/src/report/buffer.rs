//! A part of a report until it is written to its file. Small parts stay in memory, large parts go to the disk.

use std::{
    fmt,
    io::{self, BufWriter, Seek, Write},
};

use serde_json::Value;
use tempfile::{NamedTempFile, SpooledTempFile};

const IN_MEMORY_BYTES_MAX: usize = 64 * 1024;

/// Text that is written piece by piece and read once, at the end.
pub(super) struct Buffer {
    content: SpooledTempFile,
    pieces: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { content: SpooledTempFile::new(IN_MEMORY_BYTES_MAX), pieces: 0 }
    }
}

impl Buffer {
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        self.pieces += 1;
        self.content.write_all(text.as_bytes())
    }

    pub(super) fn line(&mut self, line: &impl fmt::Display) -> io::Result<()> {
        self.text(&format!("{line}\n"))
    }

    /// Adds an element of a JSON array.
    pub(super) fn element(&mut self, value: &Value) -> io::Result<()> {
        let separator = if self.pieces == 0 { "\n" } else { ",\n" };
        self.text(&format!("{separator}{value}"))
    }

    /// The number of pieces.
    pub(super) fn pieces(&self) -> usize {
        self.pieces
    }

    pub(super) fn append(&mut self, other: Self) -> io::Result<()> {
        self.pieces += other.pieces;
        other.copy_to(&mut self.content)
    }

    pub(super) fn copy_to(mut self, to: &mut dyn Write) -> io::Result<()> {
        self.content.rewind()?;
        io::copy(&mut self.content, to).map(drop)
    }

    /// The content as a file.
    pub(super) fn finish(self) -> io::Result<NamedTempFile> {
        file(|to| self.copy_to(to))
    }
}

/// A file with the content that `write` writes.
pub(super) fn file(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    let mut buffered = BufWriter::new(file.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    Ok(file)
}
