//! Reads a policy set from its location.

use crate::{
    policy::{
        PolicyErrors, PolicyFile, PolicyUri, Problem,
        bundle::{Bundle, BundleError, MANIFEST, Manifest},
        folder,
    },
    ports::{CallError, Fetch, Fetched},
};

/// The reason why there is no policy set. Nothing can be accepted.
#[derive(Debug, thiserror::Error)]
pub enum PolicyReadError {
    /// A call failed.
    #[error("the policy set at {place} could not be read")]
    Read {
        /// The location.
        place: String,
        /// The call's error.
        #[source]
        source: CallError,
    },
    /// The object is not a bundle or a manifest.
    #[error("the policy set at {place} could not be read")]
    Bundle {
        /// The location.
        place: String,
        /// The error.
        #[source]
        source: BundleError,
    },
    /// The set does not load.
    #[error(transparent)]
    Refused(#[from] PolicyErrors),
}

/// A version of a policy set in S3.
pub(super) struct Version {
    /// The ETag of the bundle or the manifest.
    pub(super) etag: String,
    pub(super) files: Vec<PolicyFile>,
}

/// A version that was not read.
pub(super) struct ReadFailure {
    /// The ETag of the bundle or the manifest, if that was read.
    pub(super) etag: Option<String>,
    pub(super) error: PolicyReadError,
}

/// Reads the files of a policy set from a folder or from S3.
///
/// # Errors
/// The set cannot be read.
pub async fn files<F: Fetch + Sync>(uri: &PolicyUri, fetch: &F) -> Result<Vec<PolicyFile>, PolicyReadError> {
    match uri {
        PolicyUri::Folder(path) => Ok(folder::read(path)?),
        PolicyUri::Object { .. } | PolicyUri::Prefix { .. } => Ok(first_version(uri, fetch).await?.files),
    }
}

/// Reads the current version from S3.
pub(super) async fn first_version<F: Fetch + Sync>(uri: &PolicyUri, fetch: &F) -> Result<Version, PolicyReadError> {
    let version = newer_version(uri, fetch, None).await.map_err(|failure| failure.error)?;
    // Without an ETag to compare with, there is always a version.
    version.ok_or_else(|| PolicyErrors(vec![Problem::of_file(uri.to_string(), "there is nothing here".to_owned())]).into())
}

/// Reads the current version from S3, unless it has the ETag `known`.
pub(super) async fn newer_version<F: Fetch + Sync>(
    uri: &PolicyUri,
    fetch: &F,
    known: Option<&str>,
) -> Result<Option<Version>, ReadFailure> {
    let read = |source| ReadFailure { etag: None, error: PolicyReadError::Read { place: uri.to_string(), source } };
    let (key, prefix) = match uri {
        PolicyUri::Folder(_) => return Ok(None),
        PolicyUri::Object { key, .. } => (key.clone(), None),
        PolicyUri::Prefix { prefix, .. } => (format!("{prefix}{MANIFEST}"), Some(prefix)),
    };
    let Fetched::New { etag, text } = fetch.fetch(&key, known).await.map_err(read)? else { return Ok(None) };
    let files = match prefix {
        None => Bundle::parse(&text).map_err(|source| bundle_error(uri, source)),
        Some(prefix) => manifest_files(uri, fetch, prefix, &text).await,
    };
    match files {
        Ok(files) => Ok(Some(Version { etag, files: files.into_iter().map(PolicyFile::without_byte_order_mark).collect() })),
        Err(error) => Err(ReadFailure { etag: Some(etag), error }),
    }
}

async fn manifest_files<F: Fetch + Sync>(uri: &PolicyUri, fetch: &F, prefix: &str, text: &str) -> Result<Vec<PolicyFile>, PolicyReadError> {
    let manifest = Manifest::parse(text).map_err(|source| bundle_error(uri, source))?;
    let mut files = Vec::new();
    for name in manifest.names() {
        let read = |source| PolicyReadError::Read { place: uri.to_string(), source };
        let file = match fetch.fetch(&format!("{prefix}{name}"), None).await.map_err(read)? {
            Fetched::New { text, .. } => manifest.file(name, text),
            Fetched::Unchanged => Err(BundleError::Changed(name.to_owned())),
        };
        files.push(file.map_err(|source| bundle_error(uri, source))?);
    }
    Ok(files)
}

fn bundle_error(uri: &PolicyUri, source: BundleError) -> PolicyReadError {
    PolicyReadError::Bundle { place: uri.to_string(), source }
}
