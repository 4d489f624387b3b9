//! Whose word is taken that a server is AWS.
//!
//! Amazon's own five roots, all of them, as Amazon Trust Services recommends to whoever keeps a trust store. To read the
//! machine's store instead, some 140 certificates, was most of a function's start (design notes: some 900 of 1,041 system calls). `AWS_CA_BUNDLE`
//! names another bundle, as it does for the AWS command line: a proxy or a private endpoint has a CA of its own.

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

/// Amazon Root CA 1 to 4 and Starfield Services Root CA G2. `test_tls_roots.py` compares them with their published key hashes.
const AMAZON: &[u8] = include_bytes!("tls_roots/amazon.pem");

/// What another bundle is named by.
const BUNDLE: &str = "AWS_CA_BUNDLE";

/// A bundle of certificates that cannot be used. Nothing is asked of AWS then: nobody could be believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No such file, or not for us.
    #[error("AWS_CA_BUNDLE: `{path}` cannot be read")]
    Unreadable {
        /// As it was named.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Not the certificates of authorities.
    #[error("AWS_CA_BUNDLE: `{path}` is no bundle of certificates ({what}): name a file in PEM form")]
    Unusable {
        /// As it was named.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

/// A client for all services, which believes whom the settings say.
///
/// # Errors
/// When a bundle is named that cannot be used.
pub(super) fn http_client(lookup: &dyn Fn(&str) -> Option<String>) -> Result<SharedHttpClient, TrustError> {
    // `build` cannot fail: the type leaves room for other libraries.
    let context = TlsContext::builder().with_trust_store(store(lookup)?).build().unwrap_or_default();
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context).build_https())
}

fn store(lookup: &dyn Fn(&str) -> Option<String>) -> Result<TrustStore, TrustError> {
    if let Some(path) = lookup(BUNDLE).filter(|path| !path.trim().is_empty()) {
        let pem = fs::read(&path).map_err(|source| TrustError::Unreadable { path: path.clone(), source })?;
        // The SDK takes an unusable certificate for a reason to end the process.
        check(&pem).map_err(|what| TrustError::Unusable { path, what })?;
        return Ok(TrustStore::empty().with_pem_certificate(pem));
    }
    let region = lookup("AWS_REGION").and_then(|name| name.parse::<Region>().ok());
    // What signs for other partitions (China's among them) is not documented in the same words: there the machine's store decides.
    let amazon = region.is_some_and(|region| matches!(region.partition(), "aws" | "aws-us-gov"));
    Ok(if amazon { TrustStore::empty().with_pem_certificate(AMAZON) } else { TrustStore::default() })
}

fn check(pem: &[u8]) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(()) }
}
