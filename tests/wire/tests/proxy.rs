//! Calls through a proxy: the functions' HTTP client honors the environment's proxy, and a tunnel hides the request from it.
//!
//! The SDK reads the environment itself. So each test starts its own binary again, with the settings and a name of itself: that process
//! makes one call.

use std::{
    process::Output,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::Command,
};
use warden::{
    aws::shared_config,
    ports::{ConnectionFilter, Describe, chain},
};

use crate::tls_roots::{Endpoint, bundle, ec2, start};

/// In the started process: the URL that it calls.
const URL: &str = "WIRE_TEST_URL";

/// A proxy that knows `CONNECT` alone, and the heads of the requests that it got.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::default();
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, Arc::clone(&kept)));
            }
        });
        Self { port, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(mut client: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    let Some(target) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    };
    let mut server = TcpStream::connect(target).await.unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    // The other side may close without a word.
    drop(copy_bidirectional(&mut client, &mut server).await);
}

/// Starts this test in a process of its own, with these settings. Returns its output.
async fn call(test: &str, endpoint: &Endpoint, settings: &[(&str, &str)]) -> Output {
    let authority = bundle(&endpoint.authority);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("proxy::{test}"), "--nocapture"]).env_clear().envs(settings.iter().copied());
    command.env(URL, &endpoint.url).env("AWS_REGION", "us-east-1").env("AWS_CA_BUNDLE", authority.path());
    command.output().await.unwrap()
}

/// In the started process: makes one call, and returns true. The output has the error.
async fn called() -> bool {
    let Ok(url) = std::env::var(URL) else { return false };
    let config = shared_config(&|name| std::env::var(name).ok()).await.unwrap();
    if let Err(error) = ec2(&config, &url).connections(ConnectionFilter::All).await {
        panic!("{}", chain(&error));
    }
    true
}

#[tokio::test]
async fn calls_are_tunneled_through_the_proxy() {
    if called().await {
        return;
    }
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let (endpoint, proxy) = (start().await, Proxy::start().await);
        let url = format!("http://warden:secret@127.0.0.1:{}", proxy.port);
        let output = call("calls_are_tunneled_through_the_proxy", &endpoint, &[(variable, &url), ("NO_PROXY", "example.com")]).await;
        assert!(output.status.success(), "{variable}: {output:?}");
        assert_eq!(endpoint.requests(), 1, "{variable}");
        let [head] = &proxy.heads()[..] else { panic!("{variable}: {:?}", proxy.heads()) };
        assert!(head.starts_with(&format!("CONNECT {}", endpoint.url.trim_start_matches("https://"))), "{head}");
        assert!(head.to_lowercase().contains("proxy-authorization: basic d2fyzgvuonnly3jlda=="), "{head}");
        assert!(!head.contains("AWS4-HMAC") && !head.contains("DescribeVpcEndpointConnections"), "{head}");
    }
}

#[tokio::test]
async fn named_hosts_are_called_without_the_proxy() {
    if called().await {
        return;
    }
    for (variable, hosts) in [("NO_PROXY", "example.com, localhost"), ("no_proxy", "*")] {
        let (endpoint, proxy) = (start().await, Proxy::start().await);
        let url = format!("http://127.0.0.1:{}", proxy.port);
        let output = call("named_hosts_are_called_without_the_proxy", &endpoint, &[("HTTPS_PROXY", &url), (variable, hosts)]).await;
        assert!(output.status.success(), "{variable}: {output:?}");
        assert_eq!((endpoint.requests(), proxy.heads()), (1, vec![]), "{variable}");
    }
}

#[tokio::test]
async fn empty_settings_mean_no_proxy() {
    if called().await {
        return;
    }
    let endpoint = start().await;
    let output = call("empty_settings_mean_no_proxy", &endpoint, &[("HTTPS_PROXY", ""), ("NO_PROXY", "")]).await;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test]
async fn missing_proxy_is_not_bypassed() {
    if called().await {
        return;
    }
    let endpoint = start().await;
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let output = call("missing_proxy_is_not_bypassed", &endpoint, &[("HTTPS_PROXY", &format!("http://{unused}"))]).await;
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(endpoint.requests(), 0);
}
