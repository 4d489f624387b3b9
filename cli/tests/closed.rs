//! Nobody has to read to the end what a command says, and a full disk is told, not panicked about.

use std::{
    fs::OpenOptions,
    process::{Command, Stdio},
};

const SET: [&str; 3] = ["policy", "test", "--policies"];

fn warden(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warden"));
    command.args(arguments);
    command
}

#[test]
fn whoever_reads_may_stop_and_the_status_stays() {
    for (arguments, status) in [([SET.as_slice(), &["tests/policies/good"]].concat(), 1), (vec!["completions", "bash"], 0)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = warden(&arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(status), ""), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("SKIPPED: there is no /dev/full here");
        return;
    };
    for arguments in [["policy", "schema"], ["completions", "bash"]] {
        let done = warden(&arguments).stdout(full.try_clone().unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(3), "{said}");
        assert!(said.starts_with("warden: standard output: ") && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn nobody_has_to_read_complaints() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = warden(&["history"]).env("AWS_REGION", "us-east-1").stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
