//! A policy set in S3: one object that holds every file (a bundle), or a prefix whose manifest names each file with its hash.
//! One object decides the version in both forms, so a reader never mixes the files of two versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::policy::{
    files::{PolicyFile, hexadecimal},
    size_limits::FILES_MAX,
};

/// The schema version of bundles and manifests.
const SCHEMA_VERSION: u32 = 1;

/// The key of the manifest below its prefix.
pub const MANIFEST: &str = "manifest.json";

/// A whole policy set in one object: texts by file name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    schema: u32,
    files: BTreeMap<String, String>,
}

/// The files of a policy set: the SHA-256 of each in hexadecimal, by file name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: u32,
    sha256: BTreeMap<String, String>,
}

/// A bundle or a manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The text is not of the documented form.
    #[error("not a policy {what}: write one with `warden policy publish`")]
    Malformed {
        /// `bundle` or `manifest`.
        what: &'static str,
        /// The parser's error.
        #[source]
        source: serde_json::Error,
    },
    /// Written by a newer version.
    #[error("schema {0} is newer than this version reads ({SCHEMA_VERSION}): upgrade the warden")]
    Newer(u32),
    /// Too many files.
    #[error("the manifest names {0} files, at most {FILES_MAX} are read: combine policies into fewer files")]
    TooMany(usize),
    /// A file that does not have the hash in the manifest.
    #[error("`{0}` does not have the hash in the manifest: an upload is in progress, or the file was replaced without a new manifest")]
    Changed(String),
}

impl Bundle {
    /// Makes the bundle of a set's files.
    #[must_use]
    pub fn of(files: &[PolicyFile]) -> Self {
        Self { schema: SCHEMA_VERSION, files: files.iter().map(|file| (file.name.clone(), file.text.clone())).collect() }
    }

    /// Parses a bundle.
    ///
    /// # Errors
    /// The text is not a bundle, or has a newer schema.
    pub fn parse(text: &str) -> Result<Vec<PolicyFile>, BundleError> {
        let Self { schema, files } = serde_json::from_str(text).map_err(|source| BundleError::Malformed { what: "bundle", source })?;
        supported(schema)?;
        Ok(files.into_iter().map(|(name, text)| PolicyFile { name, text }).collect())
    }

    /// Writes the JSON form.
    ///
    /// # Errors
    /// Serialization of strings does not fail.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

impl Manifest {
    /// Makes the manifest of a set's files.
    #[must_use]
    pub fn of(files: &[PolicyFile]) -> Self {
        Self { schema: SCHEMA_VERSION, sha256: files.iter().map(|file| (file.name.clone(), sha256(&file.text))).collect() }
    }

    /// Parses a manifest.
    ///
    /// # Errors
    /// The text is not a manifest, has a newer schema, or names too many files.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let manifest: Self = serde_json::from_str(text).map_err(|source| BundleError::Malformed { what: "manifest", source })?;
        supported(manifest.schema)?;
        // Checked before the first file is fetched. Two files are not policies: groups and cases.
        if manifest.sha256.len() > FILES_MAX + 2 {
            return Err(BundleError::TooMany(manifest.sha256.len()));
        }
        Ok(manifest)
    }

    /// Returns the names of the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sha256.keys().map(String::as_str)
    }

    /// Returns a fetched file, if it has the hash in the manifest.
    ///
    /// # Errors
    /// The file has another hash, or the manifest does not name it.
    pub fn file(&self, name: &str, text: String) -> Result<PolicyFile, BundleError> {
        if self.sha256.get(name) == Some(&sha256(&text)) {
            return Ok(PolicyFile { name: name.to_owned(), text });
        }
        Err(BundleError::Changed(name.to_owned()))
    }

    /// Writes the JSON form.
    ///
    /// # Errors
    /// Serialization of strings does not fail.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

fn supported(schema: u32) -> Result<(), BundleError> {
    if schema > SCHEMA_VERSION { Err(BundleError::Newer(schema)) } else { Ok(()) }
}

fn sha256(text: &str) -> String {
    hexadecimal(Sha256::new().chain_update(text))
}
