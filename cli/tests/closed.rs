//! Output that cannot be written: a closed pipe, a full disk.

use std::{
    fs::OpenOptions,
    process::{Command, Stdio},
};

const TEST: [&str; 4] = ["policy", "test", "--policies", "tests/policies/good"];

fn warden(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warden"));
    command.args(arguments);
    command
}

#[test]
fn closed_stdout_keeps_the_exit_status() {
    for (arguments, status) in [(TEST.as_slice(), 1), (&["completions", "bash"], 0)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let done = warden(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(status), ""), "{arguments:?}");
    }
}

#[test]
fn full_disk_is_an_error() {
    let Ok(full) = OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("SKIPPED: there is no /dev/full here");
        return;
    };
    for arguments in [["policy", "schema"], ["completions", "bash"]] {
        let done = warden(&arguments).stdout(full.try_clone().unwrap()).output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(3), "{errors}");
        assert!(errors.starts_with("warden: standard output: ") && errors.lines().count() == 1, "{errors}");
    }
}

#[test]
fn closed_stderr_keeps_the_exit_status() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = warden(&["history"]).env("AWS_REGION", "us-east-1").stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
