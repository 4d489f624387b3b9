//! A policy set in a folder: `*.cedar` and `groups.json`, as it is packaged with the function.

use std::{fs, io, path::Path};

use super::{Policy, PolicyErrors, PolicyFile, Problem};

/// Loads the set in a folder.
///
/// # Errors
/// When a file cannot be read, or for everything [`Policy::load`] refuses.
pub fn load(folder: &Path) -> Result<Policy, PolicyErrors> {
    let unreadable = |path: &Path, error: &io::Error| {
        PolicyErrors(vec![Problem { file: path.display().to_string(), line: 0, message: format!("cannot be read: {error}") }])
    };
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths: Vec<_> =
        entries.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(folder, &error))?.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    let read = |path: &Path| {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        Ok(PolicyFile { name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text })
    };
    let policies = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "cedar"));
    let files = policies.map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let groups = paths.iter().find(|path| path.ends_with("groups.json")).map(|path| read(path)).transpose()?;
    if files.is_empty() {
        let message = "there is no policy here: put a file that ends in `.cedar` into this folder".to_owned();
        return Err(PolicyErrors(vec![Problem { file: folder.display().to_string(), line: 0, message }]));
    }
    Policy::load(&files, groups.as_ref())
}
