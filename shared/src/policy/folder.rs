//! A policy set in a folder: `*.cedar`, `groups.json` and `cases.json`.

use std::{fs, io, path::Path};

use crate::policy::{
    files::{CASES, GROUPS, PolicyErrors, PolicyFile, Problem},
    set::PolicySet,
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
/// A file cannot be read.
pub fn read(folder: &Path) -> Result<Vec<PolicyFile>, PolicyErrors> {
    let unreadable = |path: &Path, error: &io::Error| {
        PolicyErrors(vec![Problem::of_file(path.display().to_string(), format!("cannot be read: {error}"))])
    };
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths: Vec<_> =
        entries.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(folder, &error))?.iter().map(fs::DirEntry::path).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".cedar") || [GROUPS, CASES].contains(&name.as_ref())
    });
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        Ok(PolicyFile { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text })
    };
    paths.iter().map(read).collect()
}
