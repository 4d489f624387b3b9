//! The TLS roots of the functions: Amazon's, or those of the configured bundle.

use std::{
    collections::BTreeMap,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_config::{BehaviorVersion, SdkConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};
use warden::{
    aws::{TlsRootsError, bundle_client, ec2::Ec2, shared_config},
    ports::{ConnectionFilter, Describe, chain},
};

/// An EC2 server with a certificate of the test's own authority.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    /// The certificate of its authority.
    pub(crate) authority: String,
    /// The number of requests that reached it.
    requests: Arc<AtomicUsize>,
}

impl Endpoint {
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

const EMPTY: &str = "<DescribeVpcEndpointConnectionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><vpcEndpointConnectionSet/></DescribeVpcEndpointConnectionsResponse>";

pub(crate) async fn start() -> Endpoint {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let requests = Arc::new(AtomicUsize::new(0));
    tokio::spawn(answer(listener, TlsAcceptor::from(Arc::new(config)), Arc::clone(&requests)));
    Endpoint { url, authority: authority.pem(), requests }
}

async fn answer(listener: tokio::net::TcpListener, tls: TlsAcceptor, requests: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(mut stream) = tls.accept(stream).await else { continue };
        let mut buffer = [0; 8192];
        if stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
            requests.fetch_add(1, Ordering::SeqCst);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", EMPTY.len());
            stream.write_all(format!("{head}{EMPTY}").as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    }
}

async fn settings(bundle: Option<&Path>, region: &str) -> Result<SdkConfig, TlsRootsError> {
    let mut set: BTreeMap<&str, String> = [("AWS_REGION", region.to_owned())].into();
    set.extend(bundle.map(|path| ("AWS_CA_BUNDLE", path.display().to_string())));
    shared_config(&|name| set.get(name).cloned()).await
}

/// The adapter with the HTTP client of a function, for this URL.
pub(crate) fn ec2(config: &SdkConfig, url: &str) -> Ec2 {
    use aws_sdk_ec2::config::{Credentials, Region, SharedCredentialsProvider};
    let config = config
        .to_builder()
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("123456789012", "x", None, None, "test")))
        .build();
    Ec2::new(&config, "us-east-1".parse().unwrap())
}

pub(crate) fn bundle(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[tokio::test]
async fn unknown_authority_gets_no_request() {
    let endpoint = start().await;
    let calls = ["us-east-1", "us-gov-west-1", "eusc-de-east-1", "cn-north-1", "us-iso-east-1"].map(async |region| {
        let config = settings(None, region).await.unwrap();
        let error = ec2(&config, &endpoint.url).connections(ConnectionFilter::All).await.unwrap_err();
        assert!(error.message.contains("UnknownIssuer") && error.message.contains("AWS_CA_BUNDLE"), "{region}: {}", chain(&error));
    });
    futures_util::future::join_all(calls).await;
    assert_eq!(endpoint.requests(), 0, "no byte of a request");
}

#[tokio::test]
async fn authority_of_the_bundle_is_trusted() {
    let endpoint = start().await;
    let named = bundle(&endpoint.authority);
    let config = settings(Some(named.path()), "us-east-1").await.unwrap();
    assert_eq!(ec2(&config, &endpoint.url).connections(ConnectionFilter::All).await.unwrap(), []);
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test]
async fn bundle_replaces_the_default_roots() {
    let (endpoint, other) = (start().await, start().await);
    let named = bundle(&other.authority);
    let config = settings(Some(named.path()), "us-east-1").await.unwrap();
    let error = ec2(&config, &endpoint.url).connections(ConnectionFilter::All).await.unwrap_err();
    assert!(error.message.contains("invalid peer certificate"), "{}", chain(&error));
}

/// The command line has a client of its own with a bundle, and the SDK's default client without one.
#[tokio::test]
async fn command_line_trusts_the_bundle_alone() {
    let (endpoint, other) = (start().await, start().await);
    let named = bundle(&endpoint.authority);
    let path = named.path().display().to_string();
    let client = bundle_client(&|name| (name == "AWS_CA_BUNDLE").then(|| path.clone())).unwrap().unwrap();
    let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).http_client(client).build();
    assert_eq!(ec2(&config, &endpoint.url).connections(ConnectionFilter::All).await.unwrap(), []);
    let error = ec2(&config, &other.url).connections(ConnectionFilter::All).await.unwrap_err();
    assert!(error.message.contains("invalid peer certificate"), "{}", chain(&error));
    assert!(bundle_client(&|_| None).unwrap().is_none());
    assert!(bundle_client(&|_| Some("/missing/bundle.pem".to_owned())).is_err());
}

/// In a process of its own, because the system's store is found by the environment.
#[tokio::test]
async fn missing_system_store_prevents_the_start() {
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|path| path.is_empty()) {
        for region in ["cn-north-1", "us-isob-east-1"] {
            assert!(matches!(settings(None, region).await, Err(TlsRootsError::NoSystemStore)), "{region}");
        }
        for region in ["us-east-1", "us-gov-west-1", "eusc-de-east-1"] {
            assert!(settings(None, region).await.is_ok(), "{region}");
        }
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tls_roots::missing_system_store_prevents_the_start"]);
    let output = command.env_clear().env("SSL_CERT_FILE", "").env("SSL_CERT_DIR", "/missing").output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn unusable_bundle_prevents_the_start() {
    for (text, what) in [
        ("", "it has no certificate"),
        ("not a certificate", "it has no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "invalid peer certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA", "section end"),
    ] {
        let file = bundle(text);
        let error = chain(&settings(Some(file.path()), "us-east-1").await.unwrap_err());
        assert!(error.contains(what) && error.contains(&file.path().display().to_string()), "{text:?}: {error}");
    }
    let error = chain(&settings(Some(Path::new("/missing/bundle.pem")), "us-east-1").await.unwrap_err());
    assert!(error.contains("cannot be read") && error.contains("No such file"), "{error}");
}
