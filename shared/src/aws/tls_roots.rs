//! The TLS trust store, by partition. `AWS_CA_BUNDLE` replaces it, as it does for the AWS command line: a proxy or a private endpoint has
//! its own CA.
//!
//! - `aws`, `aws-us-gov`, `aws-eusc`: Amazon's five root CAs. The European Sovereign Cloud also has roots of its own, which no public store
//!   holds yet. Its certificates chain to Amazon Root CA 1, 3 and 4 by cross-signatures.
//! - All others: the system's store, because Amazon documents no roots for them. Without such a store the function does not start.
//!
//! Amazon Trust Services recommends trusting all five roots. Reading the system's store of some 140 certificates took most of a
//! function's start (some 900 of 1,041 system calls).

use std::{fs, io};

use aws_smithy_http_client::tls::TrustStore;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::model::{ids::Region, partition::Partition};

/// Amazon Root CA 1 to 4 and Starfield Services Root CA G2, compared with their published key hashes by `test_tls_roots.py`.
const AMAZON: &[u8] = include_bytes!("tls_roots/amazon.pem");

/// The setting that names another bundle.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// A bundle of certificates that cannot be used. Without it, no server can be trusted, so no call is made.
#[derive(Debug, thiserror::Error)]
pub enum TlsRootsError {
    /// The file cannot be read.
    #[error("AWS_CA_BUNDLE: `{path}` cannot be read")]
    Unreadable {
        /// The path in the setting.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file does not hold root certificates.
    #[error("AWS_CA_BUNDLE: `{path}` is not a bundle of CA certificates ({what}): name a file in PEM format")]
    Unusable {
        /// The path in the setting.
        path: String,
        /// The problem.
        what: String,
    },
    /// The partition's roots are those of the system, which has none.
    #[error(
        "the system has no root CAs, and the warden has none for this Region: set AWS_CA_BUNDLE to a file with the CAs of its endpoints"
    )]
    NoSystemStore,
}

/// Returns the trust store of a function.
///
/// # Errors
/// `AWS_CA_BUNDLE` names a bundle that cannot be used, or the system's store is needed and empty.
pub(super) fn store(lookup: &dyn Fn(&str) -> Option<String>) -> Result<TrustStore, TlsRootsError> {
    if let Some(bundle) = bundle(lookup)? {
        return Ok(bundle);
    }
    let region = lookup("AWS_REGION").and_then(|name| name.parse::<Region>().ok());
    match region.map(|region| region.partition()) {
        Some(Partition::Commercial | Partition::GovCloud | Partition::EuropeanSovereign) => {
            Ok(TrustStore::empty().with_pem_certificate(AMAZON))
        }
        Some(Partition::China | Partition::Iso | Partition::IsoB | Partition::IsoE | Partition::IsoF) | None => {
            // The SDK would trust no server, and say so with each call only.
            let is_empty = rustls_native_certs::load_native_certs().certs.is_empty();
            if is_empty { Err(TlsRootsError::NoSystemStore) } else { Ok(TrustStore::default()) }
        }
    }
}

/// Returns the bundle of `AWS_CA_BUNDLE`, if it is set.
///
/// # Errors
/// The bundle cannot be used.
pub(super) fn bundle(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<TrustStore>, TlsRootsError> {
    let Some(path) = lookup(BUNDLE).filter(|path| !path.trim().is_empty()) else { return Ok(None) };
    let pem = fs::read(&path).map_err(|source| TlsRootsError::Unreadable { path: path.clone(), source })?;
    // The SDK panics at an unusable certificate.
    check(&pem).map_err(|what| TlsRootsError::Unusable { path, what })?;
    Ok(Some(TrustStore::empty().with_pem_certificate(pem)))
}

fn check(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it has no certificate".to_owned()) } else { Ok(()) }
}
