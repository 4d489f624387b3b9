//! `--stack`, with a local server that plays CloudFormation, and answers any other call as a web server does.

#![expect(clippy::unwrap_used, reason = "a test ends at the first error")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::Command,
    sync::mpsc::{Receiver, channel},
    thread,
};

const OUTPUTS: [(&str, &str); 11] = [
    ("LedgerName", "warden-Ledger-1"),
    ("ConnectionsTopicArn", "arn:aws:sns:us-east-1:111122223333:warden-connections"),
    ("OwnersTopicArn", "arn:aws:sns:us-east-1:111122223333:warden-owners"),
    ("ApproveFunction", "warden-Approve"),
    ("NotifyFunction", "warden-Notify"),
    ("AuditFunction", "warden-Audit"),
    ("RequestsUrl", "https://sqs.us-east-1.amazonaws.com/111122223333/requests"),
    ("DeadLettersUrl", "https://sqs.us-east-1.amazonaws.com/111122223333/dead-letters"),
    ("AuditFailuresUrl", "https://sqs.us-east-1.amazonaws.com/111122223333/audit-failures"),
    ("UntoldRecordsUrl", "https://sqs.us-east-1.amazonaws.com/111122223333/untold"),
    ("ForwardedEventsBusArn", "arn:aws:events:us-east-1:111122223333:event-bus/warden"),
];
const PARAMETERS: [(&str, &str); 11] = [
    ("ServiceScope", "all"),
    ("Mode", "observe"),
    ("PolicyUri", "s3://sets/in-force.json"),
    ("OrganizationAccess", "none"),
    ("OverdueMinutes", "15"),
    ("WaitingHours", "24"),
    ("ExpiringDays", "14"),
    ("UnusedDays", "90"),
    ("LedgerRetentionDays", "400"),
    ("Architecture", "arm64"),
    ("ForwarderOrganizationId", ""),
];

fn described() -> String {
    let members = |kind: &str, pairs: &[(&str, &str)]| -> String {
        let member =
            |(key, value): &(&str, &str)| format!("<member><{kind}Key>{key}</{kind}Key><{kind}Value>{value}</{kind}Value></member>");
        pairs.iter().map(member).collect()
    };
    let (outputs, parameters) = (members("Output", &OUTPUTS), members("Parameter", &PARAMETERS));
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks><member>\
         <StackName>warden</StackName><CreationTime>2026-06-01T00:00:00Z</CreationTime><StackStatus>UPDATE_COMPLETE</StackStatus>\
         <Outputs>{outputs}</Outputs><Parameters>{parameters}</Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
    )
}

/// Serves while the test runs. Returns the URL, and each request as its first line and its body.
fn serve() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while stream.read_line(&mut head).unwrap() > 2 {
                let line = head.lines().last().unwrap_or_default().to_lowercase();
                length = line.strip_prefix("content-length:").map_or(length, |length| length.trim().parse().unwrap());
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let (kind, answer) = match (body.contains("StackName=warden"), body.contains("StackName=packaged")) {
                (true, _) => ("text/xml", described()),
                (_, true) => ("text/xml", described().replace("s3://sets/in-force.json", "")),
                _ => ("text/html", "<html>It works!</html>".to_owned()),
            };
            send.send(format!("{} {body}", head.lines().next().unwrap_or_default())).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
            stream.get_mut().write_all(format!("{head}{answer}").as_bytes()).unwrap();
        }
    });
    (url, receive)
}

fn warden(arguments: &[&str]) -> (i32, String, Vec<String>) {
    let (url, asked) = serve();
    let mut command = Command::new(env!("CARGO_BIN_EXE_warden"));
    command.args(arguments).args(["--endpoint-url", &url, "--region", "us-east-1"]).env_remove("AWS_PROFILE");
    command.env("AWS_ACCESS_KEY_ID", "111122223333").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_EC2_METADATA_DISABLED", "true");
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text, asked.try_iter().collect())
}

#[test]
fn stack_names_the_ledger_and_the_policy_set() {
    let (_, text, asked) = warden(&["--stack", "warden", "history"]);
    assert!(asked.iter().any(|call| call.contains("\"TableName\":\"warden-Ledger-1\"")), "{text}\n{asked:?}");
    let (_, text, asked) = warden(&["--stack", "warden", "replay"]);
    assert!(asked.iter().any(|call| call.contains("GET /sets/in-force.json")), "{text}\n{asked:?}");
    let (_, text, asked) = warden(&["--stack", "warden", "history", "--ledger", "another"]);
    assert!(asked.iter().any(|call| call.contains("\"TableName\":\"another\"")), "{text}\n{asked:?}");
}

#[test]
fn directory_is_noted_if_the_set_is_packaged() {
    let note = "the policy set of stack `packaged` is in its package, and this reads the directory `policies`";
    let (_, text, _) = warden(&["--stack", "packaged", "replay"]);
    assert!(text.contains(note), "{text}");
    let (_, text, _) = warden(&["--stack", "packaged", "replay", "--policies", "tests/policies/good"]);
    assert!(!text.contains("note:"), "{text}");
}

#[test]
fn other_server_is_named_as_such() {
    for arguments in [&["history", "--ledger", "any"][..], &["plan", "--policies", "tests/policies/good"]] {
        let (status, text, _) = warden(arguments);
        assert_eq!(status, 3, "{text}");
        assert!(text.contains("HTTP 200 with text/html, which is no answer of AWS. Another server or a proxy answered"), "{text}");
        assert!(!text.contains("not reached"), "{text}");
    }
}

#[test]
fn closed_port_is_not_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut command = Command::new(env!("CARGO_BIN_EXE_warden"));
    command.args(["history", "--ledger", "any", "--endpoint-url", &url, "--region", "us-east-1"]).env_remove("AWS_PROFILE");
    command.env("AWS_ACCESS_KEY_ID", "111122223333").env("AWS_SECRET_ACCESS_KEY", "test");
    let text = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(text.contains("Connection refused") && text.contains("AWS was not reached"), "{text}");
}

#[test]
fn principals_need_the_scope_of_the_stack() {
    let (status, text, asked) = warden(&["principals", "--apply", "--yes", "--ledger", "any", "--policies", "tests/policies/good"]);
    assert_eq!((status, asked.len()), (2, 0), "{text}");
    assert!(text.contains("--apply needs the scope and the policy set of the stack"), "{text}");
}
