//! A policy set in a folder: `*.cedar`, `groups.json` and `cases.json`.
//!
//! A folder may hold anything: each file is looked at before it is opened, because a FIFO never ends to open, and read up to its
//! limit, because a device never ends to read.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::policy::{
    files::{CASES, GROUPS, PolicyErrors, PolicyFile, Problem},
    set::PolicySet,
    size_limits::{CASES_BYTES_MAX, FILES_MAX, GROUPS_BYTES_MAX, POLICY_BYTES_MAX, too_many_files},
};

/// Loads the set in a folder.
///
/// # Errors
/// A file cannot be read, or [`PolicySet::load`] fails.
pub fn load(folder: &Path) -> Result<PolicySet, PolicyErrors> {
    PolicySet::of_files(&read(folder)?, &folder.display().to_string())
}

/// Reads the files of the set in a folder, in the order of their names.
///
/// # Errors
/// A file cannot be read, is too large, or is not UTF-8 text; or there are too many. Problems name the files by their paths.
pub fn read(folder: &Path) -> Result<Vec<PolicyFile>, PolicyErrors> {
    let problem = |path: &Path, message| Problem::of_file(path.display().to_string(), message);
    let paths = paths(folder).map_err(|message| PolicyErrors(vec![problem(folder, message)]))?;
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match read_file(&path) {
            Ok(file) => files.push(file),
            Err(message) => problems.push(problem(&path, message)),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(PolicyErrors(problems)) }
}

/// Returns the paths of the set's files, sorted.
fn paths(folder: &Path) -> Result<Vec<PathBuf>, String> {
    if folder.is_file() {
        return Err("is a file: name the directory that holds it".to_owned());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = name(&path);
        if name.ends_with(".cedar") || [GROUPS, CASES].contains(&name.as_str()) {
            paths.push(path);
        }
    }
    paths.sort();
    let policies = paths.iter().filter(|path| name(path).ends_with(".cedar")).count();
    if policies > FILES_MAX { Err(too_many_files(policies)) } else { Ok(paths) }
}

fn read_file(path: &Path) -> Result<PolicyFile, String> {
    let name = name(path);
    let max = match name.as_str() {
        GROUPS => GROUPS_BYTES_MAX,
        CASES => CASES_BYTES_MAX,
        _ => POLICY_BYTES_MAX,
    };
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is not a regular file: remove it, or give it another name".to_owned());
    }
    let mut bytes = Vec::new();
    // One byte more than the limit tells that there are more.
    let read = File::open(path).and_then(|file| file.take(max as u64 + 1).read_to_end(&mut bytes));
    match read.map_err(unreadable)? {
        length if length > max => Err(format!("has more than {max} bytes: it is not read")),
        _ => Ok(PolicyFile { name, text: text(bytes)? }.without_byte_order_mark()),
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

fn text(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
        return Err("is UTF-16 or no text: save it as UTF-8".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8: save the file as UTF-8")
    })
}
