//! The TLS trust store: Amazon's five root CAs in `aws` and `aws-us-gov`, the system's store elsewhere. `AWS_CA_BUNDLE` replaces both,
//! as it does for the AWS command line: a proxy or a private endpoint has its own CA.
//!
//! Amazon Trust Services recommends trusting all five roots. Reading the system's store of some 140 certificates took most of a
//! function's start (some 900 of 1,041 system calls).

use std::{fs, io};

use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::model::ids::Region;

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
}

/// Makes the HTTP client of all services.
///
/// # Errors
/// `AWS_CA_BUNDLE` names a bundle that cannot be used.
pub(super) fn http_client(lookup: &dyn Fn(&str) -> Option<String>) -> Result<SharedHttpClient, TlsRootsError> {
    // `build` does not fail with this library.
    let context = TlsContext::builder().with_trust_store(store(lookup)?).build().unwrap_or_default();
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context).build_https())
}

fn store(lookup: &dyn Fn(&str) -> Option<String>) -> Result<TrustStore, TlsRootsError> {
    if let Some(path) = lookup(BUNDLE).filter(|path| !path.trim().is_empty()) {
        let pem = fs::read(&path).map_err(|source| TlsRootsError::Unreadable { path: path.clone(), source })?;
        // The SDK panics at an unusable certificate.
        check(&pem).map_err(|what| TlsRootsError::Unusable { path, what })?;
        return Ok(TrustStore::empty().with_pem_certificate(pem));
    }
    let region = lookup("AWS_REGION").and_then(|name| name.parse::<Region>().ok());
    // Amazon does not document the roots of other partitions, such as China's.
    let amazon = region.is_some_and(|region| matches!(region.partition(), "aws" | "aws-us-gov"));
    Ok(if amazon { TrustStore::empty().with_pem_certificate(AMAZON) } else { TrustStore::default() })
}

fn check(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it has no certificate".to_owned()) } else { Ok(()) }
}
