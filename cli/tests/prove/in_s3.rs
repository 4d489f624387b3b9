//! The set in force may lie in S3: it is read there, by the real client, from a server that has that one object.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    thread,
};

use warden::policy::{bundle::Bundle, folder};

use super::{GROUPS, OLD, set, there_is_a_solver};

/// Serves one object to whoever asks, for as long as the test runs; of any other name there is nothing.
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

fn compare(url: &str, old: &str, new: &Path, solver: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warden"));
    command.args(["policy", "compare", old, new.to_str().unwrap(), "--endpoint-url", url, "--region", "us-east-1"]);
    command.env("AWS_ACCESS_KEY_ID", "111122223333").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_EC2_METADATA_DISABLED", "true");
    if let Some(solver) = solver {
        command.env("CVC5", solver);
    }
    command.output().unwrap()
}

#[test]
fn the_set_in_force_is_read_where_it_lies() {
    let (old, new) = (set(OLD, GROUPS), set(&OLD.replace(">= 4", ">= 5"), GROUPS));
    let case = r#"[{"case": "the fifth", "account": "111122223333", "connections": {"ofAccount": 4, "ofService": 4}, "service": {"tags": {"Name": "redis"}}, "decision": "refer", "policies": ["four-at-most"]}]"#;
    fs::write(old.path().join("cases.json"), case).unwrap();
    let url = bucket_with("/in-force/set.json", Bundle::of(&folder::read(old.path()).unwrap()).to_json().unwrap());
    let uri = "s3://in-force/set.json";

    let output = compare(&url, uri, new.path(), Some("/nowhere/cvc5"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("the fifth: refer by four-at-most → accept by redis"), "its cases come with it: {said}");

    let output = compare(&url, "s3://in-force/other.json", new.path(), None);
    let note = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{note}");
    assert!(note.contains("s3://in-force/other.json could not be read"), "{note}");

    if there_is_a_solver() {
        let output = compare(&url, uri, new.path(), None);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("would newly accept: an account in `redis-consumers`"), "{said}");
        let output = compare(&url, uri, old.path(), None);
        assert_eq!(output.status.code(), Some(0), "with itself: {}", String::from_utf8_lossy(&output.stdout));
    }
}
