//! `local`: a stand-in for AWS PrivateLink, on a loopback address.

use std::{net::SocketAddr, process::ExitCode};

use jiff::SignedDuration;
use local::{
    load::WorldFile,
    server::{Local, Options, serve},
};
use tokio::{net::TcpListener, signal::unix};

const HELP: &str = "local: a stand-in for AWS PrivateLink in front of an AWS emulator

  --listen 127.0.0.1:4566            the address to serve on; loopback only
  --emulator http://127.0.0.1:4567   the emulator that answers all other calls
  --region us-east-1                 the first Region; others are empty until they are used
  --settle-ms 500                    the time from pending to available
  --forget-ms 60000                  the time from deleted until lists no longer have the connection; AWS does not document it
  --page-size 1000                   the largest page of a describe call
  --attachment-connections attachment   attachment, endpoint or zones: what connects an attachment, which AWS does not document
  --notification-body json           json, text or bare: AWS does not document the body
  --organization-callers ACCOUNT,…   the accounts that may call DescribeAccount; by default any
  --load FILE                        the services and connections that exist from the start; local/src/load.rs has the format
  --forward-events-to ACCOUNT=BUS    the event bus that receives the consumers' CloudTrail events
  --control                          serves routes under /_local that inject faults (tests/e2e/README.md lists them)
";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(Some(parsed)) => parsed,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("local: {why}; see local --help");
            return ExitCode::from(2);
        }
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("local: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The command line.
struct Arguments {
    listen: SocketAddr,
    options: Options,
    file: Option<WorldFile>,
}

/// Returns `None` for `--help`.
fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut arguments = Arguments { listen: SocketAddr::from(([127, 0, 0, 1], 4566)), options: Options::default(), file: None };
    while let Some(name) = args.next() {
        match name.as_str() {
            "--help" | "-h" => return Ok(None),
            "--control" => arguments.options.control = true,
            _ => {
                let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
                set(&name, value, &mut arguments)?;
            }
        }
    }
    if arguments.listen.ip().is_loopback() {
        Ok(Some(arguments))
    } else {
        Err(format!("{} is not a loopback address, and the stand-in does not authenticate callers", arguments.listen))
    }
}

fn set(name: &str, value: String, arguments: &mut Arguments) -> Result<(), String> {
    let options = &mut arguments.options;
    let bad = |what: &str| format!("{name} {value}: expected {what}");
    match name {
        "--listen" => arguments.listen = value.parse().map_err(|_| bad("an address such as 127.0.0.1:4566"))?,
        "--emulator" => options.emulator = value,
        "--region" => options.region = value,
        "--settle-ms" => options.settle = SignedDuration::from_millis(value.parse().map_err(|_| bad("milliseconds"))?),
        "--forget-ms" => options.forget_after = SignedDuration::from_millis(value.parse().map_err(|_| bad("milliseconds"))?),
        "--page-size" => options.page_size_max = value.parse().ok().filter(|size| *size > 0).ok_or_else(|| bad("a number above 0"))?,
        "--attachment-connections" => options.attachment_connections = value.parse()?,
        "--notification-body" => options.notification_body = value.parse()?,
        "--organization-callers" => options.organization_callers = Some(value.split(',').map(str::to_owned).collect()),
        "--load" => arguments.file = Some(read(&value)?),
        "--forward-events-to" => options.forward_events_to = Some(value.parse()?),
        _ => return Err(format!("unknown option {name}")),
    }
    Ok(())
}

fn read(path: &str) -> Result<WorldFile, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    WorldFile::parse(&text).map_err(|why| format!("{path}: {why}"))
}

/// Serves until Ctrl-C or SIGTERM.
async fn run(Arguments { listen, options, file }: Arguments) -> Result<(), String> {
    let cannot_listen = |error| format!("cannot listen on {listen}: {error}; pass --listen 127.0.0.1:PORT for another port");
    let listener = TcpListener::bind(listen).await.map_err(cannot_listen)?;
    println!("local: PrivateLink at http://{listen}, all other calls forwarded to {}", options.emulator);
    let control = options.control;
    let local = Local::new(options);
    file.map_or(Ok(()), |file| file.load(&mut local.regions()))?;
    tokio::select! {
        served = serve(listener, local, control) => served.map_err(|error| error.to_string()),
        () = stopped() => Ok(()),
    }
}

async fn stopped() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (unix::signal(unix::SignalKind::interrupt()), unix::signal(unix::SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
