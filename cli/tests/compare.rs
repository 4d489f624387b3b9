//! `warden policy compare` with a set in S3, which a local server with one object plays; and without a solver.

#![expect(clippy::unwrap_used, reason = "a test ends at the first error")]

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use solver::cvc5;
use warden::policy::{bundle::Bundle, folder};

mod solver;

const REDIS: &str = include_str!("../prove/tests/proofs/redis.cedar");
const GROUPS: &str = r#"{"redis-consumers": {"accounts": ["111122223333"]}, "closed": {"accounts": ["000011112222"]}}"#;

/// A policy set in a directory of its own.
fn set(cedar: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("p.cedar"), cedar).unwrap();
    fs::write(dir.path().join("groups.json"), GROUPS).unwrap();
    dir
}

/// Serves one object while the test runs.
fn bucket_with(name: &'static str, text: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut asked, mut buffer) = (Vec::new(), [0; 4096]);
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut buffer).unwrap() {
                    0 => break,
                    length => asked.extend_from_slice(buffer.get(..length).unwrap()),
                }
            }
            let is_it = String::from_utf8_lossy(&asked).lines().next().unwrap_or_default().contains(name);
            let (status, body) = if is_it { ("200 OK", text.as_str()) } else { ("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>") };
            let head = format!("HTTP/1.1 {status}\r\nETag: \"1\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    url
}

fn compare(url: &str, old: &str, new: &Path, solver: Option<&str>) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warden"));
    command.args(["policy", "compare", old, new.to_str().unwrap(), "--endpoint-url", url, "--region", "us-east-1"]);
    command.env("AWS_ACCESS_KEY_ID", "111122223333").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_EC2_METADATA_DISABLED", "true");
    if let Some(solver) = solver {
        command.env("CVC5", solver);
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn set_in_s3_is_compared() {
    let (old, new) = (set(REDIS), set(&REDIS.replace(">= 4", ">= 5")));
    let case = r#"[{"case": "the fifth", "account": "111122223333", "connections": {"ofAccount": 4, "ofService": 4}, "service": {"tags": {"Name": "redis"}}, "decision": "refer", "policies": ["four-at-most"]}]"#;
    fs::write(old.path().join("cases.json"), case).unwrap();
    let url = bucket_with("/in-force/set.json", Bundle::of(&folder::read(old.path()).unwrap()).to_json().unwrap());
    let uri = "s3://in-force/set.json";

    let (status, text) = compare(&url, uri, new.path(), Some("/nowhere/cvc5"));
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("the fifth: refer by four-at-most → accept by redis"), "its cases are in the bundle: {text}");
    let (status, text) = compare(&url, "s3://in-force/other.json", new.path(), None);
    assert_eq!(status, 3, "{text}");
    assert!(text.contains("cannot read s3://in-force/other.json"), "{text}");

    if cvc5() {
        let (status, text) = compare(&url, uri, new.path(), None);
        assert_eq!(status, 1, "{text}");
        assert!(text.contains("would newly accept: an account in `redis-consumers`"), "{text}");
        assert_eq!(compare(&url, uri, old.path(), None).0, 0);
    }
}
