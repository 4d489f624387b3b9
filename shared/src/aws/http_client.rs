//! The HTTP client of all services: the trust store of the partition or of `AWS_CA_BUNDLE`, and the proxy of the environment.
//!
//! It differs from the SDK's default client in the trust store only. That client honors `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
//! `NO_PROXY` (also in lower case), so this one does, too. Calls to AWS are tunneled through the proxy by `CONNECT`: the proxy sees the
//! host names, and neither requests nor credentials.

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::aws::tls_roots::{self, TlsRootsError};

/// Makes the HTTP client of a function.
///
/// # Errors
/// The trust store cannot be loaded.
pub(super) fn http_client(lookup: &dyn Fn(&str) -> Option<String>) -> Result<SharedHttpClient, TlsRootsError> {
    Ok(client(tls_roots::store(lookup)?))
}

/// Makes an HTTP client that trusts the bundle of `AWS_CA_BUNDLE` alone, or returns none if no bundle is set. For the command line, where
/// the SDK's default client trusts the system's store.
///
/// # Errors
/// The bundle cannot be used.
pub fn bundle_client(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Option<SharedHttpClient>, TlsRootsError> {
    Ok(tls_roots::bundle(lookup)?.map(client))
}

fn client(store: TrustStore) -> SharedHttpClient {
    // `build` does not fail with this library.
    let context = TlsContext::builder().with_trust_store(store).build().unwrap_or_default();
    // `Builder::build_https` has no setting for proxies. The SDK makes its default client in this way, too.
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(context.clone()).build()
    })
}
