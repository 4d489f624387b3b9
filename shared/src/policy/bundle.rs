//! A policy set as it lies in S3: one object that holds every file, or a prefix whose manifest names each file with its
//! hash. Either way one object decides which version it is, so nobody ever reads half of one and half of another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::policy::{
    files::{PolicyFile, hexadecimal},
    size_limits::FILES_MAX,
};

/// The version of both shapes.
const SCHEMA_VERSION: u32 = 1;

/// The manifest's name under its prefix.
pub const MANIFEST: &str = "manifest.json";

/// A whole set in one object: texts by file name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    schema: u32,
    files: BTreeMap<String, String>,
}

/// What makes up a set: the SHA-256 of each file, in hexadecimal, by file name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: u32,
    sha256: BTreeMap<String, String>,
}

/// A bundle or a manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not of the documented shape.
    #[error("not a policy {what}; `warden policy publish` writes one")]
    Malformed {
        /// Bundle or manifest.
        what: &'static str,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// Written by a newer version.
    #[error("schema {0} is newer than this version reads ({SCHEMA_VERSION}): upgrade the warden")]
    Newer(u32),
    /// More files than are read.
    #[error("it has {0} files, at most {FILES_MAX} are read: put rules together")]
    TooMany(usize),
    /// A file that is not the one that the manifest means.
    #[error("`{0}` is not the file that the manifest means: an upload is under way, or somebody changed it alone")]
    Changed(String),
}

impl Bundle {
    /// The bundle of a set's files.
    #[must_use]
    pub fn of(files: &[PolicyFile]) -> Self {
        Self { schema: SCHEMA_VERSION, files: files.iter().map(|file| (file.name.clone(), file.text.clone())).collect() }
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// When it is none, or a newer one.
    pub fn parse(text: &str) -> Result<Vec<PolicyFile>, BundleError> {
        let Self { schema, files } = serde_json::from_str(text).map_err(|source| BundleError::Malformed { what: "bundle", source })?;
        supported(schema)?;
        Ok(files.into_iter().map(|(name, text)| PolicyFile { name, text }).collect())
    }

    /// As it is kept.
    ///
    /// # Errors
    /// Never for one that this crate made.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

impl Manifest {
    /// The manifest of a set's files.
    #[must_use]
    pub fn of(files: &[PolicyFile]) -> Self {
        Self { schema: SCHEMA_VERSION, sha256: files.iter().map(|file| (file.name.clone(), sha256(&file.text))).collect() }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is none, or a newer one.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let manifest: Self = serde_json::from_str(text).map_err(|source| BundleError::Malformed { what: "manifest", source })?;
        supported(manifest.schema)?;
        // Before the first of them is fetched. Two are no policies: groups and cases.
        if manifest.sha256.len() > FILES_MAX + 2 {
            return Err(BundleError::TooMany(manifest.sha256.len()));
        }
        Ok(manifest)
    }

    /// The files it names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sha256.keys().map(String::as_str)
    }

    /// A file that was read by its name, if it is the one that is meant.
    ///
    /// # Errors
    /// When it is another.
    pub fn file(&self, name: &str, text: String) -> Result<PolicyFile, BundleError> {
        if self.sha256.get(name) == Some(&sha256(&text)) {
            return Ok(PolicyFile { name: name.to_owned(), text });
        }
        Err(BundleError::Changed(name.to_owned()))
    }

    /// As it is kept.
    ///
    /// # Errors
    /// Never for one that this crate made.
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
